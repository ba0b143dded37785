"""Makes a contract from files: what every value of a column is by the rules of the engine, never what it might be.

DuckDB's sniffer finds the delimiter; whether a text is a number, a date or a boolean the record engine says, so
that the files are published by the contract without a refused row. What is a guess has a comment.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from pipeline_core.contract import Column, Contract
from pipeline_core.manifest import ManifestFile

from contracts.compiler import dialect
from contracts.compiler.checks import FORMATS, MAX_FILE_BYTES
from contracts.compiler.names import MAX_COLUMN, column_name
from contracts.compiler.tables import JOB_COLUMNS, OWN_COLUMNS
from ops.contracts.samples import Sample, Style, opened
from ops.contracts.trial import Folder, TrialError, engine
from ops.contracts.written import Ways

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
    delimiter: str = ","
    ways: Ways = field(init=False)

    def __post_init__(self) -> None:
        self.ways = Ways(self.source)

    @property
    def moment(self) -> tuple[str, str] | None:
        """The type and the format of dates or timestamps that are not written as ISO 8601 says."""
        usual = self.kinds & {"boolean", "decimal", "date", "timestamp"}
        return None if self.nulls == self.rows or usual else self.ways.moment

    @property
    def separators(self) -> tuple[str, str] | None:
        """Of decimals and thousands, where numbers are not written as usual."""
        return None if self.nulls == self.rows or self.kinds else self.ways.number(self.delimiter)

    @property
    def kind(self) -> str:
        """The type that all values have; text, if there is none, or no value."""
        if self.nulls == self.rows:
            return "string"
        if self.moment:
            return self.moment[0]
        if self.separators:
            return "decimal"
        return next((kind for kind in KINDS if kind in self.kinds), "string")


def infer(files: Sequence[Path], dataset: str) -> str:
    """The text of a contract by which the files are published.

    Raises:
        TrialError: a file cannot be read as it is; says why.
    """
    with opened(files) as (samples, style):
        return _contract(samples, style, dataset)


def _contract(samples: Sequence[Sample], style: Style, dataset: str) -> str:
    sources = list(dict.fromkeys(source for sample in samples for source in sample.columns))
    ignored = [source for source in sources if not source]
    columns = _columns([source for source in sources if source])
    left_out: set[str] = set()
    while True:
        chosen = [column for column in columns if column.source not in left_out]
        if not chosen:
            raise TrialError(f"{samples[0].file}: no column that a table could have was found in it")
        found = _read(samples, style, dataset, chosen, [*ignored, *left_out])
        if not found:
            break
        left_out |= {column.source for column in chosen if column.name in found}
        columns = _columns([source for source in sources if source])
    return _text(dataset, chosen, style, samples, [*ignored, *sorted(left_out)])


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
            column.ways.none()
        elif pa.types.is_decimal(kind):
            column.kinds, column.scales = {"decimal"}, {kind.scale}
        else:
            column.kinds.discard("decimal")


def _read(
    samples: Sequence[Sample], style: Style, dataset: str, columns: list[Seen], ignored: Sequence[str]
) -> set[str]:
    """Look at every value of the samples; returns the columns of types that no table has, if any."""
    contract = Contract(
        dataset=dataset,
        version="1.0.0",
        columns=tuple(Column(name=column.name, type="string", source=column.source) for column in columns),
        primary_key=(),
        partition_by=(),
        quality=(),
        formats=FORMATS,
        null_tokens=("",),
        delimiter=style.delimiter,
        dialect=style.dialect,
        time_zone="UTC",
        max_file_bytes=MAX_FILE_BYTES,
        frequency_hours=None,
        write_mode="append",
        ignored_columns=tuple(ignored),
    )
    left_out: set[str] = set()
    for column in columns:
        column.delimiter = style.delimiter if any(sample.format == "csv" for sample in samples) else ","
    for position, sample in enumerate(samples):
        file = sample.file
        landed = ManifestFile(
            key=f"{dataset}/{file.name}",
            version="sample",
            uri=f"file://{quote(str(file.resolve()))}",
            size=file.stat().st_size,
            format=sample.format,
            landed_at="",
        )
        if sample.format == "parquet":
            _by_schema(sample.content, columns)
        elif sample.format != "csv":
            for column in columns:
                column.kinds.discard("decimal")
        reader = engine().FileReader(landed, position, contract, Folder().open_file)
        without = set(re.findall(r"(?:nested_value|unsupported_type):([^,]*)", reader.problem or ""))
        if reader.problem and not without:
            reader.close()
            raise TrialError(f"{file}: {reader.problem}")
        left_out |= without
        for batch in () if without else reader.batches():
            if batch.column("_raw").null_count == batch.num_rows:
                for column in columns:
                    _look(column, batch.column(column.name).to_pylist())
        reader.close()
    return left_out


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
    column.ways.look(distinct - set(NULL_TOKENS))
    for text in distinct - set(NULL_TOKENS):
        if LEADING_ZERO.fullmatch(text):
            column.has_leading_zeros = True
            column.kinds.clear()
            column.ways.none()
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


SETTINGS = {setting.field: name for name, setting in dialect.SETTINGS.items()}
"""The name of a contract's setting, by its field."""


def _text(
    dataset: str, columns: Sequence[Seen], style: Style, samples: Sequence[Sample], left_out: Sequence[str]
) -> str:
    kinds = sorted({sample.format for sample in samples})
    tokens = sorted(set().union(*(column.tokens for column in columns if column.kind != "string")))
    rows, files = max(column.rows for column in columns), len(samples)
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
    folders = _folders(samples, columns)
    if folders:
        path = "/".join(f"{name}=" for name in folders)
        lines += [
            f"    # The samples lie in folders {path}, as Hive has its partitions. Where files land in such folders,",
            "    # columns of these names have their values, and may be `partitioned: true`.",
        ]
    lines.append("customProperties:")
    if "csv" in kinds:
        lines += ["  # found by its regularity", *_setting("delimiter", style.delimiter)]
    for name, reason in style.guesses:
        lines += [f"  # {reason}", *_setting(SETTINGS[name], getattr(style.dialect, name))]
    lines += _setting("formats", kinds)
    if tokens:
        lines.append("  # These stand among numbers, dates or booleans, and are taken for no value, in every column.")
        lines += _setting("nullTokens", ["", *tokens])
    if left_out:
        lines.append("  # Not in the table: columns without a name, and those of types that no table has.")
        lines += _setting("ignoredColumns", [*left_out])
    return "\n".join(lines) + "\n"


def _folders(samples: Sequence[Sample], columns: Sequence[Seen]) -> list[str]:
    """The columns that the folders of all samples name, and that the files lack."""
    of_files = [[part.partition("=")[0] for part in sample.file.parts[:-1] if "=" in part] for sample in samples]
    known = {column.name for column in columns}
    names = dict.fromkeys(column_name(unquote(name)) for name in of_files[0] if all(name in one for one in of_files))
    return [name for name in names if name not in known]


def _setting(name: str, value: object) -> list[str]:
    return [f"  - property: {name}", f"    value: {json.dumps(value, ensure_ascii=False)}"]


def _column_lines(column: Seen) -> Iterator[str]:
    kind = column.kind
    yield f"      - name: {json.dumps(column.name)}"
    if column.source != column.name:
        yield f"        physicalName: {json.dumps(column.source, ensure_ascii=False)}"
    if column.moment:
        yield "        # every value is written so"
        yield f"        logicalType: {kind}"
        yield f"        logicalTypeOptions: {{format: {json.dumps(column.moment[1])}}}"
    elif column.separators:
        yield "        # every value is a number that is written so"
        yield "        logicalType: number"
        yield f"        physicalType: decimal(38,{column.ways.scale})"
        yield "        customProperties:"
        for name, value in zip(("decimalSeparator", "thousandsSeparator"), column.separators, strict=True):
            if value:
                yield f"          - {{property: {name}, value: {json.dumps(value)}}}"
    elif kind == "decimal":
        [scale] = column.scales
        yield f"        # every value has {scale} digits after the point"
        yield "        logicalType: number"
        yield f"        physicalType: decimal(38,{scale})"
    else:
        if column.nulls == column.rows:
            yield "        # no value was seen"
        elif column.has_leading_zeros:
            yield "        # digits with zeros before them: kept as text"
        elif kind == "string" and column.ways.unclear_format:
            one, other = column.ways.unclear_format
            yield f"        # these are dates by {one} and by {other}: kept as text until `format` says which"
        elif kind == "string" and (column.ways.is_unclear_number or column.ways.has_separator):
            yield "        # maybe numbers: kept as text until `decimalSeparator` and `thousandsSeparator` say how"
        elif kind == "date":
            yield "        # with `partitioned: true` the table has a folder for each day, and queries of days are fast"
        yield f"        logicalType: {LOGICAL.get(kind, 'string')}"
    if column.values is not None and column.nulls == 0 and kind in ("bigint", "string") and column.rows > 1:
        yield f"        # no value comes twice in {column.rows:,} rows: it may be the key"
