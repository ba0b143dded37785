"""The value of a text as a type of the table (docs/semantics.md, section 3.3), and arrays of such values."""

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from pipeline_core.date_patterns import EPOCHS, MAX_OFFSET, date_pattern
from pipeline_core.dialect import Written

from record_engine.arrow import Array, compute, nulls

INTEGER = re.compile(r"[+-]?[0-9]+(\.0*)?")
DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?)?")
TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(?:(?<=\.[0-9]{6})0{1,3})?"
    r"(?: ?(?:(Z|UTC)|([+-])(0[0-9]|1[0-8])(?::?([0-5][0-9]))?))?"
)
DECIMAL = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?")
EPOCH_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
LONG_NUMBER = 100
"""More characters than a number of an epoch has."""
EXPONENT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,3}")
DECIMAL_TYPE = re.compile(r"decimal\(([0-9]+), *([0-9]+)\)")
MOST_DIGITS = 25
"""More than the digits of the greatest integer; Python itself refuses to read thousands of them."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LOCAL_EPOCH = EPOCH.replace(tzinfo=None)
MICROSECOND = dt.timedelta(microseconds=1)
LEAST_MOMENT = (dt.datetime.min.replace(tzinfo=dt.UTC) - EPOCH) // MICROSECOND
MOST_MOMENT = (dt.datetime.max.replace(tzinfo=dt.UTC) - EPOCH) // MICROSECOND

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


def cast_to(kind: str, time_zone: str, written: Written | None = None) -> Cast:
    """What casts texts to a type; `time_zone` is that of timestamps without an offset, `written` how texts are."""
    if written is not None:
        return _cast_written(kind, time_zone, written)
    if match := DECIMAL_TYPE.fullmatch(kind):
        return _decimal(int(match[1]), int(match[2]))
    casts: dict[str, Cast] = {
        "string": str,
        "int": _integer(31),
        "bigint": _integer(63),
        "double": _double,
        "boolean": _boolean(Written()),
        "date": _date,
        "timestamp": _timestamp(time_zone),
    }
    return casts[kind]


def _cast_written(kind: str, time_zone: str, written: Written) -> Cast:
    """What casts texts that are not written as usual."""
    if kind == "boolean":
        return _boolean(written)
    if kind in ("date", "timestamp"):
        return _moment(kind, time_zone, written.format) if written.format else cast_to(kind, time_zone)
    cast = cast_to(kind, time_zone)
    plain = _plain_number(written)

    def read(text: str) -> Any:
        number = plain(text)
        return None if number is None else cast(number)

    return read


def _boolean(written: Written) -> Cast:
    values = {word.lower(): True for word in written.true_words} | dict.fromkeys(
        (word.lower() for word in written.false_words), False
    )
    return lambda text: values.get(text.lower())


def _plain_number(written: Written) -> Callable[[str], str | None]:
    """What takes separators and currency signs off a number; None for what is not written so."""
    point, thousands = re.escape(written.decimal_separator), re.escape(written.thousands_separator)
    whole = f"[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+|[0-9]*" if thousands else "[0-9]*"
    # The longest first: one may begin as another.
    signs = "|".join(map(re.escape, sorted(written.currency_signs, key=len, reverse=True))) or "(?!)"
    number = re.compile(
        rf"([+-]?)(?:({signs})[ \u00a0]?)?([+-]?)({whole})((?:{point}[0-9]*)?)((?:[eE][+-]?[0-9]+)?)"
        rf"(?:[ \u00a0]?({signs}))?"
    )

    def plain(text: str) -> str | None:
        match = number.fullmatch(text)
        if match is None:
            return None
        before, sign, inner, digits, fraction, exponent, behind = match.groups()
        if (sign and behind) or (before and inner):
            return None
        if written.thousands_separator:
            digits = digits.replace(written.thousands_separator, "")
        return f"{before}{inner}{digits}{fraction.replace(written.decimal_separator, '.')}{exponent}"

    return plain


def _moment(kind: str, time_zone: str, written: str) -> Cast:
    """What reads dates or timestamps of a format; a timestamp is its microseconds in UTC."""
    if unit := EPOCHS.get(written):
        return _since_epoch(kind, unit)
    pattern, zone = date_pattern(written, kind), _zone(time_zone)

    def cast(text: str) -> Any:
        found = pattern.read(text)
        if found is None:
            return None
        local, offset = found
        if kind == "date":
            return local.date() if local.time() == dt.time() else None
        return _microseconds(local, offset, zone)

    return cast


def _since_epoch(kind: str, unit: int) -> Cast:
    def cast(text: str) -> Any:
        if not EPOCH_NUMBER.fullmatch(text) or len(text) > LONG_NUMBER:
            return None
        moment = Fraction(text) * unit
        if moment.denominator != 1 or not LEAST_MOMENT <= moment <= MOST_MOMENT:
            return None
        if kind == "timestamp":
            return int(moment)
        days, rest = divmod(int(moment), EPOCHS["epoch_days"])
        return None if rest else (EPOCH + dt.timedelta(days=days)).date()

    return cast


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
        if match is None:
            # With an exponent: the same number without one.
            return cast(format(Decimal(text), "f")) if EXPONENT.fullmatch(text) else None
        if not text[len(match[1]) :].strip("."):
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


def _zone(time_zone: str) -> dt.tzinfo:
    return dt.UTC if time_zone == "UTC" else zoneinfo.ZoneInfo(time_zone)


def _timestamp(time_zone: str) -> Cast:
    zone = _zone(time_zone)

    def cast(text: str) -> int | None:
        match = TIMESTAMP.fullmatch(text)
        if match is None:
            return None
        moment, utc, sign, hours, minutes = match.groups()
        try:
            local = dt.datetime.fromisoformat(moment)
        except ValueError:
            return None
        offset = None
        if utc:
            offset = dt.timedelta()
        elif sign:
            offset = dt.timedelta(hours=int(hours), minutes=int(minutes or 0))
            if offset > MAX_OFFSET:
                return None
            offset = -offset if sign == "-" else offset
        return _microseconds(local, offset, zone)

    return cast


def _microseconds(local: dt.datetime, offset: dt.timedelta | None, zone: dt.tzinfo) -> int:
    """The microseconds in UTC of a local time; without an offset, the zone has one."""
    if offset is None:
        # Of a time that exists twice the first is meant; one in a gap counts on from before it (PEP 495, fold=0).
        offset = local.replace(tzinfo=zone).utcoffset() or dt.timedelta()
    # In numbers: the first and the last hours of the calendar have no datetime in UTC.
    return (local - LOCAL_EPOCH - offset) // MICROSECOND


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
