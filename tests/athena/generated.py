"""Queries that are made of parts: each operator over each pair of types, casts, and functions over each type."""

from __future__ import annotations

from collections.abc import Iterator

NUMBERS = ("tiny", "small", "whole", "big", "price", "money", "single", "twice")
OTHERS = ("yes", "text", "day", "at", "raw", "counts")
OPERATORS = ("+", "-", "*", "/", "%", "=", "<", ">=", "<>")
CASTS = ("boolean", "tinyint", "integer", "bigint", "decimal(12,1)", "real", "double", "varchar", "date", "timestamp")
CASTABLE = ("yes", *NUMBERS, "day", "at")
ORDERED = ("yes", *NUMBERS, "text", "day", "at")
TEMPLATE = "SELECT id, {} FROM kinds WHERE id <> 4 ORDER BY id"
"""The row 4 is zero throughout: it is for what fails at run time."""


def expressions() -> Iterator[list[str]]:
    """Expressions for TEMPLATE, in lists that may be asked for in one query: most of them have a value."""
    for operator in OPERATORS:
        yield [f"{one} {operator} {other}" for one in NUMBERS for other in NUMBERS]
    yield [f"try_cast(CAST(id AS varchar) AS {kind})" for kind in CASTS]


def queries() -> Iterator[str]:
    """Queries that are each asked by themselves."""
    for one in (*OTHERS, "whole", "price"):
        for other in OTHERS:
            # Nearly none of these pairs has an operator: both have to say so.
            yield TEMPLATE.format(f"{one} = {other}")
        yield TEMPLATE.format(f"{one} + text")
        yield TEMPLATE.format(f"{one} || text")
        yield TEMPLATE.format(f"{one} > DATE '2013-01-01'")
    for value in CASTABLE:
        for kind in CASTS:
            yield TEMPLATE.format(f"CAST({value} AS {kind})")
    for value in ORDERED:
        for function in ("min", "max", "count", "arbitrary"):
            yield f"SELECT {function}({value}) FROM kinds WHERE id = 1"
        yield f"SELECT array_agg({value} ORDER BY id) FROM kinds"
        yield f"SELECT id FROM kinds WHERE {value} IN ({value}, {value}) ORDER BY id"
        yield f"SELECT id FROM kinds WHERE {value} BETWEEN {value} AND {value} ORDER BY id"
        yield f"SELECT id FROM kinds WHERE {value} IS NOT DISTINCT FROM {value} ORDER BY id"
        yield f"SELECT id, coalesce({value}, {value}), nullif({value}, {value}) FROM kinds ORDER BY {value}, id"
        yield f"SELECT id FROM kinds ORDER BY {value} DESC, id"
        yield f"SELECT {value}, count(*) FROM kinds GROUP BY {value}"
        yield f"SELECT DISTINCT {value} FROM kinds"
        yield f"SELECT id, lag({value}) OVER (ORDER BY id), max({value}) OVER (ORDER BY id) FROM kinds ORDER BY id"
        yield f"SELECT id, CASE WHEN id > 1 THEN {value} END, IF(id = 1, {value}) FROM kinds ORDER BY id"
        yield f"SELECT a.id, b.id FROM kinds a JOIN kinds b ON a.{value} = b.{value} ORDER BY 1, 2"
        yield f"SELECT a.id, count(b.id) FROM kinds a LEFT JOIN kinds b ON a.{value} < b.{value} GROUP BY 1 ORDER BY 1"
        yield f"SELECT {value} FROM kinds WHERE id = 1 UNION ALL SELECT {value} FROM kinds WHERE id = 3"
        yield f"SELECT id FROM kinds WHERE {value} = (SELECT max({value}) FROM kinds) ORDER BY id"
        yield f"SELECT x FROM (SELECT array_agg({value} ORDER BY id) l FROM kinds) CROSS JOIN UNNEST(l) AS t(x)"
        yield f"WITH w AS (SELECT {value} v FROM kinds) SELECT count(v), count(DISTINCT v) FROM w WHERE v IS NOT NULL"
    for operator in ("/", "%"):
        for value in ("tiny", "whole", "big", "price"):
            yield f"SELECT id, 7 {operator} {value} FROM kinds ORDER BY id"
