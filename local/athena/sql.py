"""Athena's SQL (Trino) for DuckDB: translation, partition pruning, and values printed as Athena prints them.

Nothing here touches the emulator or AWS.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_TYPES: Final = {
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "UBIGINT": "bigint",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "VARCHAR": "varchar",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TIME": "time",
    "BLOB": "varbinary",
    "INTERVAL": "interval day to second",
    "UUID": "uuid",
    '"NULL"': "unknown",
}


class SqlError(Exception):
    """A statement that Athena would refuse; the message is worded as Athena words it."""


@dataclass
class TableUse:
    """A table of the catalog as a query uses it.

    `columns` are the names of the columns that the query touches (None means all), `filters` the conditions on
    partition keys that hold for every row that counts.
    """

    database: str
    name: str
    nodes: list[exp.Table] = field(default_factory=list)


def parse(query: str) -> exp.Query:
    """Parse one statement that returns rows.

    Raises:
        SqlError: if it does not parse, or is of another kind.
    """
    try:
        statements = [found for found in sqlglot.parse(query, read="athena") if found is not None]
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        where = f"line {details[0].get('line', 1)}:{details[0].get('col', 1)}: " if details[0] else ""
        raise SqlError(f"{where}{details[0].get('description') or error}") from error
    if len(statements) != 1:
        raise SqlError("Only one sql statement is allowed")
    statement = statements[0]
    if not isinstance(statement, exp.Query):
        raise SqlError(f"Queries of this type are not supported: {statement.key.upper()}")
    return statement


def bind(statement: exp.Query, parameters: Sequence[str]) -> None:
    """Put the execution parameters, which are SQL literals as text, in the place of the question marks.

    Raises:
        SqlError: if there are more or fewer than question marks, or one is not a literal.
    """
    marks = [mark for mark in statement.find_all(exp.Placeholder) if mark.this is None]
    # sqlglot finds nodes breadth first; the parameters count from left to right in the text.
    ordered = _in_text_order(statement, marks)
    if len(ordered) != len(parameters):
        raise SqlError(
            "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: "
            f"expected {len(ordered)} but found {len(parameters)}"
        )
    for mark, text in zip(ordered, parameters, strict=True):
        mark.replace(_literal(text))


def _in_text_order(statement: exp.Query, marks: list[Any]) -> list[Any]:
    names = {id(mark): index for index, mark in enumerate(marks)}
    # Generating the text visits the nodes in order; each mark is given a name to find it again by.
    for mark in marks:
        mark.set("this", exp.to_identifier(f"parameter_{names[id(mark)]}_"))
    text = statement.sql(dialect="athena")
    ordered = sorted(marks, key=lambda mark: text.find(f"parameter_{names[id(mark)]}_"))
    for mark in marks:
        mark.set("this", None)
    return ordered


def _literal(text: str) -> exp.Expression:
    try:
        value = sqlglot.parse_one(text, read="athena")
    except SqlglotError as error:
        raise SqlError(f"INVALID_PARAMETER_USAGE: {text!r} is not a literal") from error
    if any(value.find_all(exp.Column, exp.Query)):
        raise SqlError(f"INVALID_PARAMETER_USAGE: {text!r} is not a literal: put strings in single quotes ('{text}')")
    return value  # type: ignore[return-value]  # what is left is one of them


def tables(statement: exp.Query, database: str) -> list[TableUse]:
    """The catalog tables that a query reads, each once, without the names that WITH defines."""
    known = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    uses: dict[tuple[str, str], TableUse] = {}
    for node in statement.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier) or (not node.db and node.name.lower() in known):
            continue
        key = ((node.db or database).lower(), node.name.lower())
        uses.setdefault(key, TableUse(*key)).nodes.append(node)
    return list(uses.values())


def touched_columns(statement: exp.Query, use: TableUse, columns: Iterable[str]) -> set[str]:
    """Which of a table's columns a query touches."""
    names = {column.lower() for column in columns}
    aliases = {node.alias_or_name.lower() for node in use.nodes}
    touched = set()
    for select in statement.find_all(exp.Select):
        for projection in select.expressions:
            if isinstance(projection, exp.Star):
                touched |= names if _reads(select, use) else set()
            elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
                touched |= names if projection.table.lower() in aliases else set()
    for column in statement.find_all(exp.Column):
        if not column.table or column.table.lower() in aliases:
            touched |= {column.name.lower()} & names
    return touched


def _reads(select: exp.Select, use: TableUse) -> bool:
    return any(node.find_ancestor(exp.Select) is select for node in use.nodes)


def partition_filter(use: TableUse, keys: Sequence[str]) -> str | None:
    """A DuckDB condition on the partition keys that no partition left out can meet, or None for all partitions.

    Only conditions joined by AND in the WHERE of the very SELECT that reads the table count, as for Athena's
    static pruning.
    """
    wanted = {key.lower() for key in keys}
    alternatives = []
    for node in use.nodes:
        select = node.find_ancestor(exp.Select)
        where = select.args.get("where") if select else None
        conditions = [
            _bare(condition)
            for condition in (
                where.this.flatten() if where and isinstance(where.this, exp.And) else [where and where.this]
            )
            if condition is not None and _only_on(condition, node.alias_or_name, wanted)
        ]
        if not conditions:
            return None
        alternatives.append("(" + " AND ".join(f"({condition})" for condition in conditions) + ")")
    return " OR ".join(alternatives) or None


def _only_on(condition: Any, alias: str, keys: set[str]) -> bool:
    columns = list(condition.find_all(exp.Column))
    if not columns or any(condition.find_all(exp.Query, exp.AggFunc, exp.Window)):
        return False
    return all(
        column.name.lower() in keys and (not column.table or column.table.lower() == alias.lower())
        for column in columns
    )


def _bare(condition: Any) -> str:
    copied = condition.copy()
    for column in copied.find_all(exp.Column):
        column.set("table", None)
    return str(copied.sql(dialect="duckdb"))


def to_duckdb(statement: exp.Query, relations: dict[tuple[str, str], str], uses: Iterable[TableUse]) -> str:
    """The query in DuckDB's SQL; `relations` names the view that stands for each (database, table)."""
    for use in uses:
        for node in use.nodes:
            alias = node.alias or node.name
            view = exp.to_table(relations[use.database, use.name])
            view.set("alias", node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
            for part in ("joins", "laterals", "pivots", "sample"):
                if node.args.get(part):
                    view.set(part, node.args[part])
            node.replace(view)
    for column in statement.find_all(exp.Column):
        # db.table.column: the view has no database.
        column.set("db", None)
        column.set("catalog", None)
    _name_columns(statement)
    return statement.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)


def _name_columns(statement: exp.Query) -> None:
    # Trino calls an expression without a name _col0, _col1, ...; DuckDB would print the expression.
    select: Any = statement
    while isinstance(select, exp.SetOperation):
        select = select.this
    if isinstance(select, exp.Subquery):
        select = select.unnest()
    if not isinstance(select, exp.Select):
        return
    for position, projection in enumerate(list(select.expressions)):
        if not isinstance(projection, (exp.Alias, exp.Column, exp.Star)):
            projection.replace(exp.alias_(projection.copy(), f"_col{position}"))


def athena_type(duckdb_type: str) -> str:
    """The name that Athena gives to the type of a result's column."""
    bare = duckdb_type.upper()
    if bare in _TYPES:
        return _TYPES[bare]
    if bare.startswith("DECIMAL"):
        return "decimal"
    if bare.endswith("[]"):
        return "array"
    return {"STRUCT": "row", "MAP": "map"}.get(bare.split("(", maxsplit=1)[0], "varchar")


def text(value: Any) -> str | None:
    """A value as Athena prints it; None is NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return _timestamp(value)
    if isinstance(value, (bytes, bytearray)):
        return " ".join(f"{byte:02x}" for byte in value)
    if isinstance(value, list):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_inner(item)}" for key, item in value.items()) + "}"
    return str(value)


def _inner(value: Any) -> str:
    return "null" if value is None else str(text(value))


def _timestamp(value: datetime.datetime) -> str:
    zone = " UTC" if value.tzinfo is not None else ""
    utc = value.astimezone(datetime.UTC) if value.tzinfo is not None else value
    return utc.replace(tzinfo=None).isoformat(" ", "milliseconds") + zone


def _double(value: float) -> str:
    # As Java prints doubles: plain between 10^-3 and 10^7, otherwise 1.0E7.
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(decimal.Decimal(repr(value)), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    mantissa = f"{digits[0]}.{''.join(map(str, digits[1:])) or '0'}"
    return f"{'-' if sign else ''}{mantissa}E{int(exponent) + len(digits) - 1}"
