"""A table's states, and its way back to one of them."""

import datetime as dt
from decimal import Decimal

import pytest
from pipeline_core.live_files import LiveFiles
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from table_formats import StaleTableError
from table_formats.history import HistoryError, history, roll_back

from tests.unit.table_formats.conftest import Lake, contract

FIRST = dt.date(2026, 1, 1)


def row(number: int) -> dict[str, object]:
    return {"id": number, "amount": Decimal("1.00"), "day": FIRST, "at": None}


def three_batches(lake: Lake) -> LiveFiles:
    """Rows 1; 1, 2; and 2, 3 after a replacement. Returns the live files after the second."""
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    lake.publish("b-2", contract(), {"2026-01-01": [row(2)]}, tombstones=tombstone(lake))
    then = lake.live()
    first = then.files[0].name
    lake.publish("b-3", contract(), {"2026-01-01": [row(3)]}, replaced={first: []})
    return then


def tombstone(lake: Lake) -> str:
    return lake.write("staging/orders/b-2/tombstones.parquet", contract(), [row(7)], "b-2")


def ids(lake: Lake) -> list[int]:
    return [found[0] for found in lake.rows("id")]


def test_history_has_every_state_with_its_batch_and_rows(lake: Lake) -> None:
    three_batches(lake)
    states = list(history(lake.iceberg()))
    assert [(state.what, state.batch, state.rows, state.files, state.added, state.removed) for state in states] == [
        ("publish", "b-3", 2, 2, 1, 1),
        ("publish", "b-2", 2, 2, 1, 0),
        ("publish", "b-1", 1, 1, 1, 0),
    ]
    assert states[0].at.endswith("+00:00")


def test_a_rollback_is_a_new_snapshot_with_the_old_content(lake: Lake) -> None:
    then = three_batches(lake)
    assert roll_back(lake.table, "b-2") == ["b-3"]
    assert ids(lake) == [1, 2]
    live = lake.live()
    assert (live.files, live.tombstones) == (then.files, then.tombstones)
    assert [state.what for state in history(lake.iceberg())] == ["rollback", "publish", "publish", "publish"]


def test_a_rollback_again_answers_the_same_and_does_nothing(lake: Lake) -> None:
    three_batches(lake)
    assert [roll_back(lake.table, "b-1") for _ in range(2)] == [["b-3", "b-2"]] * 2
    assert len(lake.iceberg().snapshots()) == 4


def test_a_rollback_to_what_the_table_is_does_nothing(lake: Lake) -> None:
    three_batches(lake)
    assert roll_back(lake.table, "b-3") == []
    assert len(lake.iceberg().snapshots()) == 3


def test_rollbacks_can_follow_each_other(lake: Lake) -> None:
    three_batches(lake)
    roll_back(lake.table, "b-2")
    lake.publish("b-4", contract(), {"2026-01-01": [row(4)]})
    assert roll_back(lake.table, "b-1") == ["b-4", "b-2"]
    assert ids(lake) == [1]


def test_a_batch_that_was_rolled_back_is_nothing_to_go_back_to(lake: Lake) -> None:
    three_batches(lake)
    roll_back(lake.table, "b-1")
    with pytest.raises(HistoryError, match="no batch 'b-3'"):
        roll_back(lake.table, "b-3")


def test_an_unknown_batch_is_named_with_those_that_there_are(lake: Lake) -> None:
    three_batches(lake)
    with pytest.raises(HistoryError, match=r"b-9.*b-3, b-2, b-1"):
        roll_back(lake.table, "b-9")


def test_a_batch_that_is_staged_is_staged_again_after_a_rollback(lake: Lake) -> None:
    """Its duplicates may be of rows that are no longer there."""
    three_batches(lake)
    report = lake.stage("b-4", contract(), {"2026-01-01": [row(4)]})
    roll_back(lake.table, "b-1")
    with pytest.raises(StaleTableError, match="rolled back"):
        lake.commit(report, contract())
    assert ids(lake) == [1]


def test_a_publish_at_the_same_time_is_not_lost(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving the reference of the table to the old snapshot would take its rows away."""
    three_batches(lake)
    real = GlueCatalog._update_glue_table

    def overtaken(*arguments: object, **named: object) -> None:
        monkeypatch.setattr(GlueCatalog, "_update_glue_table", real)
        lake.publish("b-4", contract(), {"2026-01-01": [row(4)]})
        raise CommitFailedException("concurrent update")

    monkeypatch.setattr(GlueCatalog, "_update_glue_table", overtaken)
    with pytest.raises(StaleTableError, match="try again"):
        roll_back(lake.table, "b-2")
    assert ids(lake) == [2, 3, 4]
