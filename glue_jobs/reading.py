"""Has the record engine read the files of a batch in Spark's tasks: one row a record, checked and typed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from record_engine import Limits, Span, Survey, lines_are_records, read, record_schema, spans, survey

TASK_BYTES = 64 * 1024 * 1024
OPENING_BYTES = 4 * 1024 * 1024
"""A task reads so many bytes: of one file, or of several small ones, where the opening of a file counts as so many
(as Spark's own readers do, with `spark.sql.files.openCostInBytes`)."""
SURVEY = "file long, start long, lines long, first long, quoted boolean"
"""What is found out about a range of a file."""


@dataclass(frozen=True)
class Piece:
    """What is read in one go: a file of the manifest, by its position, or a span of it."""

    position: int
    size: int
    span: Span | None = None


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
    storage = Storage(_region(spark))
    wanted = pieces(spark, files, contract, storage)
    tasks = in_tasks(wanted)
    read_tasks = _Tasks(tasks, files, contract, storage, limits)
    found = (
        spark.range(0, len(tasks), 1, max(1, len(tasks)))
        .mapInArrow(read_tasks, from_arrow_schema(record_schema(contract)))
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    batch = Batch(found.where(F.col("_line") > 0))
    times: Counter[int] = Counter()
    for row in found.where(F.col("_line") == 0).select("_file", "_raw", "_reasons").collect():
        position = row["_file"]
        times[position] += 1
        batch.rows[position] = batch.rows.get(position, 0) + int(row["_reasons"][0])
        if row["_raw"] is not None:
            batch.problems[position] = row["_raw"]
    expected = Counter(piece.position for piece in wanted)
    wrong = [f"{file.uri}: {times[at]} of {expected[at]}" for at, file in enumerate(files) if times[at] != expected[at]]
    if wrong:
        raise RuntimeError(f"pieces of the manifest's files were not read, or twice: {wrong[:5]}")
    return batch


def pieces(spark: SparkSession, files: Sequence[ManifestFile], contract: Contract, storage: "Storage") -> list[Piece]:
    """What is to be read: large text files in spans, if lines are records for sure, and every other file whole."""
    lines = {
        position: storage.lines_are_records(file, contract)
        for position, file in enumerate(files)
        if file.size > TASK_BYTES
    }
    ranges = [
        (position, start, min(files[position].size, start + TASK_BYTES))
        for position, are_records in lines.items()
        if are_records is not False
        for start in range(0, files[position].size, TASK_BYTES)
    ]
    found: dict[int, list[Survey]] = defaultdict(list)
    if ranges:
        look = _Surveys(ranges, files, storage)
        surveyed = spark.range(0, len(ranges), 1, len(ranges)).mapInArrow(look, SURVEY).collect()
        for row in sorted(surveyed, key=lambda row: (row["file"], row["start"])):
            found[row["file"]].append(Survey(row["lines"], row["first"], row["quoted"]))
    wanted = []
    for position, file in enumerate(files):
        surveys = found.get(position, [])
        # Of some, a quote may keep a line from being a record.
        if surveys and (lines[position] or not any(each.quoted for each in surveys)):
            wanted += [Piece(position, span.end - span.start, span) for span in spans(surveys, file.size)]
        else:
            wanted.append(Piece(position, file.size))
    return wanted


def in_tasks(wanted: Sequence[Piece]) -> list[list[Piece]]:
    """What each task reads; the tasks with the largest pieces come first."""
    tasks: list[list[Piece]] = []
    left = 0
    for piece in sorted(wanted, key=lambda piece: -piece.size):
        cost = piece.size + OPENING_BYTES
        if not tasks or cost > left:
            tasks.append([])
            left = TASK_BYTES
        tasks[-1].append(piece)
        left -= cost
    return tasks


@dataclass(frozen=True)
class Storage:
    """Opens the files of a manifest in Spark's workers; it is sent to them."""

    region: str | None

    @contextmanager
    def failures(self, file: ManifestFile) -> Iterator[None]:
        """Call by its name what happens while a file is fetched.

        Raises:
            StorageError: the file cannot be fetched.
            SparkDiedError: the worker has no memory left.
        """
        try:
            yield
        except (BotoCoreError, ClientError, OSError) as error:
            raise StorageError(f"{file.uri}: {type(error).__name__}: {error}") from error
        except MemoryError as error:
            raise SparkDiedError(f"{file.uri}: a worker ran out of memory: {error}") from error

    def open(self, file: ManifestFile) -> BinaryIO:
        """Open a file, with the credentials that the worker has of the driver."""
        if file.uri.startswith("file://"):
            return Path(unquote(file.uri.removeprefix("file://"))).open("rb")
        return _s3(self.region).open_file(file)

    def lines_are_records(self, file: ManifestFile, contract: Contract) -> bool | None:
        """Whether each line of a file is a record; None if each is, where the file has no quote."""
        with self.failures(file), self.open(file) as stream:
            return lines_are_records(stream, file, contract)


@dataclass(frozen=True)
class _Surveys:
    """Surveys ranges of files in Spark's workers; it is sent to them."""

    ranges: Sequence[tuple[int, int, int]]
    files: Sequence[ManifestFile]
    storage: Storage

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                position, start, end = self.ranges[row["id"]]
                file = self.files[position]
                with self.storage.failures(file), self.storage.open(file) as stream:
                    found = survey(stream, start, end, Limits().read_bytes)
                yield pa.RecordBatch.from_pylist([{"file": position, "start": start, **vars(found)}])


@dataclass(frozen=True)
class _Tasks:
    """Reads files in Spark's workers; it is sent to them."""

    tasks: Sequence[Sequence[Piece]]
    files: Sequence[ManifestFile]
    contract: Contract
    storage: Storage
    limits: Limits | None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                for piece in self.tasks[row["id"]]:
                    yield from self._read(piece)

    def _read(self, piece: Piece) -> Iterator[pa.RecordBatch]:
        """Read a piece. What is wrong with the file is said in the batches; what is raised, the platform has done."""
        file = self.files[piece.position]
        with self.storage.failures(file):
            yield from read(file, piece.position, self.contract, self.storage.open, self.limits, piece.span)


def _region(spark: SparkSession) -> str | None:
    """The region of the driver; the job tells Spark's own connector too."""
    configured = spark._jsc.hadoopConfiguration().get("fs.s3a.endpoint.region")
    return boto3.session.Session().region_name or configured or None


@cache
def _s3(region: str | None) -> S3Files:
    return S3Files(boto3.client("s3", region_name=region))
