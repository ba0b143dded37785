"""Reads the records of a CSV file."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
from pipeline_core.contract import Contract

from record_engine.arrow import Array
from record_engine.batches import BatchMaker, Refused, line_array
from record_engine.checks import Checker, Texts
from record_engine.csv_split import LF, Records, Splitter
from record_engine.csv_values import split_record
from record_engine.files import Window
from record_engine.header import Names, column_name
from record_engine.limits import Limits
from record_engine.text_records import MALFORMED, TOO_LONG, kept, kept_beginning, text_reason

TEXT = pa.dictionary(pa.int32(), pa.string())
CR = b"\r"
CR_ENDS = "unexpected_column:lines end in CR only; set lineEnds: any"
STANDS_IN = b"\x1f"
"""One byte in the place of a delimiter of several, for Arrow."""


class CsvFile:
    """A CSV file that is read: its header is known from the start, its records come by `batches`."""

    def __init__(
        self,
        window: Window,
        position: int,
        contract: Contract,
        checker: Checker,
        limits: Limits,
        names: Names,
        later: Callable[[], Window] | None = None,
    ) -> None:
        """Read the header of a window; the records are in `later`, if the file is cut, and else in what follows."""
        self.rows_read = 0
        self._window = window
        self._delimiter = contract.delimiter
        self._limits = limits
        self._most = contract.max_record_bytes
        self._checker = checker
        self._maker = BatchMaker(position, contract)
        self._dialect = contract.dialect
        self._splitter = Splitter(contract.delimiter, contract.max_record_bytes, contract.dialect)
        self._head = b""
        self._skip()
        self._in_path = names.in_path
        self._names = self._header() if contract.dialect.header else names.without_header
        self._columns = names.columns(self._names)
        self._problems = names.problems(self._names)
        if self._problems and self._head:
            # A header that is malformed by this delimiter is looked at as it is.
            whole = self._names or [column_name(self._head.decode("utf-8", "replace"))]
            self._problems = names.other_delimiter(whole) or self._problems
            if CR in self._head and not names.problems(self._names_in(self._head.partition(CR)[0])):
                self._problems = [CR_ENDS]
        self.problem = ", ".join(self._problems) or None
        self._splitter.expect(max(1, len(self._names)))
        if later is not None:
            self._window = later()

    def _skip(self) -> None:
        """Have done with the lines before the header, or, where there is none, before the first record."""
        for _ in range(self._dialect.skip_lines):
            self._window.skip_line()
        self._window.fill(len(self._dialect.comment.encode()))
        while self._splitter.is_comment(self._window.data):
            self._window.skip_line()
            self._window.fill(len(self._dialect.comment.encode()))

    def _header(self) -> list[str]:
        """Names of the columns; none where the first line has no text, or its record is malformed."""
        window, splitter = self._window, self._splitter
        window.fill(1)
        while (end := window.data.find(LF) + 1) == 0 and window.data and not self._is_too_long():
            window.fill(len(window.data) + self._limits.block_bytes)
        if end == 0:
            self._head = window.data[: self._most]
            window.skip_line()
            return []
        while (known := splitter.record_end(window.data, 0, window.base, ended=window.ended)) is None:
            window.fill(len(window.data) + self._limits.block_bytes)
        record = window.data[: (known or end) - 1].removesuffix(b"\r")
        self._head = record[: self._most]
        window.drop(known or end, window.data.count(LF, 0, known or end))
        return self._names_in(record) if known else []

    def _names_in(self, record: bytes) -> list[str]:
        text = record.decode("utf-8", "replace")
        values = split_record(text, self._delimiter, self._dialect) if text else None
        return [column_name(name) for name in values or ()]

    def _is_too_long(self) -> bool:
        """Whether the window holds nothing but the beginning of a line that no record may have."""
        return len(self._window.data) > self._most + 1

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records, block by block, in the order of their lines."""
        window, size = self._window, self._limits.block_bytes
        window.fill(size)
        while window.data:
            found, done, lines = self._splitter.split(window.data, window.base, window.line, ended=window.ended)
            if not done and LF not in window.data and self._is_too_long():
                if not self._splitter.is_comment(window.data):
                    found.refused.append((window.line, window.data[: self._most], TOO_LONG))
                window.skip_line()
            else:
                window.drop(done, lines)
            self.rows_read += len(found.raws) + len(found.refused)
            yield from self._block(found)
            window.fill(size if done or not window.data else len(window.data) + size)

    def _block(self, found: Records) -> Iterator[pa.RecordBatch]:
        refused = [self._refused(line, raw, reason) for line, raw, reason in found.refused]
        raws: list[bytes] = found.raws
        lines: Sequence[int] = found.lines
        columns: list[Texts] | None = None
        if self._problems:
            refused += [self._refused(line, raw, None) for line, raw in zip(lines, raws, strict=True)]
        elif raws:
            columns = self._parsed(raws, quoted=found.quoted)
            if columns is None:
                raws, lines = self._readable(found, refused)
                columns = self._parsed(raws, quoted=found.quoted) or self._parsed_one_by_one(raws)
        yield from self._maker.refused(refused)
        if columns and raws:
            named = zip(self._columns, columns, strict=True)
            texts = {name: column for name, column in named if name is not None}
            checked = self._checker.check(texts, len(raws), self._in_path)
            yield from self._maker.checked(line_array(lines), checked, lambda at: kept(raws[at]))

    def _refused(self, line: int, raw: bytes, reason: str | None) -> Refused:
        if reason == TOO_LONG:
            return line, kept_beginning(raw), [*self._problems, TOO_LONG]
        # What is not text comes before what CSV says of it, which is nothing where the columns do not fit.
        reason = text_reason(raw) or (None if self._problems else reason)
        return line, kept(raw), [*self._problems, *([reason] if reason else [])]

    def _readable(self, found: Records, refused: list[Refused]) -> tuple[list[bytes], Sequence[int]]:
        """The records that are text and have as many values as the header; the others are refused."""
        raws, lines = found.raws, found.lines
        delimiter, expected, special = self._delimiter.encode(), len(self._names) - 1, self._splitter.special
        reasons: dict[int, str] = {}
        for at, raw in enumerate(raws):
            # The splitter has counted the values of records with quotes.
            is_malformed = raw.count(delimiter) != expected and not (special and special in raw)
            if reason := text_reason(raw) or (MALFORMED if is_malformed else None):
                reasons[at] = reason
        refused += [self._refused(lines[at], raws[at], reason) for at, reason in reasons.items()]
        readable = [at for at in range(len(raws)) if at not in reasons]
        return [raws[at] for at in readable], [lines[at] for at in readable]

    def _parsed(self, raws: Sequence[bytes], *, quoted: bool) -> list[Texts] | None:
        """The columns of records, as Arrow parses them; None if it would not take all of them as they are meant."""
        text = LF.join([*raws, b""])
        delimiter = self._delimiter.encode()
        if len(delimiter) > 1 and not quoted and STANDS_IN not in text:
            text, delimiter = text.replace(delimiter, STANDS_IN), STANDS_IN
        # Arrow takes a CR for a line end, one byte for a delimiter, and a byte order mark for none of the text. It has
        # other escapes, and takes blanks after a closing quote for text.
        if (
            not raws
            or b"\r" in text
            or len(delimiter) > 1
            or text.startswith(BOM_UTF8)
            or (quoted and (self._dialect.escape or not self._dialect.trim))
            or not _is_text(text)
        ):
            return None
        try:
            return self._parsed_by_arrow(text, len(raws), delimiter.decode(), quoted=quoted)
        except pa.ArrowInvalid:
            # A record has another number of values than the header.
            return None

    def _parsed_by_arrow(self, text: bytes, records: int, delimiter: str, *, quoted: bool) -> list[Texts]:
        read_csv: Any = arrow_csv.read_csv
        table = read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(number) for number in range(len(self._names))],
                use_threads=False,
                block_size=len(text) + 1,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char=self._dialect.quote if quoted else False,
                double_quote=quoted,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={str(number): TEXT for number in range(len(self._names))},
                null_values=[],
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        if table.num_rows != records:
            raise RuntimeError(f"{records} records of CSV were cut, but {table.num_rows} were parsed")
        columns = [column.combine_chunks() for column in table.columns]
        parsed: list[Array] = [column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns]
        return [Texts(array.indices, array.dictionary) for array in parsed]

    def _parsed_one_by_one(self, raws: Sequence[bytes]) -> list[Texts]:
        records = [split_record(raw.decode(), self._delimiter, self._dialect) for raw in raws]
        columns = zip(*(record for record in records if record is not None), strict=True)
        arrays: list[Array] = [pa.array(column, pa.string()).dictionary_encode() for column in columns]
        return [Texts(array.indices, array.dictionary) for array in arrays]


def _is_text(block: bytes) -> bool:
    if b"\0" in block:
        return False
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
