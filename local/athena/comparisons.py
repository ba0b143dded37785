"""Comparisons that Athena refuses and DuckDB would take: a column with a literal of another type.

Trino casts neither of the two (Trino documentation, "Conversion functions", 2026-11); DuckDB reads the literal as the
column's type, so that `month = '7'` would work on a laptop only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlglot import exp

from local.athena.sql import SqlError, TableUse

_OPERATORS: Final = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_NUMBERS: Final = ("tinyint", "smallint", "int", "integer", "bigint", "float", "double", "decimal")
_TEXTS: Final = ("string", "varchar", "char")
_NAMES: Final = {"int": "integer", "string": "varchar", "float": "real"}


def check(statement: exp.Query, use: TableUse, types: Mapping[str, str], *, alone: bool) -> None:
    """Refuse a statement that compares a column of a table with a literal of another type.

    Args:
        statement: the query, its parameters bound.
        use: the table in it.
        types: the Hive types of its columns and partition keys, by name.
        alone: whether a column without a table's name can be of this table only.

    Raises:
        SqlError: worded as Athena words it.
    """
    aliases = {node.alias_or_name.lower() for node in use.nodes}
    for column, literal, operator in _compared(statement):
        select = column.find_ancestor(exp.Select)
        read_there = any(node.find_ancestor(exp.Select) is select for node in use.nodes)
        mine = column.table.lower() in aliases if column.table else alone
        kind = types.get(column.name.lower(), "").split("(")[0].lower()
        if not (read_there and mine and kind) or _fits(kind, literal):
            continue
        other = f"varchar({len(literal.this)})" if literal.is_string else "integer" if literal.is_int else "decimal"
        raise SqlError(f"TYPE_MISMATCH: line 1:1: Cannot apply operator: {_NAMES.get(kind, kind)} {operator} {other}")


def _compared(statement: exp.Query) -> Iterator[tuple[exp.Column, Any, str]]:
    """Each column that is compared with a literal, the literal, and by which operator."""
    for node in statement.find_all(*_OPERATORS):
        yield from _pairs(node.left, [node.right], _OPERATORS[type(node)])
        yield from _pairs(node.right, [node.left], _OPERATORS[type(node)])
    for among in statement.find_all(exp.In):
        yield from _pairs(among.this, among.expressions, "=")
    for between in statement.find_all(exp.Between):
        yield from _pairs(between.this, [between.args["low"], between.args["high"]], "<=")


def _pairs(column: Any, others: list[Any], operator: str) -> Iterator[tuple[exp.Column, Any, str]]:
    for other in others:
        literal = other.this if isinstance(other, exp.Neg) else other
        if isinstance(column, exp.Column) and isinstance(literal, exp.Literal):
            yield column, literal, operator


def _fits(kind: str, literal: exp.Literal) -> bool:
    return kind in _TEXTS if literal.is_string else kind in _NUMBERS
