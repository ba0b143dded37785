"""Trino's SQL means in DuckDB what it means in Athena, and values look as Athena prints them.

What the real engine answers to the same and to hundreds of other queries is held by tests/athena.
"""

import datetime
import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from athena_sql import dialect, queries
from athena_sql.errors import SqlError
from athena_sql.scope import Table
from athena_sql.types import DOUBLE, TIMESTAMP, VARBINARY, VARCHAR, Type, array, decimal, from_hive
from local.athena import parameters as execution_parameters
from local.athena import printing


class Catalog:
    """One table `t`, and its twin `u`, both with a partition key `month`."""

    def __init__(self, **types: str) -> None:
        columns = types or {"a": "int", "b": "int", "c": "int", "delay": "int"}
        self.found = Table(
            columns={name: from_hive(kind) for name, kind in {**columns, "month": "string"}.items()}, keys=["month"]
        )

    def table(self, database: str, name: str) -> Table | None:
        return self.found if name in ("t", "u") else None

    def has_database(self, database: str) -> bool:
        return True


def analyse(sql: str, *parameters: str, catalog: Catalog | None = None) -> queries.Analysis:
    tree = execution_parameters.bind(dialect.parse(sql), parameters)
    return queries.analyse(tree, catalog or Catalog(), "db")


def query(sql: str, *parameters: str) -> Any:
    found = analyse(sql, *parameters)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(printing.printable(found.sql, found.types)).fetchall()
    printers = [printing.printer(kind) for kind in found.types]
    return [tuple(show(value) for show, value in zip(printers, row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("7 / 2", "3"),
        ("7 / 2.0", "3.5"),
        ("date_diff('day', date '2013-01-01', date '2013-02-01')", "31"),
        ("date_add('day', 1, date '2013-02-28')", "2013-03-01"),
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
        ("CAST(1 AS decimal(10, 2)) / 3", "0.33"),
        ("timestamp '2013-01-01 05:00:00' AT TIME ZONE 'America/New_York'", "2013-01-01 00:00:00.000 America/New_York"),
        ("CAST(2.5e0 AS integer)", "3"),
        ("regexp_replace('ab', '(a)(b)', '$2$1')", "ba"),
        ("1e0 / 0", "Infinity"),
        ("'' IS NULL", "false"),
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
    ("kind", "value", "printed"),
    [
        (VARCHAR, None, None),
        (Type("boolean"), True, "true"),
        (DOUBLE, 1.0, "1.0"),
        (DOUBLE, 0.001, "0.001"),
        (DOUBLE, 1e7, "1.0E7"),
        (DOUBLE, -2.5e10, "-2.5E10"),
        (DOUBLE, 1.5e-5, "1.5E-5"),
        (DOUBLE, float("nan"), "NaN"),
        (DOUBLE, float("-inf"), "-Infinity"),
        (Type("real"), 0.10000000149011612, "0.1"),
        (decimal(4, 2), Decimal("10.50"), "10.50"),
        (TIMESTAMP, datetime.datetime(2013, 1, 2, 3, 4, 5, 678901), "2013-01-02 03:04:05.678"),  # noqa: DTZ001  SQL's have none
        (Type("timestamp", (0,)), datetime.datetime(1, 1, 2), "0001-01-02 00:00:00.000"),  # noqa: DTZ001  SQL's have none
        (Type("timestamp", (6,)), datetime.datetime(1, 1, 2), "0001-01-02 00:00:00.000000"),  # noqa: DTZ001  SQL's have none
        (VARBINARY, b"\x00\xff", "00 ff"),
        (array(Type("integer")), [1, None], "[1, null]"),
        (Type("map", (), (VARCHAR, DOUBLE)), {"a": 1.5}, "{a=1.5}"),
        (Type("interval day to second"), 86_400_000 + 3_661_001, "1 01:01:01.001"),
    ],
)
def test_a_value_is_printed_as_athena_prints_it(kind: Type, value: Any, printed: str | None) -> None:
    assert printing.printer(kind)(value) == printed


def test_parameters_replace_question_marks_from_left_to_right() -> None:
    sql = "SELECT ?, (SELECT ?), ? WHERE 1 = ?"
    assert query(sql, "1", "'two'", "date '2013-01-03'", "1") == [("1", "two", "2013-01-03")]


@pytest.mark.parametrize("given", [[], ["1", "2"]])
def test_a_wrong_number_of_parameters_is_refused(given: list[str]) -> None:
    with pytest.raises(SqlError, match=f"expected 1 but found {len(given)}"):
        query("SELECT ?", *given)


@pytest.mark.parametrize("given", ["JFK", "(SELECT 1)", "'", "1, 2", "1 FROM t"])
def test_a_parameter_that_is_no_literal_is_refused(given: str) -> None:
    with pytest.raises(SqlError, match="is not a literal"):
        query("SELECT ?", given)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'"),
        ("SELECT 1 FROM (", "SYNTAX_ERROR: line 1:"),
        ("SELECT 1; SELECT 2", "Only one sql statement"),
        ("DELETE FROM t", "NOT_EMULATED: line 1:1: DELETE: not emulated here: ATHENA=trino"),
        ("SELECT a FROM t LIMIT 1 OFFSET 1", "SYNTAX_ERROR: line 1:25: mismatched input 'OFFSET'"),
        ("SELECT a FROM t WHERE a ILIKE 'x'", "SYNTAX_ERROR"),
        ("SELECT a::varchar FROM t", "SYNTAX_ERROR"),
        ("SELECT a AS x FROM t GROUP BY x", "COLUMN_NOT_FOUND: line 1:31: Column 'x' cannot be resolved"),
        ("SELECT a AS x FROM t WHERE x = 1", "COLUMN_NOT_FOUND"),
        ("SELECT count(*) AS n FROM t HAVING n > 1", "COLUMN_NOT_FOUND"),
        ("SELECT a, b FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE: line 1:11"),
        ("SELECT a + month FROM t", "TYPE_MISMATCH: line 1:8: Cannot apply operator: integer + varchar"),
        ("SELECT nvl(a, 1) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Function 'nvl' not registered"),
        ("SELECT approx_distinct(a) FROM t", "NOT_EMULATED: line 1:8: the function approx_distinct: not emulated here"),
        ("SELECT x FROM nowhere", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nowhere' does not exist"),
    ],
)
def test_a_statement_that_athena_would_refuse_is_refused(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=re.escape(message)):
        analyse(sql)


def test_columns_without_a_name_are_numbered_as_in_trino() -> None:
    assert analyse("SELECT 1, 2 AS two, 3").names == ["_col0", "two", "_col2"]


def test_tables_are_found_in_their_databases_and_names_of_with_are_not_tables() -> None:
    found = analyse("WITH late AS (SELECT * FROM T) SELECT 1 FROM late JOIN other.u ON late.a = u.a")
    assert [(use.database, use.name) for use in found.uses] == [("db", "t"), ("other", "u")]


@pytest.mark.parametrize(
    ("sql", "conditions"),
    [
        ("SELECT 1 FROM t WHERE month = '1' AND delay > 5", [['(r1."month" = \'1\')']]),
        ("SELECT 1 FROM t f WHERE f.month IN ('1', '2')", [['((r1."month" = \'1\') OR (r1."month" = \'2\'))']]),
        ("SELECT 1 FROM t WHERE month = '1' OR delay > 5", [[]]),
        ("SELECT 1 FROM t WHERE delay > 5", [[]]),
        ("SELECT 1 FROM t", [[]]),
        ("SELECT 1 FROM t WHERE month = (SELECT max(month) FROM t)", [[], []]),
        ("SELECT 1 FROM t JOIN u ON true WHERE u.month = '1'", [[], ['(r2."month" = \'1\')']]),
        ("SELECT 1 FROM t WHERE month = '1' UNION ALL SELECT 1 FROM t WHERE month = '2'",
         [['(r1."month" = \'1\')'], ['(r2."month" = \'2\')']]),
    ],
)  # fmt: skip
def test_only_conditions_that_no_other_row_can_meet_leave_partitions_out(sql: str, conditions: list[list[str]]) -> None:
    assert [use.filters for use in analyse(sql).uses] == conditions


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("SELECT count(*) FROM t", set()),
        ("SELECT * FROM t", {"a", "b", "c", "delay", "month"}),
        ("SELECT t.* FROM t", {"a", "b", "c", "delay", "month"}),
        ("SELECT A FROM t WHERE b = 1", {"a", "b"}),
        ("SELECT u.a FROM t JOIN u ON t.b = u.b", {"b"}),
    ],
)
def test_the_columns_that_a_query_touches_are_those_it_names(sql: str, touched: set[str]) -> None:
    assert analyse(sql).uses[0].touched == touched


TYPES = {"whole": "int", "name": "string", "day": "date", "price": "decimal(6,2)", "at": "timestamp"}


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("whole = '7'", "integer = varchar(1)"),
        ("'7' = t.whole", "varchar(1) = integer"),
        ("whole IN (7, '12')", "integer = varchar(2)"),
        ("name = 7", "varchar = integer"),
        ("name <> -1.5", "varchar <> decimal(2,1)"),
        ("day >= '2013-01-31'", "date >= varchar(10)"),
        ("at < '2013-01-31'", "timestamp(3) < varchar(10)"),
        ("price > 'a'", "decimal(6,2) > varchar(1)"),
        ("whole = 7", None),
        ("whole IN (7, -8)", None),
        ("whole BETWEEN 1 AND 7.5", None),
        ("name = '7'", None),
        ("price > 7", None),
        ("day = DATE '2013-01-31'", None),
        ("day = CAST('2013-01-31' AS date)", None),
        ("CAST(day AS varchar) = '2013-01-31'", None),
        ("CAST(whole AS varchar) = '7'", None),
    ],
)
def test_a_column_is_compared_with_values_of_its_type_only_as_in_trino(condition: str, says: str | None) -> None:
    sql = f"SELECT 1 FROM t WHERE {condition}"
    if says is None:
        analyse(sql, catalog=Catalog(**TYPES))
    else:
        with pytest.raises(
            SqlError, match=r"TYPE_MISMATCH: line 1:\d+: " + re.escape(f"Cannot apply operator: {says}")
        ):
            analyse(sql, catalog=Catalog(**TYPES))


def test_a_between_of_another_type_is_refused() -> None:
    with pytest.raises(SqlError, match=re.escape("Cannot check if integer is BETWEEN varchar(1) and varchar(1)")):
        analyse("SELECT 1 FROM t WHERE whole BETWEEN '1' AND '7'", catalog=Catalog(**TYPES))


@pytest.mark.parametrize(
    "sql", ["SELECT 1 / 0", "SELECT 1 % 0", "SELECT 1.0 / 0", "SELECT ARRAY[1][2]", "SELECT CAST('x' AS integer)"]
)
def test_what_fails_at_run_time_in_trino_fails_here(sql: str) -> None:
    with pytest.raises(duckdb.Error):
        query(sql)
