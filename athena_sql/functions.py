"""Functions with an exact translation: which there are, and how a call finds its own among those of a name.

Each line of the tables is a signature of Trino's and its SQL in DuckDB, with {0}, {1}, ... for the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from athena_sql import aggregates, scalars
from athena_sql.casts import coerce
from athena_sql.errors import SqlError, not_emulated
from athena_sql.typed import Typed, derived
from athena_sql.types import UNKNOWN, Type, coercible, common, from_hive

_RARE: Final = ("varbinary", "array", "map", "row", "unknown")
"""Types for which Trino has more functions than are known here."""
_LINE: Final = re.compile(r"(\w+)\((.*?)\) -> ([^:]+?) *: (.*)")


@dataclass(frozen=True)
class Function:
    """One signature: parameters (the last one any number of times if `variadic`), result, SQL for DuckDB."""

    name: str
    parameters: tuple[str, ...]
    variadic: bool
    result: str
    sql: str


@cache
def table(kind: str) -> Mapping[str, Sequence[Function]]:
    """The functions of a kind (scalars, aggregates or windows), by name."""
    text = {"scalars": scalars.TABLE, "aggregates": aggregates.TABLE, "windows": aggregates.WINDOWS}[kind]
    found: dict[str, list[Function]] = {}
    for line in text.strip().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        parsed = _LINE.fullmatch(line)
        if parsed is None:
            raise ValueError(f"{line!r} is no signature")
        names, inside, result, sql = parsed.groups()
        parameters = tuple(part for part in re.split(r",\s*(?![^()]*\))", inside.strip()) if part)
        variadic = bool(parameters) and parameters[-1].endswith("...")
        bare = tuple(part.removesuffix("...") for part in parameters)
        found.setdefault(names, []).append(Function(names, bare, variadic, result.strip(), sql))
    return found


def choose(
    name: str, functions: Sequence[Function], given: Sequence[Typed], node: Any
) -> tuple[Function, list[Type], Type]:
    """The function that Trino would call, the types that the arguments become, and the type of the result.

    Raises:
        SqlError: none takes these arguments.
    """
    best: tuple[int, Function, list[Type], Type] | None = None
    for function in functions:
        wanted = function.parameters
        if function.variadic:
            wanted = wanted + (wanted[-1],) * (len(given) - len(wanted))
        if len(wanted) != len(given):
            continue
        bound: dict[str, Type] = {}
        if not all(_bind(pattern, part.type, bound) for pattern, part in zip(wanted, given, strict=True)):
            continue
        types = [_resolved(pattern, bound, part.type) for pattern, part in zip(wanted, given, strict=True)]
        cost = sum(kind != part.type and kind.name != part.type.name for kind, part in zip(types, given, strict=True))
        if best is None or cost < best[0]:
            best = cost, function, types, _resolved(function.result, bound, UNKNOWN)
    if best is None:
        if any(part.type.name in _RARE for part in given):
            raise not_emulated(f"{name} of {', '.join(str(part.type) for part in given)}", node)
        kinds = ", ".join(str(part.type) for part in given)
        expected = ", ".join(f"{function.name}({', '.join(function.parameters)})" for function in functions)
        raise SqlError(
            "FUNCTION_NOT_FOUND", f"Unexpected parameters ({kinds}) for function {name}. Expected: {expected}", node
        )
    return best[1], best[2], best[3]


def _bind(pattern: str, kind: Type, bound: dict[str, Type]) -> bool:
    """Whether a type fits a pattern; single capital letters stand for any type, always the same one."""
    if re.fullmatch(r"[A-Z]", pattern):
        if pattern == "N" and not (kind.is_number or kind == UNKNOWN):
            return False
        if pattern in "NDE" and pattern != "N" and kind.name not in ("decimal",):
            return False
        if pattern == "O" and kind.name in ("map", "row", "array"):
            return False
        if pattern == "W" and not kind.is_time:
            return False
        known = bound.get(pattern)
        found = kind if known is None else common(known, kind)
        if found is None:
            return False
        bound[pattern] = found
        return True
    if found_array := re.fullmatch(r"(array|map)\((.*)\)", pattern):
        if kind == UNKNOWN:
            return True
        inner = [part.strip() for part in found_array[2].split(",")]
        if kind.name != found_array[1] or len(kind.inner) != len(inner):
            return False
        return all(_bind(each, one, bound) for each, one in zip(inner, kind.inner, strict=True))
    wanted = named(pattern)
    if pattern == "timestamp" and kind.name == "timestamp":
        return True
    if pattern == "zoned":
        return kind.name == wanted.name
    return coercible(kind, wanted)


def named(pattern: str) -> Type:
    """The type that a pattern without letters names."""
    if pattern == "zoned":
        return Type("timestamp with time zone", (3,))
    if found := re.fullmatch(r"(array|map)\((.*)\)", pattern):
        return Type(found[1], (), tuple(named(part.strip()) for part in found[2].split(",")))
    return from_hive(pattern)


def _resolved(pattern: str, bound: Mapping[str, Type], given: Type) -> Type:
    if re.fullmatch(r"[A-Z]", pattern):
        return bound.get(pattern, UNKNOWN)
    if found := re.fullmatch(r"(array|map)\((.*)\)", pattern):
        return Type(found[1], (), tuple(_resolved(part.strip(), bound, UNKNOWN) for part in found[2].split(",")))
    if pattern in ("timestamp", "zoned") and given.name in ("timestamp", "timestamp with time zone"):
        return given
    return named(pattern)


def call(name: str, functions: Sequence[Function], given: Sequence[Typed], node: Any) -> Typed:
    """A call of the function that fits.

    Raises:
        SqlError: none does, or a type is not emulated.
    """
    function, types, result = choose(name, functions, given, node)
    parts = [coerce(part, kind) for part, kind in zip(given, types, strict=True)]
    texts = [part.sql for part in parts]
    places = {str(place): text for place, text in enumerate(texts)} | {"*": ", ".join(texts)}
    return derived(filled(function.sql, places), result, given, may_be_nan=name in scalars.MAY_BE_NAN)


def filled(sql: str, places: Mapping[str, str]) -> str:
    """The SQL of a function with texts in its places, such as {0}."""
    return re.sub(r"\{(\w+|\*)\}", lambda found: places[found[1]], sql)


def unknown(name: str, node: Any) -> SqlError:
    """What is said of a name that is no function here."""
    if name in scalars.OF_TRINO:
        return not_emulated(f"the function {name}", node)
    return SqlError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", node)
