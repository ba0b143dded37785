"""A named query that Athena would refuse is refused before any table exists, with its file and line."""

from pathlib import Path

import pytest

from components import checked_queries
from components.catalog.queries import Query, load_queries
from components.user_files import UserFileError, read
from contracts.compiler.compile import CompiledContract, load_contracts

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def contracts() -> list[CompiledContract]:
    return load_contracts(ROOT / "contracts")


def problems(contracts: list[CompiledContract], sql: str, description: str = "What it tells.") -> list[str]:
    return checked_queries.problems({"late": Query(description=description, sql=sql)}, contracts)


def test_the_projects_own_queries_fit_its_contracts(contracts: list[CompiledContract]) -> None:
    named = load_queries(ROOT / "queries")
    assert named, "a check of no queries shows nothing"
    assert checked_queries.problems(named, contracts) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nothing\nFROM flights", "queries/late.sql:2: COLUMN_NOT_FOUND: Column 'nothing' cannot be resolved"),
        ("SELECT carrier\nFROM flights\nWHERE carrier = 7", "queries/late.sql:4: TYPE_MISMATCH: Cannot apply operator"),
        ("SELECT carrier FROM nowhere", "queries/late.sql:2: TABLE_NOT_FOUND"),
        ("SELECT nvl(carrier, '') FROM flights", "queries/late.sql:2: FUNCTION_NOT_FOUND: Function 'nvl'"),
        ("SELECT carrier AS c FROM flights GROUP BY c", "queries/late.sql:2: COLUMN_NOT_FOUND: Column 'c'"),
        ("SELECT nothing FROM runs", "queries/late.sql:2: COLUMN_NOT_FOUND"),
        ("SELECT carrier FROM flights WHERE month = ?", "INVALID_PARAMETER_USAGE: the query has 1 question marks"),
    ],
)
def test_what_athena_would_refuse_is_one_message(contracts: list[CompiledContract], sql: str, says: str) -> None:
    (found,) = problems(contracts, sql)
    assert found.startswith(says) or says in found, found


@pytest.mark.parametrize(
    ("sql", "description"),
    [
        ("SELECT carrier, _batch_id FROM flights", "What it tells."),
        ("SELECT approx_distinct(carrier) FROM flights", "What only the real engine knows."),
        ("SELECT x FROM other_database.their_table", "What no contract describes."),
        ("SELECT carrier FROM flights WHERE month = ? AND carrier = ?", "Late ones (parameters: month, carrier)."),
        ("SELECT carrier FROM flights OFFSET ? LIMIT ?", "Some (parameters: from, many)."),
    ],
)
def test_what_athena_may_answer_is_no_problem(contracts: list[CompiledContract], sql: str, description: str) -> None:
    assert problems(contracts, sql, description) == []


def test_a_contract_that_loses_a_column_breaks_the_queries_that_read_it(contracts: list[CompiledContract]) -> None:
    changed = []
    for contract in contracts:
        columns = [column for column in contract.document["columns"] if column["name"] != "arr_delay"]
        changed.append(CompiledContract(contract.name, {**contract.document, "columns": columns}))
    found = checked_queries.problems(load_queries(ROOT / "queries"), changed)
    assert [problem.partition(": ")[0] for problem in found] == [
        "queries/busiest_routes.sql:3", "queries/delays_by_carrier.sql:2",
    ]  # fmt: skip


def test_the_program_refuses_to_start_with_such_a_query(tmp_path: Path) -> None:
    for folder in ("contracts", "state_machines"):
        (tmp_path / folder).mkdir()
        for file in (ROOT / folder).glob("*.*"):
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "late.sql").write_text("-- Late.\n\nSELECT nothing FROM flights\n")
    with pytest.raises(UserFileError, match=r"queries/late\.sql:3: COLUMN_NOT_FOUND"):
        read(tmp_path)
