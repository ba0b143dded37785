"""Documents are written once, whoever comes first; and S3 addresses and keys are taken literally."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from pipeline_core import clients, documents, layout
from pipeline_core.content import hint_of


@pytest.fixture
def bucket() -> Iterator[str]:
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield "bucket"


def test_who_comes_second_gets_the_firsts_document(bucket: str) -> None:
    def slow() -> str:
        documents.write(bucket, "k", "first")
        return "second"

    assert documents.write_once(bucket, "k", slow) == b"first"
    assert documents.write_once(bucket, "k", lambda: "third") == b"first"
    assert documents.read(bucket, "k") == b"first"


def test_a_document_that_is_missing_is_none_but_a_missing_bucket_is_an_error(bucket: str) -> None:
    assert documents.read(bucket, "nothing") is None
    with pytest.raises(clients.s3().exceptions.NoSuchBucket):
        documents.read("nowhere", "k")


@pytest.mark.parametrize("key", ["a/b.csv", "a?b#c.csv", "a//b", "a%20b", "é/ü.csv"])
def test_an_s3_address_is_split_as_it_was_written(key: str) -> None:
    assert layout.split_uri(layout.uri("bucket", key)) == ("bucket", key)


@pytest.mark.parametrize("location", ["/a/b", "http://a/b", "s3:///k"])
def test_what_is_no_s3_address_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="not an S3 address"):
        layout.split_uri(location)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("d/A.CSV.GZ", "csv"),
        ("d/a.tsv", "csv"),
        ("d/a.json.zst", "jsonl"),
        ("d/a.parq", "parquet"),
        ("d/a.gz", ""),
        ("d/csv", ""),
    ],
)
def test_a_name_hints_at_a_format_by_its_end(key: str, expected: object) -> None:
    assert hint_of(key) == expected


def test_a_rejected_files_place_fits_however_long_its_key_is() -> None:
    assert max(map(len, layout.quarantined_file_keys("b", "k" * 1024, "v"))) < 100
