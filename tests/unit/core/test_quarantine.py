"""A file that is in quarantine as a whole: its content, as it was, and why."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from pipeline_core import clients, layout
from pipeline_core.documents import LARGE_COPY
from pipeline_core.files import LandedFile
from pipeline_core.quarantine import quarantine_file

LANDED: dict[str, Any] = {
    "bucket": "raw",
    "key": "flights/a.csv",
    "size": 4,
    "landed_at": "2026-11-01T00:00:00Z",
    "dataset": "flights",
    "format": "csv",
}


@pytest.fixture
def file() -> Iterator[LandedFile]:
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in ("raw", "quarantine"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
        version = s3.put_object(Bucket="raw", Key="flights/a.csv", Body=b"x\n1\n", Tagging="team=a")["VersionId"]
        s3.put_object(Bucket="raw", Key="flights/a.csv", Body=b"another")
        yield LandedFile(**LANDED, version=version)


def kept(key: str) -> bytes:
    return bytes(clients.s3().get_object(Bucket="quarantine", Key=key)["Body"].read())


def test_it_is_that_version_without_its_tags_and_a_line_that_says_why(
    file: LandedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, settings = clients.s3(), list[Any]()
    real = s3.copy

    def copy(*arguments: Any, **more: Any) -> None:
        settings.append(more["Config"])
        real(*arguments, **more)

    monkeypatch.setattr(s3, "copy", copy)
    content, reason = layout.quarantined_file_keys("raw", "flights/a.csv", file.version)
    for _ in range(2):
        quarantine_file(file, "no contract", "quarantine")
        assert kept(content) == b"x\n1\n"
        assert s3.get_object_tagging(Bucket="quarantine", Key=content)["TagSet"] == []
        text = kept(reason)
        assert b"\n" not in text, "Athena takes a line for a row"
        said = json.loads(text)
        assert datetime.now(UTC).isoformat() >= said.pop("quarantined_at") > "2026"
        assert said == {**LANDED, "version": file.version, "reason": "no contract"}
    assert settings == [LARGE_COPY] * 2


def test_of_a_version_that_is_gone_there_is_the_reason_only(file: LandedFile) -> None:
    clients.s3().delete_object(Bucket="raw", Key="flights/a.csv", VersionId=file.version)
    quarantine_file(file, "gone", "quarantine")
    _, reason = layout.quarantined_file_keys("raw", "flights/a.csv", file.version)
    found = clients.s3().list_objects_v2(Bucket="quarantine")["Contents"]
    assert [each["Key"] for each in found] == [reason]


def test_what_cannot_be_copied_has_no_reason_yet(file: LandedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CopyObject")

    monkeypatch.setattr(clients.s3(), "copy", copy)
    with pytest.raises(ClientError, match="AccessDenied"):
        quarantine_file(file, "no contract", "quarantine")
    assert "Contents" not in clients.s3().list_objects_v2(Bucket="quarantine")


def test_each_version_of_each_object_has_its_own_place() -> None:
    versions = [("b", "k", "v"), ("b", "k", "w"), ("b", "l", "v"), ("c", "k", "v")]
    contents, reasons = zip(*(layout.quarantined_file_keys(*each) for each in versions), strict=True)
    assert len(set(contents)) == len(set(reasons)) == len(versions)
    assert all(re.fullmatch(f"{layout.FILES}[0-9a-f]{{32}}", content) for content in contents)
