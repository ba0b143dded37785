"""Tables of JSON objects, one a line, as Athena's Hive JSON SerDe reads them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

FILE_COLUMN: Final = "file__"
"""Which local file a row is from."""

_BITS: Final = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_SIMPLE: Final[dict[str, pa.DataType]] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
}


class JsonError(Exception):
    """A file that does not fit its table; the message is worded as Athena words it."""


def read(files: Iterable[Path], columns: dict[str, str]) -> pa.Table:
    """The rows of files as a table with `columns` (names and Hive types) and the file of each row.

    Keys are compared in lower case; those that no column has are left out, columns without a key are null.

    Raises:
        JsonError: a line is not a JSON object, a value does not fit its column, or a column's type is not known here.
    """
    readers = {name: _reader(kind) for name, kind in columns.items()}
    rows = [
        {FILE_COLUMN: str(path), **_row(line, readers)}
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    fields = [(FILE_COLUMN, pa.string()), *((name, _arrow(kind)) for name, kind in columns.items())]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _row(line: str, readers: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except json.JSONDecodeError as error:
        raise JsonError(f"HIVE_CURSOR_ERROR: Row is not a valid JSON Object - {error}: {line[:80]}") from error
    if not isinstance(given, dict):
        raise JsonError(f"HIVE_CURSOR_ERROR: Row is not a valid JSON Object: {line[:80]}")
    values = {key.lower(): value for key, value in given.items()}
    row = {}
    for name, read_value in readers.items():
        value = values.get(name)
        try:
            row[name] = None if value is None else read_value(value)
        except (TypeError, ValueError) as error:
            raise JsonError(f"HIVE_BAD_DATA: Error parsing field value {value!r} for field {name}: {error}") from error
    return row


def _reader(kind: str) -> Callable[[Any], Any]:
    if kind == "string":
        return lambda value: value if isinstance(value, str) else json.dumps(value)
    if kind in _BITS:
        return lambda value: _whole(value, _BITS[kind])
    if kind == "double":
        return float
    if kind == "boolean":
        return _boolean
    if kind == "timestamp":
        return _timestamp
    if kind.startswith("array<") and kind.endswith(">"):
        inner = _reader(kind[6:-1])
        return lambda value: [None if item is None else inner(item) for item in _list(value)]
    raise JsonError(f"NOT_SUPPORTED: the emulator does not read columns of type {kind} from JSON")


def _arrow(kind: str) -> pa.DataType:
    return pa.list_(_arrow(kind[6:-1])) if kind.startswith("array<") else _SIMPLE[kind]


def _whole(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise ValueError(f"more than {bits} bits")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def _timestamp(value: Any) -> datetime.datetime:
    # What java.sql.Timestamp takes: no "T", no zone.
    text = str(value)
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S"
    return datetime.datetime.strptime(text, form)  # noqa: DTZ007  Hive timestamps have no zone


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not an array")
    return value
