"""A preview says which named queries read what a change of a contract touches."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from ops.preview import markdown, text
from ops.preview.queries import touched
from ops.preview.report import Preview
from ops.preview.snapshot import Seen, Snapshot
from tests.unit.preview.seen import OBJECT, seen, snapshot

QUERY = "aws:athena/namedQuery:NamedQuery"


def contract(name: str, *, version: str = "1.0.0", **columns: str) -> Seen:
    document = {
        "dataset": name,
        "version": version,
        "columns": [{"name": column, "type": kind} for column, kind in columns.items()],
        "partition_by": [],
        "crawler": False,
    }
    return seen(OBJECT, f"contract-{name}", key=f"contracts/{name}.json", content=json.dumps(document))


def query(name: str, sql: str) -> Seen:
    return seen(QUERY, name, name=name, query=sql)


QUERIES = [
    query("late", "SELECT tail FROM flights WHERE delay > 10"),
    query("all_of_them", "SELECT * FROM flights"),
    query("count_them", "SELECT count(*) FROM flights f JOIN planes p ON p.tail = f.tail"),
    query("trinos_only", "SELECT approx_distinct(delay) FROM flights"),
    query("elsewhere", "SELECT x FROM other.flights"),
    query("planes_alone", "SELECT tail FROM planes"),
]
PLANES = contract("planes", tail="string")
BEFORE = contract("flights", tail="string", delay="int")


def lines(old: list[Seen], new: list[Seen]) -> list[str]:
    return list(touched(snapshot(*old), snapshot(*new)))


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (BEFORE, []),
        (
            contract("flights", tail="string", delay="bigint"),
            ["the contract of flights changes: read by all_of_them (delay), count_them, late (delay), trinos_only"],
        ),
        (
            contract("flights", tail="string", delay="int", gate="string"),
            ["the contract of flights changes: read by all_of_them (gate), count_them, late, trinos_only"],
        ),
        (
            contract("flights", version="1.1.0", tail="string", delay="int"),
            ["the contract of flights changes: read by all_of_them, count_them, late, trinos_only"],
        ),
    ],
)
def test_every_query_that_reads_a_changed_contract_is_named_with_the_columns(now: Seen, says: list[str]) -> None:
    assert lines([BEFORE, PLANES, *QUERIES], [now, PLANES, *QUERIES]) == says


def test_contracts_that_come_and_go_are_said() -> None:
    assert lines([PLANES], [BEFORE, *QUERIES]) == [
        "the contract of flights is new: read by all_of_them (delay, tail), count_them, late (delay, tail), "
        "trinos_only",
        "the contract of planes goes: read by count_them, planes_alone",
    ]
    assert lines([], [PLANES]) == ["the contract of planes is new: read by no named query"]


def test_what_is_no_contract_is_no_matter_here() -> None:
    broken = seen(OBJECT, "contract-x", key="contracts/x.json", content="no JSON")
    index = seen(OBJECT, "index", key="contracts/index.1.json", content='{"dataset": "index"}')
    assert lines([broken, PLANES], [index, PLANES]) == []


def written(made: Preview, format_: str) -> Any:
    if format_ == "json":
        return json.loads(made.to_json())["queries"]
    if format_ == "markdown":
        return markdown.write(made)
    out = io.StringIO()
    text.write(made, Console(file=out, width=200))
    return out.getvalue()


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_every_form_of_a_preview_says_it(format_: str) -> None:
    head: Snapshot = snapshot(PLANES)
    line = "the contract of planes changes: read by late (tail)"
    assert line in written(Preview(head=head, queries=(line,)), format_)
    assert line not in written(Preview(head=head), format_)
