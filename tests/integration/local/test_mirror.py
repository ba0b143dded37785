"""What Spark finds in the mirror is what the role may read, and what it leaves there reaches S3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.glue.mirror import Location, Mirror, needed_by


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for name in ("raw", "curated"):
            client.create_bucket(Bucket=name)
        yield client


def keys(s3: Any, bucket: str) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_a_run_needs_its_arguments_and_what_its_manifest_names(s3: Any) -> None:
    manifest = {"staging": "s3://curated/staging/", "files": [{"bucket": "raw", "key": "a.csv"}], "size": 3}
    s3.put_object(Bucket="curated", Key="m.json", Body=json.dumps(manifest))
    assert needed_by(s3, ["s3://curated/m.json", "--flag", "s3://raw/b.csv"]) == {
        Location("curated", "m.json"),
        Location("curated", "staging/"),
        Location("raw", "a.csv"),
        Location("raw", "b.csv"),
    }


def test_a_document_that_is_missing_or_no_json_names_nothing(s3: Any) -> None:
    s3.put_object(Bucket="raw", Key="bad.json", Body=b"{")
    assert len(needed_by(s3, ["s3://raw/bad.json", "s3://raw/none.json"])) == 2


def test_objects_and_prefixes_are_pulled_and_what_is_missing_is_left_out(s3: Any, tmp_path: Path) -> None:
    for key in ("in/a.csv", "in/deep/b.csv", "other.csv"):
        s3.put_object(Bucket="raw", Key=key, Body=key.encode())
    mirror = Mirror(s3, tmp_path)
    mirror.pull([Location("raw", "in/"), Location("raw", "none.csv"), Location("curated", "out/")])
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"raw/in/a.csv", "raw/in/deep/b.csv"}
    assert (tmp_path / "curated").is_dir(), "Spark needs the bucket's directory to write to"
    assert mirror.denied == []


def test_a_prefix_named_without_its_slash_is_pulled_too(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="curated", Key="out/part.parquet", Body=b"x")
    Mirror(s3, tmp_path).pull([Location("curated", "out")])
    assert (tmp_path / "curated/out/part.parquet").read_bytes() == b"x"


def test_only_what_a_run_changed_is_pushed(s3: Any, tmp_path: Path) -> None:
    for key in ("same", "changed", "deleted"):
        s3.put_object(Bucket="curated", Key=key, Body=b"before")
    mirror = Mirror(s3, tmp_path)
    mirror.pull([Location("curated", "")])
    (tmp_path / "curated/changed").write_text("after that")
    (tmp_path / "curated/deleted").unlink()
    (tmp_path / "curated/new").mkdir()
    (tmp_path / "curated/new/part").write_text("new")
    (tmp_path / "curated/new/.part.crc").write_text("checksum")
    pushed = mirror.push()
    assert pushed.written == ["s3://curated/changed", "s3://curated/new/part"]
    assert pushed.deleted == ["s3://curated/deleted"]
    assert keys(s3, "curated") == {"same", "changed", "new/part"}
    assert s3.get_object(Bucket="curated", Key="changed")["Body"].read() == b"after that"


def test_a_second_push_of_the_same_run_writes_nothing(s3: Any, tmp_path: Path) -> None:
    mirror = Mirror(s3, tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a").write_text("a")
    assert mirror.push().written == ["s3://raw/a"]
    assert mirror.push().written == []


class Refusing:
    """A client whose role may not read, or for which S3 is broken."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_object(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetObject")

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "ListObjectsV2")


def test_what_the_role_may_not_read_is_not_there_and_is_told(tmp_path: Path) -> None:
    mirror = Mirror(Refusing("AccessDenied"), tmp_path)
    mirror.pull([Location("raw", "secret.csv"), Location("raw", "below/")])
    assert [line.split(": ")[0] for line in sorted(mirror.denied)] == ["s3://raw/below/", "s3://raw/secret.csv"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_another_error_of_s3_is_not_taken_for_a_missing_object(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="InternalError"):
        Mirror(Refusing("InternalError"), tmp_path).pull([Location("raw", "a.csv")])


@pytest.mark.parametrize("uri", ["/tmp/x", "http://a/b", "s3://"])
def test_a_location_that_is_not_in_s3_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="expected s3://bucket/key"):
        Location.parse(uri)
