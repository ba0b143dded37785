"""CAST as Trino does it: which types become which, and how DuckDB is brought to do the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from athena_sql.errors import SqlError, not_emulated
from athena_sql.typed import Typed, derived, failing, once
from athena_sql.types import ZONED, Type, common, duckdb

_TEXT_CHARACTERS: Final = {
    # Whatever else stands in the text becomes an x, on which DuckDB fails, too.
    "tinyint": "[^0-9+-]",
    "smallint": "[^0-9+-]",
    "integer": "[^0-9+-]",
    "bigint": "[^0-9+-]",
    "decimal": "[^0-9+.eE-]",
    "date": "[^0-9-]",
    "timestamp": "[^0-9 :.-]",
}


def coerce(part: Typed, to: Type) -> Typed:
    """A value as the type that it becomes by itself."""
    if part.type == to:
        return part
    if part.type.name == to.name and to.name in ("varchar", "timestamp", ZONED):
        return replace(part, type=to)
    found = derived(f"CAST({part.sql} AS {duckdb(to)})", to, [part])
    if part.is_literal and part.type.is_number and to.is_integer:
        return replace(found, is_literal=True, value=part.value)
    return found


def cast(part: Typed, to: Type, node: Any, *, safe: bool = False) -> Typed:
    """CAST, or TRY_CAST if `safe`.

    Raises:
        SqlError: Trino has no such cast, or it is not emulated.
    """
    kind = part.type
    if kind.name == "unknown":
        return derived(f"CAST(NULL AS {duckdb(to)})", to, [part])
    if kind.name == to.name == ZONED:
        return replace(part, type=Type(ZONED, to.numbers, zone=kind.zone))
    if kind == to:
        return part
    write = "TRY_CAST" if safe else "CAST"
    if to.is_text:
        return _to_text(part, to, node)
    if kind.is_text:
        return _from_text(part, to, node, write)
    if kind.is_number and to.is_number:
        return _number(part, to, write)
    if kind.is_number and to.name == "boolean":
        return derived(f"({part.sql} <> 0)", to, [part])
    if kind.name == "boolean" and to.is_number:
        return derived(f"CAST(CAST({part.sql} AS INTEGER) AS {duckdb(to)})", to, [part])
    if kind.is_time and to.is_time:
        return _time(part, to, node)
    if kind.name == to.name == "array" and common(*kind.inner, *to.inner) == to.inner[0]:
        return derived(f"CAST({part.sql} AS {duckdb(to)})", to, [part])
    if {kind.name, to.name} & {"json", "map", "row", "array", "varbinary", "char", "time"}:
        raise not_emulated(f"CAST from {kind} to {to}", node)
    raise SqlError("TYPE_MISMATCH", f"Cannot cast {kind} to {to}", node)


def _to_text(part: Typed, to: Type, node: Any) -> Typed:
    kind = part.type
    if kind.is_text:
        if to.numbers and (not kind.numbers or kind.numbers[0] > to.numbers[0]):
            return derived(f"left({part.sql}, {to.numbers[0]})", to, [part])
        return replace(part, type=to)
    if kind.is_integer or kind.name in ("decimal", "boolean", "date"):
        text = f"CAST({part.sql} AS VARCHAR)"
    elif kind.name == "timestamp":
        text = timestamp_text(part.sql, kind.numbers[0])
    elif kind.name == ZONED:
        local = f"timezone('{kind.zone}', {part.sql})"
        text = f"({timestamp_text(local, kind.numbers[0])} || ' {kind.zone}')"
    else:
        # Trino writes doubles as 1.5E0.
        raise not_emulated(f"CAST from {kind} to {to}", node)
    if to.numbers:
        # Trino fails where it does not fit; only what always fits is known.
        longest = {"boolean": 5, "date": 10, "tinyint": 4, "smallint": 6, "integer": 11, "bigint": 20}
        if longest.get(kind.name, 99) > to.numbers[0]:
            raise not_emulated(f"CAST from {kind} to {to}", node)
    return derived(text, to, [part])


def timestamp_text(sql: str, precision: int) -> str:
    """A timestamp as text with so many digits of a second's fraction."""
    if precision == 0:
        return f"strftime({sql}, '%Y-%m-%d %H:%M:%S')"
    return f"left(strftime({sql}, '%Y-%m-%d %H:%M:%S.%f'), {20 + precision})"


def _from_text(part: Typed, to: Type, node: Any, write: str) -> Typed:
    text = part.sql
    if to.name in _TEXT_CHARACTERS:
        text = f"regexp_replace(trim({text}, ' ' || chr(9)), '{_TEXT_CHARACTERS[to.name]}', 'x', 'g')"
        # DuckDB takes numbers like 1.5 for whole ones; the pattern left no full stop. Of dates it takes other orders.
        sql = f"{write}({text} AS {duckdb(to)})"
        return derived(sql, to, [part])
    if to.is_float:
        # DuckDB takes inf and nan in small letters, too.
        text = f"regexp_replace({text}, '^[+-]?(inf|nan).*$', 'x')"
        return derived(f"{write}({text} AS {duckdb(to)})", to, [part], may_be_nan=True)
    if to.name == "boolean":
        otherwise = (
            "NULL"
            if write == "TRY_CAST"
            else failing("INVALID_CAST_ARGUMENT: Cannot cast a value of varchar to boolean")
        )
        sql = (
            f"CASE lower({text}) WHEN 'true' THEN true WHEN 't' THEN true WHEN '1' THEN true WHEN 'false' THEN false "
            f"WHEN 'f' THEN false WHEN '0' THEN false ELSE CASE WHEN {text} IS NULL THEN NULL ELSE {otherwise} END END"
        )
        return derived(sql, to, [part])
    if to.name in ("varbinary", "array", "map", "row"):
        raise SqlError("TYPE_MISMATCH", f"Cannot cast {part.type} to {to}", node)
    raise not_emulated(f"CAST from {part.type} to {to}", node)


def _number(part: Typed, to: Type, write: str) -> Typed:
    if to.is_integer and not part.type.is_integer:
        # Trino rounds half away from zero, DuckDB's cast of a double to the even neighbour.
        return derived(f"{write}(round({part.sql}, 0) AS {duckdb(to)})", to, [part])
    return derived(f"{write}({part.sql} AS {duckdb(to)})", to, [part])


def _time(part: Typed, to: Type, node: Any) -> Typed:
    kind = part.type
    if kind.name == ZONED:
        local = f"timezone('{kind.zone}', {part.sql})"
        return _time(replace(part, sql=local, type=Type("timestamp", kind.numbers)), to, node)
    if to.name == "timestamp" and kind.name == "timestamp":
        return rounded(part, to)
    if to.name == ZONED:
        return derived(f"timezone('UTC', CAST({part.sql} AS TIMESTAMP))", Type(ZONED, to.numbers), [part])
    return derived(f"CAST({part.sql} AS {duckdb(to)})", to, [part])


def rounded(part: Typed, to: Type) -> Typed:
    """A timestamp with fewer digits, rounded half up."""
    if part.type.numbers[0] <= to.numbers[0]:
        return replace(part, type=to)
    unit = 10 ** (6 - to.numbers[0])

    def use(sql: str) -> str:
        return f"make_timestamp(((epoch_us({sql}) + {unit // 2}) // {unit}) * {unit})"

    return derived(once(part, use), to, [part])
