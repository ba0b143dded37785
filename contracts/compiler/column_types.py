"""Which type of the table a column has: from its logicalType, its physicalType, or both, as people write them.

One table holds the types of Postgres, MySQL, Oracle, SQL Server, Snowflake, BigQuery, Redshift, Databricks, Athena and
Hive (their reference manuals, 2026-11), and what Avro, Protobuf, Python and Java call theirs. Where one name means
different things, the contract's `servers[].type` says which is meant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from open_data_contract_standard.model import SchemaProperty

LOGICAL_TYPES = {
    "string": "string",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
"""The type of the table where a contract has a logicalType only."""

AS_TEXT = ("time", "object", "array", "map", "vector")
"""Logical types that a table of this pipeline has no type for: their values are kept as text."""

MOST_DIGITS = 38
"""Digits of the widest decimal."""

MAX_LENGTH = 16 * 1024 * 1024
"""Characters that no record has more of, since none has more bytes (docs/semantics.md, section 4.1)."""


@dataclass(frozen=True)
class Physical:
    """What a name of a type means; `kind` is a type of the table, or `decimal`, whose digits are in brackets.

    `least` and `most` bound the values where the type of the table takes more.
    """

    kind: str
    least: int | None = None
    most: int | None = None


def _integer(bits: int, *, signed: bool = True) -> Physical:
    """A whole number of so many bits, in the narrowest type of the table that has all of them."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if (bits, signed) in ((32, True), (64, True)):
        return Physical("int" if bits == 32 else "bigint")
    return Physical("int" if most < 2**31 else "bigint" if most < 2**63 else "decimal(20,0)", least, most)


STRING, DOUBLE, BOOLEAN, DATE, TIMESTAMP, DECIMAL = (
    Physical(kind) for kind in ("string", "double", "boolean", "date", "timestamp", "decimal")
)
INT, BIGINT = _integer(32), _integer(64)

_NAMES: tuple[tuple[Physical, str], ...] = (
    (
        STRING,
        "string|str|text|varchar|char|character|nchar|nvarchar|varchar2|nvarchar2|character varying|char varying|"
        "national character|national character varying|national varchar|bpchar|name|citext|tinytext|mediumtext|"
        "longtext|ntext|clob|nclob|long varchar|java.lang.string|type_string|fixedstring|sysname|"
        # Types of other things that a file has as text.
        "uuid|uniqueidentifier|guid|xml|inet|cidr|macaddr|macaddr8|time|timetz|time with time zone|"
        "time without time zone|time_ntz|interval|enum|set|ipv4|ipv6|rowid|urowid|tsvector|tsquery|"
        "bit varying|varbit|hllsketch|"
        # Nested values, as JSON text.
        "json|jsonb|variant|object|array|struct|record|map|row|super|hstore|list|dict|nested|union|vector|"
        "geography|geometry|point|line|lseg|box|path|polygon|circle|sdo_geometry|hierarchyid|sql_variant|range|"
        # Bytes, as the text that a file has of them.
        "bytes|binary|varbinary|varbyte|bytea|blob|tinyblob|mediumblob|longblob|raw|long raw|bfile|image|"
        "rowversion|fixed",
    ),
    (_integer(8), "byteint|byte"),
    # MySQL and others have -128 to 127, SQL Server and Redshift's sources 0 to 255: without a server, both are taken.
    (Physical("int", -128, 255), "tinyint"),
    (_integer(16), "smallint|int2|int16|short|smallserial|serial2"),
    (Physical("int", -(2**23), 2**23 - 1), "mediumint|int3"),
    (INT, "int|integer|int4|int32|serial|serial4|type_int32|java.lang.integer|pls_integer|binary_integer"),
    (Physical("int"), "year"),
    # int8 is 8 bytes in Postgres and Redshift, and 8 bits elsewhere, which are among them.
    (BIGINT, "bigint|long|int8|int64|bigserial|serial8|type_int64|java.lang.long|biginteger"),
    (_integer(8, signed=False), "tinyint unsigned|uint8|utinyint"),
    (_integer(16, signed=False), "smallint unsigned|uint16|usmallint"),
    (Physical("int", 0, 2**24 - 1), "mediumint unsigned"),
    (_integer(32, signed=False), "int unsigned|integer unsigned|uint32|uinteger|uint"),
    (_integer(64, signed=False), "bigint unsigned|uint64|ubigint"),
    (Physical("decimal(38,0)"), "hugeint|int128"),
    (DECIMAL, "decimal|numeric|number|dec|bigdecimal|java.math.bigdecimal|bignumeric|decimal unsigned|fixed decimal"),
    (Physical("decimal(19,4)"), "money"),
    (Physical("decimal(10,4)"), "smallmoney"),
    (
        DOUBLE,
        "double|double precision|float|float4|float8|float32|float64|real|binary_float|binary_double|binary_float|"
        "type_double|type_float|java.lang.double|java.lang.float|decfloat|half|float16|double unsigned|float unsigned",
    ),
    (BOOLEAN, "boolean|bool|bit|logical|type_bool|java.lang.boolean"),
    (DATE, "date|date32|java.time.localdate|datetime.date"),
    (
        TIMESTAMP,
        "timestamp|timestamptz|timestamp_tz|timestamp_ntz|timestamp_ltz|timestampntz|timestampltz|timestamp_s|timestamp_ms|"
        "timestamp_us|timestamp_ns|timestamp with time zone|timestamp without time zone|timestamp with local time zone|"
        "datetime|datetime2|datetime64|datetimeoffset|smalldatetime|abstime|date64|timestamp-millis|timestamp-micros|"
        "java.time.instant|java.time.localdatetime|java.time.offsetdatetime|datetime.datetime|time-stamp",
    ),
)
NAMES: Mapping[str, Physical] = {name: physical for physical, names in _NAMES for name in names.split("|")}
"""What the names of types mean, in lower case, without what is in brackets."""

SIGNED_TINYINT = {"tinyint": _integer(8)}
SERVERS: Mapping[str, Mapping[str, Physical]] = {
    "oracle": {
        "date": TIMESTAMP,  # has a time of day
        "long": STRING,
        **dict.fromkeys(("int", "integer", "smallint"), Physical("decimal(38,0)")),
    },
    "sqlserver": {
        "tinyint": _integer(8, signed=False),
        "timestamp": STRING,  # a row version
    },
    "synapse": {"tinyint": _integer(8, signed=False), "timestamp": STRING},
    **dict.fromkeys(("mysql", "hive", "databricks", "athena", "glue", "trino", "presto", "duckdb"), SIGNED_TINYINT),
}
"""What a name means to a type of server (`servers[].type`) where it is not what the table above says."""

PRECISIONS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("mysql", "hive", "databricks"), (10, 0)),
    **dict.fromkeys(("sqlserver", "synapse", "redshift"), (18, 0)),
    "duckdb": (18, 3),
    **dict.fromkeys(("snowflake", "athena", "trino", "presto"), (MOST_DIGITS, 0)),
}
"""Digits of a decimal that says none, and how many of them are after the point, by type of server."""

ANY_PRECISION = (MOST_DIGITS, 9)
"""The same where the server has no bound, or is not said: 9 digits after the point, as in BigQuery's NUMERIC."""

NESTED = re.compile(r"(array|struct|map|row|list|union|nested|object|record)\s*[<(].*|.*\[\]", re.DOTALL)
WRAPPED = re.compile(r"(?:nullable|lowcardinality|optional)\s*[\[(](.*)[\])]", re.DOTALL)
WITH_DIGITS = re.compile(r"([^()]+?)\s*\(\s*([^()]*?)\s*\)\s*([a-z_ ]*)", re.DOTALL)
ATTRIBUTES = re.compile(
    r"\s+(?:(?:not null|null|identity|auto_increment|zerofill|signed|primary key|unique)\b"
    r"|character set \S+|collate \S+)"
)
ENUM_VALUES = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True, kw_only=True)
class ColumnType:
    """The type of a column of the table, the checks that come with it, and what has to be said of it.

    `checks` are options as a contract writes them (minimum, maximum, maxLength); `enum` are the values of a MySQL ENUM.
    """

    kind: str
    checks: Mapping[str, int] = field(default_factory=dict)
    enum: tuple[str, ...] | None = None
    notices: tuple[str, ...] = ()


class ColumnTypeError(ValueError):
    """A column has no type that the table could have; says what is allowed."""


def column_type(column: SchemaProperty, server: str | None = None) -> ColumnType:
    """The type of a column; `server` is the type of server that its physicalType is of.

    Raises:
        ColumnTypeError: it asks for one that there is not.
    """
    logical, physical = column.logicalType, column.physicalType
    if logical is not None and logical not in LOGICAL_TYPES and logical not in AS_TEXT:
        allowed = ", ".join([*LOGICAL_TYPES, *AS_TEXT])
        raise ColumnTypeError(f"logicalType {logical!r}; allowed: {allowed}")
    found = None if physical is None else _read(physical, server)
    if found is None:
        return _by_logical_type(logical, physical)
    if logical is None:
        return found
    if logical in AS_TEXT:
        return ColumnType(kind="string", notices=(f"logicalType {logical}: its values are kept as text",))
    if _agrees(logical, found.kind):
        if logical == "timestamp" and found.kind == "date":
            return ColumnType(kind="timestamp")
        return found
    kind = LOGICAL_TYPES[logical]
    return ColumnType(kind=kind, notices=(f"physicalType {physical!r}: logicalType {logical} says what it is: {kind}",))


def _by_logical_type(logical: str | None, physical: str | None) -> ColumnType:
    if logical is None and physical is not None:
        raise ColumnTypeError(
            f"physicalType {physical!r} is not known, and there is no logicalType; give {', '.join(LOGICAL_TYPES)}"
        )
    if logical is None:
        return ColumnType(kind="string", notices=("it has no logicalType and no physicalType: it is kept as text",))
    kind = LOGICAL_TYPES.get(logical, "string")
    notices = [] if logical in LOGICAL_TYPES else [f"logicalType {logical}: its values are kept as text"]
    if physical is not None:
        notices.append(f"physicalType {physical!r} is not known: logicalType {logical} says what it is: {kind}")
    return ColumnType(kind=kind, notices=tuple(notices))


def _agrees(logical: str, kind: str) -> bool:
    """Whether a type of the table holds what a logical type says."""
    match logical:
        case "integer":
            return kind in ("int", "bigint") or kind.endswith(",0)")
        case "number":
            return kind in ("int", "bigint", "double") or kind.startswith("decimal")
        case "date" | "timestamp":
            return kind in ("date", "timestamp")
    return kind == LOGICAL_TYPES[logical]


def _read(written: str, server: str | None) -> ColumnType | None:
    """What a physicalType means; None where it is not known."""
    text = " ".join(ATTRIBUTES.sub("", f" {written.lower()}").split())
    while wrapped := WRAPPED.fullmatch(text):
        text = wrapped[1].strip()
    if text.startswith("interval "):
        text = "interval"
    if NESTED.fullmatch(text):
        return ColumnType(kind="string", notices=(f"physicalType {written!r}: its values are kept as text",))
    match = WITH_DIGITS.fullmatch(text)
    name, digits = (f"{match[1]} {match[3]}".strip(), match[2]) if match else (text, "")
    physical = SERVERS.get(server or "", {}).get(name) or NAMES.get(name)
    if physical is None:
        return None
    numbers = [int(number) for number in re.findall(r"-?[0-9]+", digits)] if name not in ("enum", "set") else []
    if name == "bit" and numbers not in ([], [1]):
        return ColumnType(kind="string")
    if physical.kind == "decimal":
        return _decimal(written, name, numbers, server)
    checks: dict[str, int] = {}
    if physical.kind == "string" and numbers and numbers[0] <= MAX_LENGTH and _counts_characters(name):
        checks["maxLength"] = numbers[0]
    if physical.least is not None and physical.most is not None:
        checks |= {"minimum": physical.least, "maximum": physical.most}
    # The values as they are written, not in lower case.
    values = tuple(value.replace("''", "'") for value in ENUM_VALUES.findall(written)) if name == "enum" else None
    return ColumnType(kind=physical.kind, checks=checks, enum=values or None)


def _counts_characters(name: str) -> bool:
    """Whether the number in a type's brackets is a length of text; bytes, times and vectors have others."""
    return re.search(r"char|text|string|clob", name) is not None


def _decimal(written: str, name: str, numbers: list[int], server: str | None) -> ColumnType:
    notices: tuple[str, ...] = ()
    if numbers:
        precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
    else:
        precision, scale = PRECISIONS.get(server or "", ANY_PRECISION)
        notices = (f"physicalType {written!r} says no digits: it is decimal({precision},{scale})",)
    if not (1 <= precision <= MOST_DIGITS and 0 <= scale <= precision):
        raise ColumnTypeError(
            f"physicalType {written!r}; allowed: decimal(p,s) with 1 <= p <= {MOST_DIGITS} and s <= p"
        )
    checks: dict[str, int] = {"minimum": 0} if "unsigned" in name else {}
    return ColumnType(kind=f"decimal({precision},{scale})", checks=checks, notices=notices)


def with_checks(column: SchemaProperty, found: ColumnType) -> dict[str, Any]:
    """The options of a column's values: those of the contract, within what its type allows anyway."""
    options: dict[str, Any] = dict(column.logicalTypeOptions or {})
    for name, bound in found.checks.items():
        given = options.get(name)
        if given is None or (type(given) in (int, float) and not _is_tighter(name, given, bound)):
            options[name] = bound
    return options


def _is_tighter(name: str, given: float, bound: int) -> bool:
    return given >= bound if name == "minimum" else given <= bound
