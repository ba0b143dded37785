"""The types of Trino: how they are written, which one becomes which by itself, and what they are in DuckDB."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from athena_sql.errors import not_emulated


@dataclass(frozen=True)
class Type:
    """A type: its name, its numbers (precision and scale, length), and the types inside.

    `zone` is where the times of a TIMESTAMP WITH TIME ZONE are shown: the instant itself is kept in UTC.
    """

    name: str
    numbers: tuple[int, ...] = ()
    inner: tuple[Type, ...] = ()
    fields: tuple[str, ...] = ()
    zone: str = "UTC"

    def __str__(self) -> str:
        if self.name == ZONED:
            return f"timestamp({self.numbers[0]}) with time zone"
        if self.name == "row":
            names = self.fields or ("",) * len(self.inner)
            parts = [f"{n} {kind}".strip() for n, kind in zip(names, self.inner, strict=True)]
            return f"row({', '.join(parts)})"
        arguments = [str(number) for number in self.numbers] or [str(kind) for kind in self.inner]
        joined = (",".join if self.name == "decimal" else ", ".join)(arguments)
        return f"{self.name}({joined})" if arguments else self.name

    @property
    def is_number(self) -> bool:
        """Whether one can calculate with it."""
        return self.name in RANKS

    @property
    def is_integer(self) -> bool:
        """Whether it is a whole number by type."""
        return self.name in INTEGERS

    @property
    def is_float(self) -> bool:
        """Whether it is binary floating point."""
        return self.name in ("real", "double")

    @property
    def is_text(self) -> bool:
        """Whether it is a varchar of any length."""
        return self.name == "varchar"

    @property
    def is_time(self) -> bool:
        """Whether it is a date or a timestamp of either kind."""
        return self.name in ("date", "timestamp", ZONED)


CATALOG: Final = "awsdatacatalog"
ZONED: Final = "timestamp with time zone"
DAYS: Final = "interval day to second"
MONTHS: Final = "interval year to month"
INTEGERS: Final = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
"""The digits of each, as a decimal has them."""
RANKS: Final = {
    name: rank for rank, name in enumerate(("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double"))
}

BOOLEAN: Final = Type("boolean")
INTEGER: Final = Type("integer")
BIGINT: Final = Type("bigint")
DOUBLE: Final = Type("double")
VARCHAR: Final = Type("varchar")
VARBINARY: Final = Type("varbinary")
DATE: Final = Type("date")
UNKNOWN: Final = Type("unknown")
TIMESTAMP: Final = Type("timestamp", (3,))
TIMESTAMPTZ: Final = Type(ZONED, (3,))


def decimal(precision: int, scale: int) -> Type:
    """A decimal type; never more digits than there are."""
    return Type("decimal", (min(38, precision), scale))


def array(of: Type) -> Type:
    """An array type."""
    return Type("array", (), (of,))


def as_decimal(kind: Type) -> Type:
    """The decimal type that holds every value of a whole number's type."""
    return decimal(INTEGERS[kind.name], 0) if kind.is_integer else kind


def common(left: Type, right: Type) -> Type | None:
    """The type that both become where they meet, or None."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    if left.is_number and right.is_number:
        return _common_number(left, right)
    if left.name == right.name == "varchar":
        return Type("varchar", (max(left.numbers[0], right.numbers[0]),)) if left.numbers and right.numbers else VARCHAR
    if left.is_time and right.is_time:
        return _common_time(left, right)
    if left.name == right.name and left.name in ("array", "map", "row") and len(left.inner) == len(right.inner):
        inner = [common(*pair) for pair in zip(left.inner, right.inner, strict=True)]
        found = tuple(kind for kind in inner if kind is not None)
        return Type(left.name, (), found, left.fields) if len(found) == len(inner) else None
    return None


def _common_number(left: Type, right: Type) -> Type:
    high, low = (left, right) if RANKS[left.name] >= RANKS[right.name] else (right, left)
    if high.name != "decimal":
        return high
    (p1, s1), (p2, s2) = high.numbers, as_decimal(low).numbers
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale, scale)


def _common_time(left: Type, right: Type) -> Type | None:
    order = ("date", "timestamp", ZONED)
    high, low = (left, right) if order.index(left.name) >= order.index(right.name) else (right, left)
    precision = max([*high.numbers, *low.numbers], default=0)
    if left.name == right.name == ZONED and left.zone != right.zone:
        return None
    return Type(high.name, (precision,) if high.name != "date" else (), zone=high.zone)


def coercible(kind: Type, to: Type) -> bool:
    """Whether a value of one type becomes the other by itself."""
    found = common(kind, to)
    return (
        found is not None and found.name == to.name and (kind.name != "decimal" or to.name != "decimal" or found == to)
    )


_DUCKDB: Final = {
    "real": "FLOAT",
    "varbinary": "BLOB",
    ZONED: "TIMESTAMPTZ",
    DAYS: "BIGINT",
    MONTHS: "INTEGER",
    "unknown": "INTEGER",
}
"""Intervals are kept as milliseconds or months."""


def field_names(row: Type) -> tuple[str, ...]:
    """What DuckDB calls the fields of a row: those without a name are field0, field1, ..."""
    names = row.fields or ("",) * len(row.inner)
    return tuple(name or f"field{place}" for place, name in enumerate(names))


def field_of(sql: str, row: Type, place: int) -> str:
    """A field of a row in DuckDB's SQL."""
    name = field_names(row)[place].replace("'", "''")
    return f"struct_extract({sql}, '{name}')"


def duckdb(kind: Type) -> str:
    """The type as DuckDB writes it."""
    if kind.name == "decimal":
        return f"DECIMAL({kind.numbers[0]}, {kind.numbers[1]})"
    if kind.name == "array":
        return f"{duckdb(kind.inner[0])}[]"
    if kind.name == "map":
        return f"MAP({duckdb(kind.inner[0])}, {duckdb(kind.inner[1])})"
    if kind.name == "row":
        pairs = zip(field_names(kind), kind.inner, strict=True)
        return f"STRUCT({', '.join(f'{_quoted(n)} {duckdb(k)}' for n, k in pairs)})"
    return _DUCKDB.get(kind.name, kind.name.upper())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_SIMPLE: Final = {
    **{name: Type(name) for name in ("tinyint", "smallint", "integer", "bigint", "double", "boolean", "date")},
    "int": INTEGER,
    "float": Type("real"),
    "real": Type("real"),
    "string": VARCHAR,
    "varchar": VARCHAR,
    "binary": VARBINARY,
    "varbinary": VARBINARY,
    "timestamp": TIMESTAMP,
    "decimal": decimal(38, 0),
}


def from_hive(text: str) -> Type:
    """Read a type of the catalog.

    Raises:
        SqlError: it is one that is not emulated.
    """
    bare = re.sub(r"\s", "", text.lower())
    if bare in _SIMPLE:
        return _SIMPLE[bare]
    if found := re.fullmatch(r"decimal\((\d+)(?:,(\d+))?\)", bare):
        return decimal(int(found[1]), int(found[2] or 0))
    if found := re.fullmatch(r"varchar\((\d+)\)", bare):
        return Type("varchar", (int(found[1]),))
    if bare.startswith("array<") and bare.endswith(">"):
        return array(from_hive(bare[6:-1]))
    if bare.startswith("map<") and bare.endswith(">"):
        parts = _split(bare[4:-1])
        if len(parts) == 2:
            return Type("map", (), tuple(map(from_hive, parts)))
    if bare.startswith("struct<") and bare.endswith(">"):
        pairs = [part.partition(":") for part in _split(bare[7:-1])]
        return Type("row", (), tuple(from_hive(kind) for _, _, kind in pairs), tuple(name for name, _, _ in pairs))
    raise not_emulated(f"columns of type {text}")


def _split(text: str) -> list[str]:
    """What stands between the commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
