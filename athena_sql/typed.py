"""An expression that was analysed: its SQL for DuckDB, its type, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from athena_sql.errors import not_emulated
from athena_sql.types import Type

LONGEST: Final = 200_000
"""A translation that repeats its arguments may grow with every level: beyond this it is refused."""


@dataclass(frozen=True)
class Typed:
    """SQL for DuckDB with the type that Trino gives it.

    `free` are the columns outside aggregates that are not grouped by, `aggregates` and `windows` whether there are any.
    `value` is that of a literal. `may_be_nan` says whether a floating point number can be NaN. `trouble` is why it is
    only good for IS NULL and the like.
    """

    sql: str
    type: Type
    free: frozenset[str] = frozenset()
    aggregates: bool = False
    windows: bool = False
    value: Any = None
    is_literal: bool = False
    may_be_nan: bool = False
    columns: frozenset[str] = frozenset()
    outer: bool = False

    def __post_init__(self) -> None:
        if len(self.sql) > LONGEST:
            raise not_emulated("an expression that is so long in DuckDB's SQL")

    @property
    def is_simple(self) -> bool:
        """Whether it costs nothing to say it twice."""
        return len(self.sql) <= 80 and not self.windows and not self.aggregates


def derived(sql: str, kind: Type, parts: Iterable[Typed], *, may_be_nan: bool = False) -> Typed:
    """An expression made of others."""
    parts = list(parts)
    return Typed(
        sql,
        kind,
        frozenset[str]().union(*(part.free for part in parts)),
        any(part.aggregates for part in parts),
        any(part.windows for part in parts),
        may_be_nan=may_be_nan or (kind.is_float and any(part.may_be_nan for part in parts)),
        columns=frozenset[str]().union(*(part.columns for part in parts)),
        outer=any(part.outer for part in parts),
    )


def once(part: Typed, use: Callable[[str], str]) -> str:
    """SQL that uses a part more than once, but computes it once where that counts."""
    if part.is_simple:
        return use(part.sql)
    # A list of one element gives the value a name.
    return (
        f"list_transform([{part.sql}], lambda once_: {use('once_')})[1]" if "once_" not in part.sql else use(part.sql)
    )


def failing(message: str) -> str:
    """SQL that fails the query: `NAME: message`."""
    text = message.replace("'", "''")
    return f"error('{text}')"


def literal_text(part: Typed, what: str, node: Any) -> str:
    """The value of an argument that has to be a string literal here.

    Raises:
        SqlError: it is none.
    """
    if not part.is_literal or not isinstance(part.value, str):
        raise not_emulated(f"{what} that is no literal", node)
    return part.value
