"""Functions of dates and times; a time with a zone is looked at in its zone."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Any, Final

from athena_sql import formats
from athena_sql.casts import cast, coerce, rounded
from athena_sql.errors import SqlError, not_emulated
from athena_sql.operators import both
from athena_sql.specials import Special, _need, _wrong
from athena_sql.typed import Typed, derived, literal_text
from athena_sql.types import BIGINT, DATE, DOUBLE, TIMESTAMP, TIMESTAMPTZ, VARCHAR, ZONED, Type

_UNITS: Final = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_OF_DATES: Final = ("day", "week", "month", "quarter", "year")


def local(part: Typed) -> Typed:
    """A time with a zone as the timestamp that a clock shows there; other times as they are."""
    if part.type.name != ZONED:
        return part
    return derived(f"timezone('{part.type.zone}', {part.sql})", Type("timestamp", part.type.numbers), [part])


def _unit(part: Typed, kind: Type, node: Any) -> str:
    unit = literal_text(part, "a unit", node).lower()
    if unit not in (_OF_DATES if kind.name == "date" else _UNITS):
        what = "DATE" if kind.name == "date" else "Timestamp"
        raise SqlError("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {what} field", node)
    return unit


def _date_trunc(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or not given[0].type.is_text or not given[1].type.is_time:
        raise _wrong(name, given, node)
    kind = given[1].type
    unit = _unit(given[0], kind, node)
    cut = f"date_trunc('{unit}', {local(given[1]).sql})"
    if kind.name == "date":
        cut = f"CAST({cut} AS DATE)"
    if kind.name == ZONED:
        cut = f"timezone('{kind.zone}', {cut})"
    return derived(cut, kind, given)


def _date_add(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 3 or not given[0].type.is_text or not given[2].type.is_time or not given[1].type.is_integer:
        raise _wrong(name, given, node)
    kind = given[2].type
    unit = _unit(given[0], kind, node)
    count = f"CAST({given[1].sql} AS BIGINT)"
    if kind.name == ZONED and kind.zone != "UTC":
        raise not_emulated("date_add to a time in another zone than UTC", node)
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if months:
        interval = f"to_months(CAST({count} * {months} AS INTEGER))"
    elif unit in ("day", "week"):
        interval = f"to_days(CAST({count} * {7 if unit == 'week' else 1} AS INTEGER))"
    else:
        interval = f"to_{unit}s({count})"
    moved = f"({given[2].sql} + {interval})"
    precision = 3 if unit == "millisecond" and kind.name != "date" and kind.numbers[0] < 3 else None
    if kind.name == "date":
        moved = f"CAST({moved} AS DATE)"
    return derived(moved, kind if precision is None else Type(kind.name, (precision,), zone=kind.zone), given)


def _date_diff(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 3 or not given[0].type.is_text or not (given[1].type.is_time and given[2].type.is_time):
        raise _wrong(name, given, node)
    one, other, kind = both(given[1], given[2], "-", node)
    unit = _unit(given[0], kind, node)
    return derived(f"date_sub('{unit}', {local(one).sql}, {local(other).sql})", BIGINT, given)


def _date_format(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or not given[0].type.is_time or not given[1].type.is_text:
        raise _wrong(name, given, node)
    write = formats.of_mysql if name == "date_format" else formats.of_joda
    wanted = write(literal_text(given[1], "a format", node), node)
    return derived(f"strftime({local(given[0]).sql}, {formats.quoted(wanted)})", VARCHAR, given)


def _date_parse(name: str, given: list[Typed], node: Any) -> Typed:
    parts = _need(name, given, node, VARCHAR, VARCHAR)
    wanted = formats.of_mysql(literal_text(given[1], "a format", node), node, parsing=True)
    return derived(f"strptime({parts[0].sql}, {formats.quoted(wanted)})", TIMESTAMP, given)


def _date(name: str, given: list[Typed], node: Any) -> Typed:
    (part,) = _need(name, given, node, None)
    if not (part.type.is_time or part.type.is_text):
        raise _wrong(name, given, node)
    return cast(part, DATE, node)


def _from_iso8601_date(name: str, given: list[Typed], node: Any) -> Typed:
    (part,) = _need(name, given, node, VARCHAR)
    return cast(part, DATE, node)


def _from_unixtime(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) > 1:
        raise not_emulated("from_unixtime with a zone", node)
    (part,) = _need(name, given, node, DOUBLE)
    return derived(f"timezone('UTC', epoch_ms(CAST(round({part.sql} * 1000) AS BIGINT)))", TIMESTAMPTZ, given)


def _zoned(name: str, given: list[Typed], node: Any) -> Typed:
    """with_timezone(timestamp, zone) and at_timezone(time with zone, zone)."""
    if len(given) != 2 or not given[1].type.is_text:
        raise _wrong(name, given, node)
    if name == "at_timezone":
        if given[0].type.name != ZONED:
            raise _wrong(name, given, node)
        return at_zone(given[0], given[1], node)
    if given[0].type.name not in ("timestamp", "date"):
        raise _wrong(name, given, node)
    zone = zone_of(given[1], node)
    stamp = coerce(given[0], TIMESTAMP) if given[0].type.name == "date" else given[0]
    return derived(f"timezone('{zone}', {stamp.sql})", Type(ZONED, stamp.type.numbers, zone=zone), given)


def at_zone(part: Typed, zone: Typed, node: Any) -> Typed:
    """The operator AT TIME ZONE: the same instant, shown elsewhere. A timestamp is taken to be one of UTC's."""
    if part.type.name not in ("timestamp", ZONED):
        raise SqlError("TYPE_MISMATCH", f"Type of value must be a time or timestamp (actual {part.type})", node)
    where = zone_of(zone, node)
    sql = part.sql if part.type.name == ZONED else f"timezone('UTC', {part.sql})"
    return derived(sql, Type(ZONED, part.type.numbers, zone=where), [part, zone])


def zone_of(part: Typed, node: Any) -> str:
    """The name of a zone.

    Raises:
        SqlError: it is no literal, or there is no such zone.
    """
    name = literal_text(part, "a zone", node)
    if name not in zoneinfo.available_timezones():
        if name[:1] in "+-" and name[1:].replace(":", "").isdigit():
            raise not_emulated(f"the zone {name}", node)
        raise SqlError("INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid time zone", node)
    return name


def timestamp_literal(text: str, node: Any) -> Typed:
    """TIMESTAMP '...', with or without a zone; the digits of its fraction are its precision.

    Raises:
        SqlError: it is none.
    """
    stamp, _, zone = text.strip().partition(" ")[0], "", ""
    words = text.strip().split(" ")
    if len(words) > 1 and words[1][:1].isdigit():
        stamp, zone = f"{words[0]} {words[1]}", " ".join(words[2:])
    else:
        zone = " ".join(words[1:])
    clock = stamp.partition(" ")[2]
    digits = len(clock.partition(".")[2])
    form = "%Y-%m-%d" + ("" if not clock else " %H:%M" if clock.count(":") == 1 else " %H:%M:%S")
    try:
        datetime.datetime.strptime(stamp.partition(".")[0], form)  # noqa: DTZ007  # only whether it is one
    except ValueError:
        raise SqlError("INVALID_LITERAL", f"'{text}' is not a valid TIMESTAMP literal", node) from None
    if digits > 6:
        raise not_emulated("timestamps of more than microseconds", node)
    sql = f"TIMESTAMP '{stamp}'"
    if not zone:
        return Typed(sql, Type("timestamp", (digits,)), value=text, is_literal=True)
    where = zone_of(Typed("", VARCHAR, value=zone, is_literal=True), node)
    return Typed(f"timezone('{where}', {sql})", Type(ZONED, (digits,), zone=where), value=text, is_literal=True)


def now(kind: str) -> Typed:
    """What the clock says where a query begins."""
    if kind == "date":
        return Typed("CAST(timezone('UTC', now()) AS DATE)", DATE)
    if kind == "local":
        stamp = Typed("timezone('UTC', now())", Type("timestamp", (6,)))
        return rounded(stamp, TIMESTAMP)
    return Typed("now()", TIMESTAMPTZ)


def _now_function(name: str, given: list[Typed], node: Any) -> Typed:
    if given:
        raise _wrong(name, given, node)
    return now("zoned")


TABLE: Final[Mapping[str, Special]] = {
    "date_trunc": _date_trunc,
    "date_add": _date_add,
    "date_diff": _date_diff,
    "date_format": _date_format,
    "format_datetime": _date_format,
    "date_parse": _date_parse,
    "date": _date,
    "from_iso8601_date": _from_iso8601_date,
    "from_unixtime": _from_unixtime,
    "with_timezone": _zoned,
    "at_timezone": _zoned,
    "now": _now_function,
}
FIELDS: Final = {
    "YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "WEEK": "week", "DAY": "day", "DAY_OF_MONTH": "day",
    "DAY_OF_WEEK": "day_of_week", "DOW": "day_of_week", "DAY_OF_YEAR": "day_of_year", "DOY": "day_of_year",
    "YEAR_OF_WEEK": "year_of_week", "YOW": "year_of_week", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
}  # fmt: skip
"""EXTRACT(field FROM ...) is the function of that name."""
LOCAL: Final = frozenset(FIELDS.values()) | {
    "week_of_year",
    "yow",
    "day_of_month",
    "dow",
    "doy",
    "last_day_of_month",
    "millisecond",
}
"""Functions that look at a time as a clock shows it in its zone."""
