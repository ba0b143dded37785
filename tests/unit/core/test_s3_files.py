"""A file is read at the version that the manifest names, whatever became of its key since."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws
from pipeline_core.job_errors import OverwrittenError
from pipeline_core.manifest import ManifestFile
from pipeline_core.s3_files import BUFFER_BYTES, S3Files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RAW, CURATED, KEY = "raw", "curated", "orders/a b.csv"


def file(version: str, uri: str = f"s3://{RAW}/{KEY}") -> ManifestFile:
    return ManifestFile(key=KEY, version=version, uri=uri, size=1, format="csv", landed_at="2026-01-01T00:00:00Z")


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (RAW, CURATED):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
        yield client


def land(s3: "S3Client", content: bytes) -> str:
    return s3.put_object(Bucket=RAW, Key=KEY, Body=content)["VersionId"]


def test_a_file_that_was_overwritten_or_deleted_since_is_read_as_it_was(s3: "S3Client") -> None:
    land(s3, b"before")
    meant = land(s3, b"meant")
    land(s3, b"later")
    files = S3Files(s3)
    assert files.open_file(file(meant)).read() == b"meant"
    s3.delete_object(Bucket=RAW, Key=KEY)  # hides it, and deletes no version
    assert files.open_file(file(meant)).read() == b"meant"


def test_it_is_the_same_version_to_its_last_byte(s3: "S3Client") -> None:
    meant = land(s3, b"m" * (BUFFER_BYTES + 2))
    with S3Files(s3).open_file(file(meant)) as stream:
        assert stream.read(1) == b"m"
        land(s3, b"l" * (BUFFER_BYTES + 2))
        assert stream.read() == b"m" * (BUFFER_BYTES + 1)
        assert stream.read(1) == b""
        stream.seek(-1, 2)
        assert stream.read() == b"m"


def test_a_version_that_is_gone_is_said_to_be(s3: "S3Client") -> None:
    meant = land(s3, b"meant")
    land(s3, b"later")
    s3.delete_object(Bucket=RAW, Key=KEY, VersionId=meant)
    with pytest.raises(OverwrittenError, match=KEY):
        S3Files(s3).open_file(file(meant))


def test_a_copy_is_read_whatever_its_own_version(s3: "S3Client") -> None:
    copy = "staging/orders/orders-1/input/0.csv"
    s3.put_object(Bucket=CURATED, Key=copy, Body=b"meant")
    assert S3Files(s3).open_file(file("v1", f"s3://{CURATED}/{copy}")).read() == b"meant"


def test_a_bucket_that_had_no_versions_has_one_content(s3: "S3Client") -> None:
    s3.put_object(Bucket=CURATED, Key=KEY, Body=b"meant")
    assert S3Files(s3).open_file(file("etag:1", f"s3://{CURATED}/{KEY}")).read() == b"meant"


@pytest.mark.parametrize("code", ["403", "503"])
def test_a_storage_that_does_not_answer_is_not_taken_for_a_file_that_is_gone(code: str) -> None:
    client = boto3.client("s3")
    with Stubber(client) as stub:
        stub.add_client_error("head_object", code, http_status_code=int(code))
        with pytest.raises(ClientError, match=code):
            S3Files(client).open_file(file("v1"))


def test_every_range_is_told_before_it_is_asked_for(s3: "S3Client") -> None:
    meant = land(s3, b"m" * (BUFFER_BYTES + 2))
    told: list[tuple[str, int]] = []
    S3Files(s3, lambda uri, size: told.append((uri, size))).open_file(file(meant)).read()
    assert {uri for uri, _ in told} == {f"s3://{RAW}/{KEY}"}
    assert sum(size for _, size in told) == BUFFER_BYTES + 2
