"""Measures what the quick engine of the local Athena adds to what DuckDB takes, for the queries of a dashboard.

    python -m tests.benchmarks.athena [--write]

Both read the same Parquet files on this machine. DuckDB is asked in its own words, with views over the files; the quick
engine analyses the SQL, looks into the catalog, makes the views, and prints the rows as Athena does. Prints a Markdown
table; with `--write` it becomes the one of docs/local-athena.md.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from ministack.services import glue, s3

from local.athena.answers import Request
from local.athena.quick import QuickEngine
from local.athena.tables import FileCache
from local.emulator import ACCESS_KEY
from local.iam import decisions
from ops.pages.generate import with_part
from tests.athena.dashboard import dashboard, of_duckdb
from tests.athena.world import BUCKET, DATABASE, World
from tests.benchmarks.content import ROOT

PAGE = ROOT / "docs" / "local-athena.md"
TIMES = 15
TABLES = ("airlines", "airports", "flights", "planes", "weather")


@dataclass(frozen=True)
class Added:
    """The best of several times, in milliseconds of all cores."""

    duckdb: float
    quick: float

    @property
    def milliseconds(self) -> float:
        """What the quick engine takes longer."""
        return self.quick - self.duckdb


class Services:
    """Glue and S3 of the emulator in this process: what is measured is the engine, not HTTP."""

    def client(self, service: str) -> Any:
        """What `World` calls of a client."""
        return {
            "glue": SimpleNamespace(
                create_database=lambda **given: glue._create_database(given),
                create_table=lambda **given: glue._create_table(given),
                create_partition=lambda **given: glue._create_partition(given),
            ),
            "s3": SimpleNamespace(
                create_bucket=lambda Bucket: s3._create_bucket(Bucket, b""),  # noqa: N803  # AWS's name
                put_object=lambda Bucket, Key, Body: s3._put_object(Bucket, Key, Body, {}),  # noqa: N803
            ),
        }.get(service)


def measured() -> Iterator[Added]:
    """Measure each query of the dashboard."""
    decisions._caller.set(ACCESS_KEY)
    World(Services())  # type: ignore[arg-type]  # an emulator, as far as the tables need one
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quick = QuickEngine(FileCache(folder / "cache"))
        views = list(_views(folder / "files"))
        for statement in dashboard():
            own = of_duckdb(statement)
            request = Request(sql=statement, database=DATABASE)
            times = [(_took(_ask, views, own), _took(quick.run, request)) for _ in range(TIMES)]
            yield Added(*(min(each) for each in zip(*times, strict=True)))


def _views(folder: Path) -> Iterator[str]:
    """The tables as DuckDB has them: views over their files."""
    objects = s3._buckets[BUCKET]["objects"]
    for table in TABLES:
        for key in objects:
            if key.startswith(f"{table}/"):
                path = folder / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(s3._get_object_data(BUCKET, key))
        kind = ", hive_partitioning=true, hive_types_autocast=false" if table == "flights" else ""
        yield f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder / table}/**/*.parquet'{kind})"


def _ask(views: list[str], sql: str) -> list[Any]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 2; SET integer_division = true")
        for view in views:
            if view.split()[2] in sql:
                connection.execute(view)
        return connection.execute(sql).fetchall()


def _took(call: Callable[..., Any], *arguments: Any) -> float:
    """The milliseconds of all cores that a call takes: what else the machine does is not in them."""
    began = time.process_time()
    call(*arguments)
    return (time.process_time() - began) * 1000


def main() -> None:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    lines = ["| query | DuckDB, CPU ms | quick engine, CPU ms | added | ratio |", "|---:|---:|---:|---:|---:|"]
    for place, found in enumerate(measured(), 1):
        ratio = found.quick / found.duckdb
        lines.append(f"| {place} | {found.duckdb:.1f} | {found.quick:.1f} | {found.milliseconds:.1f} | {ratio:.2f} |")
        print(lines[-1], flush=True)
    about = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, DuckDB {duckdb.__version__}; the best of {TIMES} times."
    )
    if options.write:
        PAGE.write_text(with_part(PAGE.read_text("utf-8"), PAGE.name, "bench", "\n".join([about, "", *lines])), "utf-8")


if __name__ == "__main__":
    main()
