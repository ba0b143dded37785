"""Columns that stand in the folders of a key, as Hive and Spark write them."""

from typing import Any

import pyarrow as pa
import pytest

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree
from tests.robustness.oracle import judge

COLUMNS = [
    {"name": "id", "type": "int", "required": True},
    {"name": "year", "type": "int", "required": True, "minimum": "2000"},
    {"name": "city", "type": "string", "source": "The City"},
    {"name": "day", "type": "date"},
]
FOLDERS = [
    "year=2024/",
    "year=2024/day=2024-01-31/",
    "YEAR=2024/the%20city=S%C3%A3o%20Paulo%2FSP/",
    "year=__HIVE_DEFAULT_PARTITION__/",
    "year=2024/day=__HIVE_DEFAULT_PARTITION__/",
    "year=1999/",
    "year=x/",
    "year=/",
    "year/",
    "year=2024/year=2025/",
    "year=2024/other=1/",
    "year=2024/city=%00/",
    "year=2024/city=%ff/",
    "=2024/",
    "year=2024/day=2024-01-31 00%3A00%3A00/",
]
BODIES = {
    "a.csv": b"id\n1\n2\nx\n",
    "b.csv": b"id,year\n11,2024\n12,2023\n13,\n14,x\n15,1999\n16,02024\n",
    "c.csv": b"id,city,day\n21,,\n22,x,2024-01-31\n23,x,2024-02-01\n",
    "d.jsonl": b'{"id":31}\n{"id":32,"year":2024}\n{"id":33,"year":null}\n{"id":34,"year":2023}\n{"year":2024}',
    "e.parquet": bad.parquet(("id", pa.array([41, 42])), ("year", pa.array([2024, None]))),
    "f.parquet": bad.parquet(("id", pa.array([51, 52]))),
    "g.csv": b"other\n1\n",
}  # fmt: skip


def bench_of(bench: MakeBench, **more: Any) -> Any:
    return bench(columns=COLUMNS, primary_key=[], write_mode="append", partition_by=[], **more)


def files(folder: str) -> dict[str, bytes]:
    return {f"zoo/{folder}{name}": content for name, content in BODIES.items()}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_column_of_the_path_is_that_of_every_record_and_agrees_with_its_own(bench: MakeBench, folder: str) -> None:
    agree(bench_of(bench), files(folder))


def test_without_a_header_the_file_has_the_columns_that_the_path_has_not(bench: MakeBench) -> None:
    made = bench_of(bench, dialect={"header": False}, formats=["csv"])
    content = {"zoo/year=2024/day=2024-01-31/a.csv": b"1,Rome\n2,Oslo\n3\n"}
    agree(made, content)
    outcome = judge(content, made.contract)["zoo/year=2024/day=2024-01-31/a.csv"]
    assert [(row.values["city"], row.values["year"]) for row in outcome.curated] == [("Rome", 2024), ("Oslo", 2024)]


def test_what_does_not_agree_is_refused_and_what_is_missing_is_that_of_the_path(bench: MakeBench) -> None:
    made = bench_of(bench)
    key = "zoo/year=2024/b.csv"
    outcome = judge(files("year=2024/"), made.contract)[key]
    assert [(row.values["id"], row.values["year"]) for row in outcome.curated] == [(11, 2024), (13, 2024), (16, 2024)]
    assert {row.line: row.reasons for row in outcome.quarantined} == {
        3: {"path_value:year"},
        5: {"type:year"},
        6: {"minimum:year", "path_value:year"},
    }
