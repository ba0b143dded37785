"""A batch is one commit: all of it, once, and only on top of the table that the engine saw."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pipeline_core.report import ReconciliationError
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from table_formats import StaleTableError
from table_formats.iceberg import BATCH, SOURCES, snapshot_of_batch
from table_formats.maintenance import LEAST_FILES, maintain

from tests.unit.table_formats.conftest import Lake, contract

FIRST, SECOND = dt.date(2026, 1, 1), dt.date(2026, 1, 2)


def row(number: int, amount: str = "1.50", day: dt.date = FIRST) -> dict[str, object]:
    at = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    return {"id": number, "amount": Decimal(amount), "day": day, "at": at}


def test_a_published_batch_is_one_snapshot_with_all_its_rows(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1), row(2)], "2026-01-02": [row(3, day=SECOND)]})
    one, two, three = (FIRST, 1, Decimal("1.50")), (FIRST, 2, Decimal("1.50")), (SECOND, 3, Decimal("1.50"))
    assert lake.rows() == [one, two, three]
    [snapshot] = lake.iceberg().snapshots()
    assert snapshot.summary is not None
    properties = snapshot.summary.additional_properties
    assert (properties[BATCH], json.loads(properties[SOURCES])) == ("b-1", ["orders/b-1.csv"])
    assert properties["total-records"] == "3"
    assert properties["changed-partition-count"] == "2"


def test_the_catalog_has_the_types_and_descriptions_of_the_contract(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    columns = lake.glue.get_table(DatabaseName="lake", Name="orders")["Table"]["StorageDescriptor"]["Columns"]
    assert [(column["Name"], column["Type"], column.get("Comment")) for column in columns] == [
        ("id", "int", "Number of the order"),
        ("amount", "decimal(9,2)", None),
        ("day", "date", None),
        ("at", "timestamp", None),
        ("_source_file", "string", None),
        ("_batch_id", "string", None),
    ]


def test_the_list_of_live_files_is_that_of_the_snapshot(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1), row(2)]})
    lake.publish("b-2", contract(), {"2026-01-02": [row(3, day=SECOND)]})
    live = lake.live()
    assert live.snapshot == str(lake.iceberg().metadata.current_snapshot_id)
    assert [(file.name, file.partition, file.rows) for file in live.files] == [
        ("data/day=2026-01-01/b-1-report-0-00000.parquet", "day=2026-01-01/", 2),
        ("data/day=2026-01-02/b-2-report-0-00000.parquet", "day=2026-01-02/", 1),
    ]


def test_publishing_again_changes_nothing(lake: Lake) -> None:
    report = lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    lake.publish("b-2", contract(), {"2026-01-02": [row(2, day=SECOND)]})
    lake.commit(report, contract())
    assert [found[1] for found in lake.rows()] == [1, 2]
    assert len(lake.iceberg().snapshots()) == 2


def test_a_commit_whose_answer_was_lost_is_not_made_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Glue has done it, and the client that asks again is told that the version is not the latest."""
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    real = GlueCatalog._update_glue_table

    def lost(self: GlueCatalog, *arguments: Any, **named: Any) -> None:
        real(self, *arguments, **named)
        raise CommitFailedException("concurrent update")

    monkeypatch.setattr(GlueCatalog, "_update_glue_table", lost)
    lake.publish("b-2", contract(), {"2026-01-01": [row(2)]})
    assert [found[1] for found in lake.rows()] == [1, 2]
    assert snapshot_of_batch(lake.iceberg(), "b-2") is not None


def test_a_commit_of_somebody_else_has_the_batch_staged_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyIceberg by itself would append the rows on top of whatever is there."""
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    report = lake.stage("b-2", contract(), {"2026-01-01": [row(2)]})
    table = lake.iceberg()
    table.append(table.scan().to_arrow())
    with pytest.raises(StaleTableError, match="somebody else"):
        lake.commit(report, contract())
    lake.table.refresh()
    lake.publish("b-2", contract(), {"2026-01-01": [row(2)]})
    assert [found[1] for found in lake.rows()] == [1, 1, 2]


def test_a_commit_that_comes_in_between_is_seen(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    report = lake.stage("b-2", contract(), {"2026-01-01": [row(2)]})
    real = GlueCatalog._update_glue_table
    foreign = lake.iceberg()

    def overtaken(self: GlueCatalog, *arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(GlueCatalog, "_update_glue_table", real)
        foreign.append(foreign.scan().to_arrow())
        # What Glue says of a version that is not the latest; moto takes any.
        raise CommitFailedException("concurrent update")

    monkeypatch.setattr(GlueCatalog, "_update_glue_table", overtaken)
    with pytest.raises(StaleTableError, match="somebody else"):
        lake.commit(report, contract())
    assert [found[1] for found in lake.rows()] == [1, 1]


@pytest.mark.parametrize("seen", [1, 2])
def test_an_engine_that_did_not_see_what_it_counted_is_not_believed(lake: Lake, seen: int) -> None:
    """Its list of live files was older than the ledger's number of publishes."""
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    report = lake.stage("b-3", contract(), {"2026-01-01": [row(2)]}, snapshot=lake.live().snapshot)
    lake.publish("b-2", contract(), {"2026-01-01": [row(2)]})
    if seen == 1:
        lake.commit(report, contract(), seen)
        assert len(lake.rows()) == 3, "what two batches do to one partition, the ledger decides on"
    else:
        with pytest.raises(StaleTableError, match="did not see the rows of b-2"):
            lake.commit(report, contract(), seen)


def test_an_engine_that_saw_no_table_where_there_is_one_is_not_believed(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    with pytest.raises(StaleTableError, match="did not see the rows of b-1"):
        lake.publish("b-2", contract(), {"2026-01-01": [row(1)]}, snapshot="")


def test_an_engine_that_saw_no_table_is_not_believed_when_what_came_first_has_expired(lake: Lake) -> None:
    for number in range(LEAST_FILES):
        lake.publish(f"b-{number}", contract(), {"2026-01-01": [row(number)]})
    report = lake.stage("b-9", contract(), {"2026-01-01": [row(1)]}, snapshot="")
    maintain(lake.table, contract(), dt.datetime.now(dt.UTC) + dt.timedelta(days=8))
    with pytest.raises(StaleTableError, match="saw no table, and what came first has expired"):
        lake.commit(report, contract(), seen=0)


def test_a_snapshot_that_is_not_of_the_table_is_not_believed(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
    report = lake.stage("b-2", contract(), {"2026-01-01": [row(1)]}, snapshot="7")
    with pytest.raises(StaleTableError, match="snapshot 7 is not in the history"):
        lake.commit(report, contract(), seen=0)


def test_a_replacement_is_one_snapshot(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1), row(2)], "2026-01-02": [row(3, day=SECOND)]})
    [first, second] = [file.name for file in lake.live().files]
    lake.publish("b-2", contract(), {"2026-01-01": [row(9, "2.00")]}, replaced={first: [row(2)], second: []})
    assert [(found[1], str(found[2])) for found in lake.rows()] == [(2, "1.50"), (9, "2.00")]
    assert len(lake.iceberg().snapshots()) == 2
    assert [file.partition for file in lake.live().files] == ["day=2026-01-01/"] * 2


def test_a_file_that_is_replaced_must_be_of_the_table(lake: Lake) -> None:
    lake.publish("b-1", contract(), {"2026-01-01": [row(1), row(2)]})
    [name] = [file.name for file in lake.live().files]
    stale = lake.stage("b-3", contract(), {}, replaced={name: [row(2)]})
    lake.publish("b-2", contract(), {}, replaced={name: [row(1)]})
    with pytest.raises(StaleTableError, match="no longer of the table"):
        lake.commit(stale, contract(), seen=1)
    assert [found[1] for found in lake.rows()] == [1]


@pytest.mark.parametrize("claimed", [1, 3])
def test_a_file_with_other_rows_than_reported_is_not_committed(lake: Lake, claimed: int) -> None:
    report = lake.stage("b-1", contract(), {"2026-01-01": [row(1), row(2)]})
    [file] = report.curated
    wrong = replace(report, curated=(replace(file, rows=claimed),))
    with pytest.raises(ReconciliationError, match="has 2 rows"):
        lake.commit(wrong, contract())
    assert lake.iceberg().snapshots() == []


def test_a_partition_is_what_the_report_says_also_where_files_lack_the_column(lake: Lake) -> None:
    """PyIceberg's add_files would make NULL of it."""
    columns = tuple(replace(column, required=False) for column in contract().columns)
    optional = contract(columns=columns)
    report = lake.stage("b-1", optional, {"2026-01-01": [row(1)]})
    key = report.curated[0].uri.removeprefix("s3://curated-b/")
    lake.write(key, optional, [row(1)], "b-1", leave_out=["day"])
    lake.commit(report, optional)
    assert lake.rows() == [(FIRST, 1, Decimal("1.50"))]
    [file] = lake.live().files
    assert file.partition == "day=2026-01-01/"


def test_a_table_of_another_format_is_not_touched(lake: Lake) -> None:
    lake.glue.create_table(DatabaseName="lake", TableInput={"Name": "orders", "Parameters": {"table_type": "x"}})
    with pytest.raises(RuntimeError, match="data-pipeline adopt orders"):
        lake.publish("b-1", contract(), {"2026-01-01": [row(1)]})
