"""FROM: tables, views, subqueries, VALUES, UNNEST and joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from sqlglot import exp

from athena_sql.casts import coerce
from athena_sql.dialect import parse
from athena_sql.errors import SqlError, not_emulated
from athena_sql.expressions import Expressions
from athena_sql.operators import compare
from athena_sql.scope import Column, Result, Scope, TableUse, Version
from athena_sql.typed import Typed
from athena_sql.types import BIGINT, CATALOG, VARCHAR, Type, common, duckdb, field_of

Analyser: TypeAlias = Any
"""That of athena_sql.queries, which imports this module."""

_SIDES: Final = ("", "LEFT", "RIGHT", "FULL")
_MOST_VIEWS: Final = 10
_CATALOGS: Final = ("", CATALOG)


@dataclass
class Relations:
    """The relations of one SELECT, in their order, and the columns that they have together."""

    analyser: Analyser
    around: Scope | None
    columns: list[Column] = field(default_factory=list)
    outer: bool = False
    joined: list[str] = field(default_factory=list)

    def source(self, node: Any) -> str:
        """FROM with all its joins.

        Raises:
            SqlError: Trino refuses it, or it is not emulated.
        """
        start = node.args.get("from_")
        if start is None:
            return ""
        sql = self._relation(start.this)
        for join in [*(start.this.args.get("joins") or []), *(node.args.get("joins") or [])]:
            sql += self._join(join)
        if node.args.get("laterals"):
            raise not_emulated("LATERAL VIEW", node)
        return f" FROM {sql}"

    def star(self, table: Sequence[str]) -> list[Column]:
        """What `*` or `t.*` stands for."""
        return [column for column in self.columns if not column.hidden and column.is_of(table)]

    def _relation(self, node: Any) -> str:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            if isinstance(node.this, exp.Table):
                raise not_emulated("a join in parentheses", node)
            return self._derived(node, node.this)
        if isinstance(node, exp.Values):
            bare = exp.Values(expressions=node.expressions)
            return self._derived(node, bare)
        if isinstance(node, exp.Lateral):
            inner = node.this
            if not isinstance(inner, exp.Subquery) or node.args.get("view") or node.args.get("outer"):
                raise not_emulated("LATERAL of this form", node)
            return self._derived(node, inner.this, lateral=True)
        if isinstance(node, exp.Unnest):
            return self._unnest(node)
        raise not_emulated(f"FROM {type(node).__name__.upper()}", node)

    def _table(self, node: Any) -> str:
        for part in ("sample", "pivots", "when", "hints", "ordinality", "only", "partition", "pattern"):
            if node.args.get(part):
                raise not_emulated(part.upper(), node)
        if not isinstance(node.this, exp.Identifier):
            raise not_emulated("a table function", node)
        name = node.name.lower()
        analyser = self.analyser
        if node.catalog.lower() not in _CATALOGS:
            raise not_emulated(f"the catalog {node.catalog}", node)
        if not node.db:
            for known in reversed(analyser.ctes):
                if name in known:
                    return self._named(node, known[name], name)
        database = (node.db or analyser.database).lower()
        version = self._version(node)
        if version is None:
            found = analyser.catalog.table(database, name)
        else:
            found = analyser.catalog.table_at(database, name, version, node)
        if found is None:
            if not analyser.catalog.has_database(database):
                raise SqlError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", node)
            raise SqlError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist", node)
        if found.view is not None:
            return self._view(node, found, name)
        alias = analyser.alias()
        use = TableUse(database, name, alias, version=version)
        analyser.uses.append(use)
        qualifier = node.alias.lower() or name
        own = _written_before(node)
        columns = [
            Column(column, kind, f'{alias}."{column}"', qualifier, own) for column, kind in found.columns.items()
        ]
        self._add(node, columns)
        if not found.constant:
            self.columns.append(Column("$path", VARCHAR, f'{alias}."$path"', qualifier, own, hidden=True))
        return f"{{{alias}}} AS {alias}"

    def _version(self, node: Any) -> Version | None:
        """What FOR VERSION AS OF and FOR TIMESTAMP AS OF say."""
        said = node.args.get("version")
        if said is None:
            return None
        kind = str(said.this).upper()
        if str(said.args.get("kind")).upper() != "AS OF" or kind not in ("VERSION", "TIMESTAMP"):
            raise not_emulated(f"FOR {kind}", node)
        if not hasattr(self.analyser.catalog, "table_at"):
            raise not_emulated(f"FOR {kind} AS OF", node)
        value = Expressions(Scope([]), self.analyser)(said.expression)
        if kind == "TIMESTAMP" and not value.type.is_time:
            raise SqlError(
                "TYPE_MISMATCH",
                f"Type {value.type} invalid. Temporal pointers must be of type Timestamp, Timestamp with Time Zone, "
                "or Date.",
                node,
            )
        if kind == "VERSION" and not value.type.is_text and value.type != BIGINT:
            raise SqlError("NOT_SUPPORTED", f"Unsupported type for table version: {value.type}", node)
        return Version(kind, f"epoch_ms({value.sql})" if kind == "TIMESTAMP" else value.sql)

    def _view(self, node: Any, found: Any, name: str) -> str:
        analyser = self.analyser
        if analyser.view_depth >= _MOST_VIEWS:
            raise SqlError("VIEW_IS_RECURSIVE", "a view reads itself, or views that do", node)
        database, ctes = analyser.database, analyser.ctes
        analyser.database, analyser.ctes = found.view_database or database, []
        analyser.view_depth += 1
        try:
            result = analyser.query(parse(found.view), None)
        finally:
            analyser.database, analyser.ctes = database, ctes
            analyser.view_depth -= 1
        if found.columns and len(found.columns) == len(result.names):
            result.names = list(found.columns)
        return self._named(node, result, name)

    def _derived(self, node: Any, query: Any, *, lateral: bool = False) -> str:
        around = Scope(self.columns, self.around) if lateral else self.around
        found = self.analyser.query(query, around)
        if found.outer and not lateral:
            # Trino sees columns around in FROM only by LATERAL.
            raise not_emulated("a subquery in FROM that looks at columns around it", node)
        return ("LATERAL " if lateral else "") + self._named(node, found, "")

    def _named(self, node: Any, found: Result, name: str) -> str:
        alias = self.analyser.alias()
        qualifier = node.alias.lower() or name
        own = _written_before(node)
        columns = [
            Column(each.lower(), kind, f"{alias}.c{place}", qualifier, own, shown=each)
            for place, (each, kind) in enumerate(zip(found.names, found.types, strict=True))
        ]
        self._add(node, columns)
        return f"({found.sql}) AS {alias}"

    def _add(self, node: Any, columns: list[Column]) -> None:
        alias = node.args.get("alias")
        named = alias.columns if alias is not None else []
        if named:
            if len(named) != len(columns):
                raise SqlError(
                    "MISMATCHED_COLUMN_ALIASES",
                    f"Column alias list has {len(named)} entries but relation has {len(columns)} columns",
                    node,
                )
            columns = [
                replace(column, name=each.name.lower(), shown=each.name)
                for column, each in zip(columns, named, strict=True)
            ]
        self.columns.extend(columns)

    def _unnest(self, node: Any) -> str:
        expressions = Expressions(Scope(self.columns, self.around), self.analyser, uses=self.analyser.uses)
        parts: list[str] = []
        # What a row of the answer is made of: a value of a list, or a field of it.
        shown: list[str] = []
        columns: list[Type] = []
        own_names: dict[int, str] = {}
        alias = self.analyser.alias()
        longest = []
        for each in node.expressions:
            part = expressions(each)
            self.outer = self.outer or part.outer
            if part.type.name == "map":
                shown += [f"p{len(parts)}", f"p{len(parts) + 1}"]
                parts += [f"unnest(map_keys({part.sql}))", f"unnest(map_values({part.sql}))"]
                columns += list(part.type.inner)
                longest.append(f"cardinality({part.sql})")
            elif part.type.name == "array":
                kind = part.type.inner[0]
                if kind.name == "row":
                    # Trino makes a column of each field.
                    own_names |= dict(enumerate(kind.fields, len(columns)))
                    shown += [field_of(f"p{len(parts)}", kind, place) for place in range(len(kind.inner))]
                    columns += list(kind.inner)
                else:
                    shown.append(f"p{len(parts)}")
                    columns.append(kind)
                parts.append(f"unnest(CAST({part.sql} AS {duckdb(part.type)}))")
                longest.append(f"len({part.sql})")
            else:
                raise SqlError("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {part.type}", node)
        if node.args.get("offset"):
            size = f"greatest({', '.join(f'coalesce({each}, 0)' for each in longest)})"
            shown.append(f"p{len(parts)}")
            parts.append(f"unnest(range(1, CAST({size} AS BIGINT) + 1))")
            columns.append(BIGINT)
        table = node.args.get("alias")
        qualifier = table.name.lower() if table is not None else ""
        named = [name.name for name in table.columns] if table is not None else []
        if isinstance(node.args.get("offset"), exp.Identifier):
            named.append(node.args["offset"].name)
        if named and len(named) != len(columns):
            raise SqlError("MISMATCHED_COLUMN_ALIASES", "Column alias list has another number of entries", node)
        names = named or [own_names.get(place, "") for place in range(len(columns))]
        self.columns.extend(
            Column(name.lower(), kind, f"{alias}.c{place}", qualifier, shown=name)
            for place, (name, kind) in enumerate(zip(names, columns, strict=True))
        )
        inner = ", ".join(f"{part} AS p{place}" for place, part in enumerate(parts))
        listed = ", ".join(f"{part} AS c{place}" for place, part in enumerate(shown))
        return f"LATERAL (SELECT {listed} FROM (SELECT {inner}) AS parts) AS {alias}"

    def _join(self, join: Any) -> str:
        method, side, kind = (str(join.args.get(part) or "").upper() for part in ("method", "side", "kind"))
        if method == "NATURAL":
            raise SqlError("NOT_SUPPORTED", "Natural join not supported", join)
        if method or side not in _SIDES or kind not in ("", "INNER", "CROSS", "OUTER") or join.args.get("hint"):
            raise SqlError("SYNTAX_ERROR", f"mismatched input '{method or kind}'", join)
        before = len(self.columns)
        self_joins = join.this.args.get("joins")
        if self_joins:
            raise not_emulated("joins in each other", join)
        sql = self._relation(join.this)
        on, using = join.args.get("on"), join.args.get("using")
        if kind == "CROSS" or (not side and not kind and on is None and not using):
            if on is not None or using:
                raise SqlError("SYNTAX_ERROR", "mismatched input 'ON'", join)
            # sqlglot notes more of a join that has the word than of a comma.
            if kind != "CROSS" and "pivots" in join.args:
                raise SqlError("SYNTAX_ERROR", "mismatched input. Expecting: 'ON', 'USING'", join)
            return f" CROSS JOIN {sql}"
        word = f"{side} JOIN" if side else "JOIN"
        if using:
            return f" {word} {sql} ON {self._using(using, before, side, join)}"
        if on is None:
            raise SqlError("SYNTAX_ERROR", "mismatched input. Expecting: 'ON', 'USING'", join)
        expressions = Expressions(Scope(self.columns, self.around), self.analyser, uses=self.analyser.uses)
        condition = expressions.boolean(on, "JOIN ON clause")
        if condition.aggregates or condition.windows:
            raise SqlError("EXPRESSION_NOT_SCALAR", "JOIN clause cannot contain aggregations or window functions", on)
        if isinstance(join.this, exp.Unnest) and not (isinstance(on, exp.Boolean) and on.this and side == "LEFT"):
            raise not_emulated("a join with UNNEST other than CROSS JOIN and LEFT JOIN ... ON TRUE", join)
        if any(on.find_all(exp.Query)):
            raise not_emulated("a subquery in ON", join)
        self.outer = self.outer or condition.outer
        return f" {word} {sql} ON {condition.sql}"

    def _using(self, names: Any, before: int, side: str, join: Any) -> str:
        left, right = self.columns[:before], self.columns[before:]
        conditions, merged = [], []
        for each in names:
            name = each.name.lower()
            found = []
            for columns in (left, right):
                same = [column for column in columns if column.name == name]
                if not same:
                    raise SqlError("COLUMN_NOT_FOUND", f"Column '{name}' is missing from a side of join", join)
                if len(same) > 1:
                    raise SqlError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", join)
                found.append(same[0])
            one, other = (Typed(c.sql, c.type, columns=frozenset((c.sql,)), may_be_nan=c.type.is_float) for c in found)
            kind = common(one.type, other.type)
            conditions.append(compare(one, "=", other, join).sql)
            assert kind is not None
            value = {
                "RIGHT": coerce(other, kind).sql,
                "FULL": f"coalesce({coerce(one, kind).sql}, {coerce(other, kind).sql})",
            }
            merged.append(Column(name, kind, value.get(side, coerce(one, kind).sql), shown=each.name))
            for use in self.analyser.uses:
                use.touched |= {name for c in found if c.sql.startswith(f"{use.alias}.")}
            # The two sides are no columns of the result any more, by any name.
            left = [column for column in left if column.name != name]
            right = [column for column in right if column.name != name]
        self.columns[:] = [*merged, *left, *right]
        return " AND ".join(conditions)

    def prune(self, where: Any, expressions: Expressions, uses: list[TableUse]) -> None:
        """Tell each table which conditions on its partition keys hold for all rows that count."""
        terms = list(where.flatten()) if isinstance(where, exp.And) else [where]
        for term in terms:
            if any(term.find_all(exp.Query)):
                continue
            part = expressions(term)
            for use in uses:
                found = self.analyser.catalog.table(use.database, use.name)
                keys = {f'{use.alias}."{key}"' for key in (found.keys if found else ())}
                if part.columns and part.columns <= keys and not part.outer:
                    use.filters.append(part.sql)


def _written_before(node: Any) -> tuple[str, ...]:
    """The catalog and the database of a table that has no other name, as far as the query writes them."""
    if not isinstance(node, exp.Table) or node.alias:
        return ()
    return tuple(part.name.lower() for part in node.parts[:-1])
