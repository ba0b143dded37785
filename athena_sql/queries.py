"""Queries: SELECT, VALUES, set operations and WITH, written anew for DuckDB with columns called c0, c1, ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlglot import exp

from athena_sql import calls
from athena_sql.casts import coerce
from athena_sql.errors import SqlError, not_emulated
from athena_sql.expressions import Expressions
from athena_sql.relations import Relations
from athena_sql.scope import Catalog, Column, Result, Scope, TableUse
from athena_sql.typed import LONGEST, Typed
from athena_sql.types import UNKNOWN, Type, common, duckdb

_SELECT_PARTS_WORDS: Final = """
with_ kind hint distinct expressions limit offset from_ joins where group having windows order
operation_modifiers laterals exclude into
"""
_SELECT_PARTS: Final = frozenset(_SELECT_PARTS_WORDS.split())
_SET_WORDS: Final = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_DEEPEST: Final = 25


@dataclass
class Analysis:
    """What was found out of a statement: its SQL for DuckDB, its columns, and the tables that it reads.

    A column without a name is called by its place: `_col0`; `nameless` are these places.
    """

    sql: str
    names: list[str]
    types: list[Type]
    uses: list[TableUse]
    nameless: list[int]


@dataclass
class Analyser:
    """Analyses the queries of one statement."""

    catalog: Catalog
    database: str
    uses: list[TableUse] = field(default_factory=list)
    aliases: int = 0
    depth: int = 0
    ctes: list[dict[str, Result]] = field(default_factory=list)
    view_depth: int = 0

    def query(self, node: Any, around: Scope | None) -> Result:
        """Analyse a query of any kind.

        Raises:
            SqlError: Trino refuses it, or it is not emulated.
        """
        self.depth += 1
        if self.depth > _DEEPEST:
            raise not_emulated(f"more than {_DEEPEST} nested queries", node)
        known = len(self.ctes)
        try:
            if (with_ := node.args.get("with_")) is not None:
                self._with(with_, around)
            found = self._query(node, around)
        finally:
            del self.ctes[known:]
            self.depth -= 1
        if len(found.sql) > LONGEST:
            raise not_emulated("a query that is so long in DuckDB's SQL", node)
        return found

    def alias(self) -> str:
        """A name that nothing else has."""
        self.aliases += 1
        return f"r{self.aliases}"

    def _with(self, node: Any, around: Scope | None) -> None:
        if node.args.get("recursive"):
            raise not_emulated("WITH RECURSIVE", node)
        for cte in node.expressions:
            found = self.query(cte.this, around)
            columns = cte.args["alias"].columns
            if columns:
                if len(columns) != len(found.names):
                    raise SqlError("MISMATCHED_COLUMN_ALIASES", "Column alias list has another number of entries", cte)
                found = Result(found.sql, [name.name for name in columns], found.types, found.outer)
            self.ctes.append({cte.alias.lower(): found})

    def _query(self, node: Any, around: Scope | None) -> Result:
        if isinstance(node, exp.Subquery):
            if node.args.get("alias") is not None or node.args.get("joins"):
                raise not_emulated("a query of this form", node)
            found = self.query(node.this, around)
            return self._tail(node, found, around)
        if isinstance(node, exp.Values):
            return self._values(node, around)
        if type(node) in _SET_WORDS:
            return self._set(node, around)
        if isinstance(node, exp.Select):
            return self._select(node, around)
        raise not_emulated(type(node).__name__.upper(), node)

    def _values(self, node: Any, around: Scope | None) -> Result:
        if node.args.get("alias") is not None or node.args.get("joins"):
            raise not_emulated("VALUES of this form", node)
        expressions = Expressions(Scope([], around), self)
        rows = [
            [expressions(each) for each in (row.expressions if isinstance(row, exp.Tuple) else [row])]
            for row in node.expressions
        ]
        types = [part.type for part in rows[0]]
        for row in rows[1:]:
            if len(row) != len(types):
                raise SqlError("TYPE_MISMATCH", "Values rows have mismatched sizes", node)
            for place, part in enumerate(row):
                found = common(types[place], part.type)
                if found is None:
                    raise SqlError(
                        "TYPE_MISMATCH", f"Values rows have mismatched types: {types[place]} vs {part.type}", node
                    )
                types[place] = found
        if any(part.aggregates or part.windows for row in rows for part in row):
            raise SqlError("EXPRESSION_NOT_SCALAR", "VALUES cannot contain aggregations or window functions", node)
        written = ", ".join(
            "(" + ", ".join(coerce(part, kind).sql for part, kind in zip(row, types, strict=True)) + ")" for row in rows
        )
        columns = ", ".join(f"c{place}" for place in range(len(types)))
        sql = f"SELECT {columns} FROM (VALUES {written}) AS {self.alias()} ({columns})"
        answer = Result(sql, [""] * len(types), types)
        return self._tail(node, answer, around)

    def _set(self, node: Any, around: Scope | None) -> Result:
        left, right = self.query(node.this, around), self.query(node.expression, around)
        if len(left.types) != len(right.types):
            raise SqlError(
                "TYPE_MISMATCH", f"{node.key.upper()} query has different number of fields: "
                f"{len(left.types)}, {len(right.types)}", node,
            )  # fmt: skip
        if node.args.get("by_name") or node.args.get("side") or node.args.get("on"):
            raise not_emulated("a set operation of this form", node)
        types = []
        for place, (one, other) in enumerate(zip(left.types, right.types, strict=True), 1):
            kind = common(one, other)
            if kind is None:
                raise SqlError(
                    "TYPE_MISMATCH",
                    f"column {place} in {node.key.upper()} query has incompatible types: {one}, {other}",
                    node,
                )
            types.append(kind)
        word = _SET_WORDS[type(node)] + ("" if node.args.get("distinct") else " ALL")
        sql = f"({_widened(left, types)}) {word} ({_widened(right, types)})"
        columns = ", ".join(f"c{place}" for place in range(len(types)))
        found = Result(f"SELECT {columns} FROM ({sql}) AS {self.alias()}", left.names, types, left.outer or right.outer)
        return self._tail(node, found, around)

    def _tail(self, node: Any, found: Result, around: Scope | None) -> Result:
        """ORDER BY, OFFSET and LIMIT of what is no SELECT."""
        if not any(node.args.get(part) for part in ("order", "limit", "offset")):
            return found
        alias = self.alias()
        columns = [
            Column(name.lower(), kind, f"{alias}.c{place}", shown=name)
            for place, (name, kind) in enumerate(zip(found.names, found.types, strict=True))
        ]
        listed = ", ".join(f"{alias}.c{place}" for place in range(len(columns)))
        sql = f"SELECT {listed} FROM ({found.sql}) AS {alias}"
        if (order := node.args.get("order")) is not None:
            outputs = [Typed(column.sql, column.type) for column in columns]
            sql += self._order(order, Expressions(Scope(columns, around), self), outputs)
        return Result(sql + _limits(node), found.names, found.types, found.outer)

    def _select(self, node: Any, around: Scope | None) -> Result:
        for part, value in node.args.items():
            if value and part not in _SELECT_PARTS:
                raise not_emulated(part.replace("_", " ").upper(), node)
        if any(node.args.get(part) for part in ("kind", "hint", "operation_modifiers", "into")):
            raise not_emulated("a SELECT of this form", node)
        relations = Relations(self, around)
        first_use = len(self.uses)
        source = relations.source(node)
        scope = Scope(relations.columns, around)
        expressions = Expressions(scope, self, uses=self.uses)
        expressions.windows = {each.name.lower(): each for each in node.args.get("windows") or []}
        tail = ""
        outer = relations.outer
        if (where := node.args.get("where")) is not None:
            condition = expressions.boolean(where.this, "WHERE clause")
            if condition.aggregates or condition.windows:
                raise SqlError(
                    "EXPRESSION_NOT_SCALAR", "WHERE clause cannot contain aggregations, window functions or grouping "
                    "operations", where,
                )  # fmt: skip
            outer = outer or condition.outer
            tail += f" WHERE {condition.sql}"
            relations.prune(where.this, expressions, self.uses[first_use:])
        items = _expanded(node, relations, scope)
        grouped, group_sql = self._group(node, items, expressions)
        if grouped is not None:
            expressions.groups = grouped
        tail += group_sql
        outputs, names = [], []
        for name, item in items:
            part = item if isinstance(item, Typed) else expressions(item)
            if isinstance(item, Typed) and grouped is not None and part.sql in grouped:
                part = Typed(part.sql, part.type, frozenset(), may_be_nan=part.may_be_nan, columns=part.columns)
            if isinstance(item, Typed):
                expressions_touch(self.uses, part)
            outputs.append(part)
            names.append(name)
        having = node.args.get("having")
        when = expressions.boolean(having.this, "HAVING clause") if having is not None else None
        if when is not None and when.windows:
            raise SqlError("NESTED_WINDOW", "HAVING clause cannot contain window functions", having)
        grouping = grouped is not None or when is not None or any(part.aggregates for part in outputs)
        order = node.args.get("order")
        keys = ""
        if order is not None:
            named = _named(items, outputs)
            sorting = expressions.inside(aliases=named)
            keys = self._order(order, sorting, outputs, distinct=bool(node.args.get("distinct")), grouping=grouping)
        if grouping:
            for part, (_, item) in zip(outputs, items, strict=True):
                if part.free:
                    raise SqlError(
                        "EXPRESSION_NOT_AGGREGATE",
                        "an expression must be an aggregate expression or appear in GROUP BY clause",
                        None if isinstance(item, Typed) else item,
                    )
            if when is not None and when.free:
                raise SqlError(
                    "EXPRESSION_NOT_AGGREGATE",
                    "HAVING must be an aggregate expression or appear in GROUP BY clause",
                    having,
                )
        if when is not None:
            tail += f" HAVING {when.sql}"
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            raise SqlError("SYNTAX_ERROR", "mismatched input 'ON'", node)
        word = "DISTINCT " if distinct else ""
        written = ", ".join(f"{_shown(part)} AS c{place}" for place, part in enumerate(outputs))
        sql = f"SELECT {word}{written}{source}{tail}{keys}{_limits(node)}"
        outer = outer or any(part.outer for part in outputs) or (when is not None and when.outer)
        return Result(sql, names, [part.type for part in outputs], outer)

    def _group(self, node: Any, items: Sequence[Any], expressions: Expressions) -> tuple[frozenset[str] | None, str]:
        group = node.args.get("group")
        if group is None:
            return None, ""
        if group.args.get("all") or group.args.get("totals"):
            raise SqlError("SYNTAX_ERROR", "mismatched input '<EOF>' after GROUP BY ALL", group)
        keys: set[str] = set()

        def one(each: Any) -> str:
            if isinstance(each, exp.Paren):
                each = each.this
            if isinstance(each, exp.Tuple):
                return "(" + ", ".join(one(part) for part in each.expressions) + ")"
            if isinstance(each, exp.Literal) and not each.is_string and each.this.isdigit():
                if not 1 <= int(each.this) <= len(items):
                    raise SqlError(
                        "INVALID_COLUMN_REFERENCE", f"GROUP BY position {each.this} is not in select list", each
                    )
                item = items[int(each.this) - 1][1]
                part = item if isinstance(item, Typed) else expressions(item)
            else:
                part = expressions(each)
            if part.aggregates or part.windows:
                raise SqlError(
                    "EXPRESSION_NOT_SCALAR", "GROUP BY clause cannot contain aggregations or window functions", each
                )
            if part.type.name in ("map",):
                raise not_emulated(f"GROUP BY {part.type}", each)
            if part.outer:
                raise not_emulated("GROUP BY of a column of a query around", each)
            expressions_touch(self.uses, part)
            keys.add(part.sql)
            return part.sql

        pieces = []
        for each in group.expressions:
            if isinstance(each, (exp.GroupingSets, exp.Rollup, exp.Cube)):
                word = "GROUPING SETS" if isinstance(each, exp.GroupingSets) else type(each).__name__.upper()
                pieces.append(f"{word} ({', '.join(_set(one(part)) for part in each.expressions)})")
            elif isinstance(each, exp.Tuple) and not each.expressions:
                pieces.append("()")
            else:
                pieces.append(one(each))
        if any(group.args.get(part) for part in ("grouping_sets", "cube", "rollup")):
            raise not_emulated("GROUP BY of this form", group)
        if not pieces:
            raise SqlError("SYNTAX_ERROR", "mismatched input after GROUP BY", group)
        # A constant is no position.
        return frozenset(keys), " GROUP BY " + ", ".join(pieces)

    def _order(
        self,
        order: Any,
        expressions: Expressions,
        outputs: Sequence[Typed],
        *,
        distinct: bool = False,
        grouping: bool = False,
    ) -> str:
        keys = []
        for each in order.expressions:
            inner = each.this
            if isinstance(inner, exp.Literal) and not inner.is_string and inner.this.isdigit():
                if not 1 <= int(inner.this) <= len(outputs):
                    raise SqlError(
                        "INVALID_COLUMN_REFERENCE", f"ORDER BY position {inner.this} is not in select list", each
                    )
                part = outputs[int(inner.this) - 1]
            else:
                part = expressions(inner)
            if distinct and part.sql not in {output.sql for output in outputs}:
                raise SqlError(
                    "EXPRESSION_NOT_IN_DISTINCT",
                    "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    each,
                )
            if grouping and part.free:
                raise SqlError(
                    "EXPRESSION_NOT_AGGREGATE",
                    "ORDER BY must be an aggregate expression or appear in GROUP BY clause",
                    each,
                )
            if part.aggregates and not grouping:
                raise not_emulated("an aggregate in ORDER BY of a query without", each)
            if part.is_literal:
                continue
            keys.append(calls.ordered(part, each))
        return f" ORDER BY {', '.join(keys)}" if keys else ""


def expressions_touch(uses: Sequence[TableUse], part: Typed) -> None:
    """Note which columns of which tables an expression reads."""
    for column in part.columns:
        alias, _, name = column.partition(".")
        for use in uses:
            if use.alias == alias:
                use.touched.add(name.strip('"'))


def _set(sql: str) -> str:
    return sql if sql.startswith("(") and sql.endswith(")") else f"({sql})" if sql else "()"


def _shown(part: Typed) -> str:
    return f"CAST(NULL AS {duckdb(UNKNOWN)})" if part.type == UNKNOWN and part.sql == "NULL" else part.sql


def _widened(found: Result, types: Sequence[Type]) -> str:
    if [duckdb(kind) for kind in found.types] == [duckdb(kind) for kind in types]:
        return found.sql
    columns = ", ".join(
        f"CAST(c{place} AS {duckdb(kind)}) AS c{place}" if duckdb(kind) != duckdb(own) else f"c{place}"
        for place, (kind, own) in enumerate(zip(types, found.types, strict=True))
    )
    return f"SELECT {columns} FROM ({found.sql}) AS wider"


def _expanded(node: Any, relations: Relations, scope: Scope) -> list[tuple[str, Any]]:
    """The select list: names and expressions; stars are the columns that they stand for."""
    items: list[tuple[str, Any]] = []
    for item in node.expressions:
        star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
        if isinstance(star, exp.Star):
            if any(star.args.get(part) for part in ("except_", "replace", "rename", "except", "ilike")):
                raise SqlError("SYNTAX_ERROR", "mismatched input after '*'", item)
            table = [] if isinstance(item, exp.Star) else [part.name.lower() for part in item.parts[:-1]]
            found = relations.star(table)
            if not found:
                if table:
                    if any(column.name in table for column in scope.columns):
                        raise not_emulated("a star of a row", item)
                    raise SqlError("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(table)}", item)
                raise SqlError("COLUMN_NOT_FOUND", "SELECT * not allowed from relation that has no columns", item)
            for column in found:
                names = frozenset((column.sql,))
                nan = column.type.is_float and column.may_be_nan
                items.append(
                    (column.shown or column.name, Typed(column.sql, column.type, names, may_be_nan=nan, columns=names))
                )
        elif isinstance(item, exp.Alias):
            if isinstance(item.args["alias"], exp.Placeholder):
                raise SqlError("SYNTAX_ERROR", "mismatched input ':'", item)
            items.append((item.alias, item.this))
        else:
            items.append((_own_name(item), item))
    if not items:
        raise SqlError("SYNTAX_ERROR", "mismatched input 'FROM'. Expecting: an expression", node)
    return items


def _own_name(item: Any) -> str:
    """The name of a column of the answer that was given none: that of the column or field, as it is written."""
    while isinstance(item, exp.Paren):
        item = item.this
    path = item
    while isinstance(path, exp.Dot):
        path = path.this
        while isinstance(path, exp.Paren):
            path = path.this
    if not isinstance(path, exp.Column):
        return ""
    return str(item.expression.name if isinstance(item, exp.Dot) else item.name)


def _named(items: Sequence[Any], outputs: Sequence[Typed]) -> dict[str, Typed | None]:
    """The outputs by their names, if they have one; None where it is that of several."""
    named: dict[str, Typed | None] = {}
    for (name, _), part in zip(items, outputs, strict=True):
        if name:
            named[name.lower()] = None if name.lower() in named else part
    return named


def _limits(node: Any) -> str:
    sql = ""
    if (limit := node.args.get("limit")) is not None:
        count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            raise not_emulated("FETCH FIRST with ties", limit)
        if count is None:
            count = exp.Literal.number(1)
        if not (isinstance(count, exp.Var) and count.name.upper() == "ALL"):
            sql += f" LIMIT {_whole(count, limit)}"
    if (offset := node.args.get("offset")) is not None:
        sql += f" OFFSET {_whole(offset.expression, offset)}"
    return sql


def _whole(node: Any, where: Any) -> int:
    if isinstance(node, exp.Placeholder) and node.this is None:
        # A query that is checked, whose parameters are not given yet.
        return 1
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        raise SqlError("SYNTAX_ERROR", "LIMIT and OFFSET take a whole number", where)
    if int(node.this) >= 2**63:
        raise SqlError("INVALID_LIMIT_CLAUSE", "the number is too large", where)
    return int(node.this)


def analyse(tree: Any, catalog: Catalog, database: str) -> Analysis:
    """Analyse a statement that returns rows.

    Raises:
        SqlError: Trino refuses it, or it is not emulated.
    """
    analyser = Analyser(catalog, database)
    try:
        found = analyser.query(tree, None)
    except RecursionError as error:
        raise not_emulated("a statement that is nested so deeply") from error
    names = [name or f"_col{place}" for place, name in enumerate(found.names)]
    nameless = [place for place, name in enumerate(found.names) if not name]
    return Analysis(found.sql, names, found.types, analyser.uses, nameless)
