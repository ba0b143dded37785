"""The rules of quality: which are enforced, which only said, and what is wrong with them."""

import math
from collections.abc import Iterator

from open_data_contract_standard.model import DataQuality, SchemaObject

METRICS = ("rowCount", "nullValues", "invalidValues", "duplicateValues")
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


NOT_RUN = {
    "sql": "a query is written for the server that it names, and is not run on a batch",
    "custom": "it is written for another program",
}
"""Types of rules that are only shown, with the reason; a rule of type text says something to people."""


def quality_rules(index: int, table: SchemaObject) -> Iterator[tuple[str, DataQuality, str | None]]:
    """Every rule of a table and its columns: where it stands, the rule, and the name of the column that it is of."""
    for number, rule in enumerate(table.quality or []):
        yield f"schema.{index}.quality.{number}", rule, None
    for position, column in enumerate(table.properties or []):
        for number, rule in enumerate(column.quality or []):
            yield f"schema.{index}.properties.{position}.quality.{number}", rule, column.name


def metric_of(rule: DataQuality) -> str | None:
    """What a rule measures; in version 3.0 of the standard the field was called `rule`."""
    return rule.metric or rule.rule


def not_enforced(rule: DataQuality, column: str | None) -> str | None:
    """Why a rule that is right by the standard is not enforced; None if it is, or if it is wrong."""
    kind = _type_of(rule)
    if kind == "text":
        return None
    if kind in NOT_RUN:
        return NOT_RUN[kind]
    metric = metric_of(rule)
    if metric == "missingValues" or (rule.metric is None and metric not in METRICS):
        return f"{metric} is not measured; measured are {', '.join(METRICS)}"
    if rule.arguments and metric in METRICS:
        return f"{metric} with arguments is not measured; what is valid is said by the columns' types and options"
    if metric == "duplicateValues" and column is not None:
        return "duplicates are found by the primary key, not by one column"
    return None


def is_enforced(rule: DataQuality, column: str | None) -> bool:
    """Whether a batch is judged by a rule that has no problem."""
    return _type_of(rule) == "library" and not_enforced(rule, column) is None


def _type_of(rule: DataQuality) -> str:
    if rule.type is not None:
        return rule.type
    if metric_of(rule) is not None:
        return "library"
    # A rule of no type, that has nothing but words, says something to people.
    return "sql" if rule.query is not None else "custom" if rule.implementation is not None else "text"


def rule_problems(rule: DataQuality, column: str | None) -> Iterator[str]:
    """Say what is wrong with a rule."""
    kind = _type_of(rule)
    if kind not in ("library", "text", *NOT_RUN):
        yield f"type {rule.type!r}; allowed: library, text, {', '.join(NOT_RUN)}"
    if kind != "library" or not_enforced(rule, column) is not None:
        return
    metric = metric_of(rule)
    if metric not in METRICS:
        yield f"metric {metric!r}; allowed: {', '.join(METRICS)}"
        return
    if metric == "nullValues" and column is None:
        yield "metric nullValues: belongs to a column, move it below the property"
    if metric == "rowCount" and column is not None:
        yield "metric rowCount: belongs to the table, move it to the quality of the schema's object"
    given = [name for name in OPERATORS if getattr(rule, name) is not None]
    if len(given) != 1:
        yield f"operators {given}; exactly one of {', '.join(OPERATORS)} is needed"
    elif given[0].endswith("Between"):
        limits = getattr(rule, given[0])
        if not all(map(_is_number, limits)) or limits[0] > limits[1]:
            yield f"{given[0]}: {limits!r}; two numbers are needed, the smaller first"
    elif not _is_number(value := getattr(rule, given[0])):
        yield f"{given[0]}: {value!r} is not a number"
    if rule.unit not in (None, "rows", "percent"):
        yield f"unit {rule.unit!r}; allowed: rows, percent"
    if metric == "rowCount" and rule.unit == "percent":
        yield "unit 'percent': a rowCount is in rows"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
