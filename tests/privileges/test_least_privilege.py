"""Every permission is earned: what the roles may do is compared with what the integration tests' runs did.

`make integration` keeps the decisions of its emulators and runs this last.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from recording.decisions import Decision, read_decisions
from recording.privileges import Grant, granted, used
from recording.program import main_program, record, stack_config, with_lineage
from recording.unmeasured import UNMEASURED


@pytest.fixture(scope="module")
def decisions() -> list[Decision]:
    folder = os.environ.get("PIPELINE_DECISIONS")
    if not folder:
        pytest.skip("no runs to look at: `make integration` keeps their decisions, and runs this after them")
    found = [decision for log in Path(folder).glob("*.jsonl") for decision in read_decisions(log)]
    assert len(found) > 10_000, f"{folder} has no decisions of the end-to-end and fault runs: run all of them"
    return found


@pytest.fixture(scope="module")
def grants() -> set[Grant]:
    found = granted(record(main_program, config=with_lineage(stack_config("local")), stack="local"))
    assert len(found) > 200
    return found


def test_every_granted_action_is_used_or_listed_with_its_reason(
    grants: set[Grant], decisions: list[Decision], capsys: pytest.CaptureFixture[str]
) -> None:
    done = used(grants, decisions)
    total, earned = Counter(grant.role for grant in grants), Counter(grant.role for grant in done)
    with capsys.disabled():
        print("\n\nrole              granted   used")
        for role in sorted(total):
            print(f"{role:<16}  {total[role]:>7}  {earned[role]:>5}  {earned[role] / total[role]:>4.0%}")
    unexplained = {grant for grant in grants - done if not any(listed.covers(grant) for listed in UNMEASURED)}
    assert sorted(map(str, unexplained)) == [], "take it away, or list it with its reason in recording/unmeasured.py"


def test_nothing_is_listed_that_is_used_or_not_granted(grants: set[Grant], decisions: list[Decision]) -> None:
    done = used(grants, decisions)
    for listed in UNMEASURED:
        covered = {grant for grant in grants if listed.covers(grant)}
        assert covered, f"{listed.roles} {listed.actions}: not granted"
        assert {action for grant in covered for action in [grant.action]} == set(listed.actions), "not all are granted"
        if not listed.sometimes:
            assert sorted(map(str, covered & done)) == [], f"{listed.roles} {listed.actions}: used, and so measured"
        assert len(listed.reason) > 20


def test_nothing_that_a_role_asked_for_was_refused_but_by_injected_faults(decisions: list[Decision]) -> None:
    refused = {(d.principal, d.action, d.resource) for d in decisions if not d.allowed and "injected" not in d.reason}
    assert refused == set()
