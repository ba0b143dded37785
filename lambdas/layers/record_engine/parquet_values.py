"""The texts of a Parquet column, as a person would write its values, and the JSON by which a row is kept."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from record_engine.arrow import Array, compute, nulls
from record_engine.checks import TYPED, Texts
from record_engine.text_records import ENCODING, NUL
from record_engine.values import LOCAL_EPOCH

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DECIMALS = (1e-38, 1e38)
"""The least and the first too great of what a decimal of the table can hold."""


@dataclass(frozen=True)
class Field:
    """A column of a Parquet file, as its footer has it.

    `kind` is `text`, `number`, `other`, `json` (a nested value that a column takes as text) or `nested` (what has no
    text); `is_utc` says that a timestamp has a zone. `steps` leads to it in the column `name`, if it is in a struct;
    `label` is what it is called, by its path.
    """

    name: str
    path: str
    type: pa.DataType
    kind: str
    supported: bool
    is_utc: bool
    steps: tuple[int, ...] = ()
    label: str = ""

    def of(self, rows: pa.RecordBatch) -> Array:
        """The values of some rows."""
        column: Array = rows.column(self.name)
        return compute.struct_field(column, list(self.steps)) if self.steps else column


@dataclass(frozen=True)
class Column:
    """The values of a column in some rows: their texts, how each is written in JSON, and which are no good text."""

    field: Field
    texts: Texts
    distinct: Sequence[str | None]
    values: Array
    wrong: dict[int, str]

    def json(self, row: int) -> str:
        """A row's value as JSON."""
        if self.field.kind == "nested":
            return json.dumps(_nested(self.values[row]), ensure_ascii=False, separators=(",", ":"), default=str)
        index = self.texts.indices[row].as_py()
        text: str | None = None if index is None else self.distinct[index]
        if text is None:
            return "null"
        if self.field.kind == "json" or (self.field.kind == "number" and text not in ("nan", "inf", "-inf")):
            return text
        return json.dumps(text, ensure_ascii=False)

    def text_reasons(self) -> dict[int, str]:
        """The rows whose text is not UTF-8, or has a NUL."""
        if not self.wrong:
            return {}
        codes = pa.array([int(place in self.wrong) for place in range(len(self.distinct))], pa.int8())
        rows = compute.indices_nonzero(compute.fill_null(codes.take(self.texts.indices), 0)).to_pylist()
        return {row: self.wrong[self.texts.indices[row].as_py()] for row in rows}


def column_of(field: Field, values: Array) -> Column:
    """A column with the text of each distinct value."""
    if field.kind == "nested":
        return Column(field, Texts(nulls(len(values), pa.int32()), nulls(0, pa.string())), [], values, {})
    if field.kind == "json":
        written = pa.array(json_texts(values), pa.string()).dictionary_encode()
        return Column(field, Texts(written.indices, written.dictionary), written.dictionary.to_pylist(), values, {})
    encoded = encode(field, values)
    wrong: dict[int, str] = {}
    texts: Sequence[str | None]
    if field.kind == "text":
        texts = _decoded(encoded.dictionary, wrong)
    else:
        write = _writer(field)
        texts = [None if value is None else write(value) for value in _python_values(encoded.dictionary)]
    found = Texts(encoded.indices.cast(pa.int32()), pa.array(texts, pa.string()))
    return Column(field, found, texts, values, wrong)


def meaning(field: Field) -> str:
    """What the values of a column are by their type: numbers, booleans, moments (days, too), or nothing but text."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "moment"
    return "number" if field.kind == "number" else "text"


def typed(column: Column) -> Texts:
    """The texts of a column whose values have their meaning by their type."""
    marked = [None if text is None else TYPED + text for text in column.distinct]
    return Texts(column.texts.indices, pa.array(marked, pa.string()))


def encode(field: Field, values: Array) -> Array:
    """The distinct values of a column, and for each row which of them it has."""
    if isinstance(values.type, pa.BaseExtensionType):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        return values
    kind = values.type
    if pa.types.is_floating(kind):
        # By their bits: a negative zero is a value of its own.
        bits = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width]
        encoded = values.view(bits).dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.view(kind))
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_date64(kind):
        values = values.cast(pa.int64())
    elif pa.types.is_date32(kind):
        values = values.cast(pa.int32())
    elif field.kind == "text":
        values = values.cast(pa.large_binary())
    return values.dictionary_encode()


def _python_values(distinct: Array) -> list[Any]:
    if pa.types.is_float32(distinct.type):
        # Through its text, so that a float has no digits of a double.
        distinct = distinct.cast(pa.string()).cast(pa.float64())
    values: list[Any] = distinct.to_pylist()
    return values


def _decoded(distinct: Array, wrong: dict[int, str]) -> list[str | None]:
    if not pa.types.is_binary(distinct.type) and not pa.types.is_large_binary(distinct.type):
        distinct = distinct.cast(pa.large_binary())
    texts: list[str | None] = []
    for place, raw in enumerate(distinct.to_pylist()):
        if raw is None:
            texts.append(None)
            continue
        try:
            texts.append(raw.decode())
        except UnicodeDecodeError:
            texts.append(raw.decode("latin-1"))
            wrong[place] = ENCODING
        else:
            if b"\0" in raw:
                wrong[place] = NUL
    return texts


def _writer(field: Field) -> Callable[[Any], str]:
    kind = field.type
    if pa.types.is_timestamp(kind):
        unit, zone = NANOSECONDS[kind.unit], "Z" if field.is_utc else ""
        return lambda value: _moment(value * unit) + zone
    if pa.types.is_date32(kind):
        return _day
    if pa.types.is_date64(kind):
        return lambda value: _day(value // 86_400_000)
    if pa.types.is_floating(kind):
        return _float
    if pa.types.is_decimal(kind):
        return lambda value: format(value, "f")
    if pa.types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    return str


def _day(days: int) -> str:
    ordinal = EPOCH_DAY + days
    if not 1 <= ordinal <= dt.date.max.toordinal():
        return f"{days} days from 1970-01-01"
    return dt.date.fromordinal(ordinal).isoformat()


def _moment(nanoseconds: int) -> str:
    micros, rest = divmod(nanoseconds, 1000)
    try:
        text = (LOCAL_EPOCH + dt.timedelta(microseconds=micros)).isoformat(timespec="microseconds")
    except OverflowError:
        return f"{nanoseconds} nanoseconds from 1970-01-01"
    return f"{text}{rest:03d}" if rest else text


def _float(value: float) -> str:
    least, most = DECIMALS
    if not least <= abs(value) < most:
        return str(value)
    plain = format(Decimal(str(value)), "f")
    return plain if "." in plain else f"{plain}.0"


def json_texts(values: Array) -> list[str | None]:
    """The JSON text of each value of a column, nested or not; a null has none (docs/semantics.md, section 2.6)."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return json_texts(values.storage)
    if pa.types.is_map(kind):
        entries = pa.StructArray.from_arrays([values.keys, values.items], ["key", "value"])
        pairs = _in_lists(pa.ListArray.from_arrays(values.offsets, entries), _members_of)
        return [text if valid else None for text, valid in zip(pairs, values.is_valid().to_pylist(), strict=True)]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _in_lists(values, _elements_of)
    if pa.types.is_struct(kind):
        names = [json.dumps(kind.field(number).name, ensure_ascii=False) for number in range(kind.num_fields)]
        members = [json_texts(compute.struct_field(values, [number])) for number in range(kind.num_fields)]
        rows = zip(*members, strict=True) if members else iter([()] * len(values))
        texts = [_joined("{", zip(names, row, strict=True), "}") for row in rows]
        return [text if valid else None for text, valid in zip(texts, values.is_valid().to_pylist(), strict=True)]
    return _leaf_texts(values)


def _in_lists(values: Array, write: Callable[[Array], list[str]]) -> list[str | None]:
    elements, at = write(values.flatten()), 0
    brackets = "{}" if write is _members_of else "[]"
    texts: list[str | None] = []
    for length in compute.list_value_length(values).to_pylist():
        texts.append(None if length is None else f"{brackets[0]}{','.join(elements[at : at + length])}{brackets[1]}")
        at += length or 0
    return texts


def _elements_of(values: Array) -> list[str]:
    return [text or "null" for text in json_texts(values)]


def _members_of(entries: Array) -> list[str]:
    keys, values = (json_texts(compute.struct_field(entries, [place])) for place in (0, 1))
    # A name of JSON is text, whatever the key is.
    names = (key if key and key.startswith('"') else json.dumps(key or "null", ensure_ascii=False) for key in keys)
    return [f"{name}:{value or 'null'}" for name, value in zip(names, values, strict=True)]


def _joined(begin: str, members: Iterable[tuple[str, str | None]], end: str) -> str:
    return begin + ",".join(f"{name}:{value or 'null'}" for name, value in members) + end


def _leaf_texts(values: Array) -> list[str | None]:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    is_number = any(is_(kind) for is_ in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raws = values.to_pylist()
        return [None if raw is None else json.dumps(base64.b64encode(raw).decode()) for raw in raws]
    if pa.types.is_time(kind) or pa.types.is_duration(kind) or pa.types.is_null(kind) or pa.types.is_float16(kind):
        return [None if value is None else json.dumps(str(value)) for value in values.to_pylist()]
    is_utc = pa.types.is_timestamp(kind) and kind.tz is not None
    name = "text" if is_text else "number" if is_number or pa.types.is_boolean(kind) else "other"
    column = column_of(Field("", "", kind, name, supported=True, is_utc=is_utc), values)
    if ENCODING in column.wrong.values():
        raise ValueError("a text in a nested value is not UTF-8")
    return [None if (text := column.json(row)) == "null" else text for row in range(len(values))]


def _nested(value: Any) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        # Text that is not UTF-8, or a time that Python does not have.
        return str(value)
