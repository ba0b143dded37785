"""Calls of functions: scalars, lambdas, aggregates, windows."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from sqlglot import exp

from athena_sql import aggregates, functions, operators, specials, times
from athena_sql.casts import coerce
from athena_sql.errors import SqlError, not_emulated
from athena_sql.typed import Typed, derived
from athena_sql.types import BIGINT, BOOLEAN, UNKNOWN, VARCHAR, Type, array, common, decimal, duckdb

Expressions: TypeAlias = Any
"""athena_sql.expressions.Expressions, which imports this module."""

_TAKE_NULL: Final = ("coalesce", "nullif", "greatest", "least", "typeof", "element_at", "contains", "count")


def function(self: Expressions, node: Any, *, condition: Any = None) -> Typed:
    """A call by name.

    Raises:
        SqlError: there is no such function, it does not take these arguments, or it is not emulated.
    """
    if not isinstance(node, exp.Anonymous):
        if isinstance(node, exp.GroupConcat):
            return listagg(self, node, condition)
        raise not_emulated("FILTER of this", node)
    name = node.name.lower()
    if name in functions.table("aggregates") or name in _AGGREGATES:
        return aggregate(self, node, condition)
    if condition is not None:
        raise SqlError("FUNCTION_NOT_AGGREGATE", "Filter is only valid for aggregation functions", node)
    if name in functions.table("windows"):
        raise SqlError("MISSING_OVER", f"Window function {name} requires an OVER clause", node)
    if name in _LAMBDAS:
        return _LAMBDAS[name](self, node)
    if name == "grouping":
        return _grouping(self, node)
    if name == "if":
        found: Typed = self(exp.If(this=node.expressions[0], true=node.expressions[1]))
        return found
    if any(isinstance(argument, (exp.Distinct, exp.Order, exp.Star)) for argument in node.expressions):
        raise (
            functions.unknown(name, node)
            if not _known(name)
            else SqlError("FUNCTION_NOT_AGGREGATE", f"DISTINCT is not for {name}", node)
        )
    if not _known(name):
        raise functions.unknown(name, node)
    return scalar(self, name, [self(argument) for argument in node.expressions], node)


def _known(name: str) -> bool:
    return name in specials.TABLE or name in times.TABLE or name in functions.table("scalars")


def scalar(self: Expressions, name: str, given: list[Typed], node: Any) -> Typed:
    """A call of a scalar function with arguments that were analysed.

    Raises:
        SqlError: it does not take these arguments, or it is not emulated.
    """
    if name not in _TAKE_NULL and any(part.type == UNKNOWN for part in given):
        # Trino chooses among several functions then, or says that it cannot.
        raise not_emulated(f"{name} of NULL without a type", node)
    if name in times.LOCAL and given:
        given = [times.local(given[0]), *given[1:]]
        if name in ("day", "hour", "minute", "second", "month", "year") and given[0].type.name.startswith("interval"):
            raise not_emulated(f"{name} of an interval", node)
    if name in ("trim", "ltrim", "rtrim") and len(given) == 2 and not given[1].is_literal:
        raise not_emulated(f"{name} of characters that are no literal", node)
    special = specials.TABLE.get(name) or times.TABLE.get(name)
    if special is not None:
        return special(name, given, node)
    return functions.call(name, functions.table("scalars")[name], given, node)


def aggregate(self: Expressions, node: Any, condition: Any = None) -> Typed:
    """A call of an aggregate function.

    Raises:
        SqlError: it is nested, does not take these arguments, or is not emulated.
    """
    name = node.name.lower()
    if self.inside_aggregate:
        raise SqlError("NESTED_AGGREGATION", f"Cannot nest aggregations inside aggregation '{name}'", node)
    inner = self.inside(inside_aggregate=True, aliases={})
    arguments, distinct, order = list(node.expressions), False, None
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        if name != "count":
            raise SqlError("SYNTAX_ERROR", "mismatched input '*'", node)
        arguments = []
    if arguments and isinstance(arguments[0], exp.Distinct):
        arguments, distinct = list(arguments[0].expressions), True
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1].expressions
        arguments[-1] = arguments[-1].this
    given = [inner(argument) for argument in arguments]
    if any(part.windows for part in given):
        raise SqlError("NESTED_WINDOW", "Cannot nest window functions inside aggregation", node)
    if distinct and len(given) != 1:
        raise not_emulated("DISTINCT of several arguments", node)
    if name in ("max_by", "min_by") and distinct:
        raise not_emulated(f"{name} of DISTINCT", node)
    found = _aggregated(name, given, node, distinct=distinct, order=_ordered(inner, order))
    if condition is not None:
        when = inner.boolean(condition, "Filter expression")
        found = derived(_filtered(found.sql, when.sql), found.type, [found, when])
    sql = found.sql.replace(_MARK, "")
    return Typed(sql, found.type, frozenset(), True, may_be_nan=found.type.is_float, columns=found.columns)


def _filtered(sql: str, when: str) -> str:
    # Every aggregate that is written here has one call of DuckDB's, marked at its end.
    return sql.replace(_MARK, f" FILTER (WHERE {when})")


_MARK: Final = "/*end*/"


def _ordered(self: Expressions, order: Any) -> str:
    if not order:
        return ""
    return " ORDER BY " + ", ".join(sort_key(self, each) for each in order)


def sort_key(self: Expressions, node: Any) -> str:
    """One part of ORDER BY: NULL comes last, unless it is said."""
    return ordered(self(node.this), node)


def ordered(part: Typed, node: Any) -> str:
    """A value as one part of ORDER BY."""
    if part.type.name in ("array", "map", "row", "unknown"):
        raise not_emulated(f"ORDER BY {part.type}", node)
    direction = "DESC" if node.args.get("desc") else "ASC"
    return f"{part.sql} {direction} NULLS {'FIRST' if node.args.get('nulls_first') else 'LAST'}"


def _aggregated(name: str, given: list[Typed], node: Any, *, distinct: bool, order: str) -> Typed:
    if name != "count" and any(part.type == UNKNOWN for part in given):
        raise not_emulated(f"{name} of NULL without a type", node)
    if order and name != "array_agg":
        raise not_emulated(f"ORDER BY in {name}", node)
    if name in ("sum", "avg") and len(given) == 1 and given[0].type.name == "decimal":
        return _of_decimals(name, given[0], node, distinct=distinct)
    if name == "map_agg":
        if len(given) != 2 or distinct:
            raise not_emulated("map_agg of this", node)
        kind = Type("map", (), (given[0].type, given[1].type))
        key, value = given[0].sql, given[1].sql
        sql = f"map_from_entries(list({{'k': {key}, 'v': {value}}}){_MARK})"
        return derived(sql, kind, given)
    if name == "histogram":
        if len(given) != 1 or distinct:
            raise not_emulated("histogram of this", node)
        return derived(f"histogram({given[0].sql}){_MARK}", Type("map", (), (given[0].type, BIGINT)), given)
    if name == "checksum" or name.startswith("approx"):
        raise not_emulated(f"the function {name}", node)
    function_, types, result = functions.choose(name, functions.table("aggregates")[name], given, node)
    places = {str(at): coerce(part, kind).sql for at, (part, kind) in enumerate(zip(given, types, strict=True))}
    if distinct:
        places["0"] = f"DISTINCT {places['0']}"
    # The first parenthesis that closes is that of the aggregate's own arguments.
    sql = function_.sql.replace(")", "{order})" + _MARK, 1)
    return derived(functions.filled(sql, places | {"order": order}), result, given)


def _of_decimals(name: str, part: Typed, node: Any, *, distinct: bool) -> Typed:
    """Decimals stay decimals: their sum has 38 digits, their mean the type of what is averaged."""
    scale = part.type.numbers[1]
    word = "DISTINCT " if distinct else ""
    total = f"CAST(sum({word}{part.sql}){_MARK} AS DECIMAL(38, {scale}))"
    if name == "sum":
        return derived(total, decimal(38, scale), [part])
    if scale > 17:
        raise not_emulated(f"avg of {part.type}", node)
    kind = decimal(18 + scale, scale)
    small = f"CAST(sum({word}{part.sql}){_MARK} AS DECIMAL({kind.numbers[0]}, {scale}))"
    one = Typed(small, kind, columns=part.columns)
    # Of no rows there is no mean: NULL divided by NULL.
    count = Typed(f"nullif(count({word}{part.sql}){_MARK}, 0)", decimal(19, 0))
    count = Typed(f"CAST({count.sql} AS DECIMAL(19, 0))", decimal(19, 0))
    return operators.divide_decimal(one, count, part.type, node)


_AGGREGATES: Final = frozenset(("map_agg", "histogram"))


def listagg(self: Expressions, node: Any, condition: Any = None) -> Typed:
    """LISTAGG(x, separator) WITHIN GROUP (ORDER BY ...)."""
    inner = self.inside(inside_aggregate=True, aliases={})
    target, order = node.this, None
    distinct = False
    if isinstance(target, exp.Order):
        target, order = target.this, target.expressions
    if isinstance(target, exp.Distinct):
        target, distinct = target.expressions[0], True
    if order is None:
        raise SqlError("SYNTAX_ERROR", "LISTAGG needs WITHIN GROUP (ORDER BY ...)", node)
    part = inner(target)
    if not part.type.is_text or distinct or node.args.get("on_overflow"):
        raise not_emulated("LISTAGG of this", node)
    separator = inner(node.args["separator"]).sql if node.args.get("separator") is not None else "''"
    sql = f"string_agg({part.sql}, {separator}{_ordered(inner, order)}){_MARK}"
    if condition is not None:
        sql = _filtered(sql, inner.boolean(condition, "Filter expression").sql)
    return Typed(sql.replace(_MARK, ""), VARCHAR, frozenset(), True, columns=part.columns)


def window(self: Expressions, node: Any) -> Typed:
    """A call with OVER.

    Raises:
        SqlError: the function is none of windows, or the frame is not emulated.
    """
    call, nulls = node.this, ""
    if isinstance(call, (exp.IgnoreNulls, exp.RespectNulls)):
        nulls = " IGNORE NULLS" if isinstance(call, exp.IgnoreNulls) else ""
        call = call.this
    condition = None
    if isinstance(call, exp.Filter):
        call, condition = call.this, call.expression.this
    if not isinstance(call, exp.Anonymous):
        raise not_emulated("OVER of this", node)
    if condition is not None:
        raise SqlError("NOT_SUPPORTED", "FILTER is not yet supported for window functions", node)
    if self.inside_aggregate:
        raise SqlError("NESTED_WINDOW", "Cannot nest window functions inside aggregation", node)
    over, parts = _over(self, node)
    name = call.name.lower()
    if name in functions.table("windows"):
        if (
            name in aggregates.RANKING
            and name != "row_number"
            and not node.args.get("order")
            and not node.args.get("alias")
        ):
            if name in ("lag", "lead"):
                raise SqlError("MISSING_ORDER_BY", f"{name} function requires an ORDER BY window clause", node)
            raise not_emulated(f"{name} without ORDER BY", node)
        if name in aggregates.RANKING and node.args.get("spec") is not None and name in ("lag", "lead"):
            raise SqlError("INVALID_WINDOW_FRAME", f"Cannot specify window frame for {name} function", node)
        given = [self(argument) for argument in call.expressions]
        function_, types, result = functions.choose(name, functions.table("windows")[name], given, node)
        places = {str(at): coerce(part, kind).sql for at, (part, kind) in enumerate(zip(given, types, strict=True))}
        sql = functions.filled(function_.sql, places | {"nulls": nulls})
        found = derived(f"{sql} OVER ({over})", result, [*given, *parts])
    elif name in functions.table("aggregates"):
        if any(isinstance(argument, exp.Distinct) for argument in call.expressions):
            raise not_emulated("DISTINCT in a window", node)
        inner = self.inside(inside_aggregate=False)
        arguments = [argument for argument in call.expressions if not isinstance(argument, exp.Star)]
        given = [inner(argument) for argument in arguments]
        made = _aggregated(name, given, node, distinct=False, order="")
        if made.sql.count(_MARK) != 1:
            raise not_emulated(f"{name} in a window", node)
        sql = made.sql.replace(_MARK, f" OVER ({over})")
        found = derived(sql, made.type, [*given, *parts])
    elif name in _AGGREGATES or _known(name):
        raise not_emulated(f"{name} in a window", node)
    else:
        raise functions.unknown(name, node)
    return Typed(
        found.sql, found.type, found.free, found.aggregates, True, may_be_nan=found.type.is_float, columns=found.columns
    )


def _over(self: Expressions, node: Any) -> tuple[str, list[Typed]]:
    if (named := node.args.get("alias")) is not None:
        spec = self.windows.get(named.name.lower())
        if spec is None or node.args.get("partition_by") or node.args.get("order"):
            raise SqlError("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {named.name}", node)
        return _over(self, spec)
    pieces, parts = [], []
    if partition := node.args.get("partition_by"):
        parts = [self(part) for part in partition]
        pieces.append("PARTITION BY " + ", ".join(part.sql for part in parts))
    if order := node.args.get("order"):
        pieces.append("ORDER BY " + ", ".join(sort_key(self, each) for each in order.expressions))
        parts += [self(each.this) for each in order.expressions]
    if (spec := node.args.get("spec")) is not None:
        pieces.append(_frame(self, spec, node))
    return " ".join(pieces), parts


def _frame(self: Expressions, spec: Any, node: Any) -> str:
    kind = str(spec.args.get("kind") or "").upper()
    if kind not in ("ROWS", "RANGE", "GROUPS") or spec.args.get("exclude"):
        raise not_emulated("this frame of a window", node)

    def bound(value: Any, side: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return f"{value.upper()} {side or ''}".strip()
        if not isinstance(value, exp.Literal) or value.is_string or kind == "RANGE":
            raise not_emulated("a frame whose bound is no whole number of rows", node)
        return f"{int(value.this)} {side}"

    start = bound(spec.args.get("start"), spec.args.get("start_side"))
    end = bound(spec.args.get("end"), spec.args.get("end_side")) or "CURRENT ROW"
    return f"{kind} BETWEEN {start} AND {end}"


def _grouping(self: Expressions, node: Any) -> Typed:
    parts = [self.inside(groups=None)(argument) for argument in node.expressions]
    if self.groups is None or not parts or any(part.sql not in self.groups for part in parts):
        raise SqlError("INVALID_ARGUMENTS", "The arguments to GROUPING() must be expressions of the GROUP BY", node)
    sql = f"CAST(GROUPING({', '.join(part.sql for part in parts)}) AS INTEGER)"
    return Typed(sql, Type("integer"), frozenset(), True)


def _lambda(self: Expressions, node: Any, kinds: list[Type]) -> tuple[list[str], Typed]:
    if not isinstance(node, exp.Lambda) or len(node.expressions) != len(kinds):
        raise SqlError("FUNCTION_NOT_FOUND", "Unexpected parameters: a lambda is expected", node)
    names = [f"x{len(self.lambdas) + place}_" for place in range(len(kinds))]
    known = {
        each.name.lower(): Typed(name, kind, may_be_nan=kind.is_float)
        for each, name, kind in zip(node.expressions, names, kinds, strict=True)
    }
    body = self.inside(lambdas={**self.lambdas, **known})(node.this)
    if body.aggregates or body.windows:
        raise not_emulated("an aggregate in a lambda", node)
    return names, body


def _over_elements(self: Expressions, node: Any) -> Typed:
    """transform, filter, any_match, all_match and none_match."""
    name = node.name.lower()
    if len(node.expressions) != 2:
        raise SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters for function {name}", node)
    many = self(node.expressions[0])
    if many.type.name != "array":
        raise SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({many.type}) for function {name}", node)
    (each,), body = _lambda(self, node.expressions[1], [many.type.inner[0]])
    if name == "transform":
        return derived(f"list_transform({many.sql}, lambda {each}: {body.sql})", array(body.type), [many, body])
    if body.type != BOOLEAN:
        raise SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters for function {name}: {body.type}", node)
    if name == "filter":
        return derived(f"list_filter({many.sql}, lambda {each}: {body.sql})", many.type, [many, body])
    answers = f"list_transform({many.sql}, lambda {each}: {body.sql})"
    write = {"any_match": "list_bool_or", "all_match": "list_bool_and", "none_match": "list_bool_or"}[name]
    empty = "true" if name != "any_match" else "false"
    decided, rest = ("true", "false") if write == "list_bool_or" else ("false", "true")
    negate = "NOT " if name == "none_match" else ""
    sql = (
        f"CASE WHEN {many.sql} IS NULL THEN NULL WHEN len({many.sql}) = 0 THEN {empty} "
        f"WHEN list_contains({answers}, {decided}) THEN {negate}{decided} "
        f"WHEN len(list_filter({answers}, lambda y: y IS NULL)) > 0 THEN NULL ELSE {negate}{rest} END"
    )
    return derived(sql, BOOLEAN, [many, body])


def _reduce(self: Expressions, node: Any) -> Typed:
    if len(node.expressions) != 4:
        raise SqlError("FUNCTION_NOT_FOUND", "Unexpected parameters for function reduce", node)
    many, start = self(node.expressions[0]), self(node.expressions[1])
    if many.type.name != "array":
        raise SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({many.type}) for function reduce", node)
    step = node.expressions[2]
    _, body = _lambda(self, step, [start.type, many.type.inner[0]])
    if common(body.type, start.type) != start.type or body.type.name == "decimal":
        raise not_emulated("reduce whose state changes its type", node)
    names, body = _lambda(self, step, [start.type, many.type.inner[0]])
    (last,), result = _lambda(self, node.expressions[3], [start.type])
    state, each = names
    kind = duckdb(start.type)
    sql = (
        f"list_reduce(list_transform({many.sql}, lambda e_: {{'s': CAST(NULL AS {kind}), 'e': e_}}), "
        f"lambda a_, b_: {{'s': CAST({_inlined(body.sql, {state: 'a_.s', each: 'b_.e'})} AS {kind}), 'e': b_.e}}, "
        f"{{'s': CAST({start.sql} AS {kind}), 'e': NULL}}).s"
    )
    return derived(f"list_transform([{sql}], lambda {last}: {result.sql})[1]", result.type, [many, start, body, result])


def _inlined(sql: str, names: dict[str, str]) -> str:
    for name, new in names.items():
        sql = sql.replace(name, new)
    return sql


_LAMBDAS: Final = {
    **dict.fromkeys(("transform", "filter", "any_match", "all_match", "none_match"), _over_elements),
    "reduce": _reduce,
}
