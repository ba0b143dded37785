"""Operators as Trino defines them for each pair of types; what DuckDB does otherwise is written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from athena_sql.casts import coerce
from athena_sql.errors import SqlError, not_emulated
from athena_sql.typed import Typed, derived, failing, once
from athena_sql.types import BOOLEAN, DAYS, INTEGER, MONTHS, UNKNOWN, VARCHAR, ZONED, Type, array, as_decimal, common
from athena_sql.types import decimal as decimal_type
from athena_sql.types import duckdb as duckdb_type

DIVISION: Final = failing("DIVISION_BY_ZERO: Division by zero")
_ORDERED: Final = {"boolean", "varchar", "date", "timestamp", ZONED, DAYS, MONTHS, "varbinary"}


def mismatch(left: Typed, operator: str, right: Typed, node: Any) -> SqlError:
    """What Trino says where an operator is not for two types."""
    return SqlError("TYPE_MISMATCH", f"Cannot apply operator: {left.type} {operator} {right.type}", node)


def both(left: Typed, right: Typed, operator: str, node: Any) -> tuple[Typed, Typed, Type]:
    """Two values as their common type.

    Raises:
        SqlError: they have none.
    """
    kind = common(left.type, right.type)
    if kind is None:
        raise mismatch(left, operator, right, node)
    if kind.name == "decimal" and kind.numbers[0] == 38 and max(
        as_decimal(left.type).numbers[0], as_decimal(right.type).numbers[0]
    ) < 38:  # fmt: skip
        raise not_emulated(f"{left.type} {operator} {right.type}: the digits may not suffice", node)
    return coerce(left, kind), coerce(right, kind), kind


def compare(left: Typed, operator: str, right: Typed, node: Any) -> Typed:
    """A comparison.

    Raises:
        SqlError: the types cannot be compared, or not here.
    """
    one, other, kind = both(left, right, operator, node)
    if kind == UNKNOWN:
        return derived("CAST(NULL AS BOOLEAN)", BOOLEAN, [left, right])
    if not (kind.is_number or kind.name in _ORDERED):
        if kind.name == "array" and operator in ("=", "<>") and not kind.inner[0].is_float:
            raise not_emulated("comparing arrays, which may hold NULL", node)
        raise not_emulated(f"comparing {kind}", node)
    sql = f"({one.sql} {operator} {other.sql})"
    # NaN equals nothing in Trino; DuckDB has it equal to itself and greater than all.
    doubtful = [part for part in (one, other) if part.type.is_float and part.may_be_nan]
    if doubtful and operator not in ("IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        link, tests = ("OR", "isnan({})") if operator == "<>" else ("AND", "NOT isnan({})")
        sql = "(" + f" {link} ".join([sql, *(tests.format(part.sql) for part in doubtful)]) + ")"
    return derived(sql, BOOLEAN, [left, right])


def arithmetic(left: Typed, operator: str, right: Typed, node: Any) -> Typed:
    """One of + - * / %.

    Raises:
        SqlError: the types have no such operator, or not here.
    """
    if left.type == UNKNOWN or right.type == UNKNOWN:
        known = right.type if left.type == UNKNOWN else left.type
        if not (known.is_number or known == UNKNOWN):
            raise not_emulated("arithmetic with NULL", node)
        if known.name == "decimal":
            raise not_emulated(f"{known} {operator} NULL", node)
        if known == UNKNOWN:
            raise mismatch(left, operator, right, node)
        left, right = coerce(left, known), coerce(right, known)
    if left.type.is_number and right.type.is_number:
        kind = common(left.type, right.type)
        assert kind is not None
        if kind.name == "decimal":
            return _decimals(left, operator, right, node)
        return _plain(coerce(left, kind), operator, coerce(right, kind), kind)
    return _times(left, operator, right, node)


def _plain(left: Typed, operator: str, right: Typed, kind: Type) -> Typed:
    parts = [left, right]
    if operator not in ("/", "%"):
        written = f"({left.sql} {operator} {right.sql})"
        if kind.is_float:
            # Infinity minus infinity is NaN.
            doubtful = not (left.is_literal or right.is_literal)
            return derived(written, kind, parts, may_be_nan=doubtful)
        # DuckDB may widen what it multiplies; Trino fails on overflow.
        return derived(f"CAST({written} AS {duckdb_type(kind)})", kind, parts)
    if kind.is_float:
        if operator == "%" and not (right.is_literal and right.value):
            raise not_emulated("% of floating point numbers by what may be zero")
        return derived(f"({left.sql} {operator} {right.sql})", kind, parts, may_be_nan=not right.is_literal)
    divide = "//" if operator == "/" else "%"
    return derived(f"CAST(({left.sql} {divide} {_nonzero(right)}) AS {duckdb_type(kind)})", kind, parts)


def _nonzero(part: Typed) -> str:
    if part.is_literal and part.value:
        return part.sql
    return once(part, lambda sql: f"CASE WHEN {sql} = 0 THEN {DIVISION} ELSE {sql} END")


def _decimals(left: Typed, operator: str, right: Typed, node: Any) -> Typed:
    (p1, s1), (p2, s2) = as_decimal(left.type).numbers, as_decimal(right.type).numbers
    one, other = coerce(left, as_decimal(left.type)), coerce(right, as_decimal(right.type))
    scale = max(s1, s2)
    if operator in ("+", "-"):
        kind = decimal_type(max(p1 - s1, p2 - s2) + scale + 1, scale)
        sql = f"(CAST({one.sql} AS {duckdb_type(kind)}) {operator} CAST({other.sql} AS {duckdb_type(kind)}))"
    elif operator == "*":
        if s1 + s2 > 38:
            raise SqlError(
                "INVALID_FUNCTION_ARGUMENT", f"DECIMAL scale {s1 + s2} must be in range [0, precision]", node
            )
        kind = decimal_type(p1 + p2, s1 + s2)
        sql = f"({one.sql} * {other.sql})"
    elif operator == "/":
        return _divided(one, other, node)
    else:
        kind = decimal_type(min(p1 - s1, p2 - s2) + scale, scale)
        wide = duckdb_type(decimal_type(max(p1 - s1, p2 - s2) + scale, scale))
        sql = f"(CAST({one.sql} AS {wide}) % CAST({_nonzero(other)} AS {wide}))"
    if p1 + p2 > 76 or kind.numbers[0] < kind.numbers[1]:
        raise not_emulated(f"{left.type} {operator} {right.type}", node)
    return derived(f"CAST({sql} AS {duckdb_type(kind)})", kind, [left, right])


def _divided(left: Typed, right: Typed, node: Any) -> Typed:
    """A quotient of decimals, rounded half away from zero: DuckDB would make a double of it."""
    (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
    kind = decimal_type(p1 + s2 + max(0, s2 - s1), max(s1, s2))
    shift = kind.numbers[1] - s1 + s2
    if p1 + shift > 37 or p2 > 37:
        raise not_emulated(f"{left.type} / {right.type}", node)
    whole = (
        f"CAST({left.sql} * {10**s1} AS HUGEINT) * {10**shift}" if s1 else f"CAST({left.sql} AS HUGEINT) * {10**shift}"
    )
    by = f"CAST({right.sql} * {10**s2} AS HUGEINT)" if s2 else f"CAST({right.sql} AS HUGEINT)"
    quotient = (
        f"list_transform([[{whole}, {by}]], lambda pair_: CASE WHEN pair_[2] = 0 THEN {DIVISION} "
        "ELSE (pair_[1] // pair_[2]) + CASE WHEN 2 * abs(pair_[1] % pair_[2]) >= abs(pair_[2]) "
        "THEN sign(pair_[1]) * sign(pair_[2]) ELSE 0 END END)[1]"
    )
    scale = kind.numbers[1]
    unit = f"CAST('{10**-scale:.{scale}f}' AS DECIMAL({max(scale, 1)}, {scale}))" if scale else "1"
    return derived(
        f"CAST(CAST({quotient} AS DECIMAL({38 - scale}, 0)) * {unit} AS {duckdb_type(kind)})", kind, [left, right]
    )


def divide_decimal(left: Typed, right: Typed, kind: Type, node: Any) -> Typed:
    """A quotient for avg(decimal), whose type is that of what is averaged."""
    return coerce(_divided(left, right, node), kind)


def _times(left: Typed, operator: str, right: Typed, node: Any) -> Typed:
    kinds = (left.type.name, right.type.name)
    parts = [left, right]
    if operator in ("+", "-") and left.type.is_time and right.type.name in (DAYS, MONTHS):
        return moved(left, operator, right, node)
    if operator == "+" and right.type.is_time and left.type.name in (DAYS, MONTHS):
        return moved(right, operator, left, node)
    if operator == "-" and left.type.is_time and right.type.is_time:
        one, other, _ = both(left, right, operator, node)
        micros = f"(epoch_us({one.sql}) - epoch_us({other.sql}))"
        return derived(f"({micros} // 1000)", Type(DAYS), parts)
    if kinds[0] == kinds[1] and kinds[0] in (DAYS, MONTHS) and operator in ("+", "-"):
        return derived(f"({left.sql} {operator} {right.sql})", left.type, parts)
    if kinds[0] in (DAYS, MONTHS) and right.type.is_integer and operator == "*":
        return derived(f"CAST({left.sql} * {right.sql} AS {duckdb_type(left.type)})", left.type, parts)
    if kinds[1] in (DAYS, MONTHS) and left.type.is_integer and operator == "*":
        return derived(f"CAST({left.sql} * {right.sql} AS {duckdb_type(right.type)})", right.type, parts)
    if {DAYS, MONTHS} & set(kinds) and (left.type.is_number or right.type.is_number) and operator in ("*", "/"):
        raise not_emulated(f"{left.type} {operator} {right.type}", node)
    raise mismatch(left, operator, right, node)


def moved(time: Typed, operator: str, by: Typed, node: Any) -> Typed:
    """A date or timestamp plus or minus an interval.

    Raises:
        SqlError: part of a day is added to a date, or it is not emulated.
    """
    interval = f"to_milliseconds({by.sql})" if by.type.name == DAYS else f"to_months({by.sql})"
    kind = time.type
    if kind.name == ZONED and kind.zone != "UTC":
        raise not_emulated("an interval added to a time in another zone than UTC", node)
    if kind.name == "date":
        if by.type.name == DAYS:
            day = 86_400_000
            checked = once(
                by,
                lambda sql: (
                    f"CASE WHEN {sql} % {day} <> 0 THEN "
                    + failing("INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date")
                    + f" ELSE {sql} // {day} END"
                ),
            )
            return derived(f"({time.sql} {operator} CAST({checked} AS INTEGER))", kind, [time, by])
        return derived(f"CAST({time.sql} {operator} {interval} AS DATE)", kind, [time, by])
    precision = max(kind.numbers[0], 3) if by.type.name == DAYS else kind.numbers[0]
    return derived(f"({time.sql} {operator} {interval})", Type(kind.name, (precision,), zone=kind.zone), [time, by])


def concatenated(left: Typed, right: Typed, node: Any) -> Typed:
    """The operator ||.

    Raises:
        SqlError: the types cannot be joined.
    """
    kinds = {left.type.name, right.type.name}
    if "unknown" in kinds:
        # Trino takes it for an array.
        raise not_emulated("NULL joined to something", node)
    if kinds == {"varchar"}:
        return derived(f"({coerce(left, VARCHAR).sql} || {coerce(right, VARCHAR).sql})", VARCHAR, [left, right])
    if "array" in kinds:
        one, other = left, right
        if left.type.name != "array":
            one = derived(f"[{left.sql}]", array(left.type), [left])
        if right.type.name != "array":
            other = derived(f"[{right.sql}]", array(right.type), [right])
        kind = common(one.type, other.type)
        if kind is None:
            raise mismatch(left, "||", right, node)
        return derived(f"({coerce(one, kind).sql} || {coerce(other, kind).sql})", kind, [left, right])
    if kinds == {"varbinary"}:
        return derived(f"({left.sql} || {right.sql})", left.type, [left, right])
    raise SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({left.type}, {right.type}) for function concat", node)


def negated(part: Typed, node: Any) -> Typed:
    """The operator - before a value.

    Raises:
        SqlError: it is no number.
    """
    if not (part.type.is_number or part.type.name in (DAYS, MONTHS)):
        if part.type == UNKNOWN:
            return coerce(part, INTEGER)
        raise SqlError("TYPE_MISMATCH", f"Cannot negate {part.type}", node)
    found = derived(f"(-{part.sql})", part.type, [part])
    if part.is_literal and isinstance(part.value, (int, float)):
        return replace(found, is_literal=True, value=-part.value)
    return found
