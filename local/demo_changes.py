"""The demo's second part: a feed of changes to an Iceberg table, a rollback, and a look back; checked by DuckDB."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from local.demo_data import package_data
from local.driver import Pipeline

DATASET = "fleet"
FIRST, SECOND = f"{DATASET}/2013-01.csv", f"{DATASET}/2013-06.csv"
CHANGED = "seats + 10"
COUNT = "SELECT count(*), sum(seats) FROM"


@dataclass(frozen=True)
class Changes:
    """Files of changes, made of the aircraft of the package, and what they must come to.

    First all aircraft; then those with turbo-jets get ten seats more, and those with piston engines go.
    """

    connection: duckdb.DuckDBPyConnection

    @classmethod
    def of_package(cls) -> "Changes":
        """Read the aircraft."""
        connection = duckdb.connect()
        path = package_data() / "planes.csv"
        connection.execute(
            f"CREATE TABLE planes AS SELECT * FROM read_csv('{path}', all_varchar = true, header = true)"
        )
        return cls(connection)

    def first(self) -> bytes:
        """Every aircraft, new."""
        return self._file("SELECT *, 'I' AS operation, '2013-01-01T00:00:00Z' AS changed_at FROM planes")

    def second(self) -> bytes:
        """Changes of some, and the end of others."""
        return self._file(
            f"SELECT * REPLACE (({CHANGED.replace('seats', 'seats::int')})::varchar AS seats), 'U', "
            "'2013-06-01T00:00:00Z' FROM planes WHERE engine = 'Turbo-jet' UNION ALL "
            "SELECT *, 'D', '2013-06-01T00:00:00Z' FROM planes WHERE engine = 'Reciprocating'"
        )

    def _file(self, sql: str) -> bytes:
        rows = self.connection.execute(sql).fetchall()
        names = [row[0] for row in self.connection.execute("DESCRIBE planes").fetchall()]
        header = ",".join([*names, "operation", "changed_at"])
        return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()

    def before(self) -> list[str]:
        """Rows and seats after the first file."""
        return self._row("SELECT count(*), sum(seats::int) FROM planes")

    def after(self) -> list[str]:
        """Rows and seats after both."""
        seats = f"CASE WHEN engine = 'Turbo-jet' THEN {CHANGED.replace('seats', 'seats::int')} ELSE seats::int END"
        return self._row(f"SELECT count(*), sum({seats}) FROM planes WHERE engine <> 'Reciprocating'")

    def _row(self, sql: str) -> list[str]:
        [row] = self.connection.execute(sql).fetchall()
        return [str(cell) for cell in row]


def show(
    pipeline: Pipeline,
    changes: Changes,
    patience: float,
    check: Callable[[bool, str], None],
    say: Callable[[str], None],
) -> None:
    """Wait for the second file, landed after the first was in the table; compare answers, look back, and roll back."""
    progress = pipeline.wait(lambda progress: progress.done, patience)
    for file in progress.files:
        if file.dataset == DATASET:
            fates = ", ".join(f"{rows:,} {fate.removeprefix('rows_')}" for fate, rows in file.rows.items() if rows)
            say(f"  {file.key.removeprefix(f'{DATASET}/')}: {fates}")
            check(file.status == "PUBLISHED", f"{file.key} is {file.status}: {file.reason}")
    states = pipeline.invoke("maintenance", {"action": "history", "dataset": DATASET})["states"]
    first = states[-1]

    def answer(version: str = "") -> list[str]:
        found: dict[str, Any] = pipeline.invoke("query", {"sql": f"{COUNT} {DATASET} {version}"})
        return list(found["rows"][0])

    now, then = answer(), answer(f"FOR VERSION AS OF {first['snapshot']}")
    say(f"  aircraft and seats: {now}; before the changes, asked now: {then}")
    check(now == changes.after(), f"{DATASET} has {now}, DuckDB says {changes.after()}")
    check(then == changes.before(), f"{DATASET} had {then}, DuckDB says {changes.before()}")
    gone = pipeline.invoke("maintenance", {"action": "rollback", "dataset": DATASET, "batch_id": first["batch"]})
    back = answer()
    say(f"  rolled back {len(gone['rolled_back'])} batch: {back}")
    check(back == changes.before(), f"{DATASET} has {back} after the rollback, DuckDB says {changes.before()}")
