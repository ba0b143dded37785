"""Named queries: every one has a description and a name of its own."""

from pathlib import Path

import pytest

from components.contracts import CompiledContract
from components.queries import QueryError, load_queries

FLIGHTS = CompiledContract("flights", {}, {"flights_latest": "SELECT 1"})


def test_queries_of_contracts_and_of_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "late.sql").write_text("-- Flights that came late.\nSELECT 2\n")
    queries = load_queries(tmp_path, [FLIGHTS])
    assert {name: query.sql.strip() for name, query in queries.items()} == {
        "flights_latest": "SELECT 1",
        "late": "SELECT 2",
    }
    assert queries["late"].description == "Flights that came late."


@pytest.mark.parametrize("text", ["SELECT 1\n", "-- Only a description.\n", "--missing space\nSELECT 1"])
def test_a_file_without_description_or_without_sql_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "late.sql").write_text(text)
    with pytest.raises(QueryError, match=r"late.sql: the first line must be"):
        load_queries(tmp_path, [])


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flights_latest.sql").write_text("-- Another.\nSELECT 2\n")
    with pytest.raises(QueryError, match="'flights_latest' exists twice"):
        load_queries(tmp_path, [FLIGHTS])
