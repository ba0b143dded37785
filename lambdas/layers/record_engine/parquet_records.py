"""Reads the records of a Parquet file, row group by row group, after its footer and its pages were looked at once."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile

from record_engine.arrow import compute
from record_engine.batches import BatchMaker, line_array
from record_engine.checks import Checked, Checker, is_typed
from record_engine.header import Names, column_name, quoted
from record_engine.limits import MAX_PARQUET_BYTES, MAX_PARQUET_CELLS, MiB, is_parquet_bomb
from record_engine.parquet_values import Column, Field, column_of, encode, json_texts, meaning, typed
from record_engine.watched import UnreadableError, Watched

PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Column names that mean the same to every engine. A contract has no others."""

TEXT = ("STRING", "ENUM", "JSON")
UNSUPPORTED = ("TIME", "FLOAT16", "INTERVAL", "UUID")
MAX_PRECISION = 38
"""Digits of a decimal at most, in the table and in Athena."""

ROWS = 65_536
"""Rows that are worked on at a time."""

FEW_ROWS = 4_096
"""Rows where a text is not held once for all that have it, but a page may still hold it once."""

DICTIONARY_ENCODINGS = frozenset({"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"})

PIECE_BYTES = 64 * MiB
"""Bytes of text in rows that are worked on at a time; a dictionary holds a long text once for any number of them."""

PAGE_BUFFER_BYTES = MiB

INT96_UNIT = "us"
"""How finely old timestamps of 96 bits are read: in nanoseconds, Arrow has none before 1677 or after 2262."""

BOMB = (
    f"parquet_bomb: the content has more than {MAX_PARQUET_CELLS} values, or {MAX_PARQUET_BYTES} bytes of them, and "
    "far more than a file of its size has"
)


class ParquetRecords:
    """A Parquet file that is read."""

    def __init__(
        self, stream: BinaryIO, file: ManifestFile, position: int, contract: Contract, checker: Checker
    ) -> None:
        self.rows_read = 0
        self.problem: str | None = None
        self._source: Any = Watched(stream)
        self._key, self._size = file.key, file.size
        self._checker = checker
        self._maker = BatchMaker(position, contract)
        self._problems: list[str] = []
        self._has_records = False
        try:
            self._look(contract)
        except UnreadableError as problem:
            self.problem = str(problem)

    def _look(self, contract: Contract) -> None:
        """Read the footer, and once every page, since what is wrong with one may come last."""
        self._metadata, self._fields = self._decoding(self._footer)
        if not self._fields:
            raise UnreadableError("unreadable: it has no columns")
        known = Names(contract, self._key)
        self._in_path = known.in_path
        self._fields = list(_flat(self._fields, known))
        names = [column_name(field.label) for field in self._fields]
        self._problems = known.problems(names)
        # What is ignored is not read: it may be of any type.
        wanted = [known.column(name) is not None or not known.is_ignored(name) for name in names]
        self._is_whole = all(wanted)
        self._fields = [field for field, is_wanted in zip(self._fields, wanted, strict=True) if is_wanted]
        names = [name for name, is_wanted in zip(names, wanted, strict=True) if is_wanted]
        self._names = [known.column(name) or name for name in names]
        by_name = {column.name: column for column in contract.columns}
        self._fields = [
            replace(field, kind="json")
            if pa.types.is_nested(field.type) and name in by_name and by_name[name].type == "string"
            else field
            for name, field in zip(self._names, self._fields, strict=True)
        ]
        self._typed = {
            name
            for name, field in zip(self._names, self._fields, strict=True)
            if name in by_name and is_typed(meaning(field), by_name[name])
        }
        self._problems += [
            f"{'nested_value' if field.kind == 'nested' else 'unsupported_type'}:{quoted(name)}"
            for name, field in zip(self._names, self._fields, strict=True)
            if field.kind == "nested" or (not field.supported and field.kind != "json")
        ]
        self.problem = ", ".join(self._problems) or None
        unpacked = sum(
            self._metadata.row_group(number).total_byte_size for number in range(self._metadata.num_row_groups)
        )
        self._refuse_bomb(unpacked)
        if not self._problems or self._shows_records():
            self._decoding(self._verify)
            self._has_records = True

    def _decoding(self, work: Any) -> Any:
        """Do something that decodes content; what goes wrong is the content's, unless the storage has failed."""
        try:
            return work()
        except UnreadableError:
            raise
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            if self._source.failure is not None:
                raise self._source.failure from error
            if isinstance(error, MemoryError):
                raise
            raise UnreadableError(f"unreadable: {' '.join(str(error).split())[:200]}") from error

    def _footer(self) -> tuple[pq.FileMetaData, list[Field]]:
        file = pq.ParquetFile(self._source, coerce_int96_timestamp_unit=INT96_UNIT)
        return file.metadata, fields_of(file)

    def _shows_records(self) -> bool:
        """Whether the records of a file that is refused as a whole can be shown; else only the file is kept."""
        names = [field.name.lower() for field in self._fields if not field.steps]
        plain = all(PLAIN_NAME.fullmatch(field.name) for field in self._fields)
        return plain and len(set(names)) == len(names) and all(field.supported for field in self._fields)

    def _refuse_bomb(self, unpacked: int) -> None:
        rows, columns = self._metadata.num_rows, len(self._fields)
        if is_parquet_bomb(rows=rows, columns=columns, unpacked=unpacked, size=self._size):
            raise UnreadableError(BOMB)

    def _verify(self) -> None:
        rows = text = 0
        for batch in self._row_batches():
            rows += batch.num_rows
            text += sum(self._text_bytes(batch))
            self._refuse_bomb(text)
        if rows != self._metadata.num_rows:
            raise UnreadableError(f"unreadable: {self._metadata.num_rows} rows by its footer, {rows} found")

    def _text_bytes(self, batch: pa.RecordBatch) -> Iterator[int]:
        for field in self._fields:
            if field.kind == "text":
                encoded = encode(field, field.of(batch))
                lengths = compute.binary_length(encoded.dictionary).cast(pa.int64())
                yield compute.sum(lengths.take(encoded.indices)).as_py() or 0
            elif field.kind == "json":
                yield sum(len(text or "") for text in json_texts(field.of(batch)))

    def _row_batches(self) -> Iterator[pa.RecordBatch]:
        texts = {field.path for field in self._fields if field.kind == "text" and not field.steps}
        as_dictionary = sorted(texts - self._without_dictionary())
        file = pq.ParquetFile(
            self._source,
            metadata=self._metadata,
            read_dictionary=as_dictionary,
            # Page by page: a row group may be as large as the file.
            buffer_size=PAGE_BUFFER_BYTES,
            pre_buffer=False,
            coerce_int96_timestamp_unit=INT96_UNIT,
        )
        return file.iter_batches(
            batch_size=ROWS if len(as_dictionary) == len(texts) else FEW_ROWS,
            columns=None if self._is_whole else list(dict.fromkeys(field.name for field in self._fields)),
            use_threads=False,
        )

    def _without_dictionary(self) -> set[str]:
        """Columns with an encoding that Arrow reads, but not as distinct texts."""
        groups = (self._metadata.row_group(number) for number in range(self._metadata.num_row_groups))
        chunks = (group.column(number) for group in groups for number in range(group.num_columns))
        return {chunk.path_in_schema for chunk in chunks if not DICTIONARY_ENCODINGS.issuperset(chunk.encodings)}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records, some thousand rows at a time."""
        if not self._has_records:
            return
        line = 1
        for rows in chain.from_iterable(map(self._pieces, self._row_batches())):
            yield from self._piece(rows, line)
            line += rows.num_rows
            self.rows_read += rows.num_rows

    def _pieces(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Slices of a batch that hold no more text than may be in memory, but at least a row each."""
        if batch.num_rows > 1 and sum(self._text_bytes(batch)) > PIECE_BYTES:
            half = batch.num_rows // 2
            yield from self._pieces(batch.slice(0, half))
            yield from self._pieces(batch.slice(half))
        elif batch.num_rows:
            yield batch

    def _piece(self, rows: pa.RecordBatch, line: int) -> Iterator[pa.RecordBatch]:
        columns = [column_of(field, field.of(rows)) for field in self._fields]
        wrong = _text_reasons(columns)
        if self._problems:
            yield from self._maker.refused(
                [
                    (line + at, _kept(columns, at), [*self._problems, *([wrong[at]] if at in wrong else [])])
                    for at in range(rows.num_rows)
                ]
            )
            return
        texts = {
            name: typed(column) if name in self._typed else column.texts
            for name, column in zip(self._names, columns, strict=True)
        }
        checked = self._checker.check(texts, rows.num_rows, self._in_path)
        # A record that is no text has no values to be wrong.
        reasons = checked.reasons | {at: [reason] for at, reason in wrong.items()}
        lines = line_array(range(line, line + rows.num_rows))
        yield from self._maker.checked(lines, Checked(checked.columns, reasons), lambda at: _kept(columns, at))


def fields_of(file: pq.ParquetFile) -> list[Field]:
    """The columns of a file, in their order."""
    fields, leaf = [], 0
    for field in file.schema_arrow:
        column: Any = file.metadata.schema.column(leaf)
        leaf += _leaves(field.type)
        logical = column.logical_type.type if column.logical_type is not None else "NONE"
        kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        supported = (
            logical not in UNSUPPORTED
            and column.converted_type != "INTERVAL"
            and not pa.types.is_time(kind)
            and not pa.types.is_float16(kind)
            and not (pa.types.is_decimal(kind) and kind.precision > MAX_PRECISION)
        )
        is_utc = pa.types.is_timestamp(kind) and (kind.tz is not None or column.physical_type == "INT96")
        fields.append(
            Field(
                field.name,
                column.path,
                kind,
                _kind(kind, logical, supported=supported),
                supported,
                is_utc,
                label=field.name,
            )
        )
    return fields


def _flat(fields: Iterable[Field], known: Names) -> Iterator[Field]:
    """The columns of a file, and those in its structs that the contract finds by a path (docs/semantics.md, 2.6)."""
    fields = list(fields)
    own = {column_name(field.name) for field in fields}
    # Fields to look at, by their paths, and whether all of the struct that they are in is a column, too.
    waiting = [(column_name(field.name), field, False) for field in reversed(fields)]
    while waiting:
        path, field, is_kept = waiting.pop()
        is_column = known.column(path) is not None
        if field.steps and path in own:
            continue
        is_way = path in known.paths and pa.types.is_struct(field.type)
        if is_column or not (is_way or is_kept):
            yield replace(field, label=path if field.steps else field.name)
        if is_way:
            for number in reversed(range(field.type.num_fields)):
                inner = field.type.field(number)
                kind = inner.type.storage_type if isinstance(inner.type, pa.BaseExtensionType) else inner.type
                is_utc = pa.types.is_timestamp(kind) and kind.tz is not None
                supported = not (pa.types.is_time(kind) or pa.types.is_float16(kind))
                member = Field(
                    field.name,
                    field.path,
                    kind,
                    _kind(kind, "NONE", supported=supported),
                    supported,
                    is_utc,
                    (*field.steps, number),
                )
                waiting.append((f"{path}.{column_name(inner.name)}", member, is_kept or is_column))


def _kind(kind: Any, logical: str, *, supported: bool) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        return "nested"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if is_text or logical in TEXT:
        return "text"
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    if supported and (is_binary or pa.types.is_fixed_size_binary(kind)) and not pa.types.is_decimal(kind):
        return "nested"
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return "number" if any(is_(kind) for is_ in numbers) else "other"


def _leaves(kind: Any) -> int:
    """Columns that Parquet has for one of Arrow."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(number).type) for number in range(kind.num_fields)) or 1


def _text_reasons(columns: list[Column]) -> dict[int, str]:
    found: dict[int, str] = {}
    for column in columns:
        for row, reason in column.text_reasons().items():
            # Of both, that it is not UTF-8 comes first, which is also the first in the alphabet.
            found[row] = min(reason, found.get(row, reason))
    return found


def _kept(columns: list[Column], row: int) -> str:
    """A row as JSON, as it is kept."""
    return (
        "{"
        + ",".join(f"{json.dumps(column.field.label, ensure_ascii=False)}:{column.json(row)}" for column in columns)
        + "}"
    )
