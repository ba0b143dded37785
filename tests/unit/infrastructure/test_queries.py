"""Named queries: every one has a description and a name of its own."""

from pathlib import Path

import pytest

from components.catalog.queries import QueryError, load_queries


def test_each_file_is_a_query_with_its_description(tmp_path: Path) -> None:
    (tmp_path / "late.sql").write_text("-- Flights that came late.\nSELECT 2\n")
    (query,) = load_queries(tmp_path).values()
    assert (query.sql, query.description) == ("SELECT 2\n", "Flights that came late.")


@pytest.mark.parametrize("text", ["SELECT 1\n", "-- Only a description.\n", "--missing space\nSELECT 1"])
def test_a_file_without_description_or_without_sql_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "late.sql").write_text(text)
    with pytest.raises(QueryError, match=r"late.sql: the first line must be"):
        load_queries(tmp_path)


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
        load_queries(tmp_path)


def test_what_athena_takes_at_most_is_taken(tmp_path: Path) -> None:
    (tmp_path / f"{'l' * 100}.sql").write_bytes(b"-- " + b"x" * 1_021 + b"\n" + b"x" * 262_143 + b"\n")
    assert load_queries(tmp_path).keys() == {"l" * 100}


def test_every_wrong_file_is_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.sql").write_text("SELECT 1\n")
    with pytest.raises(QueryError, match=r"one\.sql: .*\ntwo\.sql: "):
        load_queries(tmp_path)
