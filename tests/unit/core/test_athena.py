"""A query's answer, cost and end, as Athena's API says them."""

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from pipeline_core import athena
from pipeline_core.athena import Answer, Athena, QueryError, literal

HEADER_AND_TWO = [
    {"Data": [{"VarCharValue": "n"}, {"VarCharValue": "name"}]},
    {"Data": [{"VarCharValue": "1"}, {"VarCharValue": "one"}]},
    {"Data": [{"VarCharValue": "2"}, {}]},
]


class Service:
    """Athena, as far as it is asked: `states` are what a query is in, one after the other."""

    def __init__(self, *states: str, reason: str | None = None, scanned: int | None = 0, more: bool = False) -> None:
        self.states: Iterator[str] = itertools.chain(states, itertools.repeat(states[-1]))
        self.reason, self.scanned, self.more = reason, scanned, more
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def start_query_execution(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(("start", arguments))
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(("look", arguments))
        status = {"State": next(self.states), **({} if self.reason is None else {"StateChangeReason": self.reason})}
        statistics = {} if self.scanned is None else {"Statistics": {"DataScannedInBytes": self.scanned}}
        return {"QueryExecution": {"Status": status, **statistics}}

    def get_query_results(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(("results", arguments))
        columns = [{"Name": "n"}, {"Name": "name"}]
        results = {"Rows": HEADER_AND_TWO, "ResultSetMetadata": {"ColumnInfo": columns}}
        return {"ResultSet": results, **({"NextToken": "x"} if self.more else {})}

    def stop_query_execution(self, **arguments: Any) -> None:
        self.asked.append(("stop", arguments))


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.naps = 100.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(athena, "time", clock)
    return clock


def ask(monkeypatch: pytest.MonkeyPatch, service: Service, *parameters: str, timeout: float = 60) -> Answer:
    monkeypatch.setattr(boto3, "client", {"athena": service}.__getitem__)
    return Athena("the-workgroup", "the_database").run("SELECT ?", parameters, timeout)


def test_an_answer_has_its_columns_and_rows_without_the_header(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("QUEUED", "RUNNING", "SUCCEEDED", scanned=20_000_000)
    answer = ask(monkeypatch, service, "'2013'", "7")
    assert answer == Answer(
        query_id="q-1",
        columns=("n", "name"),
        rows=(("1", "one"), ("2", None)),
        truncated=False,
        scanned_bytes=20_000_000,
        cost_dollars=0.0001,
    )
    assert service.asked == [
        (
            "start",
            {
                "QueryString": "SELECT ?",
                "QueryExecutionContext": {"Database": "the_database"},
                "WorkGroup": "the-workgroup",
                "ExecutionParameters": ["'2013'", "7"],
            },
        ),
        *[("look", {"QueryExecutionId": "q-1"})] * 3,
        ("results", {"QueryExecutionId": "q-1", "MaxResults": 1_000}),
    ]


def test_a_query_without_parameters_names_none(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("SUCCEEDED")
    ask(monkeypatch, service)
    assert "ExecutionParameters" not in service.asked[0][1]


@pytest.mark.parametrize(
    ("scanned", "bytes_", "dollars"),
    [
        (None, 0, 0.00005),
        (0, 0, 0.00005),
        (9_999_999, 9_999_999, 0.00005),
        (10_000_000, 10_000_000, 0.00005),
        (123_456_789, 123_456_789, 0.000617284),
        (10**12, 10**12, 5.0),
    ],
)
def test_a_query_costs_what_it_scanned_ten_megabytes_at_least(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, scanned: int | None, bytes_: int, dollars: float
) -> None:
    answer = ask(monkeypatch, Service("SUCCEEDED", scanned=scanned))
    assert (answer.scanned_bytes, answer.cost_dollars) == (bytes_, dollars)


def test_that_there_are_more_rows_is_said_and_all_of_it_is_json(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, Service("SUCCEEDED", more=True)).to_document() == {
        "query_id": "q-1",
        "columns": ["n", "name"],
        "rows": [["1", "one"], ["2", None]],
        "truncated": True,
        "scanned_bytes": 0,
        "cost_dollars": 0.00005,
    }


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("FAILED", "SYNTAX_ERROR: line 1", "query q-1 failed: SYNTAX_ERROR: line 1"),
        ("FAILED", None, "query q-1 failed: no reason given"),
        ("CANCELLED", "by a person", "query q-1 cancelled: by a person"),
    ],
)
def test_a_query_that_fails_or_is_cancelled_says_why(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, state: str, reason: str | None, said: str
) -> None:
    service = Service("RUNNING", state, reason=reason)
    with pytest.raises(QueryError) as caught:
        ask(monkeypatch, service)
    assert str(caught.value) == said
    assert [name for name, _ in service.asked] == ["start", "look", "look"]


def test_it_is_looked_at_ever_less_often_and_stopped_when_its_time_is_over(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service("RUNNING")
    with pytest.raises(QueryError) as caught:
        ask(monkeypatch, service, timeout=10)
    assert str(caught.value) == "query q-1 was stopped: not finished after 10 seconds"
    assert service.asked[-1] == ("stop", {"QueryExecutionId": "q-1"})
    assert clock.naps[:3] == pytest.approx([0.05, 0.075, 0.1125])
    assert max(clock.naps) == 2.0
    assert 8 <= sum(clock.naps) <= 10


@pytest.mark.parametrize(("timeout", "naps"), [(0.04, 0), (0.05, 1), (0.06, 1)])
def test_no_sleep_goes_beyond_the_time(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, timeout: float, naps: int
) -> None:
    # Of a clock that begins at zero, no digit is lost.
    clock.now = 0.0
    with pytest.raises(QueryError, match="was stopped"):
        ask(monkeypatch, Service("RUNNING"), timeout=timeout)
    assert len(clock.naps) == naps


@pytest.mark.parametrize(
    ("value", "written"),
    [("it's", "'it''s'"), ("", "''"), (7, "7"), (-1.5, "-1.5"), (True, "true"), (False, "false"), (1e300, "1e+300")],
)
def test_a_parameter_is_written_as_a_literal_of_sql(value: Any, written: str) -> None:
    assert literal(value) == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None, [1], b"x"])
def test_a_parameter_that_has_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="allowed are text, finite numbers and booleans"):
        literal(value)


class Named:
    """Named queries, a few a page, and a page without any."""

    def get_paginator(self, operation: str) -> "Named":
        assert operation == "list_named_queries"
        return self

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        assert arguments == {"WorkGroup": "the-workgroup"}
        return [{"NamedQueryIds": ["1", "2"]}, {}, {"NamedQueryIds": ["3"]}]

    def batch_get_named_query(self, **arguments: Any) -> dict[str, Any]:
        ids = arguments["NamedQueryIds"]
        assert ids
        return {"NamedQueries": [{"Name": f"query-{one}", "QueryString": f"SELECT {one}"} for one in ids]}


def test_a_named_query_is_found_on_any_page_and_another_is_told_which_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boto3, "client", {"athena": Named()}.__getitem__)
    known = Athena("the-workgroup", "the_database")
    assert [known.named(f"query-{one}") for one in (1, 2, 3)] == ["SELECT 1", "SELECT 2", "SELECT 3"]
    with pytest.raises(QueryError) as caught:
        known.named("query-4")
    assert str(caught.value) == "no named query 'query-4'; there are: query-1, query-2, query-3"
