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
        ("smallint", None, "int", {"minimum": -32768, "maximum": 32767}),
        ("tinyint", None, "int", {"minimum": -128, "maximum": 255}),
        ("tinyint", "mysql", "int", {"minimum": -128, "maximum": 127}),
        ("tinyint", "sqlserver", "int", {"minimum": 0, "maximum": 255}),
        ("int(11) unsigned", "mysql", "bigint", {"minimum": 0, "maximum": 4294967295}),
        ("bigint unsigned", "mysql", "decimal(20,0)", {"minimum": 0, "maximum": 18446744073709551615}),
        ("INT64", "bigquery", "bigint", {}),
        ("long", None, "bigint", {}),
        ("bool", None, "boolean", {}),
        ("bit", "sqlserver", "boolean", {}),
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


def test_what_is_guessed_or_left_out_is_said() -> None:
    said = column_type(SchemaProperty(name="v", logicalType="date", physicalType="VARCHAR")).notices
    assert said == ("physicalType 'VARCHAR': logicalType date says what it is: date",)
    assert column_type(SchemaProperty(name="v", logicalType="date", physicalType="timestamp")).notices == ()
    assert (
        "says no digits: it is decimal(38,9)"
        in column_type(SchemaProperty(name="v", physicalType="NUMERIC")).notices[0]
    )


def test_the_tighter_of_a_types_bound_and_the_contracts_holds() -> None:
    assert made("varchar(10)", logicalTypeOptions={"maxLength": 5})[1] == {"maxLength": 5}
    assert made("varchar(10)", logicalTypeOptions={"maxLength": 50})[1] == {"maxLength": 10}
    assert made("smallint", logicalTypeOptions={"minimum": 0})[1] == {"minimum": 0, "maximum": 32767}


def test_an_enum_of_mysql_is_the_values_that_are_taken() -> None:
    assert column_type(SchemaProperty(name="v", physicalType="ENUM('New','it''s')")).enum == ("New", "it's")


@pytest.mark.parametrize("physical", ["integr", "decimal(39,0)", "numeric(2,3)"])
def test_a_type_that_there_is_not_is_refused(physical: str) -> None:
    with pytest.raises(ColumnTypeError, match="physicalType"):
        made(physical)
