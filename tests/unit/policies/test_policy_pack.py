"""The policy pack's validators, called as Pulumi calls them, refuse what the rules refuse, and nothing else."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_policy import PolicyResource, StackValidationArgs, StackValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyProviderResource, PolicyResourceOptions
from pulumi_policy.policy import _NotApplicableError as NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from components.waivers import WAIVERS
from policies.model import Program, unwaived
from policies.rules import RULES
from policy_pack.adapter import NOT_TOLD, policies
from tests.unit.policies.changes import BAD, GOOD, Bad
from tests.unit.policies.programs import program
from tests.unit.policies.test_rules import BY_ID, the

ROOT = Path(__file__).parents[3]
TYPES = {"providers.aws": "pulumi:providers:aws"}


@functools.cache
def pack() -> dict[str, StackValidationPolicy]:
    return {policy.name: policy for policy in policies() if isinstance(policy, StackValidationPolicy)}


def as_told(declared: Program, unknown: Iterable[tuple[str, str]] = ()) -> StackValidationArgs:
    """What the engine would tell of a program; `unknown` are types and properties that it does not know yet."""
    options = PolicyResourceOptions(
        protect=False, ignore_changes=[], delete_before_replace=None, aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0), additional_secret_outputs=[],
    )  # fmt: skip
    told = []
    for one in declared.resources:
        # What the recording gives out repeats what was asked for, also after a test has changed that.
        asked = {name for each in program("prod").of(one.type) if each.name == one.name for name in each.inputs}
        props: dict[str, Any] = {name: each for name, each in one.outputs.items() if name not in asked} | dict(
            one.inputs
        )
        for type_, name in unknown:
            if type_ == one.type and name in props:
                props[name] = UNKNOWN_STRING_VALUE
        own = PolicyResourceOptions(**{**vars(options), "protect": one.protect})
        provider = PolicyProviderResource("pulumi:providers:aws", {}, one.provider, "aws") if one.provider else None
        service, _, kind = one.type.partition(".")
        type_ = TYPES.get(one.type, f"aws:{service}/{kind[0].lower()}{kind[1:]}:{kind}")
        told.append(
            PolicyResource(type_, unknown_checking_proxy(props), f"urn:{one.type}:{one.name}", one.name, own,
                           provider, None, [], {})
        )  # fmt: skip
    return StackValidationArgs(told)


def reported(rule: str, args: StackValidationArgs) -> set[tuple[str, str]]:
    """Messages and URNs that a policy reports; none where it says that it cannot tell."""
    found: set[tuple[str, str]] = set()

    def report(message: str, urn: str | None = None) -> None:
        found.add((message, urn or ""))

    try:
        pack()[rule].validate(args, report)
    except NotApplicableError:
        assert rule in NOT_TOLD
    return found


def refused(rule: str, declared: Program) -> set[str]:
    return {str(finding) for finding in unwaived(BY_ID[rule].findings(declared), WAIVERS)}


def test_each_rule_is_a_policy() -> None:
    assert list(pack()) == [rule.id for rule in RULES]
    for rule in RULES:
        policy = pack()[rule.id]
        assert policy.description == rule.reason
        assert rule.allowed in str(policy.remediation_steps)
        assert policy.severity is not None
        assert policy.severity.value == rule.severity


@pytest.mark.parametrize(
    "bad", [bad for bad in BAD if bad.rule not in NOT_TOLD], ids=lambda bad: f"{bad.rule} {bad.name}"
)
def test_a_policy_reports_what_its_rule_refuses(bad: Bad) -> None:
    prod = program("prod")
    worse = bad.change(prod, the(prod, bad.type, bad.name))
    found = reported(bad.rule, as_told(worse))
    assert {message for message, _ in found} == refused(bad.rule, worse)
    if bad.rule not in GOOD and refused(bad.rule, worse) != refused(bad.rule, prod):
        assert found
    for message, urn in found:
        assert urn.endswith(f":{message.split(' ')[1].removesuffix(':')}")


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
def test_what_is_declared_is_not_reported(stack: str) -> None:
    told = as_told(program(stack))
    assert {rule.id: found for rule in RULES if (found := reported(rule.id, told))} == {}


def test_what_is_not_known_in_a_preview_is_not_reported_before_it_is() -> None:
    """Documents of policies hold ARNs that a first preview does not know."""
    documents = [("s3.BucketPolicy", "policy"), ("sqs.QueuePolicy", "policy"), ("iam.RolePolicy", "policy")]
    prod = program("prod")
    told = as_told(prod, documents)
    assert {rule.id: found for rule in RULES if (found := reported(rule.id, told))} == {}
    [bad, *_] = [bad for bad in BAD if bad.type == "iam.RolePolicy"]
    worse = bad.change(prod, the(prod, bad.type, bad.name))
    assert reported(bad.rule, as_told(worse, documents)) == set()
    assert reported(bad.rule, as_told(worse))


def test_the_pack_is_started_with_the_projects_interpreter() -> None:
    project = yaml.safe_load((ROOT / "policy_pack" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": "../.venv"}}
    assert (ROOT / "policy_pack" / "__main__.py").exists()
