"""A crawl leaves the tables and partitions that a Glue crawler would leave."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.catalog.crawler import crawler_configuration
from local.emulator import Emulator
from local.glue.hive_types import hive_type
from tests.integration.local.conftest import Told, allow, eventually

Role = Callable[..., str]
PERMISSIONS = [allow(["s3:GetObject", "s3:ListBucket", "glue:*", "logs:*"])]


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.fixture
def glue(emulator: Emulator) -> Any:
    return emulator.client("glue")


@pytest.fixture
def crawl(emulator: Emulator, bucket: str, role: Role, glue: Any) -> Callable[..., dict[str, Any]]:
    """Writes objects, crawls `tables/flights/` and returns the crawl."""
    database = bucket.replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})

    def run(objects: dict[str, bytes], statements: Any = PERMISSIONS, **settings: Any) -> dict[str, Any]:
        for key, body in objects.items():
            emulator.client("s3").put_object(Bucket=bucket, Key=f"tables/flights/{key}", Body=body)
        if bucket not in [crawler["Name"] for crawler in glue.get_crawlers()["Crawlers"]]:
            glue.create_crawler(
                Name=bucket,
                Role=role("glue.amazonaws.com", *statements),
                DatabaseName=database,
                Targets={"S3Targets": [{"Path": f"s3://{bucket}/tables/flights/", **settings.pop("target", {})}]},
                **settings,
            )
        glue.start_crawler(Name=bucket)
        eventually(lambda: glue.get_crawler(Name=bucket)["Crawler"]["State"] == "READY")
        last: dict[str, Any] = glue.get_crawler(Name=bucket)["Crawler"]["LastCrawl"]
        return last

    return run


def table(glue: Any, bucket: str, name: str = "flights") -> dict[str, Any]:
    found: dict[str, Any] = glue.get_table(DatabaseName=bucket.replace("-", "_"), Name=name)["Table"]
    return found


def columns(table: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def partitions(glue: Any, bucket: str) -> dict[tuple[str, ...], Any]:
    found = glue.get_partitions(DatabaseName=bucket.replace("-", "_"), TableName="flights")["Partitions"]
    return {tuple(part["Values"]): part["StorageDescriptor"] for part in found}


def test_a_folder_becomes_a_table_and_its_subfolders_partitions(
    bucket: str, crawl: Callable[..., dict[str, Any]], glue: Any
) -> None:
    assert crawl({"month=01/a.parquet": parquet(id=[1]), "month=02/b.parquet": parquet(id=[2])})["Status"] == (
        "SUCCEEDED"
    )
    found = table(glue, bucket)
    assert columns(found) == {"id": "bigint"}
    assert found["PartitionKeys"] == [{"Name": "month", "Type": "string"}]
    assert found["Parameters"]["classification"] == "parquet"
    assert found["Parameters"]["recordCount"] == "2"
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    locations = {values: storage["Location"] for values, storage in partitions(glue, bucket).items()}
    assert locations == {
        ("01",): f"s3://{bucket}/tables/flights/month=01/",
        ("02",): f"s3://{bucket}/tables/flights/month=02/",
    }


def test_a_new_column_reaches_the_table_and_every_partition(
    bucket: str, crawl: Callable[..., dict[str, Any]], glue: Any
) -> None:
    crawl({"month=01/a.parquet": parquet(id=[1])})
    crawl({"month=02/b.parquet": parquet(id=[2], delay=[1.5])})
    assert columns(table(glue, bucket)) == {"id": "bigint", "delay": "double"}
    found = partitions(glue, bucket)
    assert len(found) == 2
    for storage in found.values():
        assert [column["Name"] for column in storage["Columns"]] == ["id", "delay"]


def test_a_crawler_that_only_logs_changes_adds_partitions_and_leaves_a_table_as_it_is(
    bucket: str, crawl: Callable[..., dict[str, Any]], glue: Any
) -> None:
    database, typed = bucket.replace("-", "_"), [{"Name": "month", "Type": "int"}]
    storage = {"Columns": [{"Name": "id", "Type": "int"}], "Location": f"s3://{bucket}/tables/flights/"}
    glue.create_table(
        DatabaseName=database, TableInput={"Name": "flights", "PartitionKeys": typed, "StorageDescriptor": storage}
    )
    settings = {
        "Configuration": crawler_configuration(),
        "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
    }
    assert crawl({"month=7/a.parquet": parquet(id=[1], new=["x"])}, **settings)["Status"] == "SUCCEEDED"
    found = table(glue, bucket)
    assert (found["PartitionKeys"], columns(found)) == (typed, {"id": "int"})
    assert {values: types["Columns"] for values, types in partitions(glue, bucket).items()} == {
        ("7",): storage["Columns"]
    }


def test_hidden_excluded_and_empty_objects_are_not_data(
    bucket: str, crawl: Callable[..., dict[str, Any]], glue: Any
) -> None:
    objects = {"a.parquet": parquet(id=[1]), "_SUCCESS": b"x", "skip/b.txt": b"text", "empty": b""}
    assert crawl(objects, target={"Exclusions": ["skip/**"]})["Status"] == "SUCCEEDED"
    assert table(glue, bucket)["Parameters"]["objectCount"] == "1"


def test_nothing_to_learn_makes_no_table(bucket: str, crawl: Callable[..., dict[str, Any]], glue: Any) -> None:
    assert crawl({})["Status"] == "SUCCEEDED"
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        table(glue, bucket)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({"a.parquet": b"text that is not Parquet"}, "is not Parquet"),
        ({"a.parquet": parquet(id=[1]), "month=1/b.parquet": parquet(id=[1])}, "has partitions"),
        ({"a.parquet": parquet(t=pa.array([1], pa.time64("us")))}, "has no Hive type"),
    ],
)
def test_files_that_do_not_fit_fail_the_crawl_and_say_so(
    crawl: Callable[..., dict[str, Any]], objects: dict[str, bytes], message: str
) -> None:
    last = crawl(objects)
    assert last["Status"] == "FAILED"
    assert message in last["ErrorMessage"]


def test_a_crawl_without_the_permission_to_write_the_catalog_fails(crawl: Callable[..., dict[str, Any]]) -> None:
    last = crawl({"a.parquet": parquet(id=[1])}, statements=[allow(["s3:*", "glue:GetTable"])])
    assert last["Status"] == "FAILED"
    assert "glue:CreateTable" in last["ErrorMessage"]


def test_a_crawler_that_is_running_or_unknown_is_refused(
    bucket: str, crawl: Callable[..., dict[str, Any]], emulator: Emulator, glue: Any
) -> None:
    crawl({f"month={month}/a.parquet": parquet(id=[1]) for month in range(24)})

    def refused() -> bool:
        # A crawl takes milliseconds here: on a busy machine it may be over before the second request arrives.
        try:
            glue.start_crawler(Name=bucket)
            glue.start_crawler(Name=bucket)
        except glue.exceptions.CrawlerRunningException:
            return True
        return False

    assert any(refused() for _ in range(50)), "a crawler that runs was started again, 50 times"
    eventually(lambda: glue.get_crawler(Name=bucket)["Crawler"]["State"] == "READY")
    with pytest.raises(glue.exceptions.CrawlerNotRunningException):
        glue.stop_crawler(Name=bucket)
    for call in (glue.start_crawler, glue.stop_crawler):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            call(Name="nobody")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.int8(), "tinyint"),
        (pa.int16(), "smallint"),
        (pa.int32(), "int"),
        (pa.int64(), "bigint"),
        (pa.float32(), "float"),
        (pa.float64(), "double"),
        (pa.string(), "string"),
        (pa.bool_(), "boolean"),
        (pa.date32(), "date"),
        (pa.timestamp("us", tz="UTC"), "timestamp"),
        (pa.timestamp("ns"), "timestamp"),
        (pa.decimal128(12, 2), "decimal(12,2)"),
        (pa.binary(), "binary"),
        (pa.list_(pa.int32()), "array<int>"),
        (pa.map_(pa.string(), pa.int64()), "map<string,bigint>"),
        (pa.struct([("a", pa.int32()), ("b", pa.string())]), "struct<a:int,b:string>"),
    ],
)
def test_a_parquet_type_has_the_hive_type_of_a_glue_crawler(kind: pa.DataType, name: str) -> None:
    assert hive_type(kind) == name


def test_how_a_crawl_ended_is_told_on_the_default_bus(
    bucket: str, crawl: Callable[..., dict[str, Any]], told: Told
) -> None:
    crawl({"month=01/a.parquet": parquet(id=[1])})
    (event,) = eventually(told)
    assert (event["kind"], event["crawlerName"]) == ("Glue Crawler State Change", bucket)
    assert (event["state"], event["message"]) == ("Succeeded", "Crawler Succeeded"), "not written as a run's state is"
    assert "errorMessage" not in event
    last = crawl({"month=01/b.parquet": b"no Parquet"})
    (event,) = eventually(told)
    assert (event["state"], event["message"]) == ("Failed", "Crawler Failed")
    assert event["errorMessage"] == last["ErrorMessage"]
    assert last["ErrorMessage"]
