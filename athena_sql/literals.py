"""Literals: numbers, intervals, and the types that CAST names."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlglot import exp

from athena_sql.errors import SqlError, not_emulated
from athena_sql.typed import Typed
from athena_sql.types import BIGINT, DAYS, DOUBLE, INTEGER, MONTHS, VARCHAR, ZONED, Type, array, decimal

_MILLISECONDS: Final = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1_000}
_OF_MONTHS: Final = {"YEAR": 12, "MONTH": 1}
_TYPES: Final = {
    exp.DataType.Type.BOOLEAN: "boolean",
    exp.DataType.Type.TINYINT: "tinyint",
    exp.DataType.Type.SMALLINT: "smallint",
    exp.DataType.Type.INT: "integer",
    exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.FLOAT: "real",
    exp.DataType.Type.DOUBLE: "double",
    exp.DataType.Type.VARBINARY: "varbinary",
    exp.DataType.Type.DATE: "date",
}


def number(node: Any) -> Typed:
    """A literal number: whole ones are integer or bigint, those with a point decimals, those with an exponent doubles.

    Raises:
        SqlError: it is too large.
    """
    text = node.this
    if re.fullmatch(r"\d+", text):
        value = int(text)
        if value >= 2**63:
            raise SqlError("NUMERIC_VALUE_OUT_OF_RANGE", f"Invalid numeric literal: {text}", node)
        kind = INTEGER if value < 2**31 else BIGINT
        return Typed(f"CAST({value} AS {kind.name})", kind, value=value, is_literal=True)
    if re.fullmatch(r"\d*\.\d*", text) and text != ".":
        whole, _, fraction = text.partition(".")
        # Zeros before the number do not count, but one digit there is.
        digits = len(whole.lstrip("0")) + len(fraction)
        if digits > 38:
            raise not_emulated(f"a literal of {digits} digits", node)
        kind = decimal(max(digits, len(fraction), 1), len(fraction))
        sql = f"CAST('{text}' AS DECIMAL({kind.numbers[0]}, {kind.numbers[1]}))"
        return Typed(sql, kind, value=float(text), is_literal=True)
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+", text):
        return Typed(f"CAST('{text}' AS DOUBLE)", DOUBLE, value=float(text), is_literal=True)
    raise SqlError("SYNTAX_ERROR", f"mismatched input '{text}'", node)


def interval(node: Any) -> Typed:
    """INTERVAL '2' DAY: milliseconds or months.

    Raises:
        SqlError: it is of another form than a number and a unit.
    """
    unit = node.unit.name.upper() if node.unit is not None else ""
    text = node.this.this if isinstance(node.this, exp.Literal) and node.this.is_string else None
    if not isinstance(node.unit, exp.Var) or text is None:
        raise not_emulated("an interval of this form", node)
    if not re.fullmatch(r"[+-]?\d+", text) or unit not in {**_MILLISECONDS, **_OF_MONTHS}:
        if re.fullmatch(r"[+-]?\d+", text) or re.search("[a-zA-Z]", text):
            raise SqlError("SYNTAX_ERROR", f"INTERVAL '{text}' {unit} is no interval of Trino's", node)
        raise not_emulated("an interval of this form", node)
    if unit in _OF_MONTHS:
        return Typed(f"CAST({int(text) * _OF_MONTHS[unit]} AS INTEGER)", Type(MONTHS), is_literal=True)
    return Typed(f"CAST({int(text) * _MILLISECONDS[unit]} AS BIGINT)", Type(DAYS), is_literal=True)


def type_of(node: Any) -> Type:
    """The type that CAST names.

    Raises:
        SqlError: it is not emulated.
    """
    kind = node.this
    parameters = [part.this for part in node.expressions if isinstance(part, exp.DataTypeParam)]
    numbers = tuple(int(part.name) for part in parameters if part.name.isdigit())
    if kind in _TYPES and not numbers:
        return Type(_TYPES[kind])
    if kind == exp.DataType.Type.DECIMAL and len(numbers) <= 2:
        precision, scale = (*numbers, 38, 0)[:2] if len(numbers) == 2 else ((numbers or (38,))[0], 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise SqlError(
                "INVALID_FUNCTION_ARGUMENT", f"DECIMAL precision must be in range [1, 38]: {precision}", node
            )
        return decimal(precision, scale)
    if kind in (exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT) and len(numbers) <= 1:
        if kind == exp.DataType.Type.TEXT:
            raise SqlError("TYPE_NOT_FOUND", "Unknown type: string", node)
        return Type("varchar", numbers) if numbers else VARCHAR
    if kind in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ) and len(numbers) <= 1:
        if numbers and numbers[0] > 6:
            raise not_emulated("timestamps of more than microseconds", node)
        return Type("timestamp" if kind == exp.DataType.Type.TIMESTAMP else ZONED, numbers or (3,))
    if kind == exp.DataType.Type.ARRAY and len(node.expressions) == 1:
        return array(type_of(node.expressions[0]))
    raise not_emulated(f"the type {node.sql(dialect='trino')}", node)
