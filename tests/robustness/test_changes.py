"""Tables that change, as both carriers stage their batches: the last of a key, deletes, and daily snapshots."""

import random
from collections import Counter
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import pyarrow.parquet as pq
import pytest
from pipeline_core.manifest import REPLACE, ROWS

from tests.iceberg_lake import IcebergLake, MakeIcebergLake
from tests.local_store import path_of
from tests.robustness.oracle.write_modes import LatestTable, SnapshotTable
from tests.robustness.streams import COLUMNS, contract, deliver, deliveries, fates, in_order, rows_of, stream

LATEST: dict[str, Any] = {
    "columns": COLUMNS,
    "primary_key": ["id"],
    "partition_by": ["part"],
    "write_mode": "latest",
    "sequence": "seq",
    "operation": "op",
    "delete_codes": ["D"],
}
SHORT = [column | {"max_length": 3} if column["name"] == "value" else column for column in COLUMNS]
SNAPSHOT: dict[str, Any] = {
    "columns": COLUMNS,
    "primary_key": ["id"],
    "partition_by": ["part"],
    "write_mode": "snapshot",
}
HEADER = "id,part,value,seq,op\n"


def send(lake: IcebergLake, name: str, *rows: str, at: str = "", purpose: str = "") -> Counter[str]:
    """Deliver a file of rows; what became of them, and of how many rows of the table."""
    files = {name: (HEADER + "".join(f"{row}\n" for row in rows)).encode()}
    report = lake.stage(files, purpose, {name: at} if at else None)
    lake.publish(report)
    [counts] = fates(report).values()
    return counts


def table(lake: IcebergLake) -> list[tuple[Any, ...]]:
    return lake.table("id", "part", "value")


def test_a_change_file_of_dms_ends_as_the_database_is(iceberg_lake_of: MakeIcebergLake) -> None:
    """A full load without an operation, then changes as AWS DMS writes them: I, U and D, in the order of the log."""
    lake = iceberg_lake_of(**LATEST)
    assert send(lake, "LOAD1.csv", "1,p,one,,", "2,p,two,,", "3,q,three,,") == Counter(curated=3)
    changes = ["1,p,uno,11,U", "4,q,four,12,I", "2,p,two,13,D", "4,q,cuatro,14,U", "5,p,five,15,I", "5,p,five,16,D"]
    assert send(lake, "changes.csv", *changes) == Counter(updated=1, curated=1, deleted=2, superseded=2, removed=2)
    assert table(lake) == [(1, "p", "uno"), (3, "q", "three"), (4, "q", "cuatro")]
    assert send(lake, "again.csv", "1,p,uno,11,U", at="2026-01-02T03:04:06Z") == Counter(updated=1, removed=1)


def test_an_older_row_does_not_come_back_after_a_delete(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST)
    send(lake, "a.csv", "1,p,one,10,I", "2,p,two,10,I")
    assert send(lake, "b.csv", "1,p,one,20,D") == Counter(deleted=1, removed=1)
    assert send(lake, "late.csv", "1,p,late,15,U", "2,p,late,5,U") == Counter(superseded=2)
    assert table(lake) == [(2, "p", "two")]
    assert send(lake, "b.csv", "1,p,one,20,D") == Counter(deleted=1), "the same again: nothing is there to go"
    assert send(lake, "c.csv", "1,q,back,30,I") == Counter(curated=1)
    assert send(lake, "late.csv", "1,p,late,15,U") == Counter(superseded=1)
    assert table(lake) == [(1, "q", "back"), (2, "p", "two")]
    entries = pq.read_table(lake.folder / "table" / lake.live.tombstones)
    assert entries.num_rows == 0, "what is there again is not dead"


def test_a_delete_is_forgotten_after_the_time_that_the_contract_says(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST, tombstone_days=0)
    send(lake, "a.csv", "1,p,one,20,D", "2,p,two,20,D")
    before = lake.live.tombstones
    assert send(lake, "b.csv", "1,p,late,15,U") == Counter(curated=1)
    assert lake.live.tombstones == before, "what is forgotten is no change of the set"
    send(lake, "c.csv", "3,p,three,20,D")
    names = ["id", "seq", "_source_file", "_landed_at", "_line", "_deleted_at"]
    entries = pq.read_table(lake.folder / "table" / lake.live.tombstones)
    assert sorted(entries.column_names) == sorted(names)
    [entry] = entries.to_pylist()
    assert (entry["id"], entry["seq"], entry["_line"], entry["_source_file"]) == (3, 20, 2, "c.csv?versionId=v1")
    assert entry["_landed_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (datetime.now(UTC) - entry["_deleted_at"]).total_seconds() < 600


def test_deleted_keys_are_known_when_their_column_was_renamed(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST)
    send(lake, "a.csv", "1,p,one,20,D", "2,p,two,20,I")
    columns = [{**COLUMNS[0], "name": "number", "former_names": ["id"], "source": "id"}, *COLUMNS[1:]]
    lake.contract = iceberg_lake_of(**{**LATEST, "columns": columns, "primary_key": ["number"]}).contract
    assert send(lake, "b.csv", "1,p,late,15,U", "2,p,zwei,30,U") == Counter(superseded=1, updated=1, removed=1)
    assert lake.table("number", "value") == [(2, "zwei")]


TYPES = {
    "bigint": ("9", "10", "-1"),
    "timestamp": ("2024-01-01T00:00:00.000001Z", "2024-01-01T00:00:00.1+00:00", "0001-01-01T00:00:00Z"),
    "date": ("2024-01-09", "2024-01-10", "0001-01-01"),
    "decimal(20,4)": ("9.0000", "9.0001", "-9999999999999999"),
    "double": ("9.5", "1e2", "-0.0"),
    "string": ("B", "a", "A"),
    "boolean": ("true", "true", "false"),
}
"""By type: a value, one that is as late or later, and one before all."""


@pytest.mark.parametrize("part", range(2))
def test_keys_and_sequences_may_be_of_any_type(iceberg_lake_of: MakeIcebergLake, part: int) -> None:
    kinds = list(TYPES.items())
    names = [f"k{place}" for place in range(len(kinds))]
    keys = [{"name": name, "type": kind, "required": True} for name, (kind, _) in zip(names, kinds, strict=True)]
    for kind, (middle, late, early) in kinds[part::2]:
        columns = [
            *keys,
            {"name": "part", "type": "string"},
            {"name": "seq", "type": kind},
            {"name": "op", "type": "string"},
        ]
        lake = iceberg_lake_of(**{**LATEST, "columns": columns, "primary_key": names})
        lake.folder = lake.folder / kind.partition("(")[0]
        header = ",".join([*names, "part", "seq", "op"])
        one, other = (",".join(values[place] for _, values in kinds) for place in (0, 2))

        def sent(*rows: str, name: str, header: str = header, lake: IcebergLake = lake) -> Counter[str]:
            lake.publish(report := lake.stage({name: "\n".join([header, *rows]).encode()}))
            [counts] = fates(report).values()
            return counts

        first = [f"{one},p,{middle},I", f"{other},p,{middle},I", f"{one},p,{early},U", f"{one},p,,U"]
        assert sent(*first, name="a.csv") == Counter(curated=2, superseded=2), kind
        assert sent(f"{one},q,{early},U", f"{other},q,,U", name="b.csv") == Counter(superseded=2), kind
        assert sent(f"{one},p,{middle},I", name="a.csv") == Counter(unchanged=1), kind
        assert sent(f"{one},q,{late},D", f"{other},q,{late},U", name="c.csv") == Counter(
            deleted=1, updated=1, removed=2
        ), kind
        assert sent(f"{one},q,{middle},U", name="b.csv") == Counter(superseded=1), kind
        assert lake.table("part") == [("q",)], kind


def test_a_row_that_moves_to_another_partition_leaves_the_old_one(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST)
    send(lake, "a.csv", "1,p,one,1,I", "2,p,two,1,I", "3,r,three,1,I")
    report = lake.stage({"b.csv": (HEADER + "1,q,moved,2,U\n").encode()})
    assert [(file.partition, file.rows_before, file.rows_kept) for file in report.replaced] == [({"part": "p"}, 2, 1)]
    lake.publish(report)
    assert table(lake) == [(1, "q", "moved"), (2, "p", "two"), (3, "r", "three")]


def test_only_touched_partitions_are_read_where_the_key_says_which(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**{**LATEST, "primary_key": ["id", "part"]})
    send(lake, "a.csv", "1,p,one,1,I", "1,q,one,1,I")
    [other] = [file for file in lake.live.files if file.partition == "part=q/"]
    (lake.folder / "table" / other.name).unlink()
    report = lake.stage({"b.csv": (HEADER + "1,p,uno,2,U\n").encode()})
    assert (report.counts.rows_updated, report.counts.rows_removed) == (1, 1)


def test_without_a_sequence_the_file_that_landed_last_counts(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**{**LATEST, "sequence": None, "operation": None, "delete_codes": []})
    send(lake, "b.csv", "1,p,second,,", "2,p,second,,", "2,p,third,,", at="2026-01-02T00:00:00Z")
    assert send(lake, "z.csv", "1,p,first,,", at="2026-01-01T23:59:59.5+00:00") == Counter(superseded=1)
    assert send(lake, "a.csv", "1,p,name before,,", at="2026-01-02T00:00:00Z") == Counter(superseded=1)
    assert send(lake, "c.csv", "1,p,name after,,", at="2026-01-02T00:00:00Z") == Counter(updated=1, removed=1)
    again = send(lake, "b.csv", "1,p,second,,", "2,p,second,,", "2,p,third,,", at="2026-01-02T00:00:00Z")
    assert again == Counter(superseded=2, unchanged=1)
    assert table(lake) == [(1, "p", "name after"), (2, "p", "third")]
    landed = lake.table("id", "_landed_at")
    assert landed == [(id_, datetime(2026, 1, 2, tzinfo=UTC)) for id_ in (1, 2)]


def test_rows_that_come_out_of_quarantine_are_judged_by_when_their_file_landed(
    iceberg_lake_of: MakeIcebergLake,
) -> None:
    lake = iceberg_lake_of(**{**LATEST, "columns": SHORT})
    rows = ["1,p,too long,5,U", "2,p,too long,5,U", "3,p,ok,5,U"]
    assert send(lake, "a.csv", *rows) == Counter(curated=1)
    send(lake, "b.csv", "1,p,new,9,U")
    longer = iceberg_lake_of(**LATEST)
    lake.contract = longer.contract
    assert send(lake, "a.csv", *rows, purpose=ROWS) == Counter(superseded=1, curated=1)
    assert table(lake) == [(1, "p", "new"), (2, "p", "too long"), (3, "p", "ok")]


def test_files_that_are_no_longer_of_the_table_make_no_row_older(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST)
    send(lake, "a.csv", "1,p,one,10,I")
    orphan = next(iter(lake.published())).read_bytes()
    send(lake, "b.csv", "1,p,uno,11,U")
    lake.write("data/part=p/orphan.parquet", orphan)
    assert send(lake, "c.csv", "1,p,eins,12,U") == Counter(updated=1, removed=1)
    assert table(lake) == [(1, "p", "eins")]


def test_a_daily_snapshot_writes_again_only_what_has_changed(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**SNAPSHOT)
    rows = [f"{number},part{number // 100},v,," for number in range(1000)]
    assert send(lake, "monday.csv", *rows, at="2026-01-05T00:00:00Z") == Counter(curated=1000)
    before = set(lake.published())
    changed = [row.replace(",v,", ",w,") if 300 <= number < 310 else row for number, row in enumerate(rows)]
    found = send(lake, "tuesday.csv", *changed, at="2026-01-06T00:00:00Z")
    assert found == Counter(unchanged=990, updated=10, removed=10)
    assert len(before - set(lake.published())) == 1, "nine of ten files are as they were"
    assert [row for row in table(lake) if row[2] == "w"] == [(number, "part3", "w") for number in range(300, 310)]
    assert lake.live.landed_at == "2026-01-06T00:00:00Z"
    assert len(table(lake)) == 1000


def test_a_snapshot_takes_out_what_it_lacks_and_an_older_one_changes_nothing(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**SNAPSHOT)
    send(lake, "b.csv", "1,p,one,,", "2,q,two,,", "2,q,second,,", "3,q,three,,", at="2026-01-05T00:00:00Z")
    assert send(lake, "a.csv", "9,p,old,,", at="2026-01-04T00:00:00Z") == Counter(superseded=1)
    assert lake.live.landed_at == "2026-01-05T00:00:00Z"
    found = send(lake, "c.csv", "2,p,two,,", "4,q,four,,", at="2026-01-06T00:00:00Z")
    assert found == Counter(updated=1, curated=1, removed=3)
    assert table(lake) == [(2, "p", "two"), (4, "q", "four")]
    report = lake.stage({"empty.csv": HEADER.encode()}, landed_at={"empty.csv": "2026-01-07T00:00:00Z"})
    assert [(file.rows_read, file.rows_removed) for file in report.files] == [(0, 2)]
    lake.publish(report)
    assert table(lake) == []


def test_of_the_snapshots_in_a_batch_the_last_that_can_be_read_counts(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**SNAPSHOT)
    files = {"a.csv": HEADER + "1,p,a,,\n", "b.csv": HEADER + "1,p,b,,\n2,p,b,,\n", "c.csv": "id,colour\n1,red\n"}
    landed = {name: f"2026-01-0{day}T00:00:00Z" for day, name in enumerate(files, 1)}
    report = lake.stage({name: content.encode() for name, content in files.items()}, landed_at=landed)
    counts = [(file.rows_superseded, file.rows_curated, file.rows_quarantined) for file in report.files]
    assert counts == [(1, 0, 0), (0, 2, 0), (0, 0, 1)]
    assert report.landed_at == landed["b.csv"]
    lake.publish(report)
    assert table(lake) == [(1, "p", "b"), (2, "p", "b")]


def test_rows_of_a_snapshot_that_come_out_of_quarantine_take_nothing_out(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**{**SNAPSHOT, "columns": SHORT})
    rows = ["1,p,too long,,", "2,p,ok,,"]
    at = "2026-01-05T00:00:00Z"
    send(lake, "a.csv", *rows, at=at)
    assert table(lake) == [(2, "p", "ok")]
    quarantined = lake.quarantined["a.csv"]
    lake.contract = iceberg_lake_of(**SNAPSHOT).contract
    assert send(lake, "a.csv", *rows, at=at, purpose=ROWS) == Counter(curated=1)
    assert table(lake) == [(1, "p", "too long"), (2, "p", "ok")]
    assert lake.live.landed_at == at
    send(lake, "b.csv", "3,p,new,,", at="2026-01-06T00:00:00Z")
    lake.quarantined["a.csv"] = quarantined
    assert send(lake, "a.csv", *rows, at=at, purpose=ROWS) == Counter(superseded=1)
    assert table(lake) == [(3, "p", "new")]


@pytest.mark.parametrize("mode", [LATEST, SNAPSHOT], ids=["latest", "snapshot"])
def test_rows_are_not_replaced_in_a_table_that_changes(iceberg_lake_of: MakeIcebergLake, mode: dict[str, Any]) -> None:
    lake = iceberg_lake_of(**mode)
    with pytest.raises(ValueError, match="land them again"):
        lake.stage({"a.csv": HEADER.encode()}, REPLACE)


def test_rows_lie_in_the_order_that_the_contract_says(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(**LATEST, sorted_by=["value", "id"])
    rows = [
        f"{number},{'pq'[number % 2]},{value},{number},I"
        for number, value in enumerate(["b", "", "a", "c", "a", "b"] * 3)
    ]
    report = lake.stage({"a.csv": (HEADER + "\n".join(rows) + "\n").encode()})
    lake.publish(report)
    changed = lake.stage({"b.csv": (HEADER + "4,p,z,99,U\n").encode()})
    for uri in [*(file.uri for file in report.curated), *(file.uri for file in changed.replaced)]:
        found = [
            (row["value"] is None, row["value"] or "", row["id"])
            for row in pq.read_table(path_of(uri), partitioning=None).to_pylist()
        ]
        assert len(found) > 5
        assert found == sorted(found)


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("mode", ["latest", "snapshot"])
def test_both_change_a_table_alike(iceberg_lake_of: MakeIcebergLake, mode: str, number: int) -> None:
    """Each is held against the oracle, so they are the same as each other; see `test_write_modes` for many more."""
    seed = random.Random(f"both {mode} {number}")
    document = contract(seed, mode)
    lake = iceberg_lake_of(**document)
    key = itemgetter(0, 1) if len(document["primary_key"]) > 1 else itemgetter(0)
    oracle: LatestTable | SnapshotTable = SnapshotTable(key=key)
    if mode == "latest":
        sequence = itemgetter(3) if document["sequence"] else None
        oracle = LatestTable(key=key, sequence=sequence, is_delete=lambda values: values[4] in ("D", "T"))
    for batch in deliveries(seed, stream(seed, ties=mode == "latest")):
        expected = oracle.batch([file.landed for file in batch])
        assert fates(deliver(lake, batch)) == {source: +counts for source, counts in expected.items()}
        assert rows_of(lake) == in_order([(row.values, row.file.source) for row in oracle.rows.values()])
