"""Has the record engine read the files of a batch in Spark's tasks: one row a record, checked and typed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

import boto3
import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.contract import Contract
from pipeline_core.job_errors import SparkDiedError, StorageError
from pipeline_core.manifest import ManifestFile
from pipeline_core.s3_files import S3Files
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from record_engine import Limits, read, record_schema

TASK_BYTES = 64 * 1024 * 1024
OPENING_BYTES = 4 * 1024 * 1024
"""A task reads one file, or several small ones: up to so many bytes, where the opening of a file counts as so many
(as Spark's own readers do, with `spark.sql.files.openCostInBytes`)."""


@dataclass
class Batch:
    """The records of a batch, with what was found out about its files on the way.

    A record is `_file` (position in the manifest), `_line` (where it stands in the file, from 1), `_raw` (as it came,
    if it is refused), `_reasons` (why it is refused, empty if it is not) and the contract's columns in their types.
    `rows` counts the records of each file as the reader saw them, before anything was checked; the audit compares it
    with what became of them. `problems` names files that are quarantined as a whole.
    """

    records: DataFrame
    rows: dict[int, int] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)


def read_batch(
    spark: SparkSession, files: Sequence[ManifestFile], contract: Contract, limits: Limits | None = None
) -> Batch:
    """Read every file of a manifest, whatever its format, once: the records are kept by Spark."""
    tasks = in_tasks(files)
    read_tasks = _Tasks(tasks, files, contract, _region(spark), limits)
    found = (
        spark.range(0, len(tasks), 1, max(1, len(tasks)))
        .mapInArrow(read_tasks, from_arrow_schema(record_schema(contract)))
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    batch = Batch(found.where(F.col("_line") > 0))
    for row in found.where(F.col("_line") == 0).select("_file", "_raw", "_reasons").collect():
        if row["_file"] in batch.rows:
            raise RuntimeError(f"file {row['_file']} of the manifest was read twice")
        batch.rows[row["_file"]] = int(row["_reasons"][0])
        if row["_raw"] is not None:
            batch.problems[row["_file"]] = row["_raw"]
    missing = [file.uri for position, file in enumerate(files) if position not in batch.rows]
    if missing:
        raise RuntimeError(f"files of the manifest were not read: {missing[:5]}")
    return batch


def in_tasks(files: Sequence[ManifestFile]) -> list[list[int]]:
    """The positions of the files that each task reads; the tasks with the largest files come first."""
    tasks: list[list[int]] = []
    left = 0
    for position in sorted(range(len(files)), key=lambda position: -files[position].size):
        cost = files[position].size + OPENING_BYTES
        if not tasks or cost > left:
            tasks.append([])
            left = TASK_BYTES
        tasks[-1].append(position)
        left -= cost
    return tasks


@dataclass(frozen=True)
class _Tasks:
    """What Spark's workers do; it is sent to them."""

    tasks: Sequence[Sequence[int]]
    files: Sequence[ManifestFile]
    contract: Contract
    region: str | None
    limits: Limits | None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                for position in self.tasks[row["id"]]:
                    yield from self._read(position)

    def _read(self, position: int) -> Iterator[pa.RecordBatch]:
        """Read a file. What is wrong with it is said in the batches; what is raised, the platform has done.

        Raises:
            StorageError: the file cannot be fetched.
            SparkDiedError: the worker has no memory left.
        """
        file = self.files[position]
        try:
            yield from read(file, position, self.contract, self._open, self.limits)
        except (BotoCoreError, ClientError, OSError) as error:
            raise StorageError(f"{file.uri}: {type(error).__name__}: {error}") from error
        except MemoryError as error:
            raise SparkDiedError(f"{file.uri}: a worker ran out of memory: {error}") from error

    def _open(self, file: ManifestFile) -> BinaryIO:
        """Open a file, with the credentials that the worker has of the driver."""
        if file.uri.startswith("file://"):
            return Path(unquote(file.uri.removeprefix("file://"))).open("rb")
        return _s3(self.region).open_file(file)


def _region(spark: SparkSession) -> str | None:
    """The region of the driver; the job tells Spark's own connector too."""
    configured = spark._jsc.hadoopConfiguration().get("fs.s3a.endpoint.region")
    return boto3.session.Session().region_name or configured or None


@cache
def _s3(region: str | None) -> S3Files:
    return S3Files(boto3.client("s3", region_name=region))
