"""The rules over everything that every stack declares."""

import pytest

from components.waivers import WAIVERS
from policies.model import check, unused, unwaived
from policies.rules import RULES
from tests.unit.infrastructure.cloud import STACKS
from tests.unit.policies.programs import program, program_in_network

# What a stack may do without; a rule about it then proves nothing there.
OPTIONAL = {"cloudwatch.Dashboard", "sns.TopicSubscription", "cloudwatch.CompositeAlarm", "budgets.Budget"}


@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_declares_what_a_rule_refuses(stack: str) -> None:
    refused = unwaived(check(program(stack), RULES), WAIVERS)
    assert [str(finding) for finding in refused] == []


def test_a_network_of_ones_own_keeps_every_rule() -> None:
    assert [str(finding) for finding in unwaived(check(program_in_network(), RULES), WAIVERS)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_rule_has_looked_at_something(stack: str) -> None:
    looked_at = {rule.id: {type_: len(program(stack).of(type_)) for type_ in rule.types} for rule in RULES}
    idle = {
        (rule.id, type_)
        for rule in RULES
        if not rule.forbids
        for type_, count in looked_at[rule.id].items()
        if count == 0 and type_ not in OPTIONAL
    }
    assert idle == set(), "a rule about nothing proves nothing"
    assert len(program(stack).of("*")) > 150, "the program has more resources than that, or it did not run"


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_that_is_forbidden_goes_by_another_name(stack: str) -> None:
    kinds = {one.type for one in program(stack).of("*") if one.type.startswith("iam.")}
    assert kinds == {"iam.Role", "iam.RolePolicy"}


def test_every_waiver_is_needed_and_says_why() -> None:
    programs = [*map(program, STACKS), program_in_network()]
    findings = [finding for each in programs for finding in check(each, RULES)]
    assert unused(WAIVERS, findings) == [], "what it excused is gone: take the waiver away"
    assert [waiver for waiver in WAIVERS if len(waiver.reason) < 40] == []
    assert {waiver.rule for waiver in WAIVERS} <= {rule.id for rule in RULES}


def test_prod_has_a_resource_of_every_type_that_a_rule_is_about() -> None:
    types = {type_ for rule in RULES if not rule.forbids for type_ in rule.types} - {"*"}
    assert [type_ for type_ in sorted(types) if not program("prod").of(type_)] == []
