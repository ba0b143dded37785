"""Values as Athena prints them: numbers as Java does, arrays as [a, b], maps as {k=v}."""

from __future__ import annotations

import datetime
import decimal
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from athena_sql.casts import timestamp_text
from athena_sql.types import DAYS, MONTHS, ZONED, Type


def double(value: float) -> str:
    """A double: plain between 10^-3 and 10^7, otherwise like 1.0E7."""
    return _java(value, repr(value))


def real(value: float) -> str:
    """A real: the fewest digits that single precision tells apart."""
    if math.isfinite(value):
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.pack(">f", float(text)) == struct.pack(">f", value):
                return _java(value, text)
    return _java(value, repr(value))


def _java(value: float, digits_of: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    exact = decimal.Decimal(digits_of)
    if 1e-3 <= abs(value) < 1e7:
        plain = format(exact, "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = exact.normalize().as_tuple()
    mantissa = f"{digits[0]}.{''.join(map(str, digits[1:])) or '0'}"
    return f"{'-' if sign else ''}{mantissa}E{int(exponent) + len(digits) - 1}"


def printable(sql: str, types: Sequence[Type]) -> str:
    """The query with times in a zone as text: DuckDB hands them out with another package's help only."""
    columns = [_shown(f"c{place}", kind) for place, kind in enumerate(types)]
    if all(column == f"c{place}" for place, column in enumerate(columns)):
        return sql
    return f"SELECT {', '.join(columns)} FROM ({sql}) AS printed"


def local_time(sql: str, kind: Type) -> str:
    """What a clock shows in the zone of a time."""
    return f"timezone('{kind.zone}', {sql})"


def _shown(sql: str, kind: Type) -> str:
    if kind.name == ZONED:
        return f"{timestamp_text(local_time(sql, kind), max(3, kind.numbers[0]))} || ' {kind.zone}'"
    if kind.name == "array" and kind.inner[0].name == ZONED:
        return f"list_transform({sql}, lambda x: {_shown('x', kind.inner[0])})"
    return sql


def printer(kind: Type) -> Callable[[Any], str | None]:
    """How a value that DuckDB handed out is printed by Athena."""
    show = _printer(kind)
    return lambda value: None if value is None else show(value)


def _nested(kind: Type) -> Callable[[Any], str]:
    show = _printer(kind)
    return lambda value: "null" if value is None else show(value)


def _printer(kind: Type) -> Callable[[Any], str]:
    if kind.name in _PRINTERS:
        return _PRINTERS[kind.name]
    if kind.name == "timestamp":
        digits = kind.numbers[0]
        return lambda value: _timestamp(value, digits)
    if kind.name == "array":
        inner = _nested(kind.inner[0])
        return lambda value: f"[{', '.join(map(inner, value))}]"
    if kind.name == "map":
        key, item = _nested(kind.inner[0]), _nested(kind.inner[1])
        return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in _entries(value)) + "}"
    if kind.name == "row":
        shows = [_nested(each) for each in kind.inner]
        names = kind.fields or tuple(f"field{place}" for place in range(len(shows)))
        return lambda value: (
            "{" + ", ".join(f"{n}={s(v)}" for n, s, v in zip(names, shows, value.values(), strict=True)) + "}"
        )
    return str


def _entries(value: Any) -> Any:
    # DuckDB hands maps out as dictionaries, or as lists of keys and of values.
    return zip(value["key"], value["value"], strict=True) if set(value) == {"key", "value"} and isinstance(
        value["key"], list
    ) else value.items()  # fmt: skip


def _timestamp(value: datetime.datetime, digits: int) -> str:
    text = value.isoformat(" ", "microseconds")
    return text[: 20 + max(digits, 3)] if digits >= 3 else f"{text[: 20 + digits].ljust(20 + digits)}".ljust(23, "0")


def _days(value: int) -> str:
    sign, rest = ("-", -value) if value < 0 else ("", value)
    days, rest = divmod(rest, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, fraction = divmod(rest, 1000)
    return f"{sign}{days} {hours:02d}:{minutes:02d}:{seconds:02d}.{fraction:03d}"


def _months(value: int) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 12}-{abs(value) % 12}"


_PRINTERS: Final[dict[str, Callable[[Any], str]]] = {
    "double": double,
    "real": real,
    "boolean": lambda value: "true" if value else "false",
    "decimal": lambda value: format(value, "f"),
    "varbinary": lambda value: bytes(value).hex(" "),
    DAYS: _days,
    MONTHS: _months,
}
