"""Upkeep changes no row that is to be kept, whatever happens beside it."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline_core.contract import Column, Contract
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from table_formats import maintenance
from table_formats.history import history
from table_formats.maintenance import GRACE, LEAST_FILES, DigestError, maintain

from tests.unit.table_formats.conftest import BUCKET, Lake, contract

DAY = dt.date(2026, 1, 1)


def later(days: float = 0) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=days)


def publish(lake: Lake, count: int, of: Contract | None = None, first: int = 0) -> list[int]:
    """So many batches of one row; returns their numbers."""
    for number in range(first, first + count):
        row = {"id": number, "amount": Decimal("1.00"), "day": DAY, "at": None}
        lake.publish(f"b-{number}", of or contract(), {"2026-01-01": [row]})
    return list(range(first, first + count))


def ids(lake: Lake) -> list[int]:
    return [found[0] for found in lake.rows("id")]


@pytest.mark.parametrize(
    ("files", "left"), [(LEAST_FILES - 1, LEAST_FILES - 1), (LEAST_FILES, 1), (LEAST_FILES + 1, 1)]
)
def test_small_files_are_merged_when_there_are_enough(lake: Lake, files: int, left: int) -> None:
    numbers = publish(lake, files)
    maintain(lake.table, contract(), later())
    assert len(lake.live().files) == left
    assert ids(lake) == numbers


def publish_partitions(lake: Lake, days: int) -> None:
    """A batch for each small file, and as many small files as are merged in each of some days."""
    for number in range(LEAST_FILES):
        rows = {
            f"2026-01-{day:02d}": [{"id": number, "amount": None, "day": dt.date(2026, 1, day), "at": None}]
            for day in range(1, days + 1)
        }
        lake.publish(f"b-{number}", contract(), rows)


@pytest.mark.parametrize(("asked", "merged"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_what_there_is_no_time_to_merge_is_left_to_the_next_round(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, asked: int, merged: int
) -> None:
    """Each commit is of one day, and the time is over after so many questions."""
    publish_partitions(lake, 3)
    before = lake.rows("id", "day")
    monkeypatch.setattr(maintenance, "COMMIT_BYTES", 1)
    answers = iter([True] * asked + [False] * 9)
    done = maintain(lake.table, contract(), later(8), is_time_left=lambda: next(answers))
    assert (done.merged_files, done.left_files) == (merged * LEAST_FILES, (3 - merged) * LEAST_FILES)
    assert done.snapshots_expired > 0, "what else there is to do is done"
    assert lake.rows("id", "day") == before
    assert maintain(lake.table, contract(), later(8)).left_files == 0
    assert len(lake.live().files) == 3
    assert lake.rows("id", "day") == before


def test_merges_are_committed_together_up_to_so_many_bytes(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_partitions(lake, 4)
    sizes = [merge.bytes for merge, _ in maintenance.plan_merges(lake.iceberg(), contract())]
    for bytes_, commits in ((sum(sizes), 1), (sum(sizes) - 1, 2), (sizes[0] + sizes[1], 2), (sizes[0], 4)):
        monkeypatch.setattr(maintenance, "COMMIT_BYTES", bytes_)
        found = list(maintenance._commits(list(maintenance.plan_merges(lake.iceberg(), contract()))))
        assert len(found) == commits, (bytes_, sizes)
        assert sum(len(those) for those in found) == 4


@pytest.mark.parametrize("text", ["a/b", "x=y/z=1", "50%", "a b", "é"])
def test_files_of_a_partition_with_any_text_are_merged(lake: Lake, text: str) -> None:
    of = contract(
        columns=(Column(name="id", type="int", required=True), Column(name="code", type="string", required=True)),
        partition_by=("truncate[9](code)",),
        primary_key=("code", "id"),
    )
    for number in range(LEAST_FILES):
        lake.publish(f"b-{number}", of, {text: [{"id": number, "code": text}]})
    assert maintain(lake.table, of, later()).merged_files == LEAST_FILES
    assert lake.rows("id", "code") == [(number, text) for number in range(LEAST_FILES)]
    assert len({file.partition for file in lake.live().files}) == 1


def test_a_dry_run_says_what_it_would_do_and_does_nothing(lake: Lake) -> None:
    publish(lake, 6)
    before = lake.iceberg().metadata_location
    done = maintain(lake.table, contract(), later(), dry_run=True)
    assert [(merge.partition, merge.files, merge.rows) for merge in done.merges] == [({"day": "2026-01-01"}, 6, 6)]
    assert lake.iceberg().metadata_location == before


def test_a_batch_staged_before_a_merge_is_published_after_it(lake: Lake) -> None:
    publish(lake, 6)
    row = {"id": 9, "amount": None, "day": DAY, "at": None}
    report = lake.stage("b-9", contract(), {"2026-01-01": [row]})
    maintain(lake.table, contract(), later())
    lake.commit(report, contract())
    assert ids(lake) == [0, 1, 2, 3, 4, 5, 9]


def test_a_merge_yields_to_a_publish(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, 6)
    real = GlueCatalog._update_glue_table

    def overtaken(*arguments: object, **named: object) -> None:
        monkeypatch.setattr(GlueCatalog, "_update_glue_table", real)
        publish(lake, 1, first=6)
        raise CommitFailedException("concurrent update")

    monkeypatch.setattr(GlueCatalog, "_update_glue_table", overtaken)
    assert maintain(lake.table, contract(), later()).yielded == ("merged_files",)
    assert ids(lake) == [0, 1, 2, 3, 4, 5, 6]
    assert maintain(lake.table, contract(), later()).merged_files == 7
    assert ids(lake) == [0, 1, 2, 3, 4, 5, 6]


def test_a_merge_that_loses_a_row_is_not_committed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, 6)
    real = maintenance.read_files
    monkeypatch.setattr(maintenance, "read_files", lambda *arguments: real(*arguments).slice(1))
    with pytest.raises(DigestError, match="6 rows are in"):
        maintain(lake.table, contract(), later())
    assert ids(lake) == [0, 1, 2, 3, 4, 5]


def test_a_merge_that_changes_a_key_is_not_committed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, 6)
    real = pq.ParquetWriter.write_table

    def wrong(writer: pq.ParquetWriter, rows: Any) -> None:
        real(writer, pa.concat_tables([rows.slice(1), rows.slice(1, 1)]))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", wrong)
    with pytest.raises(DigestError, match="other keys"):
        maintain(lake.table, contract(), later())
    assert ids(lake) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("sorted_by", [(), ("id",)])
def test_files_are_read_a_part_after_the_other(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, sorted_by: tuple[str, ...]
) -> None:
    """What a table's rows take in memory does not grow with what is merged into one file."""
    of = contract(sorted_by=sorted_by)
    numbers = publish(lake, 3 * LEAST_FILES, of)
    size = max(file.bytes for file in lake.live().files)
    monkeypatch.setattr(maintenance, "READ_BYTES", LEAST_FILES * size)
    read: list[int] = []
    real = maintenance.read_files

    def counted(table: Table, files: Sequence[DataFile]) -> pa.Table:
        read.append(len(files))
        return real(table, files)

    monkeypatch.setattr(maintenance, "read_files", counted)
    maintain(lake.table, of, later())
    assert sum(read) == 3 * LEAST_FILES
    assert max(read) <= LEAST_FILES + 1
    # Sorted rows are sorted in memory: as many files as may be there at once become one.
    assert len(lake.live().files) == (len(read) if sorted_by else 1)
    assert ids(lake) == numbers


@pytest.mark.parametrize(("days", "kept"), [(6.9, 3), (7.1, 1)])
def test_states_are_kept_as_long_as_the_contract_says(lake: Lake, days: float, kept: int) -> None:
    publish(lake, 3)
    maintain(lake.table, contract(), later(days))
    assert len(list(history(lake.iceberg()))) == kept
    assert ids(lake) == [0, 1, 2]


def test_rows_older_than_the_contract_keeps_them_are_deleted(lake: Lake) -> None:
    of = contract(retention_days=10, retention_column="at", history_days=30)
    now = later()
    for number, days in enumerate([9.9, 10.1, 400]):
        row = {"id": number, "amount": None, "day": DAY, "at": now - dt.timedelta(days=days)}
        lake.publish(f"b-{number}", of, {"2026-01-01": [row, {**row, "id": 10 + number, "at": None}]})
    assert maintain(lake.table, of, now).rows_deleted == 2
    assert ids(lake) == [0, 10, 11, 12], "a row without a time has no age"
    assert {file.rows for file in lake.live().files} == {1, 2}


def test_a_file_of_no_state_goes_in_two_phases_and_no_other_does(lake: Lake) -> None:
    publish(lake, 2)
    key = "tables/orders/data/day=2026-01-01/lost.parquet"
    lake.s3.put_object(Bucket=BUCKET, Key=key, Body=b"lost")
    days = GRACE.days
    assert sweep(lake, 0) == (0, 0), "it may be of a batch that is being published"
    assert sweep(lake, days + 0.1) == (1, 0)
    assert sweep(lake, 2 * days) == (1, 0)
    assert sweep(lake, 2 * days + 0.2) == (1, 1)
    assert not lake.s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"]
    assert ids(lake) == [0, 1]
    assert [found[0] for found in time_travel(lake)] == [0]


def sweep(lake: Lake, days: float) -> tuple[int, int]:
    return maintenance.sweep(lake.table, later(days))


def time_travel(lake: Lake) -> list[tuple[int]]:
    """The rows of the first state."""
    table = lake.iceberg()
    first = table.history()[0].snapshot_id
    return [(row["id"],) for row in table.scan(snapshot_id=first).to_arrow().to_pylist()]


def test_a_file_that_is_named_again_before_the_second_phase_stays(lake: Lake) -> None:
    publish(lake, 1)
    lake.stage("b-9", contract(), {})
    report = lake.stage("b-5", contract(), {"2026-01-01": [{"id": 5, "amount": None, "day": DAY, "at": None}]})
    lake.table._copy(report, "report-0")
    assert sweep(lake, GRACE.days + 0.1) == (1, 0)
    lake.commit(report, contract())
    assert sweep(lake, 3 * GRACE.days) == (0, 0)
    assert ids(lake) == [0, 5]
