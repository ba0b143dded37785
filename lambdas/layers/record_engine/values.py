"""The value of a text as a type of the table (docs/semantics.md, section 3.3), and arrays of such values."""

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from record_engine.arrow import Array, compute, nulls

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


Certain = Callable[[Array], tuple[Array, Array]]
"""Casts texts with Arrow; also says which of the values are surely those that `cast_to` gives. The others are any."""

CERTAIN_DATE = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
CERTAIN_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?"
CERTAIN_OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"


def certain_cast(kind: str, time_zone: str) -> Certain | None:
    """What casts texts to a type many at a time, for those that look so plain that Arrow and the rules here agree."""
    if kind == "string":
        return _without_blanks
    if match := DECIMAL_TYPE.fullmatch(kind):
        whole, scale = int(match[1]) - int(match[2]), int(match[2])
        if not whole:
            return None
        fraction = rf"(?:[.][0-9]{{1,{scale}}})?" if scale else ""
        return _if_like(rf"-?[0-9]{{1,{whole}}}{fraction}", arrow_type(kind))
    certain: dict[str, Certain] = {
        "int": _if_like("-?[0-9]{1,9}", pa.int32()),
        "bigint": _if_like("-?[0-9]{1,18}", pa.int64()),
        "double": _if_like("-?[0-9]{1,17}(?:[.][0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?", pa.float64()),
        "date": _if_like(CERTAIN_DATE, pa.date32()),
        "timestamp": _certain_timestamp(time_zone),
    }
    return certain.get(kind)


def _if_like(pattern: str, kind: pa.DataType) -> Certain:
    def cast(texts: Array) -> tuple[Array, Array]:
        good = compute.match_substring_regex(texts, f"^(?:{pattern})$")
        try:
            return compute.if_else(good, texts, None).cast(kind), good
        except pa.ArrowInvalid:
            # A day that does not exist, say: none is certain then.
            return nulls(len(texts), kind), pa.repeat(pa.scalar(False), len(texts))

    return cast


def _certain_timestamp(time_zone: str) -> Certain:
    moment = f"{CERTAIN_DATE}[T ]{CERTAIN_TIME}"
    with_offset = _if_like(moment + CERTAIN_OFFSET, arrow_type("timestamp"))
    without = _if_like(moment, pa.timestamp("us"))

    def cast(texts: Array) -> tuple[Array, Array]:
        values, good = with_offset(texts)
        if time_zone != "UTC" or compute.any(good).as_py():
            return values, good
        values, good = without(texts)
        return values.cast(pa.int64()).cast(arrow_type("timestamp")), good

    return cast


def _without_blanks(texts: Array) -> tuple[Array, Array]:
    return texts, compute.equal(compute.utf8_trim(texts, " \t"), texts)
