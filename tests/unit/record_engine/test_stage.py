"""What a batch becomes: files of the table's form, quarantined records, and a report that rests on them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline_core.manifest import REPLACE
from pipeline_core.report import reconcile
from record_engine import Limits, is_summary, read, record_schema, stage

from tests.carriers import engine
from tests.lake import ORDERS, Lake
from tests.local_store import LocalStore, path_of

HEADER = b"id,day,name,price,at,weight,paid\n"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
COLUMNS = {
    "id": pa.int32(),
    "name": pa.string(),
    "price": pa.decimal128(6, 2),
    "at": pa.timestamp("us", tz="UTC"),
    "weight": pa.float64(),
    "paid": pa.bool_(),
    "_source_file": pa.string(),
    "_batch_id": pa.string(),
}
QUARANTINE = ["batch_id", "source_file", "line", "raw_record", "reasons", "quarantined_at"]


def test_curated_files_have_the_columns_of_the_table_in_its_order_and_types(lake: Lake) -> None:
    report = lake.stage({"a.csv": HEADER + b"1,2024-02-29,ann,1.5,2024-02-29 10:00,.5,true\n2,2024-03-01,,,,,\n"})
    assert [file.partition for file in report.curated] == [{"day": "2024-02-29"}, {"day": "2024-03-01"}]
    assert [file.rows for file in report.curated] == [1, 1]
    for file in report.curated:
        found = pq.ParquetFile(path_of(file.uri))
        assert dict(zip(found.schema_arrow.names, found.schema_arrow.types, strict=True)) == COLUMNS
        assert list(found.schema_arrow.names) == list(COLUMNS)
        assert found.metadata.row_group(0).column(0).compression == "SNAPPY"
        assert b"ARROW:schema" not in (found.metadata.metadata or {}), "nothing that only Arrow knows"
        moment: Any = found.metadata.schema.column(3)
        assert moment.physical_type == "INT64"
        assert "isAdjustedToUTC=true, timeUnit=microseconds" in str(moment.logical_type)
        assert file.uri.startswith(f"{lake.manifest.staging}run/curated/day={file.partition['day']}/")
    assert lake.rows(report, "_source_file", "_batch_id")[0] == ("a.csv?versionId=v1", "orders-1")
    assert report.columns == {column["name"]: column["type"] for column in ORDERS["columns"]}
    assert report.nulls == dict.fromkeys(("name", "price", "at", "weight", "paid"), 1)


def test_quarantined_files_have_one_source_file_each(lake: Lake) -> None:
    bad = HEADER + b"x,2024-02-29,,,,,\ny,2024-02-29,,,,,\n"
    report = lake.stage({"a.csv": bad, "b.csv": HEADER + b"1,2024-02-29,,,,,\n", "c.csv": bad})
    assert [(file.partition, file.rows) for file in report.quarantined] == [({"_file": "0"}, 2), ({"_file": "2"}, 2)]
    assert report.reasons == {"type:id": 4}
    for file in report.quarantined:
        table = pq.ParquetFile(path_of(file.uri)).read()
        assert table.column_names == QUARANTINE
        assert set(table["source_file"].to_pylist()) == {f"{'ac'[int(file.partition['_file']) > 0]}.csv?versionId=v1"}
        assert table.schema.field("quarantined_at").type == pa.timestamp("us", tz="UTC")
        assert f"/quarantined/_file={file.partition['_file']}/" in file.uri


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_how_much_is_in_memory_makes_no_difference(lake_of: Callable[..., Lake], size: int) -> None:
    rows = [b"%d,2024-02-%02d,%d,,,,\n" % (n % 200 or 201, 1 + n % 20, n) for n in range(600)]
    rows += [b"x,2024-02-01,,,,,\n"] * 30
    expected = lake_of()
    wanted = expected.stage({"a.csv": HEADER + b"".join(rows), "b.csv": HEADER + b"".join(rows[::-1])})
    lake = lake_of()
    lake.carrier = engine(Limits(block_bytes=size * 7, read_bytes=size * 5, buffered_bytes=size))
    lake.folder = lake.folder / "other"
    report = lake.stage({"a.csv": HEADER + b"".join(rows), "b.csv": HEADER + b"".join(rows[::-1])})
    assert report.files == wanted.files
    assert (report.reasons, report.nulls) == (wanted.reasons, wanted.nulls)
    names = ("id", "day", "name", "_source_file")
    assert lake.rows(report, *names) == expected.rows(wanted, *names)
    assert lake.quarantine() == expected.quarantine()
    assert (len(report.curated) > len(wanted.curated)) == (size < 10_000), "rows are written as soon as enough wait"


def test_rows_that_a_footer_does_not_say_are_missed_by_the_audit(lake: Lake) -> None:
    class Forgetful(LocalStore):
        """It loses rows on the way."""

        def open_read(self, uri: str) -> Any:
            if "/curated/" in uri:
                path = path_of(uri)
                pq.write_table(pq.ParquetFile(path).read().slice(1), path)
            return super().open_read(uri)

    lake.stage({"a.csv": HEADER + b"1,2024-02-29,,,,,\n2,2024-02-29,,,,,\n"})
    report = stage(replace(lake.manifest), lake.contract, Forgetful(), "again", NOW)
    assert (report.counts.rows_curated, sum(file.rows for file in report.curated)) == (2, 1)
    with pytest.raises(Exception, match="2 rows were curated, but 1 are in the staged files"):
        reconcile(report, [("a.csv", "v1")])


def test_nothing_is_written_but_below_the_folder_of_the_attempt(lake: Lake) -> None:
    lake.publish(
        lake.stage(
            {"a.csv": HEADER + b"1,2024-02-29,,,,,\nx,2024-02-29,,,,,\n", "b.csv": HEADER + b"2,2024-02-29,,,,,\n"}
        )
    )
    before = {path: path.stat().st_mtime_ns for path in lake.folder.rglob("*") if path.is_file()}
    report = lake.stage({"b.csv": HEADER + b"3,2024-02-29,,,,,\n"}, REPLACE)
    assert [(file.rows_before, file.rows_kept) for file in report.replaced] == [(2, 1)]
    after = {path: path.stat().st_mtime_ns for path in lake.folder.rglob("*") if path.is_file()}
    new = [path for path in after if path not in before and "raw" not in path.parts]
    assert before.items() <= after.items()
    assert new
    assert all(f"staging/{report.batch_id}/run" in str(path) for path in new)


def test_keys_are_equal_as_values_not_as_texts(lake_of: Callable[..., Lake]) -> None:
    kinds = {
        "i": "bigint",
        "f": "double",
        "d": "decimal(6,2)",
        "t": "timestamp",
        "b": "boolean",
        "s": "string",
        "a": "date",
    }
    columns = [{"name": name, "type": kind, "required": True} for name, kind in kinds.items()]
    lake = lake_of(columns=columns, primary_key=list(kinds), partition_by=[])
    header = ",".join(kinds) + "\n"
    same = ["1,0,1.5,2024-01-01 00:00,true,x,2024-01-01", "01,-0.0,1.50,2024-01-01T00:00:00Z,1, x ,2024-01-01"]
    other = ["1,0,1.5,2024-01-01 00:00:00.000001,true,x,2024-01-01", "1,1e-300,1.5,2024-01-01 00:00,true,x,2024-01-01"]
    report = lake.stage({"a.csv": (header + "\n".join(same + other)).encode()})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (3, 1)
    lake.publish(report)
    again = lake.stage({"b.csv": (header + "\n".join(same + other)).encode()})
    assert (again.counts.rows_curated, again.counts.rows_duplicate) == (0, 4)


def test_texts_that_differ_in_where_one_ends_are_different_keys(lake_of: Callable[..., Lake]) -> None:
    columns = [{"name": name, "type": "string", "required": True} for name in ("a", "b")]
    lake = lake_of(columns=columns, primary_key=["a", "b"], partition_by=[])
    report = lake.stage({"a.csv": b"a,b\nx,yz\nxy,z\nx|y,z\nx,y|z\n"})
    assert report.counts.rows_curated == 4
    # JSON could write the very character that ends one, so a value with it is refused.
    report = lake.stage({"a.jsonl": b'{"a":"q\\u0000r","b":"s"}\n{"a":"q","b":"r\\u0000s"}\n'})
    assert report.reasons == {"nul_character": 2}


def test_read_gives_valid_and_refused_records_apart_and_a_summary_last(lake: Lake) -> None:
    lake.stage({"a.csv": HEADER + b"1,2024-02-29,ann,,,,\nx,2024-02-29,,,,,\n2,2024-02-29,,,,,\n", "b.csv": b"id\n1\n"})
    good, wrong = lake.manifest.files
    batches = list(read(good, 7, lake.contract, LocalStore().open_file))
    assert all(batch.schema == record_schema(lake.contract) for batch in batches)
    assert [is_summary(batch) for batch in batches] == [False, False, True]
    valid, refused, summary = (batch.to_pylist() for batch in batches)
    assert [(row["_file"], row["_line"], row["_raw"], row["_reasons"], row["id"]) for row in valid] == [
        (7, 2, None, [], 1),
        (7, 4, None, [], 2),
    ]
    assert [(row["_line"], row["_raw"], row["_reasons"]) for row in refused] == [(3, "x,2024-02-29,,,,,", ["type:id"])]
    assert [(row["_raw"], row["_reasons"]) for row in summary] == [(None, ["3"])]
    *_, last = read(wrong, 0, lake.contract, LocalStore().open_file)
    assert (last["_raw"].to_pylist(), last["_reasons"].to_pylist()) == (["missing_column:day"], [["1"]])


def test_a_published_file_that_is_hidden_is_not_read(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": HEADER + b"1,2024-02-29,,,,,\n"}))
    [path] = lake.published()
    Path(path.parent / "_SUCCESS").write_bytes(b"")
    Path(path.parent / ".part-0.parquet.crc").write_bytes(b"crc")
    assert lake.stage({"b.csv": HEADER + b"1,2024-02-29,,,,,\n"}).counts.rows_duplicate == 1


def test_rows_that_this_very_batch_has_published_before_it_was_interrupted_do_not_count(lake: Lake) -> None:
    content = {"a.csv": HEADER + b"1,2024-02-29,,,,,\n"}
    lake.publish(lake.stage(content))
    again = stage(lake.manifest, lake.contract, LocalStore(), "again", NOW)
    assert (again.counts.rows_curated, again.counts.rows_duplicate) == (1, 0)
    other = stage(replace(lake.manifest, batch_id="another"), lake.contract, LocalStore(), "other", NOW)
    assert (other.counts.rows_curated, other.counts.rows_duplicate) == (0, 1)
