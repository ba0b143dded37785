"""Reads data contracts (ODCS v3 YAML) and compiles them to the JSON that the functions and the job read.

The contract file is the single source of a dataset's schema, keys, partitions and quality rules. What a
contract asks for and the pipeline cannot do is refused here, before anything is deployed.
"""

import re
from collections.abc import Iterator
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

from components.contract_file import ContractError, read_contract

SUFFIX = ".odcs.yaml"
RESERVED_NAMES = ("index", "quarantined_files", "quarantined_rows", "runs")
"""Names that a dataset cannot have: the list of the contracts, and the tables in components/tables.py."""

FORMATS = ("csv", "jsonl", "parquet")
MAX_FILE_BYTES = 5 * 1024**3
"""Default size limit of a landed file: 5 GiB, of which one Glue worker can still unpack and hold a gzip."""

# What a contract may call a column's type. Left: logicalType and physicalType; right: the type of the table.
PHYSICAL_TYPES = {
    "string": {"string": "string", "varchar": "string", "text": "string"},
    "integer": {"int": "int", "integer": "int", "bigint": "bigint", "long": "bigint"},
    "number": {"double": "double", "float": "double"},
    "boolean": {"boolean": "boolean"},
    "date": {"date": "date"},
    "timestamp": {"timestamp": "timestamp"},
}
DEFAULT_TYPE = {
    "string": "string",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
PARTITION_TYPES = ("int", "bigint", "string", "date")
OPTIONS = {
    "string": ("minLength", "maxLength", "pattern"),
    "int": ("minimum", "maximum"),
    "bigint": ("minimum", "maximum"),
    "double": ("minimum", "maximum"),
    "decimal": ("minimum", "maximum"),
}
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
ONLY_PYTHON = re.compile(
    r"""(?<!\\)\(\?[P(aLu]             # named and conditional groups, Python's flags
    | (?<!\\)\{,                      # {,n}: Java has no repetition without its least number
    | \\Z                             # Java's may stand before a line break
    | \[(?:\\.|[^\]\\\[])*(?:\[|&&)  # Java has sets in sets""",
    re.VERBOSE,
)
"""What Python takes and Java, whose regular expressions Spark has, does not, or takes for something else."""

TIME_ZONE = r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+"
"""Time zones that Java knows by the same names; abbreviations such as EST are not among them."""

CUSTOM_PROPERTIES = ("nullTokens", "formats", "maxFileBytes", "delimiter", "timeZone")
LEAST_FREQUENT_HOURS = 7 * 24
"""What CloudWatch can watch in one alarm, whose periods reach back a week at most."""

SLA_UNITS = {"d": 24.0, "day": 24.0, "days": 24.0, "h": 1.0, "hour": 1.0, "hours": 1.0}


@dataclass(frozen=True)
class CompiledContract:
    """A dataset's contract, ready for deployment.

    `document` is the JSON that `pipeline_core.contract.Contract` reads; `named_queries` maps the name of an
    Athena named query to its SQL.
    """

    name: str
    document: dict[str, Any]
    named_queries: dict[str, str]


def load_contracts(directory: Path) -> list[CompiledContract]:
    """Compile every `*.odcs.yaml` of a directory, sorted by dataset.

    Raises:
        ContractError: names every problem of every file, or says that there is no contract at all.
    """
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    if not paths:
        raise ContractError(f"{directory}: no contract found; add a <dataset>{SUFFIX} file")
    contracts, problems = [], []
    for path in paths:
        try:
            contracts.append(compile_contract(path))
        except ContractError as error:
            problems.append(str(error))
    if problems:
        raise ContractError("\n".join(problems))
    return contracts


def compile_contract(path: Path) -> CompiledContract:
    """Compile one contract file.

    Raises:
        ContractError: lists every problem as `file: field: what is wrong and what is allowed`.
    """
    contract = read_contract(path)
    problems = list(_problems(path, contract))
    if problems:
        raise ContractError("\n".join(f"{path.name}: {problem}" for problem in problems))
    assert contract.schema_
    table = contract.schema_[0]
    document = _document(contract, table)
    return CompiledContract(document["dataset"], document, _named_queries(document))


def _problems(path: Path, contract: OpenDataContractStandard) -> Iterator[str]:
    if not (contract.apiVersion or "").startswith("v3."):
        yield f"apiVersion: {contract.apiVersion!r} is not supported; use v3.x, for example v3.1.0"
    if not re.fullmatch(r"\d+\.\d+\.\d+", contract.version or ""):
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
    for where, rule, column_name in _rules(table):
        for problem in _rule_problems(rule, column_name):
            yield f"{where}: {problem}"
    yield from _custom_problems(contract)


def _column_problems(column: SchemaProperty) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,127}", column.name or ""):
        yield f"name {column.name!r}; allowed are a-z, 0-9, _ with a letter first (a leading _ is the pipeline's)"
    if column.logicalType not in PHYSICAL_TYPES:
        yield f"logicalType {column.logicalType!r}; allowed: {', '.join(PHYSICAL_TYPES)}"
        return
    kind = _type(column)
    if kind is None:
        allowed = [*PHYSICAL_TYPES[column.logicalType]]
        if column.logicalType == "number":
            allowed.append("decimal(p,s) with 1 <= p <= 38 and s <= p")
        yield f"physicalType {column.physicalType!r}; allowed for {column.logicalType}: {', '.join(allowed)}"
        return
    allowed_options = OPTIONS.get(kind.split("(")[0], ())
    for option, value in (column.logicalTypeOptions or {}).items():
        if option not in allowed_options:
            options = ", ".join(allowed_options) or "none"
            yield f"logicalTypeOptions.{option}: not checked for {kind}; allowed: {options}"
        elif option == "pattern":
            yield from _pattern_problems(value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield f"logicalTypeOptions.{option}: {value!r} is not a number"
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


def _pattern_problems(value: object) -> Iterator[str]:
    if found := ONLY_PYTHON.search(str(value)):
        yield (
            f"logicalTypeOptions.pattern: {value!r} has {found[0]!r}, which Spark does not read as it is meant; write "
            "(?:...) for a named group, {0,n} for {,n}, $ for the end, and a backslash before [ and & in brackets"
        )
        return
    try:
        re.compile(str(value))
    except re.error as error:
        yield f"logicalTypeOptions.pattern: {value!r} is not a regular expression: {error}"


def _key_problems(columns: list[SchemaProperty]) -> Iterator[str]:
    keys = [column for column in columns if column.primaryKey]
    if not keys:
        yield "schema.0.properties: no primaryKey; deduplication needs one"
    for flag, position, label in (
        ("primaryKey", "primaryKeyPosition", "primary key"),
        ("partitioned", "partitionKeyPosition", "partition"),
    ):
        chosen = [column for column in columns if getattr(column, flag)]
        positions = [getattr(column, position) for column in chosen]
        if len(chosen) > 1 and sorted(p or 0 for p in positions) != list(range(1, len(chosen) + 1)):
            last = len(chosen)
            yield f"schema.0.properties: {position} of the {label} columns is {positions}; number them 1 to {last}"
    for column in keys:
        if not column.required:
            yield f"schema.0.properties ({column.name}): a primary key column must be required"
    if columns and all(column.partitioned for column in columns):
        yield "schema.0.properties: every column is a partition column; a table needs at least one other"


def _rules(table: SchemaObject) -> Iterator[tuple[str, DataQuality, str | None]]:
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
        if len(limits) != 2 or limits[0] > limits[1]:
            yield f"{given[0]}: {limits!r}; two numbers are needed, the smaller first"
    elif isinstance(value := getattr(rule, given[0]), bool) or not isinstance(value, int | float):
        yield f"{given[0]}: {value!r} is not a number"
    if rule.unit not in (None, "rows", "percent"):
        yield f"unit {rule.unit!r}; allowed: rows, percent"
    if rule.metric == "rowCount" and rule.unit == "percent":
        yield "unit 'percent': a rowCount is in rows"
    if rule.arguments:
        yield "arguments: not supported; what is valid is said by the columns' types and options"


def _custom_problems(contract: OpenDataContractStandard) -> Iterator[str]:
    for item in contract.customProperties or []:
        where = f"customProperties ({item.property})"
        if item.property not in CUSTOM_PROPERTIES:
            yield f"{where}: unknown; allowed: {', '.join(CUSTOM_PROPERTIES)}"
        elif item.property == "nullTokens":
            if not isinstance(item.value, list) or not all(isinstance(token, str) for token in item.value):
                yield f"{where}: {item.value!r} is not a list of strings"
        elif item.property == "formats":
            if not isinstance(item.value, list) or not item.value or not set(item.value) <= set(FORMATS):
                yield f"{where}: {item.value!r}; a list of {', '.join(FORMATS)} is needed"
        elif item.property == "maxFileBytes":
            if not isinstance(item.value, int) or not 1 <= item.value <= MAX_FILE_BYTES:
                yield f"{where}: {item.value!r}; allowed: 1 to {MAX_FILE_BYTES}"
        elif item.property == "delimiter":
            if not isinstance(item.value, str) or len(item.value) != 1 or item.value in '"\r\n':
                yield f"{where}: {item.value!r}; one character, not a quote or a line break"
        elif not _is_time_zone(str(item.value)):
            yield f"{where}: {item.value!r} is not an IANA time zone, for example America/New_York"
    for index, sla in enumerate(contract.slaProperties or []):
        if sla.property == "frequency":
            for problem in _frequency_problems(sla):
                yield f"slaProperties.{index}: {problem}"


def _is_time_zone(name: str) -> bool:
    # A machine without a time zone database knows no names; Spark has its own.
    known = available_timezones() or {name}
    return name in known and re.fullmatch(TIME_ZONE, name) is not None


def _frequency_problems(sla: ServiceLevelAgreementProperty) -> Iterator[str]:
    hours = SLA_UNITS.get(sla.unit or "")
    if hours is None or isinstance(sla.value, bool) or not isinstance(sla.value, int | float):
        yield f"{sla.value!r} {sla.unit!r}; a number of {', '.join(SLA_UNITS)}"
    elif not 0 < sla.value * hours <= LEAST_FREQUENT_HOURS:
        yield (
            f"{sla.value} {sla.unit}; allowed are up to {LEAST_FREQUENT_HOURS // 24} days, which is as far as an alarm "
            "looks back; leave it out where batches come less often"
        )


def _type(column: SchemaProperty) -> str | None:
    logical = column.logicalType or ""
    if column.physicalType is None:
        return DEFAULT_TYPE[logical]
    physical = column.physicalType.lower()
    match = DECIMAL.fullmatch(physical)
    if match and logical == "number":
        precision, scale = int(match[1]), int(match[2])
        return f"decimal({precision},{scale})" if 1 <= precision <= 38 and scale <= precision else None
    return PHYSICAL_TYPES[logical].get(physical)


def _document(contract: OpenDataContractStandard, table: SchemaObject) -> dict[str, Any]:
    columns = table.properties or []
    custom = {item.property: item.value for item in contract.customProperties or []}
    frequency = next((sla for sla in contract.slaProperties or [] if sla.property == "frequency"), None)
    return {
        "dataset": table.name,
        "version": contract.version,
        "columns": [_column(column) for column in columns],
        "primary_key": _in_order(columns, "primaryKey", "primaryKeyPosition"),
        "partition_by": _in_order(columns, "partitioned", "partitionKeyPosition"),
        "quality": [_rule(rule, column) for _, rule, column in _rules(table)],
        "formats": custom.get("formats", list(FORMATS)),
        "null_tokens": custom.get("nullTokens", [""]),
        "delimiter": custom.get("delimiter", ","),
        "time_zone": custom.get("timeZone", "UTC"),
        "max_file_bytes": custom.get("maxFileBytes", MAX_FILE_BYTES),
        "frequency_hours": None
        if frequency is None
        else float(frequency.value or 0) * SLA_UNITS[frequency.unit or "h"],
    }


def _column(column: SchemaProperty) -> dict[str, Any]:
    options = column.logicalTypeOptions or {}
    compiled: dict[str, Any] = {
        "name": column.name,
        "type": _type(column),
        "required": bool(column.required),
    }
    names = {"minimum": "minimum", "maximum": "maximum", "minLength": "min_length", "maxLength": "max_length"}
    compiled |= {name: options[option] for option, name in names.items() if option in options}
    if "pattern" in options:
        compiled["pattern"] = options["pattern"]
    if column.enum:
        compiled["enum"] = [str(item.value) for item in column.enum]
    return compiled


def _in_order(columns: list[SchemaProperty], flag: str, position: str) -> list[str]:
    chosen = [column for column in columns if getattr(column, flag)]
    return [column.name or "" for column in sorted(chosen, key=lambda column: getattr(column, position) or 1)]


def _rule(rule: DataQuality, column: str | None) -> dict[str, Any]:
    operator = next(name for name in OPERATORS if getattr(rule, name) is not None)
    value = getattr(rule, operator)
    return {
        "name": rule.name or rule.metric,
        "metric": rule.metric,
        "column": column,
        "operator": operator,
        "value": value,
        "unit": rule.unit or "rows",
    }


def _named_queries(document: dict[str, Any]) -> dict[str, str]:
    dataset = document["dataset"]
    queries = {
        f"{dataset}_rows": f'SELECT count(*) AS rows FROM "{dataset}"',
        f"{dataset}_batch_rows": f'SELECT count(*) AS rows FROM "{dataset}" WHERE _batch_id = ?',
    }
    partitions = ", ".join(f'"{name}"' for name in document["partition_by"])
    if partitions:
        queries[f"{dataset}_partitions"] = (
            f'SELECT {partitions}, count(*) AS rows FROM "{dataset}" GROUP BY {partitions} ORDER BY {partitions}'
        )
    return queries
