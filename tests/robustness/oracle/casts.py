"""3: what a text is as a value of a type."""

import datetime as dt
import re
import zoneinfo
from decimal import Decimal
from typing import Any

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def cast_to(text: str, kind: str, zone: str) -> Any:
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
        return date_of(text)
    if kind == "timestamp":
        return timestamp_of(text, zone)
    precision, scale = (int(digits) for digits in re.findall(r"\d+", kind))
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,3}", text):
        text = f"{Decimal(text):f}"
    match = re.fullmatch(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?", text)
    if not match or not re.match(r"[+-]?\.?[0-9]", text):
        return None
    fraction = (match[3] or "").rstrip("0")
    fits = len(match[2]) <= precision - scale and len(fraction) <= scale
    return Decimal(f"{match[1]}{match[2] or '0'}.{fraction.ljust(scale, '0')}") if fits else None


def date_of(text: str) -> dt.date | None:
    try:
        day = re.sub(r"[T ]00:00(:00(\.0+)?)?$", "", text) if "\n" not in text else text
        return dt.date(*map(int, day.split("-"))) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day) else None
    except ValueError:
        return None


def timestamp_of(text: str, zone: str) -> int | None:
    pattern = (
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})"
        r"(?::([0-9]{2})(?:\.([0-9]{1,6}|[0-9]{6}0{1,3}))?)?( ?(Z|UTC|([+-])([0-9]{2})(?::?([0-9]{2}))?))?"
    )
    match = re.fullmatch(pattern, text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    fraction = int((match[7] or "")[:6].ljust(6, "0"))
    try:
        local = dt.datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001  local, by definition
    except ValueError:
        return None
    return in_utc(local, match[9], zone)


def in_utc(local: dt.datetime, written: str | None, zone: str) -> int | None:
    """The microseconds of a local time with an offset as it is written, or else in a zone."""
    if not written:
        offset = local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset() or dt.timedelta()
    elif written in ("Z", "UTC", "GMT"):
        offset = dt.timedelta()
    else:
        hours, minutes = int(written[1:3]), int(written[3:].lstrip(":") or "0")
        if minutes > 59 or 60 * hours + minutes > 18 * 60:
            return None
        offset = dt.timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1)
    # In numbers: the first and the last hours of the calendar have no datetime in UTC.
    return (local.replace(tzinfo=dt.UTC) - EPOCH - offset) // dt.timedelta(microseconds=1)
