"""The engine by itself and inside Spark, on generated contracts and files: rows, quarantine and reports are equal.

COMPARED_CONTRACTS and COMPARED_FILES say how many contracts, and how many files for each, one run of either a contract:
100 and 100 are 10,000 files.
"""

import gzip
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pipeline_core.report import Report
from pyspark.sql import SparkSession

from tests.carriers import engine, spark_job
from tests.robustness import bad_files as bad
from tests.robustness.compare import Bench

CONTRACTS = int(os.environ.get("COMPARED_CONTRACTS", "20"))
FILES = int(os.environ.get("COMPARED_FILES", "20"))

NULL_TOKENS = [["", "NA", "\\N"], ["", "NA", "\\N"], [""], [""], ["", "null", "0"], ["NA"]]
DELIMITERS = [",", ",", ";", "\t", "|"]
TRANSFORMS = {
    "bigint": ["bucket[3]", "truncate[50]"],
    "int": ["bucket[3]", "truncate[500]"],
    "decimal": ["bucket[3]", "truncate[100000]"],
    "string": ["bucket[3]", "truncate[1]"],
    "date": ["year", "month", "day", "bucket[3]"],
    "timestamp": ["year", "month", "day", "hour", "bucket[3]"],
}
ZONES = ["UTC", "UTC", "America/New_York", "Asia/Kathmandu"]


def contract(seed: random.Random) -> dict[str, Any]:
    """A contract of some of the zoo's columns, in another order, with other keys, partitions and bounds."""
    id_, part, *others = bad.ZOO["columns"]
    chosen = [dict(column) for column in seed.sample(others, seed.randrange(1, len(others) + 1))]
    for column in chosen:
        for bound in ("minimum", "maximum", "min_length", "max_length", "pattern", "enum"):
            if seed.random() < 0.3:
                column.pop(bound, None)
        column["required"] = seed.random() < 0.02
        if seed.random() < 0.2:
            # The generated files have it by its name, which may be used, too.
            column["source"] = f"The {column['name']}"
    columns = [id_, part, *chosen]
    seed.shuffle(columns)
    document = {
        **bad.ZOO,
        "columns": columns,
        "primary_key": seed.choice([["id"], ["id", "part"], ["part", "id"]]),
        "partition_by": seed.choice([["part"], ["part"], [], ["part", "id"]]),
        "null_tokens": seed.choice(NULL_TOKENS),
        "delimiter": seed.choice(DELIMITERS),
        "time_zone": seed.choice(ZONES),
        "write_mode": seed.choice(["first", "first", "append"]),
        "unexpected_columns": seed.choice(["refuse", "refuse", "refuse", "ignore"]),
        "ignored_columns": seed.choice([[], [], ["ext*"]]),
    }
    return {**document, **iceberg(seed, columns)} if seed.random() < 0.4 else document


def iceberg(seed: random.Random, columns: list[dict[str, Any]]) -> dict[str, Any]:
    """What makes a contract one of an Iceberg table, partitioned by whatever can be."""
    fields = [
        f"{transform}({column['name']})"
        for column in columns
        for transform in TRANSFORMS.get(column["type"].partition("(")[0], [])
    ]
    return {
        "table_format": "iceberg",
        "partition_by": seed.sample(fields, min(len(fields), seed.randrange(3))),
        "sorted_by": seed.sample([column["name"] for column in columns], seed.randrange(3)),
    }


def files(seed: random.Random, document: dict[str, Any]) -> dict[str, bytes]:
    """Files of every format for a contract, most of them with something wrong; some are damaged."""
    names = [column["name"] for column in document["columns"]]
    made = {}
    for number in range(FILES):
        ending, content = seed.choice(
            [
                ("csv", as_csv),
                ("csv", as_csv),
                ("csv", cells),
                ("csv", pieces),
                ("jsonl", as_jsonl),
                ("parquet", as_parquet),
            ]
        )
        text = content(seed, names, document["delimiter"])
        if seed.random() < 0.05:
            at = seed.randrange(len(text) + 1)
            text = text[:at] + seed.choice((b"", seed.randbytes(5))) + text[at + seed.randrange(5) :]
        if ending != "parquet" and seed.random() < 0.2:
            packed = gzip.compress(text, mtime=0)
            ending, text = f"{ending}.gz", packed[: len(packed) - seed.choice((0, 0, 0, 9))]
        made[f"{number:03d}.{ending}"] = text
    return made


def rows(seed: random.Random, names: list[str]) -> list[dict[str, str]]:
    return [{name: row[name] for name in names} for row in bad.rows(seed, seed.randrange(1, 40))]


def as_csv(seed: random.Random, names: list[str], delimiter: str) -> bytes:
    def quoted(text: str) -> str:
        plain = not any(mark in text for mark in (delimiter, '"', "\n", "\r")) and seed.random() < 0.9
        return text if plain else '"' + text.replace('"', '""') + '"'

    header = [*names, *seed.choice(([], [], [], ["extra"], names[:1]))]
    lines = [delimiter.join(header)]
    lines += [delimiter.join(map(quoted, row.values())) for row in rows(seed, names)]
    return seed.choice(("\n", "\r\n")).join(lines).encode("utf-8", "surrogatepass")


def cells(seed: random.Random, names: list[str], delimiter: str) -> bytes:
    return bad.rows_of_cells(seed).replace(b",", delimiter.encode())


def pieces(seed: random.Random, names: list[str], delimiter: str) -> bytes:
    return bad.scrambled(seed, bad.CSV_PIECES, (delimiter.join(names) + "\n").encode())


def as_jsonl(seed: random.Random, names: list[str], delimiter: str) -> bytes:
    if seed.random() < 0.2:
        return bad.scrambled(seed, bad.JSON_PIECES, b"")
    return bad.as_jsonl(seed, iter(rows(seed, names)))


def as_parquet(seed: random.Random, names: list[str], delimiter: str) -> bytes:
    chosen = rows(seed, names)
    columns: list[tuple[str, Any]] = [(name, pa.array([row[name] for row in chosen])) for name in names]
    numbers = [None if seed.random() < 0.1 else seed.randrange(-200, 10_000) for _ in chosen]
    columns[names.index("id")] = ("id", pa.array(numbers, seed.choice((pa.int64(), pa.int32(), pa.float64()))))
    return bad.parquet(*columns)


@pytest.mark.parametrize("number", range(CONTRACTS))
def test_both_stage_generated_files_alike(spark: SparkSession, tmp_path: Path, number: int) -> None:
    seed = random.Random(f"both {number}")
    document = contract(seed)
    made = files(seed, document)
    own = staged(Bench(engine(), tmp_path / "engine", document), made)
    by_spark = staged(Bench(spark_job(spark), tmp_path / "spark", document), made)
    assert own["report"]["rows_read"] > 0
    for name, value in own.items():
        assert by_spark[name] == value, f"{name}: {document}"


def staged(bench: Bench, made: dict[str, bytes]) -> dict[str, Any]:
    """What a batch came to, in a form to compare."""
    report: Report = bench.stage(made)
    return {
        "report": {
            "files": report.files,
            "rows_read": report.counts.rows_read,
            "reasons": Counter(report.reasons),
            "nulls": report.nulls,
            "columns": report.columns,
        },
        "partitions": Counter(repr(sorted(file.partition.items())) for file in report.curated).keys(),
        "curated": bench.curated(report),
        "quarantined": bench.quarantined(report),
    }
