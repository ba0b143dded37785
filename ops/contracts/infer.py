"""Makes a contract from files: what every value of a column is by the rules of the engine, never what it might be.

DuckDB's sniffer finds the delimiter; whether a text is a number, a date or a boolean the record engine says, so
that the files are published by the contract without a refused row. What is a guess has a comment.
"""

import csv
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

from pipeline_core.content import HEAD_BYTES, format_of, hint_of, packing_of
from pipeline_core.contract import Column, Contract
from pipeline_core.manifest import ManifestFile

from contracts.compiler.checks import FORMATS, MAX_FILE_BYTES
from contracts.compiler.names import MAX_COLUMN, column_name
from contracts.compiler.tables import JOB_COLUMNS, OWN_COLUMNS
from ops.contracts.trial import Folder, TrialError, engine

NULL_TOKENS = ("NA", "N/A", "n/a", "NULL", "null", "\\N", "None", "nan", "NaN", "-")
"""Texts that mean nothing where all other values of a column are numbers, dates or booleans."""

KINDS = ("boolean", "bigint", "decimal", "double", "date", "timestamp")
LOGICAL = {"boolean": "boolean", "bigint": "integer", "double": "number", "date": "date", "timestamp": "timestamp"}
READ_BYTES = 1024 * 1024
MOST_REMEMBERED = 1_000_000
"""Values of a column that are compared with each other, to find what may be a key."""

PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.([0-9]{1,6})")
LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")


@dataclass
class Seen:
    """What was seen of a column."""

    source: str
    name: str
    kinds: set[str] = field(default_factory=lambda: set(KINDS))
    tokens: set[str] = field(default_factory=set)
    scales: set[int] = field(default_factory=set)
    values: set[str] | None = field(default_factory=set)
    rows: int = 0
    nulls: int = 0
    has_leading_zeros: bool = False

    @property
    def kind(self) -> str:
        """The type that all values have; text, if there is none, or no value."""
        if self.nulls == self.rows:
            return "string"
        return next((kind for kind in KINDS if kind in self.kinds), "string")


def infer(files: Sequence[Path], dataset: str) -> str:
    """The text of a contract by which the files are published.

    Raises:
        TrialError: a file cannot be read as it is; says why.
    """
    engine()
    kinds = [_format(file) for file in files]
    texts = [file for file, kind in zip(files, kinds, strict=True) if kind == "csv"]
    delimiter, has_header = _sniff(texts[0]) if texts else (",", True)
    named = [_names(file, kind, delimiter) for file, kind in zip(files, kinds, strict=True)]
    sources = list(dict.fromkeys(source for names in named for source in names))
    ignored = [source for source in sources if not source]
    columns = _columns([source for source in sources if source])
    nested: set[str] = set()
    while True:
        chosen = [column for column in columns if column.source not in nested]
        if not chosen:
            raise TrialError(f"{files[0]}: no column that a table could have was found in it")
        found = _read(files, kinds, dataset, chosen, delimiter, [*ignored, *nested])
        if not found:
            break
        nested |= {column.source for column in chosen if column.name in found}
        columns = _columns([source for source in sources if source])
    left_out = [*ignored, *sorted(nested)]
    return _text(dataset, chosen, delimiter, sorted(set(kinds)), left_out, len(files), has_header=has_header)


def _format(file: Path) -> str:
    if not file.is_file():
        raise TrialError(f"{file}: there is no such file")
    with _unpacked(file) as content:
        found = format_of(content.read(HEAD_BYTES), hint_of(file.name), FORMATS, "utf-8")
    if found.problem:
        raise TrialError(f"{file}: {found.problem}")
    return found.format


def _sniff(file: Path) -> tuple[str, bool]:
    """The delimiter of a CSV file, and whether its first line looks like a header."""
    import duckdb

    try:
        row = duckdb.execute("SELECT Delimiter, HasHeader FROM sniff_csv(?)", [str(file)]).fetchone()
    except duckdb.Error:
        return ",", True
    return (str(row[0]) if row and len(str(row[0])) == 1 else ","), bool(row and row[1])


@contextmanager
def _unpacked(file: Path) -> Iterator[BinaryIO]:
    """The content of a file, as a temporary file."""
    from record_engine.packing import unpacked
    from record_engine.watched import UnreadableError

    with file.open("rb") as packed, tempfile.TemporaryFile() as content:
        packing = packing_of(packed.read(HEAD_BYTES))
        packed.seek(0)
        try:
            for chunk in (
                unpacked(packing, packed, READ_BYTES) if packing else iter(lambda: packed.read(READ_BYTES), b"")
            ):
                content.write(chunk)
        except UnreadableError as error:
            raise TrialError(f"{file}: {error}") from error
        content.seek(0)
        yield cast(BinaryIO, content)


def _names(file: Path, kind: str, delimiter: str) -> list[str]:
    """The columns of a file, as it calls them."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(file).names)
    try:
        with _unpacked(file) as content, TextIOWrapper(content, "utf-8-sig", newline="") as lines:
            if kind == "csv":
                return [name.strip(" \t") for name in next(csv.reader(lines, delimiter=delimiter), [])]
            return list(dict.fromkeys(name for line in lines for name in _members(line)))
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise TrialError(f"{file}: it is no text in UTF-8: {error}") from error


def _members(line: str) -> Iterable[str]:
    try:
        found = json.loads(line) if line.strip() else {}
    except ValueError:
        return ()
    return (name.strip(" \t") for name in found) if isinstance(found, dict) else ()


def _columns(sources: Sequence[str]) -> list[Seen]:
    """Columns with names of the table: those that have such a name keep it, others get a number where it is taken."""
    by_source: dict[str, str] = {}
    for source in sources:
        by_source.setdefault(source.lower(), source)
    own = {*OWN_COLUMNS, *JOB_COLUMNS}
    plain = {source: column_name(source)[: MAX_COLUMN - 4] for source in by_source.values()}
    taken = own | {name for source, name in plain.items() if source == name}
    columns = []
    for source, name in plain.items():
        if source != name or name in own:
            numbered = (f"{name}_{number}" for number in range(2, len(sources) + 3))
            name = next(free for free in (name, *numbered) if free not in taken)
        taken.add(name)
        columns.append(Seen(source=source, name=name))
    return columns


def _by_schema(file: Path, columns: Sequence[Seen]) -> None:
    """Take the types of text and decimals from a Parquet file, which says them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {field.name.strip(" \t").lower(): field.type for field in pq.read_schema(file)}
    for column in columns:
        kind = kinds.get(column.source.lower())
        if kind is None:
            continue
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
            column.kinds.clear()
        elif pa.types.is_decimal(kind):
            column.kinds, column.scales = {"decimal"}, {kind.scale}
        else:
            column.kinds.discard("decimal")


def _read(
    files: Sequence[Path],
    kinds: Sequence[str],
    dataset: str,
    columns: list[Seen],
    delimiter: str,
    ignored: Sequence[str],
) -> set[str]:
    """Look at every value of the files; returns the columns that have nested values, if any."""
    contract = Contract(
        dataset=dataset,
        version="1.0.0",
        columns=tuple(Column(name=column.name, type="string", source=column.source) for column in columns),
        primary_key=(),
        partition_by=(),
        quality=(),
        formats=tuple(set(kinds)),
        null_tokens=("",),
        delimiter=delimiter,
        time_zone="UTC",
        max_file_bytes=MAX_FILE_BYTES,
        frequency_hours=None,
        write_mode="append",
        ignored_columns=tuple(ignored),
    )
    nested = set()
    for position, (file, kind) in enumerate(zip(files, kinds, strict=True)):
        landed = ManifestFile(
            key=f"{dataset}/{file.name}",
            version="sample",
            uri=f"file://{file.resolve()}".replace("%", "%25"),
            size=file.stat().st_size,
            format=hint_of(file.name),
            landed_at="",
        )
        if kind == "parquet":
            _by_schema(file, columns)
        elif kind != "csv":
            for column in columns:
                column.kinds.discard("decimal")
        reader = engine().FileReader(landed, position, contract, Folder().open_file)
        reasons = set(re.findall(r"nested_value:([^,]*)", reader.problem or ""))
        if reader.problem and not reasons:
            reader.close()
            raise TrialError(f"{file}: {reader.problem}")
        for batch in reader.batches():
            for found in batch.column("_reasons").to_pylist():
                reasons |= {reason.partition(":")[2] for reason in found if reason.startswith("nested_value:")}
            if not reasons and batch.column("_raw").null_count == batch.num_rows:
                for column in columns:
                    _look(column, batch.column(column.name).to_pylist())
        nested |= reasons
    return nested


def _look(column: Seen, texts: Sequence[str | None]) -> None:
    from record_engine.values import cast_to

    column.rows += len(texts)
    column.nulls += texts.count(None)
    distinct = {text for text in texts if text is not None}
    if column.values is not None:
        before = len(column.values)
        column.values |= distinct
        repeated = len(column.values) - before < len(texts)
        column.values = None if repeated or len(column.values) > MOST_REMEMBERED else column.values
    column.tokens |= distinct & set(NULL_TOKENS)
    for text in distinct - set(NULL_TOKENS):
        if LEADING_ZERO.fullmatch(text):
            column.has_leading_zeros = True
            column.kinds.clear()
        if text.lower() not in ("true", "false"):
            column.kinds.discard("boolean")
        match = PLAIN_DECIMAL.fullmatch(text)
        if match:
            column.scales.add(len(match[1]))
        if match is None or len(column.scales) > 1:
            column.kinds.discard("decimal")
        for kind in column.kinds & {"bigint", "double", "date", "timestamp"}:
            if cast_to(kind, "UTC")(text) is None:
                column.kinds.discard(kind)
        if "." in text:
            column.kinds.discard("bigint")


def _text(
    dataset: str,
    columns: Sequence[Seen],
    delimiter: str,
    kinds: Sequence[str],
    left_out: Sequence[str],
    files: int,
    *,
    has_header: bool,
) -> str:
    tokens = sorted(set().union(*(column.tokens for column in columns if column.kind != "string")))
    rows = max(column.rows for column in columns)
    lines = [
        f"# Made from {files} file{'' if files == 1 else 's'} with {rows:,} rows. A comment says what is a guess.",
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {dataset}",
        f"name: {dataset}",
        "version: 1.0.0",
        "status: active",
        "schema:",
        f"  - name: {dataset}",
        "    logicalType: object",
        "    physicalType: table",
        "    # No column is the key, and so every row is kept, also of a file that lands twice. Where a column",
        "    # identifies a row, give it `primaryKey: true`: of rows with one key the first is kept.",
        "    properties:",
    ]
    for column in columns:
        lines += _column_lines(column)
    lines.append("customProperties:")
    if "csv" in kinds:
        lines.append("  # found by its regularity" + ("" if has_header else "; line 1 is taken for the header"))
        lines += ["  - property: delimiter", f"    value: {json.dumps(delimiter)}"]
    lines += ["  - property: formats", f"    value: {json.dumps(list(kinds))}"]
    if tokens:
        lines.append("  # These stand among numbers, dates or booleans, and are taken for no value, in every column.")
        lines += ["  - property: nullTokens", f"    value: {json.dumps(['', *tokens], ensure_ascii=False)}"]
    if left_out:
        lines.append("  # Not in the table: columns without a name, and nested values.")
        lines += ["  - property: ignoredColumns", f"    value: {json.dumps([*left_out], ensure_ascii=False)}"]
    return "\n".join(lines) + "\n"


def _column_lines(column: Seen) -> Iterator[str]:
    kind = column.kind
    yield f"      - name: {json.dumps(column.name)}"
    if column.source != column.name:
        yield f"        physicalName: {json.dumps(column.source, ensure_ascii=False)}"
    if kind == "decimal":
        [scale] = column.scales
        yield f"        # every value has {scale} digits after the point"
        yield "        logicalType: number"
        yield f"        physicalType: decimal(38,{scale})"
    else:
        if column.nulls == column.rows:
            yield "        # no value was seen"
        elif column.has_leading_zeros:
            yield "        # digits with zeros before them: kept as text"
        elif kind == "date":
            yield "        # with `partitioned: true` the table has a folder for each day, and queries of days are fast"
        yield f"        logicalType: {LOGICAL.get(kind, 'string')}"
    if column.values is not None and column.nulls == 0 and kind in ("bigint", "string") and column.rows > 1:
        yield f"        # no value comes twice in {column.rows:,} rows: it may be the key"
