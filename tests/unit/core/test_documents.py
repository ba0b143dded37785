"""Documents are written once, whoever comes first; and S3 addresses and keys are taken literally."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pipeline_core import clients, documents, layout, publish
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


@pytest.mark.parametrize("key", ["a/b.csv", "a?b#c.csv", "a//b", "a%20b", "é/ü.csv", "from/s3://c/d"])
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


@pytest.mark.parametrize("value", ["2013", "", "a/b", "a=b", "50 %", "é", "a%2Fb", "__HIVE_DEFAULT_PARTITION__"])
def test_a_value_of_a_partition_is_one_folder_and_comes_back_as_it_was(value: str) -> None:
    values = {"year": value, "month": "1"}
    path = layout.partition_path(values)
    assert (path.count("/"), path.count("=")) == (2, 2)
    assert layout.partition_values(path) == values


@pytest.mark.parametrize("number", [0, 1, 1_000, 1_001])
def test_objects_are_deleted_a_thousand_a_call(bucket: str, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    s3, sizes = clients.s3(), list[int]()
    real = s3.delete_objects

    def delete_objects(**given: Any) -> Any:
        sizes.append(len(given["Delete"]["Objects"]))
        return real(**given)

    monkeypatch.setattr(s3, "delete_objects", delete_objects)
    documents.write(bucket, "0", "first")
    documents.write(bucket, f"{number - 1}", "last")
    documents.write(bucket, "stays", "another's")
    publish.delete_objects(bucket, [str(at) for at in range(number)])
    assert sizes == [size for size in (min(number, 1_000), number - 1_000) if size > 0]
    left = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert left == ({"stays"} if number else {"stays", "0", "-1"})


def test_an_object_that_s3_does_not_delete_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
    monkeypatch.setattr(clients.s3(), "delete_objects", lambda **_: answer)
    with pytest.raises(RuntimeError, match=r"^bucket: objects were not deleted: .*'a'.*AccessDenied"):
        publish.delete_objects(bucket, ["a", "b"])


@pytest.mark.parametrize(
    ("key", "dataset"),
    [
        ("flights/a.csv", "flights"),
        ("flights/2013/01/a.csv", "flights"),
        ("shop/orders/a.csv", "orders"),
        ("shop/orders/returns/2013/a.csv", "returns"),
        ("shop/other/a.csv", "shop"),
        ("shop/orders/", "shop"),
        ("a.csv", None),
        ("flights/", None),
        ("/a.csv", None),
    ],
)
def test_a_key_is_of_the_dataset_of_its_longest_prefix_or_of_its_first_folder(key: str, dataset: str | None) -> None:
    places = {"shop/orders/": "orders", "shop/orders/returns/": "returns"}
    assert layout.dataset_of(key, places) == dataset


def test_a_contract_and_the_places_of_files_are_read_once_a_minute(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, asked = [1_000.0], list[str]()
    # Of this module alone: others tell the time in their threads.
    monkeypatch.setattr("pipeline_core.documents.time", SimpleNamespace(monotonic=lambda: at[0]))
    real = documents.read

    def read(bucket: str, key: str) -> bytes | None:
        asked.append(key)
        return real(bucket, key)

    monkeypatch.setattr(documents, "read", read)
    kept = documents.Contracts(bucket)
    assert (kept.get("flights"), kept.places()) == (None, {})
    documents.write(bucket, layout.CONTRACT_INDEX_KEY, json.dumps({"places": {"shop/": "orders"}}))
    for seconds, places, reads in ((0, {}, 1), (59, {}, 1), (60, {"shop/": "orders"}, 2), (61, {"shop/": "orders"}, 2)):
        at[0] = 1_000.0 + seconds
        assert (kept.get("flights"), kept.places()) == (None, places)
        assert asked.count(layout.CONTRACT_INDEX_KEY) == asked.count(layout.contract_key("flights")) == reads
