"""The quick engine reads the files that an Iceberg table's metadata lists, with the caller's permissions."""

import datetime
import io
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import load_catalog

from local.emulator import ACCESS_KEY, REGION, Emulator
from tests.integration.local.test_athena import World

DAY = datetime.date(2013, 1, 1)


def rows(*ids: int) -> pa.Table:
    days = [DAY + datetime.timedelta(days=each % 2) for each in ids]
    return pa.table({"id": pa.array(ids, pa.int32()), "day": days, "name": [f"n{each}" for each in ids]})


@pytest.fixture
def world(emulator: Emulator, bucket: str) -> World:
    return World(emulator, bucket)


@pytest.fixture
def ice(emulator: Emulator, world: World) -> Any:
    """A table of PyIceberg's, partitioned by the day, with the rows 1, 2 and 3."""
    keys = {
        "access-key-id": ACCESS_KEY,
        "secret-access-key": ACCESS_KEY,
        "region": REGION,
        "endpoint": emulator.endpoint,
    }
    settings = {f"{service}.{name}": value for service in ("glue", "s3") for name, value in keys.items()}
    catalog = load_catalog("glue", type="glue", **settings)
    table = catalog.create_table(
        f"{world.database}.ice",
        schema=rows(1).schema,
        location=f"s3://{world.bucket}/ice",
        properties={"format-version": "2"},
    )
    with table.update_spec() as spec:
        spec.add_identity("day")
    table.append(rows(1, 2, 3))
    return table


def test_rows_are_those_of_the_snapshot_whatever_lies_in_the_folder(world: World, ice: Any) -> None:
    stray = io.BytesIO()
    pq.write_table(rows(99), stray)
    world.s3.put_object(Bucket=world.bucket, Key="ice/data/day=2013-01-01/stray.parquet", Body=stray.getvalue())
    assert world.rows("SELECT id, day, name FROM ice ORDER BY id")[1:] == [
        ["1", "2013-01-02", "n1"],
        ["2", "2013-01-01", "n2"],
        ["3", "2013-01-02", "n3"],
    ]
    ice.append(rows(4))
    assert world.rows("SELECT count(*) FROM ice WHERE day = DATE '2013-01-01'")[1:] == [["2"]]


def test_it_joins_a_table_of_hives(world: World, ice: Any) -> None:
    assert world.rows("SELECT i.name FROM ice i JOIN t ON t.id = i.id AND t.month = '01' ORDER BY 1")[1:] == [
        ["n1"],
        ["n2"],
        ["n3"],
    ]


def test_what_was_there_is_found_by_the_snapshot_and_by_the_time(world: World, ice: Any) -> None:
    first = ice.current_snapshot()
    time.sleep(0.01)
    ice.append(rows(4, 5))
    ice.manage_snapshots().create_tag(first.snapshot_id, "before").commit()
    at = datetime.datetime.fromtimestamp(first.timestamp_ms / 1000, datetime.UTC)
    for version in (
        f"VERSION AS OF {first.snapshot_id}",
        "VERSION AS OF 'before'",
        f"TIMESTAMP AS OF TIMESTAMP '{at:%Y-%m-%d %H:%M:%S.%f UTC}'",
    ):
        assert world.rows(f"SELECT count(*) FROM ice FOR {version}")[1:] == [["3"]]
    assert world.rows("SELECT count(*) FROM ice")[1:] == [["5"]]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT id FROM ice FOR VERSION AS OF CAST(7 AS bigint)", "INVALID_ARGUMENTS: line 1:1: Iceberg snapshot ID"),
        ("SELECT id FROM ice FOR TIMESTAMP AS OF DATE '2013-01-01'", "INVALID_ARGUMENTS: line 1:1: No version history"),
        (
            "SELECT id FROM ice FOR TIMESTAMP AS OF current_timestamp",
            "INVALID_ARGUMENTS: line 1:1: Pointer value is not",
        ),
        ("SELECT id FROM t FOR VERSION AS OF CAST(7 AS bigint)", "NOT_SUPPORTED"),
        ('SELECT * FROM "ice$snapshots"', "NOT_EMULATED"),
    ],
)
def test_a_state_that_there_was_not_is_refused(world: World, ice: Any, sql: str, reason: str) -> None:
    status = world.ask(sql)["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(reason)


def test_columns_are_found_by_their_ids(world: World, ice: Any) -> None:
    with ice.update_schema() as schema:
        schema.rename_column("name", "label")
    with ice.update_schema() as schema:
        schema.add_column("name", ice.schema().find_type("id"))
    assert world.rows("SELECT label, name FROM ice WHERE id = 1")[1:] == [["n1", None]]
    assert [row[0] for row in world.rows("SHOW COLUMNS FROM ice")] == ["id", "day", "label", "name"]
    # Nothing was written since: the version of now has the columns of then.
    snapshot = ice.current_snapshot().snapshot_id
    assert world.rows(f"SELECT * FROM ice FOR VERSION AS OF {snapshot} WHERE id = 1") == [
        ["id", "day", "name"],
        ["1", "2013-01-02", "n1"],
    ]


def test_a_column_that_is_not_asked_for_is_not_scanned(world: World, ice: Any) -> None:
    assert 0 < world.scanned("SELECT id FROM ice") < world.scanned("SELECT * FROM ice")


READ = ["glue:GetTable", "s3:GetObject", "s3:PutObject", "athena:*"]


def test_a_caller_needs_to_read_the_table_and_its_files(world: World, ice: Any, caller: Callable[..., Any]) -> None:
    assert world.ask("SELECT id FROM ice", athena=caller(*READ))["Status"]["State"] == "SUCCEEDED"


@pytest.mark.parametrize("missing", READ[:2])
def test_a_caller_that_may_not_is_refused(world: World, ice: Any, caller: Callable[..., Any], missing: str) -> None:
    athena = caller(*[action for action in READ if action != missing])
    status = world.ask("SELECT id FROM ice", athena=athena)["Status"]
    assert status["State"] == "FAILED"
    assert f"not authorized to perform: {missing} on resource" in status["StateChangeReason"]
