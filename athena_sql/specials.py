"""Scalar functions whose translation depends on their arguments: literals, types, and what may be NULL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from athena_sql import formats
from athena_sql.casts import coerce
from athena_sql.errors import SqlError, not_emulated
from athena_sql.operators import both, compare
from athena_sql.typed import Typed, derived, failing, literal_text, once
from athena_sql.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    as_decimal,
    coercible,
    common,
    decimal,
    duckdb,
)

Special = Callable[[str, list[Typed], Any], Typed]


def _wrong(name: str, given: list[Typed], node: Any) -> SqlError:
    kinds = ", ".join(str(part.type) for part in given)
    if any(part.type.name in ("varbinary", "map", "row", "unknown", "array") for part in given):
        return not_emulated(f"{name} of {kinds}", node)
    return SqlError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({kinds}) for function {name}", node)


def _need(name: str, given: list[Typed], node: Any, *kinds: Type | None, least: int | None = None) -> list[Typed]:
    """The arguments as the types that they have to be (None for any)."""
    if not (len(kinds) if least is None else least) <= len(given) <= len(kinds):
        raise _wrong(name, given, node)
    found = []
    for part, kind in zip(given, kinds, strict=False):
        if kind is not None and not coercible(part.type, kind):
            raise _wrong(name, given, node)
        found.append(part if kind is None else coerce(part, kind))
    return found


def alike(given: list[Typed], what: str, node: Any) -> list[Typed]:
    """Values as the type that all of them become."""
    kind = given[0].type
    for part in given[1:]:
        found = common(kind, part.type)
        if found is None:
            raise SqlError("TYPE_MISMATCH", f"All {what} must be the same type or coercible: {kind}", node)
        kind = found
    return [coerce(part, kind) for part in given]


def _coalesce(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) < 2:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "The 'coalesce' function must have at least two arguments", node)
    parts = alike(given, "COALESCE operands", node)
    return derived(f"coalesce({', '.join(part.sql for part in parts)})", parts[0].type, given)


def _nullif(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'nullif' function", node)
    one, other, _ = both(given[0], given[1], "=", node)
    equal = compare(one, "=", other, node)
    return derived(f"CASE WHEN {equal.sql} THEN NULL ELSE {given[0].sql} END", given[0].type, given)


def _extreme(name: str, given: list[Typed], node: Any) -> Typed:
    if not given:
        raise _wrong(name, given, node)
    parts = alike(given, f"{name} operands", node)
    kind = parts[0].type
    if kind.name in ("array", "map", "row", "boolean", "unknown") or (
        kind.is_float and any(p.may_be_nan for p in given)
    ):
        raise not_emulated(f"{name} of {kind}", node)
    nulls = " OR ".join(f"{part.sql} IS NULL" for part in parts)
    inside = ", ".join(part.sql for part in parts)
    return derived(f"CASE WHEN {nulls} THEN NULL ELSE {name}({inside}) END", kind, given)


def _concat(name: str, given: list[Typed], node: Any) -> Typed:
    from athena_sql.operators import concatenated

    if len(given) < 2:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments", node)
    found = given[0]
    for part in given[1:]:
        found = concatenated(found, part, node)
    return found


def _substr(name: str, given: list[Typed], node: Any) -> Typed:
    parts = _need(name, given, node, VARCHAR, BIGINT, BIGINT, least=2)
    text, start = parts[0].sql, parts[1]
    length = f", greatest({parts[2].sql}, 0)" if len(parts) == 3 else ""
    # Where the text is shorter than a start that counts from its end, DuckDB begins at its beginning.
    sql = once(
        start,
        lambda at: (
            f"CASE WHEN {at} = 0 OR -{at} > length({text}) THEN CASE WHEN {text} IS NULL THEN NULL ELSE '' END "
            f"ELSE substr({text}, {at}{length}) END"
        ),
    )
    if start.is_literal and isinstance(start.value, int) and start.value > 0:
        sql = f"substr({text}, {start.value}{length})"
    return derived(sql, VARCHAR, given)


def _split_part(name: str, given: list[Typed], node: Any) -> Typed:
    parts = _need(name, given, node, VARCHAR, VARCHAR, BIGINT)
    index = parts[2]
    if not index.is_literal or not isinstance(index.value, int):
        raise not_emulated("split_part with an index that is no literal", node)
    if index.value < 1:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "Index must be greater than zero", node)
    return derived(f"string_split({parts[0].sql}, {parts[1].sql})[{index.value}]", VARCHAR, given)


def _pad(name: str, given: list[Typed], node: Any) -> Typed:
    parts = _need(name, given, node, VARCHAR, BIGINT, VARCHAR)
    size = parts[1]
    if not size.is_literal or not isinstance(size.value, int) or size.value < 0 or parts[2].value in (None, ""):
        raise not_emulated(f"{name} with a size or a padding that is no literal", node)
    return derived(f"{name}({parts[0].sql}, {size.value}, {parts[2].sql})", VARCHAR, given)


def _chr(name: str, given: list[Typed], node: Any) -> Typed:
    (part,) = _need(name, given, node, BIGINT)
    return derived(f"chr(CAST({part.sql} AS INTEGER))", VARCHAR, given)


def _codepoint(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 1 or given[0].type != Type("varchar", (1,)):
        raise _wrong(name, given, node)
    return derived(f"unicode({given[0].sql})", INTEGER, given)


def _pattern(name: str, given: list[Typed], node: Any) -> Typed:
    """regexp_like, regexp_extract, regexp_extract_all, regexp_replace, regexp_split, regexp_count."""
    group = {"regexp_extract": BIGINT, "regexp_extract_all": BIGINT, "regexp_replace": VARCHAR}.get(name)
    kinds = (VARCHAR, VARCHAR) + ((group,) if group else ())
    parts = _need(name, given, node, *kinds, least=2)
    text = parts[0].sql
    wanted = formats.quoted(formats.safe_pattern(literal_text(given[1], "a pattern", node), node))
    third = given[2] if len(given) == 3 else None
    if name == "regexp_like":
        return derived(f"regexp_matches({text}, {wanted})", BOOLEAN, given)
    if name == "regexp_replace":
        new = (
            "''"
            if third is None
            else formats.quoted(formats.replacement(literal_text(third, "a replacement", node), node))
        )
        return derived(f"regexp_replace({text}, {wanted}, {new}, 'g')", VARCHAR, given)
    number = 0 if third is None else third.value
    if not isinstance(number, int):
        raise not_emulated(f"{name} with a group that is no literal", node)
    groups = re.compile(literal_text(given[1], "a pattern", node)).groups
    if not 0 <= number <= groups:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", f"Pattern has {groups} groups. Cannot access group {number}", node)
    if number and re.search(r"[|?*{]", given[1].value):
        # Whether a group took part in the match, DuckDB does not say.
        raise not_emulated("a group of a pattern in which it may not take part", node)
    if name == "regexp_extract":
        return derived(f"regexp_extract_all({text}, {wanted}, {number})[1]", VARCHAR, given)
    if name == "regexp_extract_all":
        return derived(f"regexp_extract_all({text}, {wanted}, {number})", array(VARCHAR), given)
    if name == "regexp_split":
        return derived(f"string_split_regex({text}, {wanted})", array(VARCHAR), given)
    return derived(f"CAST(len(regexp_extract_all({text}, {wanted})) AS BIGINT)", BIGINT, given)


def _rounded(name: str, given: list[Typed], node: Any) -> Typed:
    """round, floor, ceiling, truncate and sign, whose types follow those of what is rounded."""
    write = {"ceiling": "ceil", "truncate": "trunc"}.get(name, name)
    if not given or not given[0].type.is_number or len(given) > (2 if name in ("round", "truncate") else 1):
        raise _wrong(name, given, node)
    number, kind = given[0], given[0].type
    if name == "sign":
        if kind.name == "decimal":
            return derived(f"CAST(sign({number.sql}) AS DECIMAL(1, 0))", decimal(1, 0), given)
        if kind.is_float and number.may_be_nan:
            raise not_emulated("sign of what may be NaN", node)
        return derived(f"CAST(sign({number.sql}) AS {duckdb(kind)})", kind, given)
    if len(given) == 2:
        places = given[1].value
        if not given[1].is_literal or not isinstance(places, int) or name == "truncate":
            raise not_emulated(f"{name} to a number of places that is no literal", node)
        if kind.name == "decimal":
            if places < 0:
                raise not_emulated("round of a decimal to tens", node)
            kind = decimal(kind.numbers[0] + 1, kind.numbers[1])
            cut = f"round({number.sql}, {places})" if places < kind.numbers[1] else number.sql
        else:
            cut = f"round({number.sql}, {places})"
        return derived(f"CAST({cut} AS {duckdb(kind)})", kind, given)
    if kind.is_integer and name == "truncate":
        kind = as_decimal(kind)
        return derived(f"CAST({number.sql} AS {duckdb(kind)})", kind, given)
    if kind.is_integer:
        return number
    if kind.name == "decimal":
        precision, scale = kind.numbers
        left = precision - scale + (0 if name == "truncate" else min(scale, 1))
        kind = decimal(max(left, 1), 0)
        if name == "round":
            return derived(f"CAST(round({number.sql}, 0) AS {duckdb(kind)})", kind, given)
    return derived(f"CAST({write}({number.sql}) AS {duckdb(kind)})", kind, given)


def _modulo(name: str, given: list[Typed], node: Any) -> Typed:
    from athena_sql.operators import arithmetic

    if len(given) != 2 or not all(part.type.is_number for part in given):
        raise _wrong(name, given, node)
    return arithmetic(given[0], "%", given[1], node)


def _logarithm(name: str, given: list[Typed], node: Any) -> Typed:
    """ln, log2, log10 and log, of which DuckDB fails where Trino answers -Infinity or NaN."""
    if name == "log":
        base, number = _need(name, given, node, DOUBLE, DOUBLE)
        return derived(f"({_log('ln', number)} / {_log('ln', base)})", DOUBLE, given, may_be_nan=True)
    (number,) = _need(name, given, node, DOUBLE)
    return derived(_log(name, number), DOUBLE, given, may_be_nan=True)


def _log(name: str, number: Typed) -> str:
    return once(
        number,
        lambda sql: (
            f"CASE WHEN {sql} = 0 THEN CAST('-inf' AS DOUBLE) WHEN {sql} < 0 THEN CAST('nan' AS DOUBLE) "
            f"ELSE {name}({sql}) END"
        ),
    )


def _contains(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or given[0].type.name != "array":
        raise _wrong(name, given, node)
    kind = common(given[0].type.inner[0], given[1].type)
    if kind is None or kind.name in ("array", "map", "row"):
        raise _wrong(name, given, node)
    many, one = coerce(given[0], array(kind)).sql, coerce(given[1], kind).sql
    sql = (
        f"CASE WHEN list_contains({many}, {one}) THEN true "
        f"WHEN len({many}) > len(list_filter({many}, lambda x: x IS NOT NULL)) THEN NULL "
        f"WHEN {many} IS NULL OR {one} IS NULL THEN NULL ELSE false END"
    )
    return derived(sql, BOOLEAN, given)


def _element_at(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or given[0].type.name not in ("array", "map"):
        raise _wrong(name, given, node)
    many, key = given
    if many.type.name == "map":
        kind = many.type.inner[0]
        if not coercible(key.type, kind):
            raise _wrong(name, given, node)
        return derived(f"element_at({many.sql}, {coerce(key, kind).sql})[1]", many.type.inner[1], given)
    if not coercible(key.type, BIGINT):
        raise _wrong(name, given, node)
    if key.is_literal and key.value == 0:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1", node)
    if not isinstance(key.value, int):
        raise not_emulated("element_at with an index that is no literal", node)
    return derived(f"({many.sql})[{key.sql}]", many.type.inner[0], given)


def subscript(many: Typed, key: Typed, node: Any) -> Typed:
    """The operator []: unlike element_at, it fails where there is nothing."""
    given = [many, key]
    if many.type.name == "map":
        kind = many.type.inner[0]
        if not coercible(key.type, kind):
            raise SqlError("TYPE_MISMATCH", f"Cannot use {key.type} for subscript of {many.type}", node)
        missing = failing("INVALID_FUNCTION_ARGUMENT: Key not present in map")
        wanted = coerce(key, kind).sql
        sql = once(
            many,
            lambda m: (
                f"CASE WHEN {m} IS NULL OR map_contains({m}, {wanted}) THEN element_at({m}, {wanted})[1] "
                f"ELSE {missing} END"
            ),
        )
        return derived(sql, many.type.inner[1], given)
    if many.type.name != "array":
        raise SqlError("TYPE_MISMATCH", f"Cannot use {many.type} as subscript base", node)
    if not key.type.is_integer and key.type != UNKNOWN:
        raise SqlError("TYPE_MISMATCH", f"Cannot use {key.type} for subscript of {many.type}", node)
    if many.type.inner[0] == UNKNOWN and key.type == UNKNOWN:
        raise not_emulated("the subscript NULL", node)
    beyond = failing("INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length")
    below = failing("INVALID_FUNCTION_ARGUMENT: Array subscript is negative or zero: SQL array indices start at 1")
    sql = once(
        many,
        lambda m: (
            f"CASE WHEN {key.sql} < 1 THEN {below} WHEN {key.sql} > len({m}) THEN {beyond} ELSE ({m})[{key.sql}] END"
        ),
    )
    return derived(sql, many.type.inner[0], given)


def _array_extreme(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 1 or given[0].type.name != "array" or given[0].type.inner[0].name in ("array", "map", "row"):
        raise _wrong(name, given, node)
    kind = given[0].type.inner[0]
    if kind.is_float:
        raise not_emulated(f"{name} of floating point numbers", node)
    write = "list_max" if name == "array_max" else "list_min"
    sql = once(
        given[0],
        lambda m: (
            f"CASE WHEN len({m}) > len(list_filter({m}, lambda x: x IS NOT NULL)) THEN NULL ELSE {write}({m}) END"
        ),
    )
    return derived(sql, kind, given)


def _slice(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 3 or given[0].type.name != "array":
        raise _wrong(name, given, node)
    start, length = given[1].value, given[2].value
    if not isinstance(start, int) or not isinstance(length, int) or start < 1 or length < 0:
        raise not_emulated("slice with numbers that are no literals from 1", node)
    return derived(f"list_slice({given[0].sql}, {start}, {start + length - 1})", given[0].type, given)


def _sequence(name: str, given: list[Typed], node: Any) -> Typed:
    if not 2 <= len(given) <= 3 or not all(part.type.is_integer for part in given):
        if given and given[0].type.is_time:
            raise not_emulated("sequence of times", node)
        raise _wrong(name, given, node)
    if not all(isinstance(part.value, int) for part in given):
        raise not_emulated("sequence of numbers that are no literals", node)
    start, stop = given[0].value, given[1].value
    step = given[2].value if len(given) == 3 else (1 if start <= stop else -1)
    if step == 0 or (stop - start) * step < 0:
        raise SqlError("INVALID_FUNCTION_ARGUMENT", "sequence stop value should be reached by the step", node)
    if abs(stop - start) // abs(step) >= 10_000:
        raise SqlError(
            "INVALID_FUNCTION_ARGUMENT", "result of sequence function must not have more than 10000 entries", node
        )
    return derived(f"generate_series({start}, {stop}, {step})", array(BIGINT), given)


def _array_remove(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or given[0].type.name != "array" or not given[1].is_literal or given[1].value is None:
        raise not_emulated("array_remove of what is no literal", node)
    inner = given[0].type.inner[0]
    if not coercible(given[1].type, inner):
        raise _wrong(name, given, node)
    one = coerce(given[1], inner).sql
    return derived(f"list_filter({given[0].sql}, lambda x: x IS DISTINCT FROM {one})", given[0].type, given)


def _repeat(name: str, given: list[Typed], node: Any) -> Typed:
    if len(given) != 2 or not given[1].type.is_integer or not isinstance(given[1].value, int):
        raise not_emulated("repeat so many times that it is no literal", node)
    return derived(
        f"list_transform(range(0, {max(0, given[1].value)}), lambda x: {given[0].sql})", array(given[0].type), given
    )


def _map(name: str, given: list[Typed], node: Any) -> Typed:
    if not given:
        return derived("MAP {}", Type("map", (), (UNKNOWN, UNKNOWN)), given)
    if len(given) != 2 or any(part.type.name != "array" for part in given):
        raise _wrong(name, given, node)
    kind = Type("map", (), (given[0].type.inner[0], given[1].type.inner[0]))
    return derived(f"map({given[0].sql}, {given[1].sql})", kind, given)


def _json_scalar(name: str, given: list[Typed], node: Any) -> Typed:
    parts = _need(name, given, node, VARCHAR, VARCHAR)
    path = literal_text(given[1], "a path", node)
    if not re.fullmatch(r"\$(\.[A-Za-z_]\w*|\[\d+\])*", path):
        raise not_emulated(f"the path {path!r}", node)
    wanted = formats.quoted(path)
    text = parts[0].sql
    sql = (
        f"CASE WHEN NOT json_valid({text}) THEN NULL WHEN json_type({text}, {wanted}) IN ('OBJECT', 'ARRAY') THEN NULL "
        f"ELSE json_extract_string({text}, {wanted}) END"
    )
    return derived(sql, VARCHAR, given)


def _row(name: str, given: list[Typed], node: Any) -> Typed:
    kinds = tuple(part.type for part in given)
    if UNKNOWN in kinds or not given:
        raise not_emulated("a row with NULL", node)
    parts = ", ".join(f"'field{place}': {part.sql}" for place, part in enumerate(given))
    return derived(f"{{{parts}}}", Type("row", (), kinds), given)


def _typeof(name: str, given: list[Typed], node: Any) -> Typed:
    (part,) = _need(name, given, node, None)
    return derived(formats.quoted(str(part.type)), VARCHAR, given)


TABLE: Final[Mapping[str, Special]] = {
    "coalesce": _coalesce,
    "nullif": _nullif,
    "greatest": _extreme,
    "least": _extreme,
    "concat": _concat,
    "substr": _substr,
    "substring": _substr,
    "split_part": _split_part,
    "lpad": _pad,
    "rpad": _pad,
    "chr": _chr,
    "codepoint": _codepoint,
    **dict.fromkeys(
        ("regexp_like", "regexp_extract", "regexp_extract_all", "regexp_replace", "regexp_split", "regexp_count"),
        _pattern,
    ),
    **dict.fromkeys(("round", "floor", "ceil", "ceiling", "truncate", "sign"), _rounded),
    "mod": _modulo,
    **dict.fromkeys(("ln", "log2", "log10", "log"), _logarithm),
    "contains": _contains,
    "element_at": _element_at,
    "array_max": _array_extreme,
    "array_min": _array_extreme,
    "slice": _slice,
    "sequence": _sequence,
    "array_remove": _array_remove,
    "repeat": _repeat,
    "map": _map,
    "json_extract_scalar": _json_scalar,
    "row": _row,
    "typeof": _typeof,
}
