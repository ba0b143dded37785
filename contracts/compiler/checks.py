"""Says what a contract asks for that the pipeline cannot do, by field, with what is allowed."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

from contracts.compiler import dialect
from contracts.compiler.column_values import PARTITION_TYPES, type_of, type_problem, value_problems

SUFFIX = ".odcs.yaml"
RESERVED_NAMES = ("index", "quarantined_files", "quarantined_rows", "runs")
"""Names that a dataset cannot have: the list of the contracts, and the tables in components/catalog/tables.py."""

FORMATS = ("csv", "jsonl", "parquet")
MAX_FILE_BYTES = 5 * 1024**3
"""Default size limit of a landed file: 5 GiB, of which one Glue worker can still unpack and hold a gzip."""

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

TIME_ZONE = r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+"
"""Time zones that Java knows by the same names; abbreviations such as EST are not among them."""

CUSTOM_PROPERTIES = {
    "nullTokens": dialect.NULL_TOKENS,
    "formats": f"a list of {', '.join(FORMATS)} is needed",
    "maxFileBytes": f"allowed: 1 to {MAX_FILE_BYTES}",
    "timeZone": "it is not an IANA time zone, for example America/New_York",
    "crawler": "true or false is needed, without quotes",
    **{name: setting.allowed for name, setting in dialect.SETTINGS.items()},
}
"""What a contract may say beyond the standard, and what is allowed there."""

LEAST_FREQUENT_HOURS = 7 * 24
"""What CloudWatch can watch in one alarm, whose periods reach back a week at most."""

HOUR = 3_600.0
LONG_UNITS = {**dict.fromkeys(("d", "day", "days"), 24 * HOUR), **dict.fromkeys(("h", "hour", "hours"), HOUR)}
SHORT_UNITS = {
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
}
"""Units of what a contract promises, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A property of `slaProperties` that something is done with; `least` and `most` are seconds."""

    name: str
    units: Mapping[str, float]
    least: float = 0
    most: float
    allowed: str


FREQUENCY = Promise(
    name="frequency",
    units=LONG_UNITS,
    most=LEAST_FREQUENT_HOURS * HOUR,
    allowed=f"allowed are up to {LEAST_FREQUENT_HOURS // 24} days, which is as far as an alarm looks back; leave it "
    "out where batches come less often",
)
LATENCY = Promise(
    name="latency",
    units={**LONG_UNITS, **SHORT_UNITS},
    least=1,
    most=30 * 24 * HOUR,
    allowed="allowed are 1 second to 30 days; leave it out where nothing is promised",
)
"""From the landing of a file to its rows being published."""


def contract_problems(path: Path, contract: OpenDataContractStandard) -> Iterator[str]:
    """Say every reason why a contract cannot be kept, as `field: what is wrong and what is allowed`."""
    if contract.kind != "DataContract":
        yield f"kind: {contract.kind!r}; allowed: DataContract"
    if not re.fullmatch(r"v3(\.[0-9]+){1,2}", contract.apiVersion or ""):
        yield f"apiVersion: {contract.apiVersion!r} is not supported; use v3.x, for example v3.1.0"
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}", contract.version or ""):
        yield f"version: {contract.version!r} is not MAJOR.MINOR.PATCH, for example 1.0.0"
    tables = contract.schema_ or []
    if len(tables) != 1:
        yield f"schema: {len(tables)} tables; one contract describes exactly one"
        return
    table = tables[0]
    expected = path.name.removesuffix(SUFFIX)
    if table.name != expected:
        yield f"schema.0.name: {table.name!r} differs from the file's name; name the table {expected!r}"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", table.name or ""):
        yield f"schema.0.name: {table.name!r}; allowed are a-z, 0-9, _ (a letter first, up to 50)"
    if table.name in RESERVED_NAMES:
        yield f"schema.0.name: {table.name!r} is the pipeline's own; taken are {', '.join(RESERVED_NAMES)}"
    if not table.properties:
        yield "schema.0.properties: no column; a table has at least one"
        return
    names = [column.name or "" for column in table.properties]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"schema.0.properties: column {twice!r} is there twice"
    for index, column in enumerate(table.properties):
        for problem in _column_problems(column):
            yield f"schema.0.properties.{index} ({column.name}): {problem}"
    yield from _key_problems(table.properties)
    for where, rule, column_name in quality_rules(table):
        for problem in _rule_problems(rule, column_name):
            yield f"{where}: {problem}"
    yield from _custom_problems(contract)


def _column_problems(column: SchemaProperty) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,127}", column.name or ""):
        yield f"name {column.name!r}; allowed are a-z, 0-9, _ with a letter first (a leading _ is the pipeline's)"
    kind = type_of(column)
    if kind is None:
        yield type_problem(column)
        return
    for inner in ("properties", "items", "map"):
        if getattr(column, inner) is not None:
            yield f"{inner}: a {kind} column has no values in its values; leave it out"
    yield from value_problems(column, kind)
    yield from dialect.column_problems(column)
    if column.partitioned:
        if kind not in PARTITION_TYPES:
            yield f"partitioned: a {kind} column; allowed: {', '.join(PARTITION_TYPES)}"
        if not column.primaryKey:
            yield (
                "partitioned: not in the primary key; a partition column belongs to the key, "
                "so that a duplicate is always found in the same partition"
            )
    if column.unique and not column.primaryKey:
        yield "unique: only the primary key is checked for duplicates; use primaryKey, or leave it out"


def _key_problems(columns: list[SchemaProperty]) -> Iterator[str]:
    keys = [column for column in columns if column.primaryKey]
    if not keys:
        yield "schema.0.properties: no primaryKey; deduplication needs one"
    for flag, position, label in (
        ("primaryKey", "primaryKeyPosition", "primary key"),
        ("partitioned", "partitionKeyPosition", "partition"),
    ):
        for column in columns:
            # -1 is what the standard says where there is none.
            if not getattr(column, flag) and getattr(column, position) not in (None, -1):
                yield f"schema.0.properties ({column.name}): {position} without {flag}: true, which it belongs to"
        chosen = [column for column in columns if getattr(column, flag)]
        positions = [getattr(column, position) for column in chosen]
        alone = len(chosen) == 1 and positions[0] in (None, -1)
        if not alone and sorted(p or 0 for p in positions) != list(range(1, len(chosen) + 1)):
            last = len(chosen)
            yield f"schema.0.properties: {position} of the {label} columns is {positions}; number them 1 to {last}"
    for column in keys:
        if not column.required:
            yield f"schema.0.properties ({column.name}): a primary key column must be required"
    if columns and all(column.partitioned for column in columns):
        yield "schema.0.properties: every column is a partition column; a table needs at least one other"


def quality_rules(table: SchemaObject) -> Iterator[tuple[str, DataQuality, str | None]]:
    """Every rule of a table and its columns: where it stands, the rule, and the column that it is of."""
    for index, rule in enumerate(table.quality or []):
        yield f"schema.0.quality.{index}", rule, None
    for position, column in enumerate(table.properties or []):
        for index, rule in enumerate(column.quality or []):
            yield f"schema.0.properties.{position}.quality.{index}", rule, column.name


def _rule_problems(rule: DataQuality, column: str | None) -> Iterator[str]:
    if rule.type not in (None, "library"):
        yield f"type {rule.type!r}; allowed: library"
    if rule.metric not in METRICS:
        yield f"metric {rule.metric!r}; allowed: {', '.join(METRICS)}"
        return
    if rule.metric == "nullValues" and column is None:
        yield "metric nullValues: belongs to a column, move it below the property"
    if rule.metric in ("rowCount", "duplicateValues") and column is not None:
        yield f"metric {rule.metric}: belongs to the table, move it to schema.0.quality"
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
    if rule.metric == "rowCount" and rule.unit == "percent":
        yield "unit 'percent': a rowCount is in rows"
    if rule.arguments:
        yield "arguments: not supported; what is valid is said by the columns' types and options"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _custom_problems(contract: OpenDataContractStandard) -> Iterator[str]:
    custom = contract.customProperties or []
    for item in custom:
        where = f"customProperties ({item.property})"
        if item.property not in CUSTOM_PROPERTIES:
            yield f"{where}: unknown; allowed: {', '.join(CUSTOM_PROPERTIES)}"
        elif not _is_allowed(item.property, item.value):
            yield f"{where}: {item.value!r}; {CUSTOM_PROPERTIES[item.property]}"
    yield from dialect.problems({item.property: item.value for item in custom})
    for name, times in Counter(item.property for item in custom).items():
        if times > 1:
            yield f"customProperties ({name}): there {times} times; write it once"
    for promise in (FREQUENCY, LATENCY):
        made = [(index, sla) for index, sla in enumerate(contract.slaProperties or []) if sla.property == promise.name]
        for index, sla in made:
            for problem in _promise_problems(promise, sla):
                yield f"slaProperties.{index}: {problem}"
        for index, _ in made[1:]:
            yield f"slaProperties.{index}: a second {promise.name}; a dataset has one"


def _is_allowed(name: str, value: Any) -> bool:
    if name in dialect.SETTINGS:
        return dialect.SETTINGS[name].allows(value)
    match name:
        case "nullTokens":
            return dialect.is_null_tokens(value)
        case "formats":
            return isinstance(value, list) and bool(value) and all(item in FORMATS for item in value)
        case "maxFileBytes":
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_FILE_BYTES
        case "crawler":
            return isinstance(value, bool)
    return isinstance(value, str) and _is_time_zone(value)


def _is_time_zone(name: str) -> bool:
    # A machine without a time zone database knows no names; Spark has its own.
    known = available_timezones() or {name}
    return name in known and re.fullmatch(TIME_ZONE, name) is not None


def _promise_problems(promise: Promise, sla: ServiceLevelAgreementProperty) -> Iterator[str]:
    seconds = promise.units.get(sla.unit or "")
    if seconds is None or isinstance(sla.value, bool) or not isinstance(sla.value, int | float):
        yield f"{sla.value!r} {sla.unit!r}; a number of {', '.join(promise.units)}"
    elif not promise.least <= sla.value * seconds <= promise.most or sla.value <= 0:
        yield f"{sla.value} {sla.unit}; {promise.allowed}"
