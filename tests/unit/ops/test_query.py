"""`data-pipeline query` asks Athena, or a Trino over an emulator, and prints what it answers."""

import json
import subprocess
from typing import Any

import boto3
import pytest
from pipeline_core.athena import QueryError
from typer.testing import Result

from ops import query
from ops.target import TargetError
from tests.unit.ops.conftest import Operator

DEPLOYED = query.Deployed(database="lake", workgroup="people")


class Athena:
    """Athena with one named query, whose answer has a header if it is a SELECT, in pages of two rows."""

    def __init__(self, rows: list[list[str | None]], state: str = "SUCCEEDED", kind: str = "DML") -> None:
        header: list[list[str | None]] = [["name", "n"]] if kind == "DML" else []
        self.rows, self.states, self.kind = [*header, *rows], ["RUNNING", state], kind
        self.started: dict[str, Any] = {}

    def get_paginator(self, operation: str) -> Any:
        pages = {"list_named_queries": self.names, "get_query_results": self.results}[operation]
        return type("Pages", (), {"paginate": staticmethod(lambda **given: pages(**given))})

    def names(self, **_: Any) -> list[dict[str, Any]]:
        return [{"NamedQueryIds": ["1"]}]

    def batch_get_named_query(self, **_: Any) -> dict[str, Any]:
        return {"NamedQueries": [{"Name": "late", "QueryString": "SELECT name, n FROM t WHERE a = ? AND b = ?"}]}

    def start_query_execution(self, **given: Any) -> dict[str, Any]:
        self.started = given
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        status = {"State": state, "StateChangeReason": "TYPE_MISMATCH: line 1:8: wrong"}
        return {
            "QueryExecution": {"Status": status, "StatementType": self.kind, "Statistics": {"DataScannedInBytes": 1234}}
        }

    def results(self, **_: Any) -> Any:
        info = {"ColumnInfo": [{"Name": "name", "Type": "varchar"}, {"Name": "n", "Type": "integer"}]}
        for start in range(0, max(1, len(self.rows)), 2):
            rows = [
                {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
                for row in self.rows[start : start + 2]
            ]
            yield {"ResultSet": {"ResultSetMetadata": info, "Rows": rows}}


def asked(monkeypatch: pytest.MonkeyPatch, athena: Athena, operator: Operator, *arguments: str) -> Result:
    original = boto3.client

    def client(service: Any, **options: Any) -> Any:
        return athena if service == "athena" else original(service, **options)

    monkeypatch.setattr("boto3.client", client)
    return operator.run("query", *arguments)


def test_a_named_query_gets_its_parameters_as_text(monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
    athena = Athena([["a", "1"], ["b", None], ["c", "3"]])
    result = asked(monkeypatch, athena, operator, "late", "2013", "it's")
    assert result.exit_code == 0, result.output
    assert athena.started["QueryString"].startswith("SELECT name, n FROM t")
    assert athena.started["ExecutionParameters"] == ["'2013'", "'it''s'"]
    assert (athena.started["WorkGroup"], athena.started["QueryExecutionContext"]) == ("primary", {"Database": "lake"})
    cells = [line.strip("│ ").split() for line in result.stdout.splitlines() if line.startswith("│")]
    assert [row[0] for row in cells] == ["a", "b", "c"]
    assert "3 rows, 1,234 bytes scanned." in result.stderr


def test_sql_gets_all_arguments_and_literals_are_sql(monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
    athena = Athena([["a", "1"]])
    sql = "SELECT name, n FROM t WHERE n = ? AND d = ?"
    result = asked(monkeypatch, athena, operator, "--sql", sql, "--literals", "--json", "7", "DATE '2013-01-01'")
    assert athena.started["QueryString"] == sql
    assert athena.started["ExecutionParameters"] == ["7", "DATE '2013-01-01'"]
    assert json.loads(result.stdout) == {
        "columns": ["name", "n"],
        "types": ["varchar", "integer"],
        "rows": [["a", "1"]],
        "more": False,
        "scanned_bytes": 1234,
    }


def test_what_has_no_header_loses_no_row(monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
    athena = Athena([["first", "1"], ["second", "2"]], kind="UTILITY")
    result = asked(monkeypatch, athena, operator, "--sql", "SHOW TABLES", "--json")
    assert [row[0] for row in json.loads(result.stdout)["rows"]] == ["first", "second"]


@pytest.mark.parametrize(("count", "more"), [(2, False), (3, False), (4, True), (9, True)])
def test_not_all_rows_of_a_long_answer_are_shown(
    monkeypatch: pytest.MonkeyPatch, operator: Operator, count: int, more: bool
) -> None:
    monkeypatch.setattr(query, "SHOWN_ROWS", 3)
    result = asked(monkeypatch, Athena([["r", str(n)] for n in range(count)]), operator, "--sql", "SELECT 1", "--json")
    found = json.loads(result.stdout)
    assert (len(found["rows"]), found["more"]) == (min(count, 3), more)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, operator: Operator, state: str) -> None:
    result = asked(monkeypatch, Athena([], state), operator, "--sql", "SELECT 1")
    assert str(result.exception) == f"query q1 {state.lower()}: TYPE_MISMATCH: line 1:8: wrong"


def test_an_unknown_query_is_named_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, operator: Operator
) -> None:
    assert str(asked(monkeypatch, Athena([]), operator, "nope").exception) == "no named query 'nope'; there are: late"


@pytest.mark.parametrize(
    "wrong", [[], ["late", "--check"], ["--check", "--sql", "SELECT 1"], ["--engine", "duckdb", "x"]]
)
def test_options_that_do_not_fit_are_refused(operator: Operator, wrong: list[str]) -> None:
    assert operator.run("query", *wrong).exit_code == 2


@pytest.mark.parametrize("endpoint", ["", "https://athena.us-east-1.amazonaws.com"])
def test_a_trino_is_started_over_an_emulator_only(
    monkeypatch: pytest.MonkeyPatch, operator: Operator, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(TargetError, match="--engine trino asks an emulator, whose address is AWS_ENDPOINT_URL"):
        query.answer(DEPLOYED, None, "SELECT 1", [], literals=False, engine=query.TRINO)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{"error": "TYPE_MISMATCH: line 1:8: wrong"}', "^TYPE_MISMATCH: line 1:8: wrong$"),
        ("", "one_query failed: no such module"),
    ],
)
def test_what_trino_refuses_is_said(monkeypatch: pytest.MonkeyPatch, written: str, says: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    done = subprocess.CompletedProcess([], 1, written, "no such module")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(QueryError, match=says):
        query.answer(DEPLOYED, None, "SELECT 1", [], literals=False, engine=query.TRINO)
