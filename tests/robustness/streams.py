"""Streams of changes as a database sends them (I, U, D), cut into files, and a lake to which they are delivered."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
from pipeline_core.layout import source_of
from pipeline_core.report import FATES, Report

from tests.iceberg_lake import IcebergLake
from tests.lake import ORDERS
from tests.local_store import path_of
from tests.robustness.oracle.write_modes import Landed, Values

NAMES = ("id", "part", "value", "seq", "op")
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "int", "required": True},
    {"name": "part", "type": "string", "required": True},
    {"name": "value", "type": "string"},
    {"name": "seq", "type": "bigint"},
    {"name": "op", "type": "string"},
]
START = datetime(2026, 1, 1, tzinfo=UTC)
STAGED = ("curated", "updated")


@dataclass(frozen=True)
class File:
    """A file of a stream: its name, when it landed, and its rows; a row that is not valid is None."""

    name: str
    landed_at: datetime
    rows: tuple[Values | None, ...]

    @property
    def content(self) -> bytes:
        wrong: Values = ("no number", "p", None, None, None)
        lines = [",".join("" if value is None else str(value) for value in row or wrong) for row in (NAMES, *self.rows)]
        return "\n".join(lines).encode() + b"\n"

    @property
    def landed(self) -> Landed:
        """As the oracle has it."""
        rows = {line: row for line, row in enumerate(self.rows, 2) if row is not None}
        return Landed(source_of(self.name, "v1"), self.landed_at, rows)


def contract(seed: random.Random, mode: str) -> dict[str, Any]:
    """A contract of the stream, with one of the ways to say key, partitions and order."""
    key = seed.choice([["id"], ["id"], ["id", "part"]])
    document = {
        **ORDERS,
        "columns": COLUMNS,
        "table_format": "iceberg",
        "write_mode": mode,
        "primary_key": key,
        "partition_by": seed.choice([["part"], ["part"], [], ["bucket[3](id)"], ["part", "truncate[4](id)"]]),
        "sorted_by": seed.choice([[], ["value", "id"]]),
    }
    if mode == "latest":
        document |= {"sequence": seed.choice([None, "seq"]), "operation": "op", "delete_codes": ["D", "T"]}
    return document


def stream(seed: random.Random, *, ties: bool) -> list[File]:
    """The files of a stream, in the order in which they landed; with ties, some at the same time."""
    files = []
    names = [f"{seed.randrange(10**6):06d}-{number}.csv" for number in range(seed.randrange(2, 6))]
    moment, number = START, 0
    for name in names:
        moment += timedelta(seconds=seed.choice((0, 1, 60)) if ties else 1)
        rows: list[Values | None] = []
        for _ in range(seed.randrange(0, 9)):
            number += seed.choice((0, 1, 1, 1, -2))
            sequence = None if seed.random() < 0.15 else number
            operation = seed.choice(("I", "U", "U", "D", None, "T"))
            value = seed.choice(("a", "b", None))
            row = (seed.randrange(4), seed.choice("pq"), value, sequence, operation)
            rows.append(None if seed.random() < 0.05 else row)
        files.append(File(name, moment, tuple(rows)))
    return files


def deliveries(seed: random.Random, files: Sequence[File]) -> list[list[File]]:
    """Batches in which each file is at least once, in any order; a batch has its files as they landed."""
    sent = [*files, *seed.choices(files, k=seed.randrange(3))]
    seed.shuffle(sent)
    batches: list[list[File]] = []
    for file in sent:
        if not batches or file in batches[-1] or seed.random() < 0.6:
            batches.append([])
        batches[-1].append(file)
    return [sorted(batch, key=lambda file: (file.landed_at, file.name)) for batch in batches]


def deliver(lake: IcebergLake, files: Sequence[File], purpose: str = "") -> Report:
    """Stage and publish a batch; every row is audited, and nulls are those of the staged rows."""
    landed = {file.name: file.landed_at.isoformat().replace("+00:00", "Z") for file in files}
    report = lake.stage({file.name: file.content for file in files}, purpose, landed)
    staged = [pq.read_table(path_of(file.uri), partitioning=None) for file in report.curated]
    nulls = {name: sum(table[name].null_count for table in staged) for name in NAMES}
    assert report.nulls == {name: count for name, count in nulls.items() if count}
    lake.publish(report)
    return report


def fates(report: Report) -> dict[str, Counter[str]]:
    """What became of the valid rows of each file, and what they removed."""
    names = [name for name in (*FATES, "removed") if name != "quarantined"]
    return {
        source_of(file.key, file.version): +Counter({name: getattr(file, f"rows_{name}") for name in names})
        for file in report.files
    }


def rows_of(lake: IcebergLake) -> list[tuple[Values, str]]:
    """The rows of the table, with the file of each."""
    return [(row[:-1], row[-1]) for row in lake.table(*NAMES, "_source_file")]


def in_order(rows: Sequence[tuple[Values, str]]) -> list[tuple[Values, str]]:
    """Rows as `rows_of` has them."""
    return sorted(rows, key=lambda row: [(value is not None, value) for value in (*row[0], row[1])])
