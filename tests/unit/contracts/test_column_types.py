"""Types as people write them become types of the table, with their lengths and digits as checks."""

from typing import Any

import pytest
from open_data_contract_standard.model import SchemaProperty

from contracts.compiler.column_types import ColumnTypeError, column_type, with_checks


def made(physical: str | None, logical: str | None = None, server: str | None = None, **more: Any) -> tuple[str, Any]:
    column = SchemaProperty(name="value", physicalType=physical, logicalType=logical, **more)
    found = column_type(column, server)
    return found.kind, with_checks(column, found)


@pytest.mark.parametrize(
    ("physical", "server", "kind", "checks"),
    [
        ("varchar(255)", None, "string", {"maxLength": 255}),
        ("CHARACTER VARYING(20)", "postgres", "string", {"maxLength": 20}),
        ("VARCHAR2(20 BYTE)", "oracle", "string", {"maxLength": 20}),
        ("nvarchar(max)", "sqlserver", "string", {}),
        ("char(2)", None, "string", {"maxLength": 2}),
        ("varbinary(16)", None, "string", {}),
        ("uuid", "postgres", "string", {}),
        ("byte", None, "int", {"minimum": -128, "maximum": 127}),
        ("smallint", None, "int", {"minimum": -32768, "maximum": 32767}),
        ("mediumint", "mysql", "int", {"minimum": -8388608, "maximum": 8388607}),
        ("int", None, "int", {}),
        ("tinyint unsigned", "mysql", "int", {"minimum": 0, "maximum": 255}),
        ("uint16", "duckdb", "int", {"minimum": 0, "maximum": 65535}),
        ("mediumint unsigned", "mysql", "int", {"minimum": 0, "maximum": 16777215}),
        ("int", "oracle", "decimal(38,0)", {}),
        ("Nullable(Int32)", "clickhouse", "int", {}),
        ("LowCardinality(Nullable( FixedString(3) ))", "clickhouse", "string", {"maxLength": 3}),
        (f"varchar({16 * 1024**2})", None, "string", {"maxLength": 16 * 1024**2}),
        (f"varchar({16 * 1024**2 + 1})", None, "string", {}),
        ("set('a1','b2')", "mysql", "string", {}),
        ("decimal(5,2) unsigned", "mysql", "decimal(5,2)", {"minimum": 0}),
        ("decimal unsigned", "mysql", "decimal(10,0)", {"minimum": 0}),
        ("decimal(38,38)", None, "decimal(38,38)", {}),
        ("decimal(1,0)", None, "decimal(1,0)", {}),
        ("tinyint", None, "int", {"minimum": -128, "maximum": 255}),
        ("tinyint", "mysql", "int", {"minimum": -128, "maximum": 127}),
        ("tinyint", "sqlserver", "int", {"minimum": 0, "maximum": 255}),
        ("int(11) unsigned", "mysql", "bigint", {"minimum": 0, "maximum": 4294967295}),
        ("bigint unsigned", "mysql", "decimal(20,0)", {"minimum": 0, "maximum": 18446744073709551615}),
        ("INT64", "bigquery", "bigint", {}),
        ("long", None, "bigint", {}),
        ("bool", None, "boolean", {}),
        ("bit", "sqlserver", "boolean", {}),
        ("bit(1)", "postgres", "boolean", {}),
        ("bit(2)", "postgres", "string", {}),
        ("bit(8)", "postgres", "string", {}),
        ("NUMERIC(10,2)", None, "decimal(10,2)", {}),
        ("NUMBER(5)", "oracle", "decimal(5,0)", {}),
        ("NUMBER", "snowflake", "decimal(38,0)", {}),
        ("NUMERIC", "bigquery", "decimal(38,9)", {}),
        ("DECIMAL", "mysql", "decimal(10,0)", {}),
        ("money", "sqlserver", "decimal(19,4)", {}),
        ("FLOAT64", "bigquery", "double", {}),
        ("double precision", "postgres", "double", {}),
        ("date", None, "date", {}),
        ("DATE", "oracle", "timestamp", {}),
        ("timestamp(6)", None, "timestamp", {}),
        ("timestamp(3) without time zone", "postgres", "timestamp", {}),
        ("timestamptz", "redshift", "timestamp", {}),
        ("TIMESTAMP_NTZ(9)", "snowflake", "timestamp", {}),
        ("timestamp", "sqlserver", "string", {}),
        ("datetime", "mysql", "timestamp", {}),
        ("datetimeoffset(7)", "sqlserver", "timestamp", {}),
        ("interval year(2) to month", "oracle", "string", {}),
        ("array<struct<a:int>>", "athena", "string", {}),
        ("SUPER", "redshift", "string", {}),
        ("jsonb not null", "postgres", "string", {}),
        ("int NULL", None, "int", {}),
        ("int identity(1,1) primary key", "sqlserver", "int", {}),
        ("varchar(5) character set utf8mb4 collate utf8mb4_bin", "mysql", "string", {"maxLength": 5}),
    ],
)
def test_a_physical_type_says_the_type_and_its_checks(
    physical: str, server: str | None, kind: str, checks: dict[str, int]
) -> None:
    assert made(physical, None, server) == (kind, checks)


@pytest.mark.parametrize(
    ("logical", "physical", "kind"),
    [
        ("string", None, "string"),
        ("integer", None, "bigint"),
        (None, None, "string"),
        ("date", "timestamp", "timestamp"),
        ("timestamp", "DATE", "timestamp"),
        ("date", "VARCHAR", "date"),
        ("string", "INT64", "string"),
        ("integer", "NUMBER(10,0)", "decimal(10,0)"),
        ("integer", "NUMBER(10,2)", "bigint"),
        ("boolean", "tinyint(1)", "boolean"),
        ("number", "9", "double"),
        ("object", "RECORD", "string"),
        ("time", None, "string"),
    ],
)
def test_a_logical_type_decides_where_the_physical_one_says_something_else(
    logical: str | None, physical: str | None, kind: str
) -> None:
    assert made(physical, logical)[0] == kind


NUMERIC = "physicalType 'NUMERIC' says no digits: it is decimal"


@pytest.mark.parametrize(
    ("logical", "physical", "server", "says"),
    [
        ("date", "VARCHAR", None, "physicalType 'VARCHAR': logicalType date says what it is: date"),
        ("date", "timestamp", None, None),
        ("integer", "bigint", None, None),
        ("time", None, None, "logicalType time: its values are kept as text"),
        ("object", "RECORD", None, "logicalType object: its values are kept as text"),
        ("string", None, None, None),
        (None, None, None, "it has no logicalType and no physicalType: it is kept as text"),
        (None, "array<int>", None, "physicalType 'array<int>': its values are kept as text"),
        (None, "int[]", None, "physicalType 'int[]': its values are kept as text"),
        ("number", "9", None, "physicalType '9' is not known: logicalType number says what it is: double"),
        (None, "NUMERIC", None, f"{NUMERIC}(38,9)"),
        (None, "NUMERIC", "postgres", f"{NUMERIC}(38,9)"),
        (None, "NUMERIC", "duckdb", f"{NUMERIC}(18,3)"),
        (None, "NUMERIC", "sqlserver", f"{NUMERIC}(18,0)"),
        (None, "NUMERIC(5)", None, None),
    ],
)
def test_what_is_guessed_or_left_out_is_said(
    logical: str | None, physical: str | None, server: str | None, says: str | None
) -> None:
    column = SchemaProperty(name="v", logicalType=logical, physicalType=physical)
    assert column_type(column, server).notices == (() if says is None else (says,))


def test_two_things_that_are_guessed_are_both_said() -> None:
    column = SchemaProperty(name="v", logicalType="map", physicalType="hash")
    assert column_type(column).notices == (
        "logicalType map: its values are kept as text",
        "physicalType 'hash' is not known: logicalType map says what it is: string",
    )


def test_the_tighter_of_a_types_bound_and_the_contracts_holds() -> None:
    assert made("varchar(10)", logicalTypeOptions={"maxLength": 5})[1] == {"maxLength": 5}
    assert made("varchar(10)", logicalTypeOptions={"maxLength": 50})[1] == {"maxLength": 10}
    assert made("smallint", logicalTypeOptions={"minimum": 0})[1] == {"minimum": 0, "maximum": 32767}
    assert made("byte", logicalTypeOptions={"minimum": -129, "maximum": 128})[1] == {"minimum": -128, "maximum": 127}
    # The contract's own is kept as it is written where it is the same.
    same = made("byte", logicalTypeOptions={"minimum": -128.0, "maximum": 127.0})[1]
    assert [type(bound) for bound in same.values()] == [float, float]


def test_an_enum_of_mysql_is_the_values_that_are_taken() -> None:
    found = column_type(SchemaProperty(name="v", physicalType="ENUM('New','it''s')"))
    assert (found.kind, found.checks, found.enum) == ("string", {}, ("New", "it's"))
    digits = column_type(SchemaProperty(name="v", physicalType="enum('8','24')"))
    assert (digits.checks, digits.enum) == ({}, ("8", "24")), "numbers in its values are no length"
    for physical in ("set('a')", "varchar(9) collate 'x'"):
        assert column_type(SchemaProperty(name="v", physicalType=physical)).enum is None


@pytest.mark.parametrize(
    ("physical", "says"),
    [
        (
            "integr",
            " is not known, and there is no logicalType; give string, integer, number, boolean, date, timestamp",
        ),
        *(
            (physical, "; allowed: decimal(p,s) with 1 <= p <= 38 and s <= p")
            for physical in ("decimal(39,0)", "numeric(2,3)", "decimal(0,0)", "number(5,-1)")
        ),
    ],
)
def test_a_type_that_there_is_not_is_refused(physical: str, says: str) -> None:
    with pytest.raises(ColumnTypeError) as caught:
        made(physical)
    assert str(caught.value) == f"physicalType {physical!r}{says}"


def test_a_logical_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(ColumnTypeError) as caught:
        made(None, "money")
    assert str(caught.value) == (
        "logicalType 'money'; allowed: string, integer, number, boolean, date, timestamp, "
        "time, object, array, map, vector"
    )
