"""Statements that are too long, too deep or mutated: an error of Athena's form in bounded time, never another one."""

import contextlib
import random
import time
from pathlib import Path

import pytest

from athena_sql import dialect, queries
from athena_sql.errors import SqlError
from athena_sql.scope import Table
from athena_sql.types import from_hive

ROOT = Path(__file__).parents[2]
MUTANTS = 10_000
NAMES = {
    "id": "int",
    "carrier": "string",
    "price": "decimal(10,2)",
    "at": "timestamp",
    "day": "date",
    "list": "array<string>",
}
PIECES = (
    "(", ")", ",", "'", '"', ";", ".", "*", "?", "[", "]", "->", "::", "--", "/*", "NULL", "SELECT", "FROM", "1e9",
    "CASE", "OVER", "x'0'", "\x00", "\\", "ß", "AND", "NOT", "||", "@", "$1", "{", "}", "INTERVAL", "CAST(", "AS",
)  # fmt: skip


class Catalog:
    def table(self, database: str, name: str) -> Table | None:
        return Table(columns={column: from_hive(kind) for column, kind in NAMES.items()})

    def has_database(self, database: str) -> bool:
        return True


def analyse(sql: str) -> None:
    queries.analyse(dialect.parse(sql), Catalog(), "lake")


def seeds() -> list[str]:
    lines = []
    for name in ("analysts", "functions"):
        text = (ROOT / "tests" / "athena" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        lines += [line for line in text.splitlines() if line and not line.startswith("--")]
    return lines


def mutated(sql: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(sql) + 1), chance.randint(0, 6)
        kind = chance.randrange(4)
        if kind == 0:
            sql = sql[:at] + sql[at + length :]
        elif kind == 1:
            sql = f"{sql[:at]} {chance.choice(PIECES)} {sql[at:]}"
        elif kind == 2:
            sql = sql[:at] + sql[at : at + length * 3] * 2 + sql[at:]
        else:
            other = chance.randrange(len(sql) + 1)
            sql = sql[min(at, other) :] + sql[: min(at, other)]
    return sql


def test_a_mutated_query_is_analysed_or_refused_in_athenas_form() -> None:
    chance, texts = random.Random(19), seeds()
    refused = 0
    for _ in range(MUTANTS):
        sql = mutated(chance.choice(texts), chance)
        began = time.monotonic()
        try:
            analyse(sql)
        except SqlError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"{sql!r} ends with {type(error).__name__}: {error}") from error
        assert time.monotonic() - began < 5, f"{sql!r} took too long"
    assert MUTANTS // 4 < refused < MUTANTS, "mutants that are never refused, or always, show nothing"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 1_000 + "1" + ")" * 1_000,
        "SELECT " + "-" * 3 + " " + "- " * 5_000 + "1",
        "SELECT 1" + " + 1" * 100_000,
        "SELECT " + "NOT " * 5_000 + "true",
        "SELECT '" + "x" * 1_000_000 + "'",
        "SELECT " + "ARRAY[" * 500 + "1" + "]" * 500,
        "SELECT 1 FROM " + "(SELECT 1 FROM " * 300 + "t" + ")" * 300,
        "SELECT " + "CASE WHEN true THEN " * 400 + "1" + " END" * 400,
        "SELECT 1 UNION " * 3_000 + "SELECT 1",
        "SELECT " + " AND ".join(["true"] * 9_000),
        "SELECT " + "x." * 3_000 + "y",
        "(" * 5_000,
        "\x00" * 100,
    ],
    ids=lambda sql: sql[:25],
)
def test_what_is_too_long_or_too_deep_ends_in_bounded_time(sql: str) -> None:
    began = time.monotonic()
    # Anything else than a refusal, RecursionError first of all, fails the test.
    with contextlib.suppress(SqlError):
        analyse(sql)
    assert time.monotonic() - began < 20
