"""Athena reads JSON lines and projected partitions, as the tables of runs and of what was refused need it."""

import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.catalog import tables
from local.athena import json_files, projection
from local.emulator import Emulator
from tests.integration.local.test_athena import World

TODAY = datetime.datetime.now(datetime.UTC).date()
ROOT = Path(__file__).parents[3]


class OwnWorld(World):
    """The world of the Athena tests, with the pipeline's own tables of the datasets `flights` and `planes`."""

    def __init__(self, emulator: Emulator, bucket: str) -> None:
        super().__init__(emulator, bucket)
        datasets = ["flights", "planes"]
        self.table(tables.runs(datasets), "runs")
        self.table(tables.quarantined_rows(datasets), "rows")
        self.table(tables.quarantined_files(), "reasons")

    def table(self, table: tables.OwnTable, folder: str) -> None:
        definition = {
            "Name": table.name,
            "Parameters": table.parameters(),
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.projection],
            "StorageDescriptor": {
                "Location": f"s3://{self.bucket}/{folder}/",
                "Columns": [{"Name": name, "Type": kind} for name, kind in table.columns.items()],
                "SerdeInfo": {"SerializationLibrary": table.storage.serializer},
            },
        }
        self.glue.create_table(DatabaseName=self.database, TableInput=definition)

    def put(self, key: str, *documents: Any) -> int:
        body = "".join(json.dumps(document) + "\n" for document in documents).encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return len(body)

    def run(self, batch_id: str, dataset: str = "flights", month: str = f"{TODAY:%Y-%m}", **values: Any) -> int:
        return self.put(f"runs/dataset={dataset}/month={month}/{batch_id}.json", {"batch_id": batch_id, **values})

    def fails(self, sql: str) -> str:
        status = self.ask(sql)["Status"]
        assert status["State"] == "FAILED"
        return str(status["StateChangeReason"])


@pytest.fixture
def world(emulator: Emulator, bucket: str) -> OwnWorld:
    return OwnWorld(emulator, bucket)


def named(query: str) -> str:
    return (ROOT / "queries" / f"{query}.sql").read_text()


def test_a_json_object_is_a_row_with_its_partition_and_nulls_where_it_says_nothing(world: OwnWorld) -> None:
    world.run("b1", rows_read=2**40, violations=["a", "b"], created_at="2026-11-23 10:00:00.123", unknown={"x": 1})
    found = world.rows(
        "SELECT batch_id, dataset, month, rows_read, violations, created_at, error, cardinality(violations) FROM runs"
    )
    assert found[1:] == [
        ["b1", "flights", f"{TODAY:%Y-%m}", str(2**40), "[a, b]", "2026-11-23 10:00:00.123", None, "2"]
    ]


@pytest.mark.parametrize("table", ["runs", "quarantined_rows", "quarantined_files"])
def test_a_table_without_files_has_no_rows(world: OwnWorld, table: str) -> None:
    assert world.rows(f"SELECT * FROM {table}")[1:] == []
    assert world.scanned(f"SELECT * FROM {table}") == 0


def test_what_lies_outside_the_projection_is_not_there(world: OwnWorld) -> None:
    world.run("before", month="2023-12")
    world.run("first", month=tables.FIRST_MONTH)
    world.run("now")
    world.run("later", month="2999-01")
    world.run("strange", dataset="unknown")
    assert [row[0] for row in world.rows("SELECT batch_id FROM runs ORDER BY 1")[1:]] == ["first", "now"]


def test_json_is_scanned_whole_and_only_in_the_partitions_that_count(world: OwnWorld) -> None:
    flights, planes = world.run("b1", error="x" * 1000), world.run("b2", dataset="planes")
    assert world.scanned("SELECT batch_id FROM runs") == flights + planes
    assert world.scanned("SELECT count(*) FROM runs WHERE dataset = 'planes'") == planes
    assert world.scanned(f"SELECT * FROM runs WHERE month < '{TODAY:%Y-%m}'") == 0


def test_the_recent_runs_of_a_dataset(world: OwnWorld) -> None:
    before = (TODAY.replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m")
    world.run("b1", month=before, created_at="2026-01-01 00:00:00")
    world.run("b2", created_at="2026-01-02 00:00:00", rows_read=3, rows_curated=2, rows_duplicate=1)
    world.run("old", month=tables.FIRST_MONTH)
    world.run("other", dataset="planes")
    header, *found = world.rows(named("recent_runs"), "'flights'")
    assert [row[0] for row in found] == ["b2", "b1"]
    assert dict(zip(header, found[0], strict=True)).items() >= {"rows_read": "3", "rows_curated": "2"}.items()


def test_quarantined_rows_by_reason(world: OwnWorld) -> None:
    def quarantine(dataset: str, batch_id: str, *reasons: list[str]) -> None:
        sink = io.BytesIO()
        count = len(reasons)
        columns = {
            "batch_id": pa.array([batch_id] * count),
            "line": pa.array(range(count), pa.int64()),
            "reasons": pa.array(reasons, pa.list_(pa.string())),
            "quarantined_at": pa.array([1_795_000_000_000_000] * count, pa.timestamp("us", tz="UTC")),
        }
        pq.write_table(pa.table(columns), sink)
        key = f"rows/dataset={dataset}/{batch_id}-00000.parquet"
        world.s3.put_object(Bucket=world.bucket, Key=key, Body=sink.getvalue())

    quarantine("flights", "b1", ["type:year", "required:day"], ["type:year"])
    quarantine("flights", "b2", ["type:year"])
    quarantine("planes", "b3", ["minimum:seats"])
    assert [row[:3] for row in world.rows(named("quarantined_rows_by_reason"), "'flights'")[1:]] == [
        ["type:year", "3", "2"],
        ["required:day", "1", "1"],
    ]


def test_files_in_quarantine_the_latest_first(world: OwnWorld) -> None:
    world.put("reasons/1.json", {"key": "flights/a.csv", "version": "v1", "size": 7, "quarantined_at": "2026-11-01"})
    world.put("reasons/2.json", {"key": "flights/b.csv", "reason": "empty", "quarantined_at": "2026-11-02"})
    header, *found = world.rows(named("latest_quarantined_files"))
    files = [dict(zip(header, row, strict=True)) for row in found]
    assert [(file["key"], file["version"], file["size"]) for file in files] == [
        ("flights/b.csv", None, None),
        ("flights/a.csv", "v1", "7"),
    ]


def test_json_over_several_lines_fails_as_in_athena(world: OwnWorld) -> None:
    world.s3.put_object(Bucket=world.bucket, Key="reasons/1.json", Body=b'{\n "key": "a"\n}\n')
    assert world.fails("SELECT * FROM quarantined_files").startswith(
        "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"
    )


def test_a_value_that_is_not_of_the_columns_type_fails_the_query(world: OwnWorld) -> None:
    world.put("reasons/1.json", {"size": "seven"})
    assert "Error parsing field value 'seven' for field size" in world.fails("SELECT * FROM quarantined_files")


READ = ["glue:GetTable", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "athena:*"]


def test_projected_partitions_are_not_asked_of_the_catalog(world: OwnWorld, caller: Callable[..., Any]) -> None:
    world.run("b1")
    execution = world.ask("SELECT batch_id FROM runs", athena=caller(*READ))
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]


@pytest.mark.parametrize("missing", READ[:3])
def test_a_caller_that_may_not_read_is_refused(world: OwnWorld, caller: Callable[..., Any], missing: str) -> None:
    world.run("b1")
    athena = caller(*[action for action in READ if action != missing])
    reason = world.ask("SELECT batch_id FROM runs", athena=athena)["Status"]["StateChangeReason"]
    assert f"not authorized to perform: {missing} on resource" in reason


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("string", 1.5, "1.5"),
        ("string", True, "true"),
        ("int", 2**31 - 1, 2**31 - 1),
        ("double", 1, 1.0),
        ("boolean", False, False),
        ("timestamp", "2026-11-23 10:00:00", datetime.datetime(2026, 11, 23, 10)),  # noqa: DTZ001  Hive's have none
        ("array<bigint>", [1, None], [1, None]),
        ("bigint", None, None),
    ],
)
def test_values_are_read_as_their_column_says(tmp_path: Path, kind: str, value: Any, wanted: Any) -> None:
    file = tmp_path / "a"
    file.write_text(json.dumps({"C": value}))
    assert json_files.read([file], {"c": kind}).column("c").to_pylist() == [wanted]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31),
        ("int", True),
        ("bigint", "1"),
        ("boolean", 1),
        ("timestamp", "2026-11-23T10:00:00Z"),
        ("array<string>", "a"),
        ("map<string,string>", {}),
    ],
)
def test_values_that_do_not_fit_are_errors(tmp_path: Path, kind: str, value: Any) -> None:
    file = tmp_path / "a"
    file.write_text(json.dumps({"c": value}))
    with pytest.raises(json_files.JsonError, match=r"HIVE_BAD_DATA|NOT_SUPPORTED"):
        json_files.read([file], {"c": kind})


def projected(**properties: str) -> list[tuple[str, tuple[str, ...]]]:
    parameters = {f"projection.p.{name.replace('_', '.')}": value for name, value in properties.items()}
    table = {
        "Parameters": {"projection.enabled": "true", **parameters},
        "PartitionKeys": [{"Name": "p"}],
        "StorageDescriptor": {"Location": "s3://b/t/"},
    }
    return list(projection.project(table, datetime.date(2026, 11, 23)))


@pytest.mark.parametrize(
    ("properties", "values"),
    [
        ({"type": "enum", "values": "a,b"}, ["a", "b"]),
        ({"type": "date", "format": "yyyy-MM", "range": "2026-09,NOW"}, ["2026-09", "2026-10", "2026-11"]),
        ({"type": "date", "format": "yyyy/MM/dd", "range": "2026/11/22,NOW"}, ["2026/11/22", "2026/11/23"]),
        (
            {
                "type": "date",
                "format": "yyyy-MM",
                "range": "2025-11,2026-11",
                "interval": "1",
                "interval_unit": "YEARS",
            },
            ["2025-11", "2026-11"],
        ),
    ],
)
def test_partitions_follow_from_the_properties(properties: dict[str, str], values: list[str]) -> None:
    assert projected(**properties) == [(f"s3://b/t/p={value}", (value,)) for value in values]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "'projection.p.type' is missing"),
        ({"type": "enum"}, "'projection.p.values' is missing"),
        ({"type": "integer", "range": "1,2"}, "the emulator projects enum and date"),
        ({"type": "date", "format": "yyyy-MM", "range": "2026-09"}, "cannot be worked out"),
        ({"type": "date", "format": "yyyy-MMM", "range": "2026-09,NOW"}, "cannot be worked out"),
        ({"type": "date", "format": "yyyy-MM", "range": "09,NOW"}, "'09' in a projection's range"),
    ],
)
def test_a_projection_that_cannot_be_worked_out_says_why(properties: dict[str, str], message: str) -> None:
    with pytest.raises(projection.ProjectionError, match=message):
        projected(**properties)
