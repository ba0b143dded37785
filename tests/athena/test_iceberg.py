"""Both engines read the same Iceberg table, as Trino writes, changes and deletes in it."""

import re
from pathlib import Path

import pytest

from tests.athena.compare import AGREE, BOTH_REFUSE, NOT_HERE, Outcome, said_by_trino
from tests.athena.conftest import Engines
from tests.athena.world import DATABASE

pytestmark = pytest.mark.athena
STEPS = (Path(__file__).parent / "queries" / "iceberg.sql").read_text(encoding="utf-8").splitlines()[1:]
FOR_TRINO = "TRINO "
ONLY_TRINO = ['SELECT count(*) FROM "ice$partitions"', 'SELECT count(*) FROM "ice$snapshots"']
HISTORY = (
    """SELECT CAST(snapshot_id AS varchar), CAST(committed_at AS varchar) FROM "ice$snapshots" ORDER BY committed_at"""
)


def test_rows_types_and_refusals_are_trinos_whatever_became_of_the_table(engines: Engines) -> None:
    outcomes: list[tuple[str, Outcome]] = []
    for step in STEPS:
        if step.startswith(FOR_TRINO):
            said = said_by_trino(engines.trino, DATABASE, step.removeprefix(FOR_TRINO))
            assert not said.error, f"{step}: {said.error}"
            continue
        sql = step
        if "{" in step:
            history = said_by_trino(engines.trino, DATABASE, HISTORY).rows
            sql = re.sub(r"\{(\d)\}", lambda found, rows=history: str(rows[int(found[1])][0]), step)  # type: ignore[misc]  # mypy infers no default of a lambda
            sql = sql.replace("{t}", f"TIMESTAMP '{history[2][1]}'")
        outcomes.append((sql, engines.ask(sql)))
    kinds = {AGREE, BOTH_REFUSE}
    wrong = [(sql, outcome) for sql, outcome in outcomes if outcome.kind not in kinds and sql not in ONLY_TRINO]
    assert not wrong, wrong
    assert [sql for sql, outcome in outcomes if outcome.kind == NOT_HERE] == ONLY_TRINO
    assert sum(outcome.kind == AGREE for _, outcome in outcomes) >= 25
