"""Reads one file of a manifest: what is wrong with it as a whole, and its records, checked."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, Protocol

import pyarrow as pa
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile

from record_engine.batches import BatchMaker
from record_engine.checks import Checker
from record_engine.csv_records import CsvFile
from record_engine.files import OpenFile, Window, chunks_of, gzip_problem, is_gzipped, packed_chunks, unpacked_chunks
from record_engine.json_records import JsonFile
from record_engine.limits import Limits
from record_engine.parquet_records import ParquetRecords
from record_engine.spans import Span


class Reader(Protocol):
    """A file that is read: `problem` is known from the start, `rows_read` when all batches were taken."""

    rows_read: int

    @property
    def problem(self) -> str | None:
        """Why the file is quarantined as a whole; None if it is not."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records, each batch either of valid or of refused ones, valid ones in the order of their lines."""


class FileReader:
    """Reads one file, in blocks, so that no more of it is in memory than a few blocks.

    What the file itself is to blame for is its `problem`, or a reason of its records. Whatever `open_file` or what it
    opens raises is raised: the platform's failure is no verdict about a file.

    Args:
        file: as the manifest has it.
        position: where in the manifest it is, from 0.
        contract: by which its records are checked.
        open_file: opens the file, more than once if need be.
        checker: of the same contract, to be shared by the files that are read one after the other.
        limits: how much is held in memory.
        span: the part of a text file without quotes whose records are wanted; all of them, if there is none.
    """

    def __init__(
        self,
        file: ManifestFile,
        position: int,
        contract: Contract,
        open_file: OpenFile,
        checker: Checker | None = None,
        limits: Limits | None = None,
        span: Span | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._file, self._open_file, self._span = file, open_file, span
        self._stack = ExitStack()
        self._reader: Reader | None = None
        self._maker = BatchMaker(position, contract)
        self.problem: str | None = None
        if is_gzipped(file):
            self.problem = gzip_problem(file, open_file, self._limits.read_bytes)
        if self.problem is None:
            try:
                self._reader = self._begin(position, contract, checker or Checker(contract))
                self.problem = self._reader.problem
            except BaseException:
                self._stack.close()
                raise

    def _begin(self, position: int, contract: Contract, checker: Checker) -> Reader:
        stream = self._stack.enter_context(self._open_file(self._file))
        if self._file.format == "parquet":
            return ParquetRecords(stream, self._file, position, contract, checker)
        if self._file.format != "csv":
            return JsonFile(self._window(stream, self._span), position, contract, checker, self._limits)
        if self._span is None or self._span.start == 0:
            return CsvFile(self._window(stream, self._span), position, contract, checker, self._limits)
        window = self._window(stream, None)
        return CsvFile(window, position, contract, checker, self._limits, lambda: self._window(stream, self._span))

    def _window(self, stream: BinaryIO, span: Span | None) -> Window:
        read_bytes = self._limits.read_bytes
        if span is not None:
            return Window(chunks_of(stream, span, read_bytes), span.line)
        chunks = packed_chunks(stream, read_bytes)
        return Window(unpacked_chunks(chunks) if is_gzipped(self._file) else chunks)

    @property
    def rows_read(self) -> int:
        """Records of the file, as they were counted before anything was checked; all, once every batch was taken."""
        return self._reader.rows_read if self._reader else 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records; taken once."""
        with self._stack:
            if self._reader:
                yield from self._reader.batches()

    def summary(self) -> pa.RecordBatch:
        """The problem and the number of rows as a batch of one row, whose line is 0."""
        return self._maker.summary(self.problem, self.rows_read)


def read(
    file: ManifestFile,
    position: int,
    contract: Contract,
    open_file: OpenFile,
    limits: Limits | None = None,
    span: Span | None = None,
) -> Iterator[pa.RecordBatch]:
    """The records of a file, or of a span of it, in batches of `record_schema(contract)`, and last a summary.

    The summary is a row whose line is 0.
    In the summary `_raw` is the problem of the file, null if it has none, and `_reasons` has one text: the number of
    rows read. This is for a carrier that can hand on batches only, as Spark's `mapInArrow`.
    """
    reader = FileReader(file, position, contract, open_file, limits=limits, span=span)
    yield from reader.batches()
    yield reader.summary()
