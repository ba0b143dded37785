"""The ways from files to partitioned Parquet that the benchmarks compare; run as a program, it measures one of them.

    python -m tests.benchmarks.ways WAY CONTENT FOLDER FILE...

A measure is a process of its own, after a file of two rows went the same way, so that imports and the start of Spark
are not counted. Prints the figures as JSON.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as ds
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import Report
from pyspark.sql import SparkSession
from record_engine import stage

from glue_jobs.raw_to_curated import run, session
from tests.benchmarks.content import ROOT, contract_of, head
from tests.local_store import LocalStore

BLOCK_BYTES = 8 * 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a way took: seconds, CPU seconds, and the peak of its processes' memory in MB."""

    seconds: float
    cpu: float
    peak: float


Way = Callable[[list[Path], Contract, Path], None]


def with_engine(files: list[Path], contract: Contract, folder: Path) -> None:
    """Stage the files, as the function `stage` does."""
    _check(stage(_manifest(files, contract, folder), contract, LocalStore(), "attempt", datetime.now(UTC)))


def with_pyarrow(files: list[Path], contract: Contract, folder: Path) -> None:
    """Copy the files without looking at them: all columns are strings."""
    columns = {column.name: pa.string() for column in contract.columns}
    parts = ds.partitioning(pa.schema([(name, pa.string()) for name in contract.partition_by]), flavor="hive")
    for number, path in enumerate(files):
        reader = arrow_csv.open_csv(
            str(path),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            convert_options=arrow_csv.ConvertOptions(column_types=columns),
        )
        name = f"{number}-{{i}}.parquet"
        ds.write_dataset(
            reader,
            str(folder),
            format="parquet",
            partitioning=parts,
            use_threads=False,
            basename_template=name,
            existing_data_behavior="overwrite_or_ignore",
        )


def with_spark_job(files: list[Path], contract: Contract, folder: Path) -> None:
    """Stage the files, as the Glue job does."""
    _check(run(_spark(), _manifest(files, contract, folder), contract, "attempt"))


def with_spark(files: list[Path], contract: Contract, folder: Path) -> None:
    """Copy the files with Spark's own reader without looking at them: all columns are strings."""
    rows = _spark().read.option("header", "true").csv([path.as_uri() for path in files])
    rows.write.partitionBy(*contract.partition_by).parquet(str(folder))


WAYS: dict[str, Way] = {
    "engine": with_engine,
    "pyarrow copy": with_pyarrow,
    "Spark job": with_spark_job,
    "Spark copy": with_spark,
}
ON_SPARK = ("Spark job", "Spark copy")


def _spark() -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "3g",
        "spark.sql.shuffle.partitions": "4",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(key, value)
    builder.getOrCreate()
    return session("benchmark")


def _manifest(files: list[Path], contract: Contract, folder: Path) -> Manifest:
    return Manifest(
        batch_id="batch",
        dataset=contract.dataset,
        contract="",
        staging=f"{folder.as_uri()}/staging/",
        table=f"{folder.as_uri()}/table/",
        files=tuple(
            ManifestFile(
                key=path.name, version="v", uri=path.as_uri(), size=path.stat().st_size, format="csv", landed_at="t"
            )
            for path in files
        ),
    )


def _check(report: Report) -> None:
    if report.counts.rows_read != report.counts.rows_curated + report.counts.rows_quarantined:
        raise RuntimeError(f"rows lack: {report.files}")


def measured(way: str, content: str, files: list[Path], folder: Path) -> Measure:
    """Go a way in this process and in those that it starts, which live on until it is measured."""
    if way not in ON_SPARK:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        pa.set_cpu_count(1)
    contract = contract_of(content)
    WAYS[way]([head(files, folder)], contract, folder / "small")
    seconds, cpu = time.perf_counter(), _cpu_seconds()
    WAYS[way](files, contract, folder / "all")
    seconds, cpu = time.perf_counter() - seconds, _cpu_seconds() - cpu
    return Measure(seconds=seconds, cpu=cpu, peak=_peak_megabytes())


def _processes() -> list[Path]:
    """This process and those below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [os.getpid()]
    for parent in found:
        found += [pid for pid, above in parents.items() if above == parent]
    return [Path("/proc", str(pid)) for pid in found]


def _cpu_seconds() -> float:
    """CPU seconds of this process and those below it, with those that have ended."""
    fields = [(process / "stat").read_text().rpartition(")")[2].split() for process in _processes()]
    return sum(int(ticks) for found in fields for ticks in found[11:15]) / TICKS


def _peak_megabytes() -> float:
    """The peaks of this process and those below it, added up."""
    texts = [(process / "status").read_text() for process in _processes()]
    return sum(int(text.partition("VmHWM:")[2].split()[0]) for text in texts if "VmHWM:" in text) / 1024


def main(way: str, content: str, folder: str, *files: str) -> None:
    """Measure a way, and print the figures."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "lambdas" / "layers")])
    with tempfile.TemporaryDirectory(dir=folder) as own:
        found = measured(way, content, [Path(path) for path in files], Path(own))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
