"""Contracts with channels, and the program that deploys them."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components import user_files
from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.provider import aws_provider
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, stack_config

ADA, HOOK = "ada@example.com", "https://hear.example.com/sns"
NOTIFY = {"customProperties": [{"property": "notify", "value": "critical"}]}
SUPPORT: dict[str, list[dict[str, Any]]] = {
    "airlines": [
        {"channel": ADA, "tool": "email"},
        {"channel": "#data-alerts", "tool": "slack"},
    ],
    "airports": [
        {"channel": "owners", "url": f"mailto:{ADA}", "scope": "notifications"},
        {"channel": "on call", "tool": "other", "url": HOOK, **NOTIFY},
        {"channel": "nowhere", "tool": "slack"},
    ],
}
WEBHOOKS = {"data-alerts": "https://hooks.slack.com/services/T0/B0/hunter2"}


def write_contracts(folder: Path, support: dict[str, list[dict[str, Any]]]) -> Path:
    """Copy the contracts, some of them with channels."""
    shutil.copytree(ROOT / "contracts", folder, ignore=shutil.ignore_patterns("compiler", "samples", "*.py"))
    for dataset, channels in support.items():
        file = folder / f"{dataset}.odcs.yaml"
        contract = yaml.safe_load(file.read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump({**contract, "support": channels}), encoding="utf-8")
    return folder


def program(contracts: Path) -> None:
    """Declare the pipeline with other contracts than the project's."""
    settings, _ = user_files.read_with_settings()
    files = user_files.read_folders(contracts, ROOT / "queries", settings)
    made = DataPipeline(
        "data-pipeline",
        DataPipelineArgs(settings=settings, files=files),
        pulumi.ResourceOptions(provider=aws_provider(settings)),
    )
    for name, value in made.outputs.items():
        pulumi.export(name, value)


def pipeline_with_people(
    tmp_path: Path, stack: str = "dev", monitoring: dict[str, Any] | None = None, **more: Any
) -> Cloud:
    """Record a stack whose contracts have channels, and whose settings have the webhooks of some."""
    config = stack_config(stack)
    settings = config["data-pipeline:settings"]
    secret = {name: {"secure": "v1:abc:def"} for name in WEBHOOKS}
    settings["monitoring"] = {
        **settings.get("monitoring", {}),
        **({"slack_webhooks": secret} if monitoring is None else monitoring),
    }
    for subscription in settings["monitoring"].get("alarm_subscriptions", []):
        subscription["name"] = "on-call"
    settings.update(more)
    contracts = write_contracts(tmp_path / "contracts", SUPPORT)
    return deploy(lambda: program(contracts), config=config, stack=stack)
