"""Reads the current stack's settings, and says everything that is wrong with them at once."""

import json
from collections.abc import Mapping, Sequence
from typing import Self

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import model_validator

from config.model import (
    CALLED_SO,
    ENVIRONMENTS,
    HOLDS_SECRETS,
    REGION,
    STACK,
    STACK_NAME,
    PipelineConfig,
)
from config.rules import rules
from config.stack_file import ALARM_ADDRESS, SETTINGS, with_alarm_address
from config.violations import SECRET, BrokenRulesError, Violation, check, printable

SETTINGS_KEY = "settings"


ONLY_SECRETS = "Of these settings, only endpoints of subscriptions and slack_webhooks may be secrets."


_CALLED = "one with the rules of prod or staging is called so, or begins with that name and a hyphen"


class ConfigError(pulumi.RunError):
    """The stack file says something that is not allowed; the message lists all of it."""


class _Checked(PipelineConfig):
    """The settings, refused where a rule between them is broken."""

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if violations := tuple(rules(self)):
            raise BrokenRulesError(violations)
        return self


def load() -> PipelineConfig:
    """Read and check the current stack's settings.

    Raises:
        ConfigError: with every violation at once: key, value, what is allowed, and the stack file's name.

    """
    source = pulumi.Config("data-pipeline")
    secret = pulumi.runtime.is_config_secret(source.full_key(SETTINGS_KEY))
    stack = pulumi.get_stack()
    secret = secret or pulumi.runtime.is_config_secret(ALARM_ADDRESS)
    given = with_alarm_address(_json(source.get(SETTINGS_KEY)), source.get(ALARM_ADDRESS.partition(":")[2]))
    region = pulumi.Config("aws").get("region")
    return parse(given, f"Pulumi.{stack}.yaml", stack=stack, region=region, secret=secret, beside=_beside(source))


def _beside(source: pulumi.Config) -> list[str]:
    """Find what else stands under the project's name: nobody reads it, so it is a mistake."""
    # As Pulumi looks a key up: what was set, and what the CLI hands over.
    known = {*CONFIG.get(), *get_config_env()}
    # A project may be called otherwise: what `pulumi config set` takes for its own is read by nobody either.
    spaces = tuple(f"{space}:" for space in (source.name, pulumi.get_project()) if space not in ("aws", "pulumi"))
    return sorted(key for key in known if key.startswith(spaces) and key not in (SETTINGS, ALARM_ADDRESS))


def parse(
    raw: object,
    stack_file: str,
    *,
    stack: str = "",
    region: str | None = None,
    secret: bool = False,
    beside: Sequence[str] = (),
) -> PipelineConfig:
    """Check `raw`, the value of ``data-pipeline:settings``; if one of its values is `secret`, none is ever shown.

    The `stack` is called like its environment where it has the rules of prod or staging, and never else.
    What stands `beside` the settings under the project's name is refused, and what is not in the `region`.

    Raises:
        ConfigError: with every violation at once.

    """

    strangers = [
        f"  {printable(key)}: allowed is data-pipeline:settings only, under which everything stands" for key in beside
    ]

    def shown(value: object) -> str:
        return SECRET if secret else repr(value)

    if not isinstance(raw, Mapping):
        head = f"{stack_file}: data-pipeline:settings = {shown(raw)} is not a mapping. "
        raise ConfigError("\n".join([f"{head}Write at least 'environment: dev' under it.", *strangers]))
    own, wrong = environments_of(stack), []
    if stack and not STACK_NAME.fullmatch(stack):
        strangers.append(
            f"  the stack's name {printable(stack)}: allowed are up to 40 small letters, digits and single hyphens, "
            "a letter first; physical names are made of it"
        )
    if raw.get("environment") in ENVIRONMENTS and raw["environment"] not in own:
        allowed = f"{' or '.join(map(repr, own))}, as the stack is called {printable(stack)!r}: {_CALLED}"
        wrong.append(Violation(key="environment", value=raw["environment"], allowed=allowed))
        raw = {**raw, "environment": own[0]}
    # The rules of the environment that the name allows stand in where nobody knows which it is.
    found, checked = check(
        _Checked, raw, {"environment": own[0]}, {HOLDS_SECRETS: secret, REGION: region, STACK: stack}
    )
    violations = [*wrong, *found]
    if checked is None or violations or strangers:
        lines = [*strangers]
        lines += [f"  {printable(v.key)} = {shown(v.value)}: allowed is {v.rule(secret=secret)}" for v in violations]
        head = f"{stack_file}: {len(lines)} of data-pipeline:settings cannot be used:"
        if secret:
            lines.append(f"No value is shown, since one of them is a secret. {ONLY_SECRETS}")
        raise ConfigError("\n".join([head, *lines]))
    return checked


def environments_of(stack: str) -> tuple[str, ...]:
    """Say whose rules a stack may keep, by its name; the first stands in for one that is wrong."""
    for environment in CALLED_SO:
        if stack == environment or stack.startswith(f"{environment}-"):
            return (environment,)
    if stack in ENVIRONMENTS:
        return (stack,)
    free = tuple(sorted(set(ENVIRONMENTS) - set(CALLED_SO)))
    return free if stack else (*free, *CALLED_SO)


def _json(text: str | None) -> object:
    """Parse what Pulumi hands on; text that is no JSON is what it is."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
