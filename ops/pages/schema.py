"""The JSON Schema of a stack file, from the types in config/model.py: editors complete and check the file with it."""

import json
from typing import Any

from config.model import PipelineConfig
from config.stack_file import REGION

STACK_FILE = "schemas/stack-config.schema.json"
# Drafts after it are not known to every editor; what pydantic writes says the same in this one.
DRAFT = "http://json-schema.org/draft-07/schema#"


def stack_file() -> str:
    """Write the schema."""
    return json.dumps(stack_schema(), indent=2) + "\n"


def stack_schema() -> dict[str, Any]:
    """Describe a stack file as Pulumi reads it: `config`, and how its secrets are encrypted."""
    settings = PipelineConfig.model_json_schema()
    definitions = settings.pop("$defs")
    endpoint = definitions["Subscription"]["properties"]["endpoint"]
    definitions["Subscription"]["properties"]["endpoint"] = _may_be_secret(endpoint)
    webhooks = definitions["MonitoringConfig"]["properties"]["slack_webhooks"]
    webhooks |= {
        "additionalProperties": False,
        "patternProperties": {name: _may_be_secret(value) for name, value in webhooks["patternProperties"].items()},
    }
    for section in settings["properties"].values():
        # An editor would write all of a section into the file, which shows only what differs.
        if isinstance(section.get("default"), dict):
            del section["default"]
    text = {"type": "string"}
    return {
        "$schema": DRAFT,
        "title": "A stack file of data-pipeline",
        "description": "What holds between settings, and in prod, is in config/rules.py; `make preview` checks it.",
        "type": "object",
        "required": ["config"],
        "additionalProperties": False,
        "properties": {
            "config": {
                "type": "object",
                "required": ["aws:region", "data-pipeline:settings"],
                "additionalProperties": False,
                "properties": {
                    "aws:region": {
                        **text,
                        "pattern": f"^{REGION}$",
                        "description": "The AWS region that the stack is deployed to.",
                    },
                    "data-pipeline:settings": settings,
                    "data-pipeline:alarm_address": {
                        **text,
                        "description": "An e-mail address that alarms are sent to, as pulumi new asks for one; more "
                        "of them, and other protocols, are monitoring.alarm_subscriptions.",
                    },
                },
                "patternProperties": {"^(aws|pulumi):": {"description": "Of the AWS provider, or of Pulumi itself."}},
            },
            "environment": {
                "description": "Environments of Pulumi ESC that the Pulumi CLI reads; previews without it do not.",
                "anyOf": [{"type": "array", "items": {"anyOf": [text, {"type": "object"}]}}, {"type": "object"}],
            },
            "secretsprovider": {**text, "description": "What encrypts the stack's secrets."},
            "encryptedkey": {**text, "description": "The key of the secrets, encrypted; Pulumi writes it."},
            "encryptionsalt": {**text, "description": "The salt of the passphrase; Pulumi writes it."},
        },
        "$defs": definitions,
    }


def _may_be_secret(value: dict[str, Any]) -> dict[str, Any]:
    """Take what `pulumi config set --secret --path` writes, too."""
    secret = {
        "type": "object",
        "required": ["secure"],
        "additionalProperties": False,
        "properties": {"secure": {"type": "string", "description": "Encrypted by Pulumi."}},
    }
    about: dict[str, Any] = {key: value.pop(key) for key in ("title", "description") if key in value}
    return {**about, "anyOf": [value, secret]}
