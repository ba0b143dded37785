"""The job reads the list of an Iceberg table's files from S3: as it is now, or nothing where there is no table."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from pipeline_core.job_errors import StorageError
from pipeline_core.layout import LIVE_FILES
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.manifest import Manifest
from pyspark.sql import SparkSession

from glue_jobs import reading
from glue_jobs.live import read_live_files

MANIFEST = Manifest(
    batch_id="orders-1", dataset="orders", contract="", staging="", table="s3://bucket/tables/orders/", files=()
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        reading._s3.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client
    reading._s3.cache_clear()


def test_the_list_is_read_each_time_and_where_there_is_none_there_is_no_table(spark: SparkSession, s3: Any) -> None:
    assert read_live_files(spark, MANIFEST) == LiveFiles()
    for snapshot in ("1", "2"):
        live = LiveFiles(snapshot=snapshot, files=(LiveFile(name="data/a", partition="", rows=1, bytes=1),))
        s3.put_object(Bucket="bucket", Key=f"tables/orders/{LIVE_FILES}", Body=live.to_json().encode())
        assert read_live_files(spark, MANIFEST) == live


def test_a_list_that_cannot_be_fetched_is_the_storages_failure(
    spark: SparkSession, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty table in its place would make every row new."""

    def refused(self: object, address: str) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    monkeypatch.setattr(reading.Storage, "open_read", refused)
    with pytest.raises(StorageError, match="live-files"):
        read_live_files(spark, MANIFEST)
