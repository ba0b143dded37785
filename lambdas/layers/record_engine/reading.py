"""Reads one file of a manifest: what is wrong with it as a whole, and its records, checked."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import BinaryIO, Protocol

import pyarrow as pa
from pipeline_core.content import HEAD_BYTES, Found, encoding_of, format_of, hint_of, packing_of, text_of
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile

from record_engine.batches import BatchMaker
from record_engine.checks import Checker
from record_engine.csv_records import CsvFile
from record_engine.encodings import in_utf8
from record_engine.files import OpenFile, Window, chunks_of, packed_chunks
from record_engine.header import Names
from record_engine.json_records import JsonFile
from record_engine.json_split import Layout, layout_of
from record_engine.limits import Limits
from record_engine.packing import packing_problem, unpacked
from record_engine.parquet_records import ParquetRecords
from record_engine.spans import Span
from record_engine.watched import UnreadableError


class Reader(Protocol):
    """A file that is read: `problem` is known from the start, `rows_read` when all batches were taken."""

    rows_read: int

    @property
    def problem(self) -> str | None:
        """Why the file is quarantined as a whole; None if it is not."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records, each batch either of valid or of refused ones, valid ones in the order of their lines."""


def found_in(beginning: bytes, file: ManifestFile, contract: Contract) -> Found:
    """The format of a file whose content begins so."""
    return format_of(beginning, hint_of(file.key), contract.formats, contract.dialect.encoding)


def lines_are_records(stream: BinaryIO, file: ManifestFile, contract: Contract) -> bool | None:
    """Whether each line of a file is a record, so that it can be cut; None if each is, where it has no quote."""
    head = stream.read(HEAD_BYTES)
    found = found_in(head, file, contract)
    if packing_of(head) or found.problem or found.format == "parquet":
        return False
    # A mark says that it is in another encoding than the contract's.
    same = encoding_of(head, contract.dialect.encoding) == contract.dialect.encoding
    if found.format == "jsonl" and json_layout(head, contract.dialect.encoding) != "lines":
        return False
    return contract.dialect.lines_are_records(found.format) if same else False


def json_layout(beginning: bytes, encoding: str) -> Layout:
    """How objects stand in a JSON file that begins so."""
    return layout_of(text_of(beginning, encoding), is_whole=len(beginning) < HEAD_BYTES)


def _peeked(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a content, and all of it."""
    read: list[bytes] = []
    while sum(map(len, read)) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
        read.append(chunk)
    return b"".join(read)[:HEAD_BYTES], chain(read, chunks)


def _at_start(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return stream


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
        self._file, self._span = file, span
        self._stack = ExitStack()
        self._reader: Reader | None = None
        self._maker = BatchMaker(position, contract)
        self.problem: str | None = None
        try:
            stream = self._stack.enter_context(open_file(file))
            # What is read to tell what it is, is not asked for twice.
            head, chunks = _peeked(packed_chunks(stream, self._limits.read_bytes))
            self._packing = packing_of(head)
            if self._packing:
                self.problem = packing_problem(self._packing, _at_start(stream), file.size, self._limits.read_bytes)
                chunks = unpacked(self._packing, _at_start(stream), self._limits.read_bytes)
            if self.problem is None:
                self._reader = self._begin(stream, chunks, position, contract, checker or Checker(contract))
                self.problem = self._reader.problem
        except UnreadableError as problem:
            self._stack.close()
            self.problem = str(problem)
        except BaseException:
            self._stack.close()
            raise

    def _begin(
        self, stream: BinaryIO, chunks: Iterator[bytes], position: int, contract: Contract, checker: Checker
    ) -> Reader:
        beginning, chunks = _peeked(chunks)
        found = found_in(beginning, self._file, contract)
        if found.problem:
            raise UnreadableError(found.problem)
        if found.format == "parquet":
            if self._packing:
                raise UnreadableError(f"unreadable: Parquet inside {self._packing}; its pages are packed already")
            return ParquetRecords(_at_start(stream), self._file, position, contract, checker)
        encoding = encoding_of(beginning, contract.dialect.encoding)

        def window(chunks: Iterator[bytes], line: int = 1) -> Window:
            return Window(in_utf8(chunks, encoding, contract.dialect.line_ends), line)

        def of_span(span: Span) -> Window:
            return window(chunks_of(stream, span, self._limits.read_bytes), span.line)

        span, names = self._span, Names(contract, self._file.key)
        if found.format == "jsonl":
            text = of_span(span) if span else window(chunks)
            layout = json_layout(beginning, encoding)
            return JsonFile(text, position, contract, checker, self._limits, names, "lines" if span else layout)
        if span is None or span.start == 0:
            text = of_span(span) if span else window(chunks)
            return CsvFile(text, position, contract, checker, self._limits, names)
        return CsvFile(window(chunks), position, contract, checker, self._limits, names, lambda: of_span(span))

    @property
    def rows_read(self) -> int:
        """Records of the file, as they were counted before anything was checked; all, once every batch was taken."""
        return self._reader.rows_read if self._reader else 0

    def close(self) -> None:
        """Have done with a file whose records are not wanted."""
        self._stack.close()

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

    The summary is a row whose line is 0: `_raw` is the problem of the file, null if it has none, and `_reasons` has one
    text, the number of rows read. This is for a carrier that can hand on batches only, as Spark's `mapInArrow`.
    """
    reader = FileReader(file, position, contract, open_file, limits=limits, span=span)
    yield from reader.batches()
    yield reader.summary()
