"""What becomes of every record, computed in plain Python from docs/semantics.md; the numbers are its sections.

Nothing of the job is imported. It is slow and holds files in memory: it is what the job, and any other engine,
is compared with. Where the document is silent, `READINGS` says how it was read.
"""

import datetime as dt
import gzip
import io
import json
import re
import zlib
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Column, Contract

READINGS = (
    "2.3 A JSON record that lacks a required column has required:<c>, not missing_column:<c>.",
    "3.3 A sign may precede every number; `5.` has a fraction of no digits; leading zeros are no digits of a decimal.",
    "3.4 Of a local time that exists twice the first is meant; one in a gap counts on from before the gap.",
)
MAX_RECORD_LINES = 1_000
MAX_CHARACTERS = 16 * 1024 * 1024
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class Record:
    """One record: where it stands, how it came, why it cannot be read, and the text of its columns."""

    line: int
    raw: str | None
    reasons: set[str] = field(default_factory=set)
    texts: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """The fate of a file's records."""

    curated: list[Record] = field(default_factory=list)
    quarantined: list[Record] = field(default_factory=list)
    duplicates: list[Record] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Read, curated, quarantined, duplicates."""
        fates = len(self.curated), len(self.quarantined), len(self.duplicates)
        return (sum(fates), *fates)


def judge(files: Mapping[str, bytes], contract: Contract) -> dict[str, Outcome]:
    """The fate of every record of a batch, whose files are in the order of the manifest; nothing is published yet."""
    outcomes = {}
    taken: set[tuple[Any, ...]] = set()
    for name, content in files.items():
        outcome = outcomes[name] = Outcome()
        outcome.problems, records = _records(name, content, contract)
        for record in records:
            if not record.reasons:
                _check(record, contract)
            key = tuple(record.values.get(column) for column in contract.primary_key)
            if record.reasons:
                outcome.quarantined.append(record)
            elif key in taken:
                outcome.duplicates.append(record)
            else:
                taken.add(key)
                outcome.curated.append(record)
    return outcomes


def _records(name: str, content: bytes, contract: Contract) -> tuple[set[str], list[Record]]:
    lowered = name.lower()
    if lowered.endswith(".parquet"):
        return _parquet(content, contract)
    if lowered.endswith(".gz"):
        packed = content
        try:
            content = gzip.decompress(packed)
        except (EOFError, OSError, zlib.error):
            return {"unreadable"}, []
        if len(content) > 200 * len(packed):
            return {"gzip_bomb"}, []
    lines = list(_lines(content))
    if lowered.removesuffix(".gz").endswith(".jsonl"):
        return set(), [_json(number, line, contract) for number, line in lines if line]
    return _csv_file(lines, contract)


# ------------------------------------------------------------------------------------------------ 1, 2: files


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    last = lines.pop()
    for number, line in enumerate(lines, 1):
        yield number, line.removesuffix(b"\r")
    if last := last.removesuffix(b"\r"):
        yield len(lines) + 1, last


def _text_reason(raw: bytes) -> tuple[str, str | None]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "encoding"
    if "\x00" in text:
        return text, "nul_character"
    return text, "too_long" if len(text) > MAX_CHARACTERS else None


def _name(text: str) -> str:
    return text.strip(" \t").lower()


def header_problems(names: list[str], contract: Contract) -> set[str]:
    """2.3: why a file with these columns is quarantined as a whole."""
    known = {column.name for column in contract.columns}
    return (
        {f"duplicate_column:{name[:100]}" for name in names if names.count(name) > 1}
        | {f"unexpected_column:{name[:100]}" for name in names if name not in known}
        | {f"missing_column:{column.name}" for column in contract.columns if column.required} - {
            f"missing_column:{name}" for name in names
        }
    )  # fmt: skip


def _csv_file(lines: list[tuple[int, bytes]], contract: Contract) -> tuple[set[str], list[Record]]:
    header = lines[0][1].decode("utf-8", "replace") if lines else ""
    names = [_name(name) for name in (_split(header, contract.delimiter) or []) if header]
    problems = header_problems(names, contract)
    records = []
    for line, raw, closed in _stitched(lines[1:]):
        text, reason = _text_reason(raw)
        record = Record(line, text)
        records.append(record)
        if problems:
            record.reasons = problems | ({reason} if reason else set())
            continue
        values = _split(text, contract.delimiter) if closed and reason is None else None
        if reason:
            record.reasons = {reason}
        elif values is None or len(values) != len(names):
            record.reasons = {"malformed_row"}
        else:
            record.texts = dict(zip(names, values, strict=True))
    return problems, records


def _stitched(lines: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, bool]]:
    at = 0
    while at < len(lines):
        number, first = lines[at]
        if not first:
            at += 1
            continue
        quotes, end = 0, None
        for place in range(at, min(at + MAX_RECORD_LINES, len(lines))):
            quotes += lines[place][1].count(b'"')
            if quotes % 2 == 0:
                end = place + 1
                break
        if end is not None:
            yield number, b"\n".join(line for _, line in lines[at:end]), True
        else:
            end = min(at + MAX_RECORD_LINES, len(lines))
            yield from ((line, raw, False) for line, raw in lines[at:end] if raw)
        at = end


def _split(text: str, delimiter: str) -> list[str] | None:
    """The values of one CSV record; None if its quotes do not close."""
    values, at = [], 0
    while True:
        if text[at : at + 1] == '"':
            match = re.compile(r'"((?:[^"]|"")*)"(?!")').match(text, at)
            if match is None:
                return None
            values.append(match[1].replace('""', '"'))
            at = match.end()
            while text[at : at + 1] != delimiter and text[at : at + 1] in (" ", "\t"):
                at += 1
            if at < len(text) and text[at] != delimiter:
                return None
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            values.append(text[at:end])
            at = end
        if at >= len(text):
            return values
        at += 1


class _Pairs(list[tuple[str, Any]]):
    pass


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _json(line: int, raw: bytes, contract: Contract) -> Record:
    text, reason = _text_reason(raw)
    record = Record(line, text)
    if reason is None:
        try:
            pairs = json.loads(
                text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_no_constant
            )
            json.dumps(pairs, ensure_ascii=False).encode()
            reason = _json_reason(pairs, contract) if isinstance(pairs, _Pairs) else "malformed_row"
        except (ValueError, RecursionError):
            reason = "malformed_row"
    if reason:
        record.reasons = {reason}
    else:
        record.texts = {_name(key): str(v).lower() if isinstance(v, bool) else v for key, v in pairs}
    return record


def _json_reason(pairs: _Pairs, contract: Contract) -> str | None:
    known = {column.name for column in contract.columns}
    names = [_name(key) for key, _ in pairs]
    for name in names:
        if name not in known:
            return f"unexpected_column:{name[:100]}"
    for name in names:
        if names.count(name) > 1:
            return f"duplicate_column:{name}"
    return next(
        (f"nested_value:{name}" for name, (_, v) in zip(names, pairs, strict=True) if isinstance(v, list)), None
    )


def _is_too_precise(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.Decimal256Type) and kind.precision > 38


def _parquet(content: bytes, contract: Contract) -> tuple[set[str], list[Record]]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        table = file.read()
    except (pa.ArrowInvalid, OSError):
        return {"unreadable"}, []
    schema = file.schema_arrow
    names = [_name(name) for name in schema.names]
    nested = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    kinds = list(zip(names, schema.types, strict=True))
    if not names or pa.float16() in schema.types:
        return {"unreadable"}, []
    unsupported = {
        f"unsupported_type:{name}" for name, kind in kinds if pa.types.is_time(kind) or _is_too_precise(kind)
    }
    problems = header_problems(names, contract) | unsupported
    problems |= {f"nested_value:{name}" for name, kind in kinds if any(is_(kind) for is_ in nested)}
    plain = all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in schema.names)
    if problems and (unsupported or not plain or len(set(names)) != len(names)):
        return problems, []
    if problems:
        return problems, [Record(n, None, set(problems)) for n in range(1, file.metadata.num_rows + 1)]
    columns = [[_parquet_text(value) for value in _shortest(column).to_pylist()] for column in table.columns]
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    return problems, [Record(number, None, set(), texts) for number, texts in enumerate(rows, 1)]


def _shortest(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """Floats as the doubles that a person means by their text."""
    return column.cast(pa.string()).cast(pa.float64()) if pa.types.is_float32(column.type) else column


def _parquet_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, float) and 1e-38 <= abs(value) < 1e38:
        plain = format(Decimal(str(value)), "f")
        return plain if "." in plain else f"{plain}.0"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


# ------------------------------------------------------------------------------------- 3, 4: values and checks


def _check(record: Record, contract: Contract) -> None:
    for column in contract.columns:
        text = record.texts.get(column.name)
        text = None if text is None else text.strip(" \t")
        if text in contract.null_tokens:
            text = None
        value = None if text is None else _cast(text, column.type, contract.time_zone)
        record.values[column.name] = value
        record.reasons |= {f"{code}:{column.name}" for code in _broken(column, text, value, contract)}


def _broken(column: Column, text: str | None, value: Any, contract: Contract) -> Iterator[str]:
    if text is None:
        if column.required:
            yield "required"
        return
    if value is None:
        yield "type"
        return

    def given(written: str) -> Any:
        return _cast(written, column.type, contract.time_zone)

    if column.minimum is not None and value < given(column.minimum):
        yield "minimum"
    if column.maximum is not None and value > given(column.maximum):
        yield "maximum"
    if column.enum is not None and value not in map(given, column.enum):
        yield "enum"
    if column.min_length is not None and len(text) < column.min_length:
        yield "min_length"
    if column.max_length is not None and len(text) > column.max_length:
        yield "max_length"
    if column.pattern is not None and not re.search(column.pattern, text):
        yield "pattern"
    is_partition = column.name in contract.partition_by and column.type == "string"
    if is_partition and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        yield "partition_value"


def _cast(text: str, kind: str, zone: str) -> Any:
    """3.3: the typed value, or None if the type does not accept the text. A timestamp is its microseconds."""
    if kind == "string":
        return text
    if kind in ("int", "bigint"):
        bits = 31 if kind == "int" else 63
        number = int(text.partition(".")[0]) if re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text) else None
        return number if number is not None and -(2**bits) <= number < 2**bits else None
    if kind == "double":
        found = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
        return float(text) if found and abs(float(text)) != float("inf") else None
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if kind == "date":
        return _date(text)
    if kind == "timestamp":
        return _timestamp(text, zone)
    precision, scale = (int(digits) for digits in re.findall(r"\d+", kind))
    match = re.fullmatch(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?", text)
    if not match or not re.match(r"[+-]?[0-9]", text):
        return None
    fraction = (match[3] or "").rstrip("0")
    fits = len(match[2]) <= precision - scale and len(fraction) <= scale
    return Decimal(f"{match[1]}{match[2] or '0'}.{fraction.ljust(scale, '0')}") if fits else None


def _date(text: str) -> dt.date | None:
    try:
        return dt.date(*map(int, text.split("-"))) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def _timestamp(text: str, zone: str) -> int | None:
    pattern = (
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})"
        r"(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|([+-])([0-9]{2}):([0-9]{2}))?"
    )
    match = re.fullmatch(pattern, text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    fraction = int((match[7] or "").ljust(6, "0"))
    try:
        local = dt.datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001  local, by definition
    except ValueError:
        return None
    if match[8] is None:
        offset = local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset() or dt.timedelta()
    elif match[8] == "Z":
        offset = dt.timedelta()
    else:
        hours, minutes = int(match[10]), int(match[11])
        if minutes > 59 or 60 * hours + minutes > 18 * 60:
            return None
        offset = dt.timedelta(hours=hours, minutes=minutes) * (-1 if match[9] == "-" else 1)
    # In numbers: the first and the last hours of the calendar have no datetime in UTC.
    return (local.replace(tzinfo=dt.UTC) - EPOCH - offset) // dt.timedelta(microseconds=1)
