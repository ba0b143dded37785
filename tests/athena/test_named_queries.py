"""Trino's own analyser validates the named queries over tables that are declared from the contracts alone."""

from pathlib import Path

import pytest

from components.catalog.queries import Query, load_queries
from contracts.compiler.compile import CompiledContract, load_contracts
from local.athena.trino.validate import problems

pytestmark = pytest.mark.athena
ROOT = Path(__file__).parents[2]
WRONG = {
    "a_column": "SELECT carrier,\n       nothing\nFROM flights",
    "a_function": "SELECT approx_distinct(carrier), nvl(carrier, '') FROM flights",
    "a_table": "SELECT x FROM nowhere",
    "a_type": "SELECT carrier FROM flights\nWHERE carrier = ? AND\n      carrier = 7",
    "an_aggregate": "SELECT carrier, approx_distinct(dest) FROM flights",
}
RIGHT = {
    "its_own": "SELECT _batch_id, _source_file FROM flights WHERE month = ?",
    "of_the_pipeline": "SELECT dataset, month, rows_read FROM runs LIMIT ?",
    "only_trinos": "SELECT approx_distinct(carrier) FROM flights TABLESAMPLE BERNOULLI (50);",
}


def queries(texts: dict[str, str]) -> dict[str, Query]:
    return {name: Query(description="x", sql=sql, line=3) for name, sql in texts.items()}


def test_what_trino_refuses_is_one_message_with_file_and_line_and_the_rest_is_none() -> None:
    named = load_queries(ROOT / "queries")
    assert named, "a check of no queries shows nothing"
    found = problems({**named, **queries(RIGHT), **queries(WRONG)}, load_contracts(ROOT / "contracts"))
    assert [problem.split(": ")[:2] for problem in found] == [
        ["queries/a_column.sql:4", "COLUMN_NOT_FOUND"],
        ["queries/a_function.sql:3", "FUNCTION_NOT_FOUND"],
        ["queries/a_table.sql:3", "TABLE_NOT_FOUND"],
        ["queries/a_type.sql:5", "TYPE_MISMATCH"],
        ["queries/an_aggregate.sql:3", "EXPRESSION_NOT_AGGREGATE"],
    ]


def test_a_contract_that_loses_a_column_breaks_the_queries_that_read_it() -> None:
    changed = []
    for contract in load_contracts(ROOT / "contracts"):
        columns = [column for column in contract.document["columns"] if column["name"] != "arr_delay"]
        changed.append(CompiledContract(contract.name, {**contract.document, "columns": columns}))
    found = problems(load_queries(ROOT / "queries"), changed)
    assert [problem.split(": ")[:2] for problem in found] == [
        ["queries/busiest_routes.sql:3", "COLUMN_NOT_FOUND"],
        ["queries/delays_by_carrier.sql:2", "COLUMN_NOT_FOUND"],
    ]
