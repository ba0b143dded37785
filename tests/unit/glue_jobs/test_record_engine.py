"""The record engine inside Spark, and Spark's own reader beside it."""

import random
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline_core.contract import Contract
from pipeline_core.report import StagedFile
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from record_engine import read, record_schema

from contracts.compiler.compile import compile_contract
from local.demo_data import DATASETS, package_data
from recording.program import ROOT
from tests.carriers import engine, spark_job
from tests.lake import ORDERS, Lake
from tests.local_store import LocalStore, path_of
from tests.unit.record_engine.test_other_readers import HEADER, NAMES, made, texts, with_csv, with_pandas

__all__ = ["texts"]

CONTENT = b"id,day,name,price,at,weight,paid\n1,2024-02-29,ann,1.50,2024-02-29 10:00,.5,true\nx,2024-02-29,,,,,\n"


def test_the_engine_reads_files_in_tasks_of_spark(spark: SparkSession, tmp_path: Path) -> None:
    contract = Contract.from_document(ORDERS)
    lake = Lake(engine(), tmp_path, ORDERS)
    lake.stage({"a.csv": CONTENT, "b.csv": b"id\n1\n"})
    files = lake.manifest.files

    def records(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                position = int(row["id"])
                yield from read(files[position], position, contract, LocalStore().open_file)

    schema = from_arrow_schema(record_schema(contract))
    found = spark.range(len(files)).mapInArrow(records, schema).collect()
    own = [(row["_file"], row["_line"], row["_raw"], row["_reasons"], row["id"]) for row in found]
    assert own == [
        (0, 2, None, [], 1),
        (0, 3, "x,2024-02-29,,,,,", ["type:id"], None),
        (0, 0, None, ["2"], None),
        (1, 2, "1", ["missing_column:day"], None),
        (1, 0, "missing_column:day", ["1"], None),
    ]
    assert str(found[0]["price"]) == "1.50"


@pytest.fixture
def carrier() -> object:
    return engine()


def with_spark(spark: SparkSession, path: Path) -> list[tuple[str, ...]]:
    reader = spark.read.option("multiLine", True).option("header", True).option("escape", '"').option("nullValue", "\0")
    reader = reader.option("emptyValue", "").option("lineSep", "\n")
    rows = reader.schema(", ".join(f"{name} string" for name in NAMES)).csv(path.as_uri()).collect()
    return [tuple(value or "" for value in row) for row in rows]


def test_where_spark_and_two_others_agree_the_engine_does_too(
    spark: SparkSession, texts: Lake, tmp_path: Path, lake_of: Callable[..., Lake]
) -> None:
    agreed = 0
    for number in range(60):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(made(random.Random(f"spark {number}")).encode())
        expected = with_csv(path)
        if with_spark(spark, path) != expected or with_pandas(path) != expected:
            continue
        agreed += 1
        report = texts.stage({"a.csv": path.read_bytes()})
        assert report.counts.rows_read == len(expected), path.read_bytes()
        wanted = {tuple(value.strip(" \t") for value in row) for row in expected}
        assert set(texts.rows(report, *NAMES)) == wanted, path.read_bytes()
    assert agreed > 30, f"{HEADER!r}: or else this says little"


def sample(name: str) -> bytes:
    """The first lines of a table of the demo, with some that are wrong."""
    if name == "flights":
        with zipfile.ZipFile(package_data() / "flights.csv.zip") as archive:
            lines = archive.read("flights.csv").splitlines(keepends=True)[:1_500]
    else:
        lines = (package_data() / f"{name}.csv").read_bytes().splitlines(keepends=True)[:1_500]
    wrong = [line.replace(b",", b",x", 1) for line in lines[5:200:13]] + [lines[3].rstrip() + b",more\n", b"\xff\n"]
    return b"".join([*lines, *wrong, *lines[7:20]])


@pytest.mark.parametrize("name", DATASETS)
def test_both_stage_the_demos_data_alike(spark: SparkSession, tmp_path: Path, name: str) -> None:
    document = compile_contract(ROOT / "contracts" / f"{name}.odcs.yaml").document
    files = {"a.csv": sample(name), "b.csv.gz": sample(name)}
    lakes = [Lake(spark_job(spark), tmp_path / "spark", document), Lake(engine(), tmp_path / "engine", document)]
    reports = [lake.stage(files) for lake in lakes]
    by_spark, by_engine = reports
    assert by_engine.counts.rows_curated > 0
    assert by_engine.counts.rows_quarantined > 0
    assert by_engine.counts.rows_duplicate > 0
    for report in ("files", "reasons", "nulls", "columns", "contract_version"):
        assert getattr(by_engine, report) == getattr(by_spark, report)
    rows = [sum(file.rows for file in report.curated) for report in reports]
    assert rows[0] == rows[1]
    assert by_engine.partitions() == by_spark.partitions()
    columns = [column["name"] for column in document["columns"]]
    columns.append("_source_file")
    curated = [lake.rows(report, *columns) for lake, report in zip(lakes, reports, strict=True)]
    assert Counter(map(repr, curated[0])) == Counter(map(repr, curated[1]))
    assert lakes[0].quarantine() == lakes[1].quarantine()
    folders = [{file.uri.rsplit("/", 2)[1] for file in report.curated} for report in reports]
    assert folders[0] == folders[1]
    assert forms(by_engine.curated) == forms(by_spark.curated)
    assert forms(by_engine.quarantined) == forms(by_spark.quarantined)


def forms(files: Sequence[StagedFile]) -> set[str]:
    """Columns and types of files, as any reader sees them; Spark also says which columns are never null."""
    schemas = [pq.read_schema(path_of(file.uri)) for file in files]
    return {", ".join(f"{field.name} {field.type}" for field in schema) for schema in schemas}
