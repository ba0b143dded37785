"""Stacks share an account: dev, a person's, a pull request's. None may take, match or reach what is another's."""

import fnmatch
import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from config.load import ConfigError, parse
from config.model import PipelineConfig
from tests.unit.infrastructure.cloud import Cloud, DeclaredResource, deploy, main_program, stack_config

NAMES = ("name", "bucket", "dashboardName", "layerName", "alarmName")
"""Where a resource says what it is physically called; one that says nothing gets a random end from Pulumi."""
RANDOM_END = "-0a1b2c3"
"""What the recording makes up in the place of Pulumi's random end; on AWS it is another for each stack."""
INSIDE = ("glue.CatalogTable", "athena.NamedQuery", "lambda.Permission", "cloudwatch.EventTarget", "iam.RolePolicy")
"""What is called something within something else that is a stack's own."""


@functools.cache
def beside(stack: str) -> Cloud:
    return deploy(main_program, config=stack_config("dev"), stack=stack)


def named(cloud: Cloud) -> Iterator[tuple[str, str, DeclaredResource]]:
    for resource in cloud.aws():
        for key in NAMES:
            name = resource.inputs.get(key)
            if isinstance(name, str) and RANDOM_END not in name:
                yield resource.type, name, resource


def own_arns(cloud: Cloud, type_: str = "") -> set[str]:
    """ARNs of what has a name of its own: those with random ends cannot be another stack's."""
    arns = {r.outputs["arn"] for type_, _, r in named(cloud) if not within(type_)}
    return {arn for arn in arns if RANDOM_END not in arn}


def within(type_: str) -> bool:
    return any(type_.split(":")[1].split("/")[0] + "." + type_.split(":")[2] == one for one in INSIDE)


@pytest.mark.parametrize("other", ["feature-x", "dev-x", "de"])
def test_two_stacks_share_no_physical_name(other: str) -> None:
    first = {(type_, name) for type_, name, _ in named(beside("dev")) if not within(type_)}
    second = {(type_, name) for type_, name, _ in named(beside(other)) if not within(type_)}
    assert len(first) > 60, "a program without names proves nothing"
    assert first & second == set()
    assert own_arns(beside("dev")) & own_arns(beside(other)) == set()


@pytest.mark.parametrize(("mine", "other"), [("dev", "dev-x"), ("dev-x", "dev"), ("dev", "feature-x")])
def test_no_policy_of_one_stack_reaches_what_is_named_by_another(mine: str, other: str) -> None:
    theirs = own_arns(beside(other))
    patterns = {
        pattern
        for _, _, document in beside(mine).documents()
        for statement in document["Statement"]
        for pattern in listed(statement.get("Resource", []))
        if pattern != "*"
    }
    assert any("*" in pattern for pattern in patterns), "policies without patterns prove nothing"
    reached = {(pattern, arn) for pattern in patterns for arn in theirs if fnmatch.fnmatchcase(arn, pattern)}
    assert reached == set()


def test_no_rule_of_one_stack_hears_events_of_another() -> None:
    text = json.dumps([rule.inputs.get("eventPattern") or "" for rule in beside("dev").of("cloudwatch.EventRule")])
    assert "data-pipeline-dev_" in text
    prefixes = [
        prefix["prefix"]
        for rule in beside("dev").of("cloudwatch.EventRule")
        if rule.inputs.get("eventPattern")
        for values in json.loads(rule.inputs["eventPattern"]).get("detail", {}).values()
        for prefix in (values if isinstance(values, list) else [])
        if isinstance(prefix, dict) and "prefix" in prefix
    ]
    assert prefixes, "a program without patterns proves nothing"
    names = [name for _, name, _ in named(beside("dev-x"))]
    assert [(p, name) for p in prefixes for name in names if name.startswith(p)] == []


@pytest.mark.parametrize(
    ("stack", "environment", "allowed"),
    [
        ("prod", "prod", True),
        ("prod-eu", "prod", True),
        ("production", "prod", False),
        ("eu-prod", "prod", False),
        ("prod-eu", "dev", False),
        ("prod", "dev", False),
        ("staging", "staging", True),
        ("staging-2", "staging", True),
        ("staging-2", "dev", False),
        ("feature-x", "staging", False),
        ("feature-x", "dev", True),
        ("pr-123", "dev", True),
        ("dev", "dev", True),
        ("dev", "local", False),
        ("dev-x", "dev", True),
        ("local", "dev", False),
    ],
)
def test_a_stacks_name_tells_whose_rules_it_keeps(stack: str, environment: str, allowed: bool) -> None:
    settings = stack_config(environment)["data-pipeline:settings"]
    if allowed:
        assert parsed(settings, stack).stack == stack
        return
    with pytest.raises(ConfigError, match=rf"environment = '{environment}': allowed is .* called '{stack}'"):
        parsed(settings, stack)


@pytest.mark.parametrize("name", ["Dev", "dev_x", "dev.x", "dev--x", "-dev", "dev-", "1dev", "d" * 41])
def test_a_stack_whose_name_no_physical_name_can_be_made_of_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"the stack's name .*: allowed are up to 40 small letters"):
        parsed({"environment": "dev"}, name)


@pytest.mark.parametrize("name", ["d", "dev", "dev-x", "pr-1", "d" * 40])
def test_other_names_are_taken(name: str) -> None:
    assert parsed({"environment": "dev"}, name).stack == name


def parsed(settings: Any, stack: str) -> PipelineConfig:
    return parse(settings, f"Pulumi.{stack}.yaml", stack=stack)


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
