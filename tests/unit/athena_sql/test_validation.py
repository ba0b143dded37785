"""A named query is given to Trino's analyser with a value for each parameter, and keeps its lines."""

from typing import Any

import pytest

from components.catalog.queries import Query
from local.athena.answers import Answer, QueryFailedError
from local.athena.trino import client, validate


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT a\nFROM t\nWHERE b = ? AND c IN (?, ?)", "SELECT a\nFROM t\nWHERE b = NULL AND c IN (NULL, NULL)"),
        ("SELECT '?' AS \"?\" -- ?\nFROM t", "SELECT '?' AS \"?\" -- ?\nFROM t"),
        ("SELECT a FROM t OFFSET ? LIMIT ?", "SELECT a FROM t OFFSET 1 LIMIT 1"),
        ("SELECT ? AS ü, ?", "SELECT NULL AS ü, NULL"),
    ],
)
def test_question_marks_become_values_and_nothing_else_does(sql: str, asked: str) -> None:
    assert validate.with_values(sql) == asked


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (None, None),
        ("COLUMN_NOT_FOUND: line 4:8: Column 'x' cannot be resolved",
         "queries/late.sql:7: COLUMN_NOT_FOUND: Column 'x' cannot be resolved"),
        ("GENERIC_USER_ERROR: somewhere", "queries/late.sql:5: GENERIC_USER_ERROR: somewhere"),
    ],
)  # fmt: skip
def test_trinos_place_is_one_in_the_file(
    monkeypatch: pytest.MonkeyPatch, said: str | None, problem: str | None
) -> None:
    asked = []

    def ask(_: str, sql: str, **__: Any) -> Answer:
        asked.append(sql)
        if said is not None:
            raise QueryFailedError(said)
        return Answer()

    monkeypatch.setattr(client, "ask", ask)
    assert validate._problem("http://trino", "late", Query(description="x", sql="SELECT x;\n", line=5)) == problem
    assert asked == ["EXPLAIN (TYPE VALIDATE)\nSELECT x"]
