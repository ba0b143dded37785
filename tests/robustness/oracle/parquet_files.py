"""1.6, 2.6: the records of Parquet."""

import base64
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract

from tests.robustness.oracle.headers import column_of, header_problems, is_ignored, name_of
from tests.robustness.oracle.records import Record


def _is_too_precise(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.Decimal256Type) and kind.precision > 38


def parquet_file(content: bytes, contract: Contract) -> tuple[set[str], list[Record]]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        table = file.read()
    except (pa.ArrowInvalid, OSError):
        return {"unreadable"}, []
    schema = file.schema_arrow
    names = [column_of(name_of(name), contract) for name in schema.names]
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    if not names:
        return {"unreadable"}, []
    plain = all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in schema.names)
    flat = list(_flat_columns(table, contract))
    header = header_problems([name for name, _ in flat], contract)
    flat = [(name, column) for name, column in flat if not is_ignored(name, contract)]
    names = [column_of(name, contract) for name, _ in flat]
    kinds = [(name, column.type) for name, (_, column) in zip(names, flat, strict=True)]
    as_json = {column.name for column in contract.columns if column.type == "string"}
    unsupported = {
        f"unsupported_type:{name}"
        for name, kind in kinds
        if pa.types.is_time(kind) or pa.types.is_float16(kind) or _is_too_precise(kind)
    }
    problems = header | unsupported
    problems |= {f"nested_value:{name}" for name, kind in kinds if any(is_(kind) for is_ in binary)}
    problems |= {f"nested_value:{name}" for name, kind in kinds if pa.types.is_nested(kind) and name not in as_json}
    if problems and (unsupported or not plain or len(set(names)) != len(names)):
        return problems, []
    if problems:
        return problems, [Record(n, None, set(problems)) for n in range(1, file.metadata.num_rows + 1)]
    columns = [
        [None if value is None else _json_of(value, column.type) for value in column.to_pylist()]
        if pa.types.is_nested(column.type)
        else [_parquet_text(value) for value in _values(column)]
        for _, column in flat
    ]
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    meanings = {name: _meaning(kind) for name, kind in kinds}
    return problems, [
        Record(number, None, _row_reasons(texts), texts, kinds=meanings) for number, texts in enumerate(rows, 1)
    ]


def _flat_columns(table: pa.Table, contract: Contract) -> "Iterator[tuple[str, pa.ChunkedArray[Any]]]":
    """2.6: the columns of a file, those in structs by their paths."""
    known = {column.name for column in contract.columns}
    sources = [name_of(column.source or column.name) for column in contract.columns]
    own = {name_of(name) for name in table.schema.names}

    def look(name: str, column: "pa.ChunkedArray[Any]", kept: bool) -> "Iterator[tuple[str, pa.ChunkedArray[Any]]]":
        is_column = column_of(name, contract) in known
        is_way = any(source.startswith(f"{name}.") for source in sources) and pa.types.is_struct(column.type)
        if is_column or not (is_way or kept):
            yield name, column
        if is_way:
            rows = column.to_pylist()
            for place in range(column.type.num_fields):
                member = column.type.field(place)
                path = f"{name}.{name_of(member.name)}"
                if path not in own:
                    values = pa.array([None if row is None else row[member.name] for row in rows], member.type)
                    yield from look(path, pa.chunked_array([values]), kept or is_column)

    for name, column in zip(table.schema.names, table.columns, strict=True):
        yield from look(name_of(name), column, False)


def _json_of(value: Any, kind: Any) -> str:
    """2.6: the JSON text of a value of a Parquet file."""
    if value is None:
        return "null"
    if pa.types.is_struct(kind):
        members = [kind.field(place) for place in range(kind.num_fields)]
        return (
            "{"
            + ",".join(f"{json.dumps(m.name, ensure_ascii=False)}:{_json_of(value[m.name], m.type)}" for m in members)
            + "}"
        )
    if pa.types.is_map(kind):
        keys = [(_json_of(key, kind.key_type), _json_of(item, kind.item_type)) for key, item in value]
        return "{" + ",".join(f"{key if key[0] == chr(34) else json.dumps(key)}:{item}" for key, item in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json_of(each, kind.value_type) for each in value) + "]"
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    text = _parquet_text(value) or ""
    if isinstance(value, dt.datetime):
        zone = "Z" if value.tzinfo else ""
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds") + zone
    is_plain = isinstance(value, bool | int | Decimal) or (
        isinstance(value, float) and text not in ("nan", "inf", "-inf")
    )
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _meaning(kind: pa.DataType) -> str:
    """11: what a value is by its type."""
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "moment"
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return "number" if any(is_(kind) for is_ in numbers) else ""


def _row_reasons(texts: dict[str, str | None]) -> set[str]:
    values = [value for value in texts.values() if value is not None]
    if any("\udc80" <= character <= "\udcff" for value in values for character in value):
        return {"encoding"}
    return {"nul_character"} if any("\x00" in value for value in values) else set()


def _values(column: "pa.ChunkedArray[Any]") -> list[Any]:
    """Text that is not UTF-8 has half surrogates for its bytes."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raws = column.cast(pa.large_binary()).to_pylist()
        return [None if raw is None else raw.decode("utf-8", "surrogateescape") for raw in raws]
    return _shortest(column).to_pylist()


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
