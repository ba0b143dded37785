"""Named queries: every one has a description and a name of its own."""

from pathlib import Path

import pytest

from components.contracts import CompiledContract
from components.queries import QueryError, load_queries, tables_of

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


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1", set()),
        ("SELECT count(*) AS weather FROM canary", {"canary"}),
        ('select * from "flights" f left join Airlines a on a.x = f.x', {"flights", "airlines"}),
        ("SELECT * FROM a, b AS c, lake.d WHERE a.x = b.x", {"a", "b", "d"}),
        ('SELECT * FROM (SELECT * FROM inner_one) x JOIN lake."other" USING (k)', {"inner_one", "other"}),
        ("WITH w AS (SELECT 1 FROM deep)\nSELECT * FROM w UNION ALL SELECT * FROM more", {"deep", "w", "more"}),
        ("SELECT 'x FROM text', y -- FROM comment\nFROM real /* JOIN block */ LIMIT 1", {"real"}),
        ("SELECT from_unixtime(x) FROM t CROSS JOIN UNNEST(reasons) AS r (reason)", {"t", "unnest"}),
    ],
)
def test_the_tables_that_a_query_reads_are_found(sql: str, tables: set[str]) -> None:
    assert tables_of(sql) == tables


def test_a_query_that_reads_what_is_not_deployed_is_not_deployed_either(tmp_path: Path) -> None:
    (tmp_path / "both.sql").write_text("-- Two.\nSELECT * FROM own JOIN flights USING (k)\n")
    (tmp_path / "alias.sql").write_text("-- One of them as a column.\nSELECT count(*) AS flights FROM own\n")
    assert load_queries(tmp_path, [], {"flights"}).keys() == {"alias"}
    assert load_queries(tmp_path, []).keys() == {"both", "alias"}
