"""Every rule refuses a bad resource, and only for the reason that it is bad."""

import pytest

from policies.model import Finding, Program, Resource, Rule, Waiver, check, must, unused, unwaived
from policies.rules import RULES
from tests.unit.policies.changes import BAD, GOOD, Bad
from tests.unit.policies.programs import program

BY_ID = {rule.id: rule for rule in RULES}


def the(prod: Program, type_: str, name: str) -> Resource:
    found = [one for one in prod.of(type_) if not name or one.name == f"data-pipeline-{name}"]
    assert found, f"prod declares no {type_} {name}"
    return found[0]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.rule} {bad.type} {bad.name}")
def test_a_rule_passes_what_prod_declares_and_refuses_it_once_it_is_changed(bad: Bad) -> None:
    prod, rule = program("prod"), BY_ID[bad.rule]
    before = set(rule.findings(prod))
    refused = set(rule.findings(bad.change(prod, the(prod, bad.type, bad.name)))) - before
    assert refused, f"{bad.rule} does not see that it is bad"
    assert all(finding.wrong and finding.allowed == rule.allowed for finding in refused)


@pytest.mark.parametrize("rule", GOOD)
def test_what_is_waived_everywhere_has_a_good_example_too(rule: str) -> None:
    type_, change, name = GOOD[rule]
    prod = program("prod")
    assert name in {finding.resource for finding in BY_ID[rule].findings(prod)}, "the bad one is what prod declares"
    better = change(prod, prod.of(type_)[0])
    assert name not in {finding.resource for finding in BY_ID[rule].findings(better)}


def test_every_rule_has_an_example_that_it_refuses() -> None:
    assert len(RULES) >= 40
    assert {bad.rule for bad in BAD} | GOOD.keys() == BY_ID.keys()
    assert len(BY_ID) == len(RULES), "an id is there twice"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_why_and_what_is_allowed(rule: Rule) -> None:
    assert rule.reason.endswith(".")
    assert rule.allowed
    assert len(set(rule.types)) == len(rule.types) > 0


def _named(names: str, allowed: str = "a") -> list[Finding]:
    return [Finding(rule="X-01", resource=name, wrong=f"it says {name}", allowed=allowed) for name in names]


def test_a_waiver_covers_its_rule_its_resources_and_what_is_wrong_with_them_only() -> None:
    findings = _named("ab")
    waiver = Waiver(rule="X-01", resource="a", reason="r")
    assert unwaived(findings, [waiver]) == findings[1:]
    assert unwaived(findings, [Waiver(rule="X-02", resource="*", reason="r")]) == findings
    assert unwaived(findings, [Waiver(rule="X-01", resource="*", wrong="*says b", reason="r")]) == findings[:1]


def test_a_waiver_that_covers_nothing_is_found() -> None:
    used, stale = Waiver(rule="X-01", resource="a", reason="r"), Waiver(rule="X-01", resource="c", reason="r")
    assert unused([used, stale], _named("ab")) == [stale]


def test_a_finding_names_the_rule_the_resource_what_is_wrong_and_what_is_allowed() -> None:
    rule = Rule(
        id="X-01",
        severity="low",
        reason="R.",
        allowed="blue",
        types=("s3.Bucket",),
        wrong=lambda resource, _: must(resource.inputs["colour"] == "blue", f"it is {resource.inputs['colour']}"),
    )
    buckets = tuple(
        Resource(type="s3.Bucket", name=name, inputs={"colour": colour})
        for name, colour in (("a", "blue"), ("b", "red"))
    )
    found = check(Program(environment="dev", stack="dev", resources=buckets), [rule])
    assert [str(finding) for finding in found] == ["X-01 b: it is red; allowed is blue"]
