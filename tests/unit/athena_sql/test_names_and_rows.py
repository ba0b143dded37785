"""What a name means, how a column of the answer is called, and what is in rows, lists and maps.

Trino answers the same: tests/athena/queries/names.sql and nested.sql ask it.
"""

import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from athena_sql import dialect, queries
from athena_sql.errors import SqlError
from athena_sql.scope import Table
from athena_sql.types import from_hive
from local.athena import printing

HIVE = {
    "id": "int",
    "person": "struct<name:string,born:struct<year:int,at:timestamp>>",
    "items": "array<struct<sku:string,count:bigint>>",
    "labels": "map<string,int>",
    "people": "map<string,struct<name:string>>",
}
COLUMNS = {name: from_hive(kind) for name, kind in HIVE.items()}
BORN = {"year": 1815, "at": datetime.datetime(1815, 12, 10)}  # noqa: DTZ001  # a type without a zone
ROWS = pa.table(
    {
        "id": pa.array([1, 2], pa.int32()),
        "person": [{"name": "Ada", "born": BORN}, None],
        "items": [[{"sku": "a", "count": 2}, None], []],
        "labels": pa.array([[("k", 7)], None], pa.map_(pa.string(), pa.int32())),
        "people": pa.array([[("p", {"name": "Bo"})], []], pa.map_(pa.string(), pa.struct([("name", pa.string())]))),
    }
)


class Catalog:
    """The table `lake.t`."""

    def table(self, database: str, name: str) -> Table | None:
        return Table(columns=COLUMNS) if (database, name) == ("lake", "t") else None

    def has_database(self, database: str) -> bool:
        return database == "lake"


def analyse(sql: str) -> queries.Analysis:
    return queries.analyse(dialect.parse(sql), Catalog(), "lake")


def answer(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns, and the rows as they are printed."""
    found = analyse(sql)
    with duckdb.connect(":memory:") as connection:
        connection.register("rows", ROWS)
        text = found.sql
        for use in found.uses:
            text = text.replace(f"{{{use.alias}}}", "rows")
        rows = connection.execute(printing.printable(text, found.types)).fetchall()
    printers = [printing.printer(kind) for kind in found.types]
    return found.names, [tuple(show(value) for show, value in zip(printers, row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("sql", "names", "rows"),
    [
        ("SELECT person.name, person.born.year FROM t ORDER BY id", ["name", "year"], [("Ada", "1815"), (None, None)]),
        ("SELECT x.person.born.at FROM t x WHERE id = 1", ["at"], [("1815-12-10 00:00:00.000",)]),
        ("SELECT lake.t.person.name FROM lake.t WHERE t.id = 1", ["name"], [("Ada",)]),
        ("SELECT (person).born.year FROM t WHERE person.name = 'Ada'", ["year"], [("1815",)]),
        ("SELECT items[1].sku, items[1].count + 1 FROM t WHERE id = 1", ["_col0", "_col1"], [("a", "3")]),
        ("SELECT element_at(items, 2).sku FROM t WHERE id = 1", ["_col0"], [(None,)]),
        ("SELECT element_at(people, 'p').name FROM t WHERE id = 1", ["_col0"], [("Bo",)]),
        ("SELECT s, n FROM t CROSS JOIN UNNEST(items) AS u(s, n) ORDER BY n", ["s", "n"], [("a", "2"), (None, None)]),
        ("SELECT u.sku FROM t CROSS JOIN UNNEST(items) AS u WHERE u.count > 1", ["sku"], [("a",)]),
        ("SELECT k, v.name FROM t CROSS JOIN UNNEST(people) AS u(k, v)", ["k", "name"], [("p", "Bo")]),
        ("SELECT transform(items, i -> i.sku) FROM t ORDER BY id", ["_col0"], [("[a, null]",), ("[]",)]),
        ("SELECT max(person.born.year) FROM t GROUP BY person.name ORDER BY 1", ["_col0"], [("1815",), (None,)]),
        ("SELECT ID, Id AS Other FROM t WHERE iD = 2", ["ID", "Other"], [("2", "2")]),
        ("WITH w AS (SELECT ID, id + 1 FROM t) SELECT * FROM W WHERE id = 1", ["ID", "_col1"], [("1", "2")]),
        ("SELECT * FROM UNNEST(ARRAY['a']) WITH ORDINALITY", ["_col0", "_col1"], [("a", "1")]),
        ("SELECT X.* FROM (VALUES 1) AS x(Y)", ["Y"], [("1",)]),
    ],
)  # fmt: skip
def test_names_lead_to_columns_and_into_rows(sql: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    assert answer(sql) == (names, rows)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT person.nothing FROM t", "COLUMN_NOT_FOUND"),
        ("SELECT person.name.first FROM t", "COLUMN_NOT_FOUND"),
        ("SELECT id.name FROM t", "COLUMN_NOT_FOUND"),
        ("SELECT items[1].nothing FROM t", "COLUMN_NOT_FOUND"),
        ("SELECT labels['k'].x FROM t", "TYPE_MISMATCH"),
        # What the query does not write before a table's name cannot be written before its columns.
        ("SELECT lake.t.id FROM t", "COLUMN_NOT_FOUND"),
        ("SELECT awsdatacatalog.lake.t.id FROM lake.t", "COLUMN_NOT_FOUND"),
        ("SELECT lake.x.id FROM lake.t x", "COLUMN_NOT_FOUND"),
        ("SELECT lake.t.* FROM t", "TABLE_NOT_FOUND"),
        # A column without a name has none.
        ("SELECT _col0 FROM (SELECT 1 + 1)", "COLUMN_NOT_FOUND"),
        ("WITH w AS (SELECT 1) SELECT _col0 FROM w", "COLUMN_NOT_FOUND"),
        ("SELECT 1 UNION SELECT 2 ORDER BY _col0", "COLUMN_NOT_FOUND"),
        ("SELECT sku FROM t CROSS JOIN UNNEST(items) AS u(sku)", "MISMATCHED_COLUMN_ALIASES"),
        # What Trino may answer.
        ("SELECT person.* FROM t", "NOT_EMULATED"),
        ("SELECT person = person FROM t", "NOT_EMULATED"),
        ("SELECT id FROM t x WHERE EXISTS (SELECT 1 FROM t y WHERE y.id = x.person.born.year)", "NOT_EMULATED"),
    ],
)
def test_what_a_name_cannot_mean_is_refused(sql: str, name: str) -> None:
    with pytest.raises(SqlError) as refused:
        analyse(sql)
    assert refused.value.name == name
