"""Partitions that were published under an older contract stay readable in Athena beside the new ones."""

import copy
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.emulator import Emulator
from tests.integration.local.conftest import allow, eventually
from tests.integration.local.test_athena import World

ADDS_COLUMNS = {
    "Version": 1.0,
    "CrawlerOutput": {
        "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
        "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
    },
}


class Lake:
    """A table `orders` that a crawler keeps, as earlier releases' did, asked through Athena."""

    def __init__(self, world: World, role: str) -> None:
        self.world, self.bucket = world, world.bucket
        world.glue.create_crawler(
            Name=world.bucket,
            Role=role,
            DatabaseName=world.database,
            Targets={"S3Targets": [{"Path": f"s3://{world.bucket}/tables/orders/"}]},
            Configuration=json.dumps(ADDS_COLUMNS),
            SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        )

    def publish(self, day: str, **columns: Any) -> None:
        sink = io.BytesIO()
        # Spark writes decimals of up to 18 digits as integers.
        pq.write_table(pa.table(columns), sink, store_decimal_as_integer=True)
        self.world.s3.put_object(Bucket=self.bucket, Key=f"tables/orders/day={day}/a.parquet", Body=sink.getvalue())

    def crawl(self) -> dict[str, str]:
        """Crawl, and return the table's columns."""
        self.world.glue.start_crawler(Name=self.bucket)
        eventually(lambda: self.world.glue.get_crawler(Name=self.bucket)["Crawler"]["State"] == "READY")
        assert self.world.glue.get_crawler(Name=self.bucket)["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
        return {column["Name"]: column["Type"] for column in self.table()["StorageDescriptor"]["Columns"]}

    def table(self) -> dict[str, Any]:
        found = self.world.glue.get_table(DatabaseName=self.world.database, Name="orders")["Table"]
        return {key: found[key] for key in ("Name", "PartitionKeys", "Parameters", "StorageDescriptor", "TableType")}

    def declare(self, column: str, kind: str) -> None:
        """Have the catalog follow a contract: give a column another type, in the table and in its partitions."""
        where = {"DatabaseName": self.world.database, "TableName": "orders"}

        def changed(storage: dict[str, Any]) -> dict[str, Any]:
            storage = copy.deepcopy(storage)
            (found,) = [each for each in storage["Columns"] if each["Name"] == column]
            found["Type"] = kind
            return storage

        table = self.table()
        table["StorageDescriptor"] = changed(table["StorageDescriptor"])
        self.world.glue.update_table(DatabaseName=self.world.database, TableInput=table)
        entries = [
            {
                "PartitionValueList": part["Values"],
                "PartitionInput": {"Values": part["Values"], "StorageDescriptor": changed(part["StorageDescriptor"])},
            }
            for part in self.world.glue.get_partitions(**where)["Partitions"]
        ]
        assert not self.world.glue.batch_update_partition(**where, Entries=entries)["Errors"]

    def rows(self, columns: str) -> list[list[str | None]]:
        return self.world.rows(f"SELECT {columns} FROM orders ORDER BY day, id")[1:]


@pytest.fixture
def lake(emulator: Emulator, bucket: str, role: Callable[..., str]) -> Lake:
    permissions = allow(["s3:GetObject", "s3:ListBucket", "glue:*", "logs:*"])
    return Lake(World(emulator, bucket), role("glue.amazonaws.com", permissions))


def test_an_added_column_is_null_in_older_partitions(lake: Lake) -> None:
    lake.publish("1", id=pa.array([1], pa.int32()))
    lake.crawl()
    lake.publish("2", id=pa.array([2], pa.int32()), note=["new"])
    assert lake.crawl() == {"id": "int", "note": "string"}
    assert lake.rows("id, note") == [["1", None], ["2", "new"]]


def test_another_order_of_columns_changes_nothing(lake: Lake) -> None:
    lake.publish("1", id=pa.array([1], pa.int32()), state=["a"])
    lake.crawl()
    lake.publish("2", state=["b"], id=pa.array([2], pa.int32()))
    assert lake.crawl() == {"id": "int", "state": "string"}
    assert lake.rows("id, state") == [["1", "a"], ["2", "b"]]


WIDENED = {
    "bigint": (pa.array([7], pa.int32()), pa.array([2**40], pa.int64()), ["7", str(2**40)]),
    "decimal(9,2)": (
        pa.array([Decimal("1234.56")], pa.decimal128(6, 2)),
        pa.array([Decimal("1234567.00")], pa.decimal128(9, 2)),
        ["1234.56", "1234567.00"],
    ),
}


@pytest.mark.parametrize("kind", WIDENED)
def test_a_widened_type_needs_the_catalog_to_follow_and_the_crawler_does_not(lake: Lake, kind: str) -> None:
    old, new, shown = WIDENED[kind]
    lake.publish("1", id=pa.array([1], pa.int32()), amount=old)
    was = lake.crawl()["amount"]
    lake.publish("2", id=pa.array([2], pa.int32()), amount=new)
    assert lake.crawl()["amount"] == was != kind, "a crawler that only adds columns leaves the types as they are"
    assert lake.world.ask("SELECT amount FROM orders")["Status"]["State"] == "FAILED"
    lake.declare("amount", kind)
    assert [row[0] for row in lake.rows("amount")] == shown
    assert lake.crawl()["amount"] == kind, "the next crawl does not undo it"
    assert [row[0] for row in lake.rows("amount")] == shown
