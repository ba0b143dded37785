"""Batches of Iceberg tables, as both carriers stage them: what is in files, and which files are looked at."""

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline_core.live_files import LiveFile
from pipeline_core.manifest import REPLACE
from pipeline_core.partitions import NULL

from tests.iceberg_lake import IcebergLake, MakeIcebergLake
from tests.lake import ORDERS
from tests.local_store import path_of

HEADER = b"id,day,name\n"
DAYS = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]


def first_batch(lake: IcebergLake) -> None:
    lake.publish(lake.stage({"a.csv": HEADER + b"1,2024-01-01,one\n2,2024-01-02,two\n3,2024-01-01,three\n"}))


def test_staged_files_have_the_partition_columns(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of()
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,one\n2,2024-01-02,two\n"})
    assert [(file.partition, file.rows) for file in report.curated] == [
        ({"day": "2024-01-01"}, 1),
        ({"day": "2024-01-02"}, 1),
    ]
    names = [*(column["name"] for column in ORDERS["columns"]), "_source_file", "_batch_id"]
    for file, day in zip(report.curated, DAYS, strict=True):
        table = pq.read_table(path_of(file.uri), partitioning=None)
        assert table.column_names == names
        assert table.schema.field("day").type == pa.date32()
        assert table["day"].to_pylist() == [day]
    assert report.snapshot == "", "there is no table yet"


def test_the_first_published_wins_in_an_iceberg_table_too(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of()
    first_batch(lake)
    report = lake.stage({"b.csv": HEADER + b"1,2024-01-01,late\n1,2024-01-02,other day\n4,2024-01-01,new\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (2, 1)
    assert report.snapshot == lake.live.snapshot != ""
    lake.publish(report)
    assert lake.table("id", "day", "name") == [
        (1, DAYS[0], "one"),
        (1, DAYS[1], "other day"),
        (2, DAYS[1], "two"),
        (3, DAYS[0], "three"),
        (4, DAYS[0], "new"),
    ]


@pytest.mark.parametrize("partition_by", [["day"], ["month(day)"], ["bucket[4](id)", "day"]])
def test_a_key_is_found_in_whatever_partition_it_is(iceberg_lake_of: MakeIcebergLake, partition_by: list[str]) -> None:
    """The key does not say the partition, or only a part of it."""
    lake = iceberg_lake_of(primary_key=["id"], partition_by=partition_by)
    first_batch(lake)
    report = lake.stage({"b.csv": HEADER + b"1,2024-02-02,other day\n4,2024-02-02,new\n4,2024-01-01,twice\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (1, 2)


def test_partitions_by_transform_are_written_and_found_again(iceberg_lake_of: MakeIcebergLake) -> None:
    fields = ["month(day)", "truncate[2](name)", "hour(at)"]
    lake = iceberg_lake_of(primary_key=["id", "day", "name", "at"], partition_by=fields)
    header = b"id,day,name,at\n"
    rows = [
        b"1,2024-01-01,a/b=c,2024-01-01T23:30:00+01:00",
        b"2,2024-01-31,a/c,2024-01-01T22:59:59Z",
        b"3,2024-02-01,x,",
    ]
    report = lake.stage({"a.csv": header + b"\n".join(rows) + b"\n"})
    lake.publish(report)
    assert [(*file.partition.values(), file.rows) for file in report.curated] == [
        ("2024-01", "a/", "2024-01-01-22", 2),
        ("2024-02", "x", NULL, 1),
    ]
    again = lake.stage({"b.csv": header + b"\n".join([*rows, b"4,2024-01-01,a/b,2024-01-01T22:00:00Z"]) + b"\n"})
    # A null is no part of a key, so the last of the rows is new again.
    assert again.counts.rows_read == again.counts.rows_curated + again.counts.rows_duplicate == 4
    assert again.counts.rows_duplicate >= 2
    replaced = lake.stage({"a.csv": header + rows[0] + b"\n"}, REPLACE)
    assert [(file.partition["day_month"], file.rows_before) for file in replaced.replaced] == [
        ("2024-01", 2),
        ("2024-02", 1),
    ]


def test_files_that_are_no_longer_of_the_table_are_not_read(iceberg_lake_of: MakeIcebergLake) -> None:
    """They lie in the same folders until they are swept: an expired file, and one that no commit ever named."""
    lake = iceberg_lake_of()
    first_batch(lake)
    [expired] = [file for file in lake.live.files if "2024-01-01" in file.partition]
    lake.commit(replace(lake.live, files=tuple(file for file in lake.live.files if file != expired)))
    lake.write("data/day=2024-01-02/orphan.parquet", (lake.folder / "table" / expired.name).read_bytes())
    report = lake.stage({"b.csv": HEADER + b"1,2024-01-01,again\n1,2024-01-02,new\n2,2024-01-02,there\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (2, 1)


def test_a_batch_sees_the_list_as_it_is_now(iceberg_lake_of: MakeIcebergLake) -> None:
    """A reader that remembers the list, or a file of it, would take rows for duplicates of rows that are gone."""
    lake = iceberg_lake_of()
    content = HEADER + b"1,2024-01-01,one\n"
    for number in range(3):
        report = lake.stage({f"{number}.csv": content})
        assert (report.counts.rows_curated, report.counts.rows_duplicate) == (1, 0)
        lake.publish(report)
        assert lake.stage({f"{number} again.csv": content}).counts.rows_duplicate == 1
        lake.commit(replace(lake.live, files=()))


def test_files_of_an_adopted_table_lack_columns_that_their_folders_say(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of()
    rows = pa.table({"id": pa.array([1, 2], pa.int32()), "name": ["one", "two"]})
    pq.write_table(rows, lake.write("day=2024-01-01/part [0]{1}*+é%20.parquet", b""))
    adopted = LiveFile(name="day=2024-01-01/part [0]{1}*+é%20.parquet", partition="day=2024-01-01/", rows=2, bytes=1)
    lake.commit(replace(lake.live, files=(adopted,)))
    report = lake.stage({"b.csv": HEADER + b"1,2024-01-01,late\n1,2024-01-02,new\n3,2024-01-01,three\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (2, 1)
    lake.publish(report)
    # Rows of both in a file without the column, of which one has to go: what is rewritten has all columns.
    three = next(file for file in report.curated if file.partition == {"day": "2024-01-01"})
    mixed = pa.concat_tables([pq.read_table(path_of(three.uri), partitioning=None), rows], promote_options="default")
    nullable = pa.schema([field.with_nullable(True) for field in mixed.schema]).remove(1)
    pq.write_table(mixed.drop(["day"]).cast(nullable), lake.write("day=2024-01-01/part-1.parquet", b""))
    merged = LiveFile(name="day=2024-01-01/part-1.parquet", partition="day=2024-01-01/", rows=3, bytes=1)
    others = [file for file in lake.live.files if file.partition != "day=2024-01-01/"]
    lake.commit(replace(lake.live, files=(*others, merged)))
    report = lake.stage({"b.csv": HEADER + b"5,2024-01-02,five\n"}, REPLACE)
    assert sorted((file.rows_before, file.rows_kept) for file in report.replaced) == [(1, 0), (3, 2)]
    lake.publish(report)
    assert lake.table("id", "day", "name", "_source_file") == [
        (1, DAYS[0], "one", None),
        (2, DAYS[0], "two", None),
        (5, DAYS[1], "five", "b.csv?versionId=v1"),
    ]


def test_rows_are_replaced_in_whatever_file_of_their_partition_they_are_now(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of()
    first_batch(lake)
    lake.publish(lake.stage({"b.csv": HEADER + b"4,2024-01-01,four\n5,2024-01-02,five\n"}))
    published = tuple(f"file://{path}" for path in lake.published())
    merged = []
    for day in ("2024-01-01", "2024-01-02"):
        folder, name = f"day={day}/", f"data/day={day}/compacted.parquet"
        tables = [
            pq.read_table(lake.folder / "table" / file.name, partitioning=None) for file in lake.live.of([folder])
        ]
        table = pa.concat_tables(tables)
        pq.write_table(table, lake.write(name, b""))
        merged.append(LiveFile(name=name, partition=folder, rows=table.num_rows, bytes=1))
    lake.commit(replace(lake.live, files=tuple(merged)))
    lake.replaces = published
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,uno\n2,2024-01-02,dos\n"}, REPLACE)
    assert [file.rows_replaced for file in report.files] == [3]
    assert sorted((file.partition["day"], file.rows_before, file.rows_kept) for file in report.replaced) == [
        ("2024-01-01", 3, 1),
        ("2024-01-02", 2, 1),
    ]
    lake.publish(report)
    assert lake.table("id", "name", "_source_file") == [
        (1, "uno", "a.csv?versionId=v1"),
        (2, "dos", "a.csv?versionId=v1"),
        (4, "four", "b.csv?versionId=v1"),
        (5, "five", "b.csv?versionId=v1"),
    ]
    for file in report.replaced:
        assert pq.read_table(path_of(file.uri), partitioning=None)["day"].null_count == 0


def test_a_table_without_partitions_is_replaced_in_too(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of(partition_by=[])
    first_batch(lake)
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,uno\n"}, REPLACE)
    assert [(file.partition, file.rows_before, file.uri) for file in report.replaced] == [({}, 3, "")]
    lake.publish(report)
    assert lake.table("id", "name") == [(1, "uno")]


def test_a_renamed_column_is_found_in_files_that_were_written_before(iceberg_lake_of: MakeIcebergLake) -> None:
    lake = iceberg_lake_of()
    first_batch(lake)
    columns = [dict(column) for column in ORDERS["columns"]]
    columns[0] |= {"name": "number", "former_names": ["nr", "id"]}
    columns[2] |= {"name": "title", "former_names": ["name"]}
    renamed = {"columns": columns, "primary_key": ["number", "day"], "version": "2.0.0"}
    lake.contract = iceberg_lake_of(**renamed).contract
    header = HEADER.replace(b"id", b"number").replace(b"name", b"title")
    report = lake.stage({"b.csv": header + b"1,2024-01-01,late\n4,2024-01-01,four\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (1, 1)
    lake.publish(report)
    report = lake.stage({"b.csv": header + b"4,2024-01-01,vier\n"}, REPLACE)
    assert [(file.rows_before, file.rows_kept) for file in report.replaced] == [(1, 0)]
    lake.publish(report)
    report = lake.stage({"c.csv": header + b"5,2024-01-02,five\n", "a.csv": header + b"1,2024-01-01,uno\n"}, REPLACE)
    assert report.counts.rows_replaced == 3, "all rows of the file, in both partitions"
    lake.publish(report)
    assert lake.table("number", "title") == [(1, "uno"), (4, "vier"), (5, "five")]


def test_a_file_without_any_column_that_is_asked_for_has_its_rows_all_the_same(
    iceberg_lake_of: MakeIcebergLake,
) -> None:
    """An adopted file whose key is in its folders, and which says nothing of source and batch."""
    lake = iceberg_lake_of(primary_key=["day"])
    rows = pa.table({"name": ["one", "two"]})
    pq.write_table(rows, lake.write("day=2024-01-01/part-0.parquet", b""))
    adopted = LiveFile(name="day=2024-01-01/part-0.parquet", partition="day=2024-01-01/", rows=2, bytes=1)
    lake.commit(replace(lake.live, files=(adopted,)))
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,late\n2,2024-01-02,new\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (1, 1)
    lake.replaces = (f"file://{lake.folder}/table/{adopted.name}",)
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,late\n"}, REPLACE)
    assert (report.replaced, report.counts.rows_duplicate) == ((), 1)
