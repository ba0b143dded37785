"""Named queries: every one has a description and a name of its own."""

from pathlib import Path

import pytest

from components.catalog.queries import QueryError, load_queries
from contracts.compiler.compile import CompiledContract

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
    with pytest.raises(
        QueryError, match=r"flights_latest\.sql: the name is taken by 'flights_latest, from the contract of flights'"
    ):
        load_queries(tmp_path, [FLIGHTS])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("late.sql", b"-- Late.\n\xff", "cannot be read as text in UTF-8"),
        ("Late.sql", b"-- Late.\nSELECT 1", "up to 100 small letters, digits and _"),
        ("late-1.sql", b"-- Late.\nSELECT 1", "up to 100 small letters, digits and _"),
        ("l" * 101 + ".sql", b"-- Late.\nSELECT 1", "up to 100 small letters"),
        ("late.sql", b"-- " + b"x" * 1_022 + b"\nSELECT 1", "1025 characters; Athena takes 1024"),
        ("late.sql", b"-- Late.\n" + b"x" * 262_145, "262145 bytes of SQL; Athena takes 262144"),
        ("late.sql", b"--  \nSELECT 1", "the first line must be"),
    ],
)
def test_what_athena_would_refuse_later_is_refused_first(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(QueryError, match=says):
        load_queries(tmp_path, [])


def test_what_athena_takes_at_most_is_taken(tmp_path: Path) -> None:
    (tmp_path / f"{'l' * 100}.sql").write_bytes(b"-- " + b"x" * 1_021 + b"\n" + b"x" * 262_143 + b"\n")
    assert load_queries(tmp_path, []).keys() == {"l" * 100}


def test_every_wrong_file_is_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.sql").write_text("SELECT 1\n")
    with pytest.raises(QueryError, match=r"one\.sql: .*\ntwo\.sql: "):
        load_queries(tmp_path, [])
