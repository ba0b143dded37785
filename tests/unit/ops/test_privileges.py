"""What is granted is compared with what was done: a grant that nobody used is found, in every kind of stack."""

from typing import Any

import pytest

from recording.decisions import Decision
from recording.privileges import Grant, granted, used
from recording.unmeasured import IN_A_NETWORK, UNMEASURED
from tests.unit.infrastructure.cloud import pipeline, pipeline_in_network

ROLE = "arn:aws:sts::111122223333:assumed-role/data-pipeline-query-role-0a1b2c3/session"
TABLES = "arn:aws:s3:::data-pipeline-curated-0a1b2c3/tables/flights/a.parquet"


def done(**changes: Any) -> Decision:
    values = {"principal": ROLE, "action": "s3:GetObject", "resource": TABLES, "allowed": True, "via": "", **changes}
    fields = dict.fromkeys(Decision.__dataclass_fields__)
    return Decision(**{**fields, "reason": "", "deployer": False, "time": 0.0, **values})


@pytest.fixture(scope="module")
def grants() -> set[Grant]:
    return granted(pipeline("prod"))


def read_tables(grants: set[Grant]) -> set[Grant]:
    return {
        grant
        for grant in grants
        if grant.role == "query" and grant.action == "s3:GetObject" and "curated/tables/" in grant.resource
    }


def test_a_request_earns_the_grant_that_it_rests_on_and_no_other(grants: set[Grant]) -> None:
    assert len(read_tables(grants)) == 1
    assert used(grants, [done()]) == read_tables(grants)


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed": False},
        {"principal": ROLE.replace("query", "processing")},
        {"principal": "arn:aws:iam::111122223333:root"},
        {"action": "s3:PutObject"},
        {"resource": TABLES.replace("tables/", "staging/")},
    ],
)
def test_what_was_refused_or_done_elsewhere_earns_nothing(grants: set[Grant], changes: dict[str, Any]) -> None:
    assert read_tables(grants) & used(grants, [done(**changes)]) == set()


def test_every_grant_that_a_network_adds_is_listed_with_its_reason(grants: set[Grant]) -> None:
    added = granted(pipeline_in_network()) - grants
    assert len(added) > 40, "six functions, the job and the flow logs"
    known = (*IN_A_NETWORK, *UNMEASURED)
    assert sorted(str(grant) for grant in added if not any(listed.covers(grant) for listed in known)) == []
    for listed in IN_A_NETWORK:
        assert {grant.action for grant in added if listed.covers(grant)} == set(listed.actions), "not all are granted"
        assert len(listed.reason) > 20
