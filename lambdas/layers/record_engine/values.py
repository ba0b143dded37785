"""The value of a text as a type of the table (docs/semantics.md, section 3.3), and arrays of such values."""

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from record_engine.arrow import Array

INTEGER = re.compile(r"[+-]?[0-9]+(\.0*)?")
DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?)?")
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)?"
)
DECIMAL = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?")
DECIMAL_TYPE = re.compile(r"decimal\(([0-9]+), *([0-9]+)\)")
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
MOST_DIGITS = 25
"""More than the digits of the greatest integer; Python itself refuses to read thousands of them."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LOCAL_EPOCH = EPOCH.replace(tzinfo=None)
MICROSECOND = dt.timedelta(microseconds=1)

Cast = Callable[[str], Any]
"""The value of a trimmed text; None where the text is none of the type. A timestamp is its microseconds in UTC."""


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a type of the table."""
    if match := DECIMAL_TYPE.fullmatch(kind):
        return pa.decimal128(int(match[1]), int(match[2]))
    kinds: dict[str, pa.DataType] = {
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return kinds[kind]


def array_of(values: Sequence[Any], kind: str) -> Array:
    """An array of values, as `cast_to` gives them, in their type; None is null."""
    if kind == "timestamp":
        return pa.array(values, pa.int64()).cast(arrow_type(kind))
    return pa.array(values, arrow_type(kind))


def cast_to(kind: str, time_zone: str) -> Cast:
    """What casts texts to a type; `time_zone` is that of timestamps without an offset."""
    if match := DECIMAL_TYPE.fullmatch(kind):
        return _decimal(int(match[1]), int(match[2]))
    casts: dict[str, Cast] = {
        "string": str,
        "int": _integer(31),
        "bigint": _integer(63),
        "double": _double,
        "boolean": lambda text: BOOLEANS.get(text.lower()),
        "date": _date,
        "timestamp": _timestamp(time_zone),
    }
    return casts[kind]


def _integer(bits: int) -> Cast:
    least, most = -(2**bits), 2**bits - 1

    def cast(text: str) -> int | None:
        if not INTEGER.fullmatch(text):
            return None
        digits = text.partition(".")[0]
        if len(digits) > MOST_DIGITS:
            sign = "-" if digits.startswith("-") else ""
            digits = sign + (digits.lstrip("+-").lstrip("0") or "0")
            if len(digits) > MOST_DIGITS:
                return None
        value = int(digits)
        return value if least <= value <= most else None

    return cast


def _double(text: str) -> float | None:
    value = float(text) if DOUBLE.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def _decimal(precision: int, scale: int) -> Cast:
    whole = precision - scale

    def cast(text: str) -> Decimal | None:
        match = DECIMAL.fullmatch(text)
        # A digit comes first, after the sign.
        if match is None or not "0" <= text[len(match[1]) : len(match[1]) + 1] <= "9":
            return None
        digits, fraction = match[2], (match[3] or "").rstrip("0")
        if len(digits) > whole or len(fraction) > scale:
            return None
        return Decimal(f"{match[1]}{digits or '0'}.{fraction.ljust(scale, '0')}")

    return cast


def _date(text: str) -> dt.date | None:
    match = DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return dt.date.fromisoformat(match[1])
    except ValueError:
        return None


def _timestamp(time_zone: str) -> Cast:
    zone = dt.UTC if time_zone == "UTC" else zoneinfo.ZoneInfo(time_zone)

    def cast(text: str) -> int | None:
        match = TIMESTAMP.fullmatch(text)
        if match is None:
            return None
        try:
            local = dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        if match[1] is None:
            # Of a time that exists twice the first is meant; one in a gap counts on from before it (PEP 495, fold=0).
            offset = local.replace(tzinfo=zone).utcoffset() or dt.timedelta()
        else:
            offset, local = local.utcoffset() or dt.timedelta(), local.replace(tzinfo=None)
        # In numbers: the first and the last hours of the calendar have no datetime in UTC.
        return (local - LOCAL_EPOCH - offset) // MICROSECOND

    return cast
