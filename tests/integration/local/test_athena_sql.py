"""Trino's SQL means in DuckDB what it means in Athena, and values look as Athena prints them."""

import datetime
import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from local.athena import comparisons
from local.athena import sql as athena_sql
from local.athena.sql import SqlError, TableUse
from local.athena.tables import run


def query(sql: str, *parameters: str) -> Any:
    statement = athena_sql.parse(sql)
    athena_sql.bind(statement, parameters)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'; SET integer_division = true")
        translated = athena_sql.to_duckdb(statement, {}, [])
        return [tuple(row) for row in run(connection, translated)[2]]


def use(sql: str) -> tuple[Any, TableUse]:
    statement = athena_sql.parse(sql)
    return statement, athena_sql.tables(statement, "db")[0]


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("7 / 2", "3"),
        ("7 / 2.0", "3.5"),
        ("date_diff('day', date '2013-01-01', date '2013-02-01')", "31"),
        ("date_add('day', 1, date '2013-02-28')", "2013-03-01 00:00:00.000"),
        ("date_format(timestamp '2013-01-02 03:04:05', '%Y-%m')", "2013-01"),
        ("date_trunc('month', timestamp '2013-05-06 07:08:09')", "2013-05-01 00:00:00.000"),
        ("date_parse('2013-05-06', '%Y-%m-%d')", "2013-05-06 00:00:00.000"),
        ("from_unixtime(0)", "1970-01-01 00:00:00.000 UTC"),
        ("try_cast('x' AS integer)", None),
        ("cast('2013-05-06' AS date)", "2013-05-06"),
        ("regexp_like('N101', '^N[0-9]+$')", "true"),
        ("cardinality(array[1, 2])", "2"),
        ("element_at(array[5, 6], 1)", "5"),
        ("json_extract_scalar('{\"a\": \"b\"}', '$.a')", "b"),
        ("approx_distinct(1)", "1"),
        ("arbitrary('a')", "a"),
        ("coalesce(null, 'x')", "x"),
        ("substr('flights', 1, 3)", "fli"),
        ("split('a,b', ',')", "[a, b]"),
        ("cast(1.5 AS decimal(10, 2))", "1.50"),
    ],
)
def test_an_expression_of_trino_gives_what_athena_prints(expression: str, printed: str | None) -> None:
    assert query(f"SELECT {expression}") == [(printed,)]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (None, None),
        (True, "true"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (1e7, "1.0E7"),
        (-2.5e10, "-2.5E10"),
        (1.5e-5, "1.5E-5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("10.50"), "10.50"),
        (datetime.datetime(2013, 1, 2, 3, 4, 5, 678901), "2013-01-02 03:04:05.678"),  # noqa: DTZ001  SQL's have none
        (datetime.datetime(1, 1, 2), "0001-01-02 00:00:00.000"),  # noqa: DTZ001  SQL's have none
        (datetime.datetime(2013, 1, 2, tzinfo=datetime.UTC), "2013-01-02 00:00:00.000 UTC"),
        (b"\x00\xff", "00 ff"),
        ([1, None], "[1, null]"),
        ({"a": 1.5}, "{a=1.5}"),
    ],
)
def test_a_value_is_printed_as_athena_prints_it(value: Any, printed: str | None) -> None:
    assert athena_sql.text(value) == printed


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("HUGEINT", "bigint"),
        ("DECIMAL(10,2)", "decimal"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("INTEGER[]", "array"),
        ("STRUCT(a INTEGER)", "row"),
        ("SOMETHING", "varchar"),
    ],
)
def test_a_column_has_athenas_name_for_its_type(kind: str, name: str) -> None:
    assert athena_sql.athena_type(kind) == name


def test_parameters_replace_question_marks_from_left_to_right() -> None:
    sql = "SELECT ?, (SELECT ?), ? WHERE 1 = ?"
    assert query(sql, "1", "'two'", "date '2013-01-03'", "1") == [("1", "two", "2013-01-03")]


@pytest.mark.parametrize("given", [[], ["1", "2"]])
def test_a_wrong_number_of_parameters_is_refused(given: list[str]) -> None:
    with pytest.raises(SqlError, match=f"expected 1 but found {len(given)}"):
        query("SELECT ?", *given)


@pytest.mark.parametrize("given", ["JFK", "(SELECT 1)", "'"])
def test_a_parameter_that_is_no_literal_is_refused(given: str) -> None:
    with pytest.raises(SqlError, match="is not a literal"):
        query("SELECT ?", given)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "line 1:7"),
        ("SELECT 1 FROM (", "line 1:"),
        ("SELECT 1; SELECT 2", "Only one sql statement"),
        ("DELETE FROM t", "not supported: DELETE"),
    ],
)
def test_a_statement_that_athena_would_refuse_is_refused(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        athena_sql.parse(sql)


def test_columns_without_a_name_are_numbered_as_in_trino() -> None:
    translated = athena_sql.to_duckdb(athena_sql.parse("SELECT 1, 2 AS two, 3"), {}, [])
    assert translated == "SELECT 1 AS _col0, 2 AS two, 3 AS _col2"


def test_tables_are_found_in_their_databases_and_names_of_with_are_not_tables() -> None:
    sql = "WITH late AS (SELECT * FROM Flights) SELECT * FROM late JOIN other.planes USING (tailnum)"
    found = athena_sql.tables(athena_sql.parse(sql), "db")
    assert [(table.database, table.name) for table in found] == [("other", "planes"), ("db", "flights")]


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("SELECT 1 FROM t WHERE month = '1' AND delay > 5", "((month = '1'))"),
        ("SELECT 1 FROM t f WHERE f.month IN ('1', '2')", "((month IN ('1', '2')))"),
        ("SELECT 1 FROM t WHERE month = '1' OR delay > 5", None),
        ("SELECT 1 FROM t WHERE delay > 5", None),
        ("SELECT 1 FROM t", None),
        ("SELECT 1 FROM t WHERE month = (SELECT max(month) FROM t)", None),
        ("SELECT 1 FROM t JOIN u ON true WHERE u.month = '1'", None),
    ],
)
def test_only_conditions_that_no_other_row_can_meet_leave_partitions_out(sql: str, condition: str | None) -> None:
    assert athena_sql.partition_filter(use(sql)[1], ["month"]) == condition


def test_a_table_that_is_read_twice_keeps_the_partitions_of_both_readings() -> None:
    _, table = use("SELECT 1 FROM t WHERE month = '1' UNION ALL SELECT 1 FROM t WHERE month = '2'")
    assert athena_sql.partition_filter(table, ["month"]) == "((month = '1')) OR ((month = '2'))"


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("SELECT count(*) FROM t", set()),
        ("SELECT * FROM t", {"a", "b", "c"}),
        ("SELECT t.* FROM t", {"a", "b", "c"}),
        ("SELECT A FROM t WHERE b = 1", {"a", "b"}),
        ("SELECT u.a FROM t JOIN u ON t.b = u.b", {"b"}),
    ],
)
def test_the_columns_that_a_query_touches_are_those_it_names(sql: str, touched: set[str]) -> None:
    statement, table = use(sql)
    assert athena_sql.touched_columns(statement, table, ["a", "b", "c"]) == touched


TYPES = {"month": "int", "name": "string", "day": "date", "price": "decimal(6,2)", "at": "timestamp"}


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("month = '7'", "integer = varchar(1)"),
        ("'7' = t.month", "integer = varchar(1)"),
        ("month IN (7, '12')", "integer = varchar(2)"),
        ("month BETWEEN '1' AND '7'", "integer <= varchar(1)"),
        ("name = 7", "varchar = integer"),
        ("name <> -1.5", "varchar <> decimal"),
        ("day >= '2013-01-31'", "date >= varchar(10)"),
        ("at < '2013-01-31'", "timestamp < varchar(10)"),
        ("price > 'a'", "decimal > varchar(1)"),
        ("month = 7", None),
        ("month IN (7, -8)", None),
        ("month BETWEEN 1 AND 7.5", None),
        ("name = '7'", None),
        ("price > 7", None),
        ("day = DATE '2013-01-31'", None),
        ("day = CAST('2013-01-31' AS date)", None),
        ("CAST(day AS varchar) = '2013-01-31'", None),
        ("CAST(month AS varchar) = '7'", None),
        ("other = '7'", None),
    ],
)
def test_a_column_is_compared_with_literals_of_its_type_only_as_in_trino(condition: str, says: str | None) -> None:
    statement, table = use(f"SELECT 1 FROM t WHERE {condition}")
    if says is None:
        comparisons.check(statement, table, TYPES, alone=True)
    else:
        with pytest.raises(athena_sql.SqlError, match=re.escape(f"Cannot apply operator: {says}")):
            comparisons.check(statement, table, TYPES, alone=True)


def test_a_column_that_may_be_of_another_table_or_of_another_query_is_not_judged() -> None:
    statement, table = use("SELECT 1 FROM t JOIN u ON t.id = u.id WHERE month = '7'")
    comparisons.check(statement, table, TYPES, alone=False)
    statement, table = use("SELECT 1 FROM (SELECT CAST(month AS varchar) AS month FROM t) WHERE month = '7'")
    comparisons.check(statement, table, TYPES, alone=True)
    statement, table = use("SELECT 1 FROM t f JOIN u ON f.id = u.id WHERE f.month = '7'")
    with pytest.raises(athena_sql.SqlError, match="TYPE_MISMATCH"):
        comparisons.check(statement, table, TYPES, alone=False)
