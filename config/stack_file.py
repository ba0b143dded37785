"""Reads stack files: refuses what the Pulumi CLI and the program could not use, and opens what is encrypted."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from config import plain_yaml
from config.violations import SECRET, printable

SETTINGS = "data-pipeline:settings"
ALARM_ADDRESS = "data-pipeline:alarm_address"
"""What `pulumi new` asks for, as it can only ask for texts: one more e-mail address among the alarm_subscriptions."""
NEEDED = f"write at least aws:region and {SETTINGS} there"
REGION = r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}"
"""What a region looks like; AWS has new ones every year."""

# As the program would accept them: it checks an endpoint by its protocol.
_ENDPOINTS = {
    "email": "secret@example.com",
    "email-json": "secret@example.com",
    "https": "https://example.com/secret",
    "sqs": "arn:aws:sqs:eu-central-1:111122223333:secret",
    "lambda": "arn:aws:lambda:eu-central-1:111122223333:function:secret",
}


_WEBHOOK = "https://hooks.slack.com/services/secret"


class StackFileError(Exception):
    """A stack file that cannot be used; the message names the file, and each key with what is allowed."""


def read(stack: str, root: Path) -> dict[str, Any]:
    """Read the `config` of `Pulumi.<stack>.yaml`; what its settings say is for config/model.py to check.

    Raises:
        StackFileError: there is none, it is no YAML, or it lacks what every stack needs; lists all of it.
    """
    config = unchecked(stack, root)
    if problems := list(_problems(config)):
        raise StackFileError(
            "\n".join([f"Pulumi.{stack}.yaml cannot be used:", *(f"  {printable(line)}" for line in problems)])
        )
    address = config.pop(ALARM_ADDRESS, None)
    return {**config, SETTINGS: with_alarm_address(config.get(SETTINGS), address)} if address else config


def with_alarm_address(settings: Any, address: Any) -> Any:
    """Add an address to those that alarms are sent to; settings that cannot take one are refused for that."""
    monitoring = (settings.get("monitoring") or {}) if isinstance(settings, Mapping) else None
    if not address or not isinstance(monitoring, Mapping):
        return settings
    known = monitoring.get("alarm_subscriptions") or []
    if not isinstance(known, list | tuple):
        return settings
    added = [*known, {"protocol": "email", "endpoint": address}]
    return {**settings, "monitoring": {**monitoring, "alarm_subscriptions": added}}


def environments(stack: str, root: Path) -> list[str]:
    """Name the environments of Pulumi ESC that a stack file imports; only the Pulumi CLI reads them.

    Raises:
        StackFileError: there is no such file, or it is no plain YAML.
    """
    imported = _content(stack, root).get("environment") or []
    if isinstance(imported, Mapping):
        imported = imported.get("imports") or ["(written in the stack file)"]
    names = imported if isinstance(imported, list) else [imported]
    return [next(iter(map(str, name))) if isinstance(name, Mapping) else str(name) for name in names]


def unchecked(stack: str, root: Path) -> dict[str, Any]:
    """Read the `config` of `Pulumi.<stack>.yaml`, whatever is in it: another revision may need something else.

    Raises:
        StackFileError: there is none, or it is no plain YAML with a `config`.
    """
    file, needed = root / f"Pulumi.{stack}.yaml", NEEDED
    content = _content(stack, root)
    config = content.get("config")
    if not isinstance(config, Mapping):
        found = "is missing or empty" if config is None else f"is a {type(config).__name__}, not a mapping"
        raise StackFileError(f"{file.name}: config {found}; {needed}")
    return {str(key): value for key, value in config.items()}


def _content(stack: str, root: Path) -> Mapping[str, Any]:
    file = root / f"Pulumi.{stack}.yaml"
    try:
        content = plain_yaml.load(file.read_text(encoding="utf-8"), aliases=True)
    except FileNotFoundError as error:
        raise StackFileError(f"there is no {file.name}; write one, with at least aws:region and {SETTINGS}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StackFileError(f"{file.name}: not readable as YAML in UTF-8: {_where(error)}") from None
    if not isinstance(content, Mapping):
        found = "it is empty" if content is None else f"{type(content).__name__} at the top, not a mapping"
        raise StackFileError(f"{file.name}: {found}; write 'config:', and {NEEDED}")
    return content


def _where(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """Say what is wrong and where; the line itself may hold what nobody should read."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return type(error).__name__


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    region = config.get("aws:region")
    if not region or not isinstance(region, str):
        yield "aws:region: allowed is a region, like eu-central-1"
    elif not re.fullmatch(REGION, region):
        yield f"aws:region = {region!r}: allowed is a region, like eu-central-1"
    for key in config:
        if key not in (SETTINGS, ALARM_ADDRESS) and not key.startswith(("aws:", "pulumi:")):
            yield f"{key}: allowed are {SETTINGS}, under which everything stands, and keys of aws: and pulumi:"
    for path in _secrets(config):
        if not _may_be_secret(path):
            yield (
                f"{'.'.join(path)} = {SECRET}: allowed is a plain value: only endpoints of subscriptions, "
                "slack_webhooks, and keys of aws: but region and profile, may be secrets"
            )


def _secrets(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Find what Pulumi has encrypted, or looks like it."""
    if isinstance(value, Mapping) and "secure" in value:
        yield path
    elif isinstance(value, Mapping | list):
        for key, child in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _secrets(child, (*path, str(key)))


def _may_be_secret(path: tuple[str, ...]) -> bool:
    # Everything else is read without decrypting it: by previews, and to find the account and its region.
    if path[0].startswith("aws:"):
        return path[0] not in ("aws:region", "aws:profile")
    if len(path) == 4 and path[:3] == (SETTINGS, "monitoring", "slack_webhooks"):
        return True
    lists = ("alarm_subscriptions", "notification_subscriptions")
    return len(path) == 5 and path[:2] == (SETTINGS, "monitoring") and path[2] in lists and path[4] == "endpoint"


def opened(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Put stand-ins in the place of `secure:` values, and say which keys hold one.

    Pulumi hands an object to the program decrypted, and the whole object is secret if one value in it is.
    """
    plain = {key: _plain(value) for key, value in config.items()}
    return plain, [key for key, value in config.items() if plain[key] != value]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"secure"}:
            return SECRET
        plain = {key: _plain(inner) for key, inner in value.items()}
        if plain.get("endpoint") == SECRET:
            plain["endpoint"] = _ENDPOINTS.get(str(plain.get("protocol")), SECRET)
        if isinstance(webhooks := plain.get("slack_webhooks"), dict):
            plain["slack_webhooks"] = {
                name: _WEBHOOK if webhook == SECRET else webhook for name, webhook in webhooks.items()
            }
        return plain
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
