"""Expressions: each node of sqlglot's tree that is known, with its type and its SQL. What is not known is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from sqlglot import exp

from athena_sql import calls, operators, specials, times
from athena_sql.casts import cast, coerce
from athena_sql.errors import NOT_EMULATED, SqlError, not_emulated
from athena_sql.formats import quoted
from athena_sql.literals import interval, number, type_of
from athena_sql.operators import compare
from athena_sql.scope import Result, Scope, TableUse
from athena_sql.typed import Typed, derived
from athena_sql.types import BOOLEAN, UNKNOWN, VARBINARY, Type, array, common, duckdb, field_of

_COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_ARITHMETIC: Final = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_DEEPEST: Final = 150


class Queries(Protocol):
    """Analyses the queries inside an expression."""

    def query(self, node: Any, around: Scope) -> Result:
        """Analyse a query of any kind."""


@dataclass
class Expressions:
    """Analyses expressions that see the columns of `scope`.

    `groups` are the expressions that are grouped by, if they are; `aliases` the names of the select list, for ORDER BY.
    """

    scope: Scope
    queries: Queries
    uses: Sequence[TableUse] = ()
    groups: frozenset[str] | None = None
    aliases: dict[str, Typed | None] = field(default_factory=dict)
    lambdas: dict[str, Typed] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)
    inside_aggregate: bool = False
    depth: int = 0

    def __call__(self, node: Any) -> Typed:
        """Analyse one expression.

        Raises:
            SqlError: Trino refuses it, or it is not emulated.
        """
        self.depth += 1
        if self.depth > _DEEPEST:
            raise not_emulated("so many levels of an expression", node)
        try:
            handler = _HANDLERS.get(type(node))
            if handler is None:
                raise not_emulated(f"{type(node).__name__.upper()}", node)
            unknown = (
                {name for name, value in node.args.items() if value} - _EXPECTED - _PARTS.get(type(node), frozenset())
            )
            if unknown:
                # What is ignored in silence would change the answer.
                raise not_emulated(f"{type(node).__name__.upper()} with {', '.join(sorted(unknown))}", node)
            found = handler(self, node)
        finally:
            self.depth -= 1
        if self.groups is not None and not self.inside_aggregate and found.sql in self.groups:
            return replace(found, free=frozenset(), aggregates=False)
        return found

    def boolean(self, node: Any, where: str) -> Typed:
        """A condition.

        Raises:
            SqlError: it is none.
        """
        found = self(node)
        if found.type not in (BOOLEAN, UNKNOWN):
            raise SqlError("TYPE_MISMATCH", f"{where} must evaluate to a boolean: actual type {found.type}", node)
        return coerce(found, BOOLEAN) if found.type == UNKNOWN else found

    def _column(self, node: Any) -> Typed:
        if isinstance(node.this, exp.Star):
            raise SqlError("SYNTAX_ERROR", "mismatched input '*'", node)
        return self._path([part.name.lower() for part in node.parts], node)

    def _path(self, path: list[str], node: Any) -> Typed:
        """A column, by its name and those of its table and database; else a field of what the names before it mean."""
        *before, name = path
        if not before and name in self.lambdas:
            return self.lambdas[name]
        if not before and name in self.aliases:
            named = self.aliases[name]
            if named is None:
                raise SqlError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", node)
            return named
        if before and before[0] in self.lambdas:
            return self._field(self._path(before, node), name, node)
        try:
            column, outer = self.scope.resolve(path, node)
        except SqlError as error:
            if error.name != "COLUMN_NOT_FOUND" or not before:
                raise
            try:
                return self._field(self._path(before, node), name, node)
            except SqlError as inner:
                raise (inner if inner.name == NOT_EMULATED else error) from None
        for use in self.uses:
            if column.sql.startswith(f"{use.alias}."):
                use.touched.add(name)
        free = frozenset() if outer else frozenset((column.sql,))
        nan = column.may_be_nan and column.type.is_float
        return Typed(column.sql, column.type, free, may_be_nan=nan, columns=frozenset((column.sql,)), outer=outer)

    def _dot(self, node: Any) -> Typed:
        if not isinstance(node.expression, exp.Identifier):
            raise not_emulated("a point of this form", node)
        return self._field(self(node.this), node.expression.name.lower(), node)

    def _field(self, row: Typed, name: str, node: Any) -> Typed:
        """A field of a row."""
        if row.type.name != "row":
            raise SqlError("TYPE_MISMATCH", f"Expression is not of type ROW: {row.type}", node)
        if row.outer:
            # Trino refuses some queries that are correlated by them.
            raise not_emulated("a field of a row of a query around", node)
        places = [place for place, each in enumerate(row.type.fields) if each.lower() == name]
        if not places:
            raise SqlError("COLUMN_NOT_FOUND", f"Field '{name}' cannot be resolved in {row.type}", node)
        if len(places) > 1:
            raise SqlError("AMBIGUOUS_NAME", f"Ambiguous row field reference: {name}", node)
        kind = row.type.inner[places[0]]
        return derived(field_of(row.sql, row.type, places[0]), kind, [row], may_be_nan=kind.is_float)

    def _literal(self, node: Any) -> Typed:
        if node.is_string:
            return Typed(quoted(node.this), Type("varchar", (len(node.this),)), value=node.this, is_literal=True)
        return number(node)

    def _compared(self, node: Any) -> Typed:
        operator = _COMPARISONS[type(node)]
        if isinstance(node.expression, (exp.Any, exp.All)):
            return self._quantified(node, operator)
        return compare(self(node.left), operator, self(node.right), node)

    def _quantified(self, node: Any, operator: str) -> Typed:
        query = node.expression.this
        if not isinstance(query, (exp.Subquery, exp.Query)):
            raise not_emulated("ANY and ALL of what is no query", node)
        left = self(node.left)
        found = self.queries.query(query, self.scope)
        if len(found.types) != 1:
            raise SqlError("TYPE_MISMATCH", "subquery must return one column", node)
        kind = common(left.type, found.types[0])
        if kind is None or kind != found.types[0]:
            raise not_emulated(f"{left.type} {operator} ANY of {found.types[0]}", node)
        if kind.is_float or found.outer:
            raise not_emulated("ANY and ALL of floating point numbers, or of a query that looks around", node)
        word = "ANY" if isinstance(node.expression, exp.Any) else "ALL"
        return derived(f"({coerce(left, kind).sql} {operator} {word} ({found.sql}))", BOOLEAN, [left])

    def _arithmetic(self, node: Any) -> Typed:
        return operators.arithmetic(self(node.left), _ARITHMETIC[type(node)], self(node.right), node)

    def _connected(self, node: Any) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        parts = [self.boolean(part, "Logical expression term") for part in node.flatten()]
        return derived("(" + f" {word} ".join(part.sql for part in parts) + ")", BOOLEAN, parts)

    def _inverted(self, node: Any) -> Typed:
        part = self.boolean(node.this, "Value of logical NOT expression")
        return derived(f"(NOT {part.sql})", BOOLEAN, [part])

    def _is(self, node: Any) -> Typed:
        if not isinstance(node.expression, exp.Null):
            raise SqlError("SYNTAX_ERROR", f"mismatched input '{node.expression.sql()}'. Expecting: 'NULL'", node)
        part = self(node.this)
        return derived(f"({part.sql} IS NULL)", BOOLEAN, [part])

    def _distinct_from(self, node: Any) -> Typed:
        operator = "IS DISTINCT FROM" if isinstance(node, exp.NullSafeNEQ) else "IS NOT DISTINCT FROM"
        return compare(self(node.left), operator, self(node.right), node)

    def _among(self, node: Any) -> Typed:
        part = self(node.this)
        if query := node.args.get("query"):
            return self._in_query(part, query, node)
        if not node.expressions:
            raise not_emulated("IN of what is no list", node)
        others = [self(other) for other in node.expressions]
        equal = [compare(part, "=", other, node) for other in others]
        if all(len(part.sql) < 60 for part in (part, *others)) or len(others) == 1:
            return derived("(" + " OR ".join(each.sql for each in equal) + ")", BOOLEAN, [part, *others])
        kind = part.type
        for other in others:
            kind = common(kind, other.type) or kind
        if kind.is_float:
            raise not_emulated("IN of floating point numbers that are computed", node)
        listed = ", ".join(coerce(other, kind).sql for other in others)
        return derived(f"({coerce(part, kind).sql} IN ({listed}))", BOOLEAN, [part, *others])

    def _in_query(self, part: Typed, query: Any, node: Any) -> Typed:
        found = self.queries.query(query, self.scope)
        sql, types = found.sql, found.types
        if len(types) != 1:
            raise SqlError("TYPE_MISMATCH", "Multiple columns returned by subquery are not yet supported", node)
        kind = common(part.type, types[0])
        if kind is None:
            raise SqlError(
                "TYPE_MISMATCH",
                f"value and result of subquery must be of the same type for IN expression: {part.type} vs {types[0]}",
                node,
            )
        if kind.is_float or kind.name in ("array", "map", "row"):
            raise not_emulated(f"IN of {kind}", node)
        if kind != types[0]:
            sql = f"SELECT CAST(c0 AS {duckdb(kind)}) FROM ({sql}) AS wider (c0)"
        return derived(f"({coerce(part, kind).sql} IN ({sql}))", BOOLEAN, [part])

    def _between(self, node: Any) -> Typed:
        part, low, high = self(node.this), self(node.args["low"]), self(node.args["high"])
        if node.args.get("symmetric"):
            raise not_emulated("BETWEEN SYMMETRIC", node)
        for other in (low, high):
            if common(part.type, other.type) is None:
                raise SqlError(
                    "TYPE_MISMATCH", f"Cannot check if {part.type} is BETWEEN {low.type} and {high.type}", node
                )
        one, other = compare(part, ">=", low, node), compare(part, "<=", high, node)
        return derived(f"({one.sql} AND {other.sql})", BOOLEAN, [part, low, high])

    def _like(self, node: Any, escape: str | None = None) -> Typed:
        part, wanted = self(node.this), self(node.expression)
        for each, what in ((part, "Left side"), (wanted, "Pattern")):
            if not each.type.is_text and each.type != UNKNOWN:
                raise SqlError(
                    "TYPE_MISMATCH", f"{what} of LIKE expression must evaluate to a varchar: {each.type}", node
                )
        if not wanted.is_literal:
            raise not_emulated("LIKE with a pattern that is no literal", node)
        tail = ""
        if escape is not None:
            if len(escape) != 1:
                raise SqlError("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character", node)
            tail = f" ESCAPE {quoted(escape)}"
            if re.search(re.escape(escape) + rf"(?![%_{re.escape(escape)}])", wanted.value.replace(escape * 2, "")):
                raise SqlError(
                    "INVALID_FUNCTION_ARGUMENT", "Escape character must be followed by '%', '_' or itself", node
                )
        elif "\\" in wanted.value:
            tail = ""
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return derived(f"({part.sql} {word} {wanted.sql}{tail})", BOOLEAN, [part, wanted])

    def _escaped(self, node: Any) -> Typed:
        found = self(node.expression)
        if not isinstance(node.this, exp.Like) or not isinstance(found.value, str):
            raise not_emulated("ESCAPE", node)
        return self._like(node.this, found.value)

    def _case(self, node: Any) -> Typed:
        base = self(node.this) if node.this is not None else None
        conditions, results = [], []
        for branch in node.args["ifs"]:
            if base is None:
                conditions.append(self.boolean(branch.this, "CASE WHEN clause"))
            else:
                conditions.append(compare(base, "=", self(branch.this), branch))
            results.append(self(branch.args["true"]))
        if (default := node.args.get("default")) is not None:
            results.append(self(default))
        parts = specials.alike(results, "CASE results", node)
        branches = " ".join(f"WHEN {when.sql} THEN {then.sql}" for when, then in zip(conditions, parts, strict=False))
        otherwise = f" ELSE {parts[-1].sql}" if len(parts) > len(conditions) else ""
        return derived(f"CASE {branches}{otherwise} END", parts[0].type, [*conditions, *results])

    def _if(self, node: Any) -> Typed:
        when = self.boolean(node.this, "IF condition")
        results = [self(node.args["true"])]
        if (otherwise := node.args.get("false")) is not None:
            results.append(self(otherwise))
        parts = specials.alike(results, "CASE results", node)
        tail = f" ELSE {parts[1].sql}" if len(parts) > 1 else ""
        return derived(f"CASE WHEN {when.sql} THEN {parts[0].sql}{tail} END", parts[0].type, [when, *results])

    def _cast(self, node: Any) -> Typed:
        kind = type_of(node.args["to"])
        if node.args.get("format"):
            raise not_emulated("CAST with a format", node)
        inner = node.this
        if isinstance(inner, exp.Literal) and inner.is_string:
            if kind.name.startswith("timestamp") and node.args["to"].expressions:
                return times.timestamp_literal(inner.this, node)
            if kind.name == "decimal" and not node.args["to"].expressions:
                raise not_emulated("DECIMAL without its digits", node)
        return cast(self(inner), kind, node, safe=isinstance(node, exp.TryCast))

    def _subquery(self, node: Any) -> Typed:
        query = self.queries.query(node, self.scope)
        if len(query.types) != 1:
            raise not_emulated("a row that is a subquery", node)
        kind = query.types[0]
        found = Typed(f"({query.sql})", kind, may_be_nan=kind.is_float, outer=query.outer)
        return replace(found, free=frozenset((found.sql,))) if query.outer and self.groups is not None else found

    def _exists(self, node: Any) -> Typed:
        found = self.queries.query(node.this, self.scope)
        return Typed(f"EXISTS ({found.sql})", BOOLEAN, outer=found.outer)

    def _array(self, node: Any) -> Typed:
        parts = [self(part) for part in node.expressions]
        if not parts:
            return Typed("[]", array(UNKNOWN))
        alike = specials.alike(parts, "CASE results", node)
        return derived(f"[{', '.join(part.sql for part in alike)}]", array(alike[0].type), parts)

    def _bracket(self, node: Any) -> Typed:
        if len(node.expressions) != 1:
            raise SqlError("SYNTAX_ERROR", "mismatched input ','", node)
        return specials.subscript(self(node.this), self(node.expressions[0]), node)

    def _extract(self, node: Any) -> Typed:
        unit = node.this.name.upper()
        if unit not in times.FIELDS:
            raise SqlError("SYNTAX_ERROR", f"Invalid EXTRACT field: {unit}", node)
        return calls.scalar(self, times.FIELDS[unit], [self(node.expression)], node)

    def _trim(self, node: Any) -> Typed:
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
        parts = [self(node.this)]
        if node.expression is not None:
            parts.append(self(node.expression))
        return calls.scalar(self, name, parts, node)

    def _position(self, node: Any) -> Typed:
        return calls.scalar(self, "strpos", [self(node.this), self(node.args["substr"])], node)

    def _substring(self, node: Any) -> Typed:
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return calls.scalar(self, "substr", [self(part) for part in parts if part is not None], node)

    def _identifier(self, node: Any) -> Typed:
        if node.name.lower() in self.lambdas:
            return self.lambdas[node.name.lower()]
        raise SqlError("COLUMN_NOT_FOUND", f"Column '{node.name}' cannot be resolved", node)

    def inside(self, **changes: Any) -> Expressions:
        """The same, but for some of it."""
        return replace(self, **changes)


_EXPECTED: Final = frozenset(("this", "expression", "expressions"))
_PARTS: Final[dict[type, frozenset[str]]] = {
    exp.Column: frozenset(("table", "db", "catalog")),
    exp.Identifier: frozenset(("quoted",)),
    exp.Literal: frozenset(("is_string",)),
    exp.In: frozenset(("query",)),
    exp.Between: frozenset(("low", "high", "symmetric")),
    exp.Like: frozenset(("negate",)),
    exp.Case: frozenset(("ifs", "default")),
    exp.If: frozenset(("true", "false")),
    exp.Cast: frozenset(("to", "safe", "format")),
    exp.TryCast: frozenset(("to", "safe", "format", "requires_string")),
    exp.Subquery: frozenset(("order", "limit", "offset", "alias", "joins", "with_")),
    exp.Trim: frozenset(("position",)),
    exp.StrPosition: frozenset(("substr",)),
    exp.Substring: frozenset(("start", "length")),
    exp.DPipe: frozenset(("safe",)),
    exp.Div: frozenset(("typed", "safe")),
    exp.AtTimeZone: frozenset(("zone",)),
    exp.Interval: frozenset(("unit",)),
    exp.GroupConcat: frozenset(("separator", "on_overflow")),
    exp.Window: frozenset(("partition_by", "order", "spec", "alias", "over")),
}
"""The parts of a node that its handler looks at, besides the usual ones."""


def _now(kind: str) -> Callable[[Expressions, Any], Typed]:
    def handler(_: Expressions, node: Any) -> Typed:
        if node.this is not None:
            raise not_emulated("the time with a precision", node)
        return times.now(kind)

    return handler


_HANDLERS: Final[dict[type, Callable[[Expressions, Any], Typed]]] = {
    exp.Column: Expressions._column,
    exp.Dot: Expressions._dot,
    exp.Identifier: Expressions._identifier,
    exp.Literal: Expressions._literal,
    exp.Boolean: lambda _, node: Typed(
        "true" if node.this else "false", BOOLEAN, value=bool(node.this), is_literal=True
    ),
    exp.Null: lambda _, node: Typed("NULL", UNKNOWN, is_literal=True),
    # Only a query that is checked has a parameter left: it may be of any type.
    exp.Placeholder: lambda _, node: Typed("NULL", UNKNOWN),
    exp.Paren: lambda self, node: self(node.this),
    exp.Neg: lambda self, node: operators.negated(self(node.this), node),
    exp.And: Expressions._connected,
    exp.Or: Expressions._connected,
    exp.Not: Expressions._inverted,
    exp.Is: Expressions._is,
    exp.NullSafeEQ: Expressions._distinct_from,
    exp.NullSafeNEQ: Expressions._distinct_from,
    exp.In: Expressions._among,
    exp.Between: Expressions._between,
    exp.Like: Expressions._like,
    exp.Escape: Expressions._escaped,
    exp.Case: Expressions._case,
    exp.If: Expressions._if,
    exp.Cast: Expressions._cast,
    exp.TryCast: Expressions._cast,
    exp.Subquery: Expressions._subquery,
    exp.Exists: Expressions._exists,
    exp.Array: Expressions._array,
    exp.Bracket: Expressions._bracket,
    exp.Extract: Expressions._extract,
    exp.Trim: Expressions._trim,
    exp.StrPosition: Expressions._position,
    exp.Substring: Expressions._substring,
    exp.DPipe: lambda self, node: operators.concatenated(self(node.left), self(node.right), node),
    exp.AtTimeZone: lambda self, node: times.at_zone(self(node.this), self(node.args["zone"]), node),
    exp.Interval: lambda _, node: interval(node),
    exp.HexString: lambda _, node: Typed(f"unhex('{node.this}')", VARBINARY),
    exp.CurrentDate: _now("date"),
    exp.CurrentTimestamp: _now("zoned"),
    exp.Localtimestamp: _now("local"),
    exp.Anonymous: lambda self, node: calls.function(self, node),
    exp.Filter: lambda self, node: calls.function(self, node.this, condition=node.expression.this),
    exp.Window: lambda self, node: calls.window(self, node),
    exp.GroupConcat: lambda self, node: calls.listagg(self, node),
    **dict.fromkeys(_COMPARISONS, Expressions._compared),
    **dict.fromkeys(_ARITHMETIC, Expressions._arithmetic),
}
