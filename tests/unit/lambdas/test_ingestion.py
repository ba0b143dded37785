"""Every landed object version is in the ledger once, or in quarantine with its reason."""

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.files import FileItem
from pipeline_core.layout import quarantined_file_keys
from pipeline_core.quarantine import DELETED_REASON

from lambdas.ingestion.logic import rejection, replay_purpose
from tests.unit.lambdas.conftest import QUARANTINE, RAW, Cloud, candidate, contracts

Call = Callable[..., Any]


def test_a_landed_file_is_pending_once_however_often_its_event_comes(cloud: Cloud, call: Call) -> None:
    record = cloud.land("flights/2013/a b+%41.csv", b"x\n1\n")
    for _ in range(3):
        assert call("ingestion", {"Records": [record]}) == {"batchItemFailures": []}
    (item,) = cloud.files("flights/2013/a b+%41.csv")
    assert (item["status"], item["dataset"], item["format"], item["size"]) == ("PENDING", "flights", "csv", 4)
    assert [file.key for file in cloud.ledger.pending("flights", 10)] == ["flights/2013/a b+%41.csv"]


def test_each_version_of_an_object_is_a_file_of_its_own(cloud: Cloud, call: Call) -> None:
    records = [cloud.land("flights/a.csv", b"1\n"), cloud.land("flights/a.csv", b"2\n")]
    call("ingestion", {"Records": records[::-1]})
    assert [item["status"] for item in cloud.files("flights/a.csv")] == ["PENDING", "PENDING"]


@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("orphan.csv", b"x", "unknown_dataset: the key is in no folder"),
        ("nobody/a.csv", b"x", "unknown_dataset: no contract is deployed for 'nobody'"),
        ("flights/a.csv", b"", "empty: the file has 0 bytes"),
        (
            "flights/a.csv.gz",
            gzip.compress(b"0" * 10**6, mtime=0),
            "gzip_bomb: the content unpacks to more than 200 times",
        ),
        (
            "flights/members.csv.gz",
            gzip.compress(b"id\n", mtime=0) + gzip.compress(b"0" * 10**6, mtime=0),
            "gzip_bomb: the content unpacks to more than 200 times",
        ),
        ("flights/a.jsonl", b"PAR1....PAR2", "not_parquet"),
        (
            "flights/a.csv",
            b"%PDF-1.7 and so on",
            "not_text: the content is a PDF document; the contract's formats are csv",
        ),
        ("flights/a", b"\x89PNG\r\n", "not_text: the content is a PNG image"),
        ("flights/a.csv", b"a,b\n" + b"\0" * 30, "not_text: the content is binary"),
        ("flights/a.parquet", b"\0\0\0\0", "not_parquet"),
        ("flights/a.parquet", b"PAR1 but cut off in between", "not_parquet"),
        ("flights/../../etc/passwd", b"\x7fELF", "not_text: the content is a program"),
    ],
)
def test_a_file_that_no_contract_wants_is_kept_with_its_reason(
    cloud: Cloud, call: Call, key: str, body: bytes, reason: str
) -> None:
    good = cloud.land("airlines/good.csv", b"carrier,name\n")
    assert call("ingestion", {"Records": [cloud.land(key, body), good]}) == {"batchItemFailures": []}
    (item,) = cloud.files(key)
    assert item["status"] == "REJECTED"
    assert item["reason"].startswith(reason)
    content_key, reason_key = quarantined_file_keys(RAW, key, item["version"])
    assert cloud.s3.get_object(Bucket=QUARANTINE, Key=content_key)["Body"].read() == body
    (line,) = cloud.s3.get_object(Bucket=QUARANTINE, Key=reason_key)["Body"].read().splitlines()
    kept = json.loads(line)
    assert (kept["key"], kept["reason"]) == (key, item["reason"])
    assert cloud.files("airlines/good.csv")[0]["status"] == "PENDING"


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("flights/a.csv.gz", b"a,b\n"),
        ("flights/part-00000", b"a,b\n"),
        ("flights/a.txt", gzip.compress(b"a,b\n", mtime=0)),
        ("flights/a.csv", "a,b\n".encode("utf-16")),
        ("flights/a.zip", b"PK\x03\x04...."),
        ("flights/a.csv", b"PAR1........PAR1"),
        ("flights/a.csv", b'{"a": 1}\n'),
    ],
)
def test_a_name_that_says_nothing_or_something_else_is_no_reason(
    cloud: Cloud, call: Call, key: str, body: bytes
) -> None:
    call("ingestion", {"Records": [cloud.land(key, body)]})
    assert cloud.files(key)[0]["status"] == "PENDING"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0), id="repetitive"),
        # No block of deflate begins with these bits.
        pytest.param(gzip.compress(b"a,b\n", mtime=0)[:10] + b"\xff" * 9, id="damaged"),
        pytest.param(gzip.compress(b"a,b\n", mtime=0) + b"\0" * 9, id="followed by something else"),
    ],
)
def test_a_gzip_file_that_is_repetitive_or_damaged_is_left_to_the_job(cloud: Cloud, call: Call, body: bytes) -> None:
    answer = call("ingestion", {"Records": [cloud.land("flights/a.csv.gz", body)]})
    assert answer == {"batchItemFailures": []}
    assert cloud.files("flights/a.csv.gz")[0]["status"] == "PENDING"


@pytest.mark.parametrize(("surplus", "status"), [(-1, "PENDING"), (0, "PENDING"), (1, "REJECTED")])
def test_a_gzip_file_is_a_bomb_when_it_unpacks_to_more_than_so_many_times_its_size(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, surplus: int, status: str
) -> None:
    # 72 zeros are packed into 24 bytes, and so are 71 and 73.
    body = gzip.compress(bytes(72 + surplus), mtime=0)
    assert len(body) == 24
    monkeypatch.setattr("lambdas.ingestion.logic.MAX_EXPANSION", 3)
    call("ingestion", {"Records": [cloud.land("flights/a.csv.gz", body)]})
    assert cloud.files("flights/a.csv.gz")[0]["status"] == status


def test_one_bad_message_does_not_send_the_good_ones_back(cloud: Cloud, call: Call) -> None:
    good, bad = cloud.land("flights/a.csv", b"1\n"), cloud.land("flights/b.csv", b"1\n")
    bad["body"] = "{}"
    assert call("ingestion", {"Records": [bad, good]}) == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}
    assert cloud.files("flights/a.csv")[0]["status"] == "PENDING"


IGNORED = {
    "flights/_SUCCESS": "hidden: '_SUCCESS' begins with '_'",
    "flights/_temporary/0/_temporary/attempt_1/part-0.csv": "hidden: '_temporary'",
    "flights/_spark_metadata/0": "hidden",
    "flights/2013/_hidden.csv": "hidden: '_hidden.csv'",
    "flights/.dot.csv": "hidden: '.dot.csv' begins with '.'",
    "flights/.part/a.csv": "hidden",
    "flights/.a.csv.crc": "hidden",
    "flights/a.csv.crc": "checksum",
    "flights/a.csv.CRC": "checksum",
    "flights/2013_$folder$": "folder",
    "flights_$folder$": "folder",
    "_SUCCESS": "hidden",
    "nobody/_SUCCESS": "hidden",
    "_temporary/0/part-0.csv": "hidden: '_temporary'",
    ".Trash/flights/a.csv": "hidden: '.Trash'",
}
READ = ("flights/a_b.csv", "flights/year=2024/a.csv", "flights/a..csv", "flights/a.crc.csv", "flights/a//b.csv")


@pytest.mark.parametrize("key", IGNORED)
def test_markers_and_hidden_files_are_counted_and_never_read(cloud: Cloud, call: Call, key: str) -> None:
    record = cloud.land(key, b"carrier,name\n")
    for _ in range(2):
        assert call("ingestion", {"Records": [record]}) == {"batchItemFailures": []}
    (item,) = cloud.files(key)
    assert (item["status"], item["reason"].startswith(IGNORED[key])) == ("IGNORED", True), item["reason"]
    assert cloud.keys(QUARANTINE) == [], "nothing is copied"
    assert call("etl_trigger", {}) == {"batches": []}
    assert cloud.ledger.ignored("flights") == int(key.startswith("flights/")), "once, however often the event comes"


@pytest.mark.parametrize("key", ["flights/", "flights/2013/", "flights/year=2024/", "nobody/"])
@pytest.mark.parametrize("body", [b"", b"x"])
def test_an_object_that_stands_for_a_folder_is_ignored_if_it_is_empty(
    cloud: Cloud, call: Call, key: str, body: bytes
) -> None:
    call("ingestion", {"Records": [cloud.land(key, body)]})
    (item,) = cloud.files(key)
    # `flights/` and something is in no folder of a dataset; below it, a name that ends in a slash is a name.
    in_dataset = key.startswith("flights/") and key != "flights/"
    assert item["status"] == ("IGNORED" if not body else "PENDING" if in_dataset else "REJECTED")


@pytest.mark.parametrize("key", READ)
def test_names_that_only_look_like_markers_are_read(cloud: Cloud, call: Call, key: str) -> None:
    call("ingestion", {"Records": [cloud.land(key, b"a,b\n")]})
    assert cloud.files(key)[0]["status"] == "PENDING"


@pytest.mark.parametrize("key", ["flights/a.csv", "flights/empty.csv", "nobody/a.csv", "flights/a.xlsx"])
@pytest.mark.parametrize("how", ["delete marker", "version", "both versions"])
def test_a_version_that_is_deleted_before_its_event_comes_is_ignored_and_blocks_nothing(
    cloud: Cloud, call: Call, key: str, how: str
) -> None:
    records = [cloud.land(key, b"" if "empty" in key else b"x\n")]
    good = cloud.land("airlines/good.csv", b"carrier,name\n")
    version = json.loads(records[0]["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket=RAW, Key=key, **({} if how == "delete marker" else {"VersionId": version}))
    if how == "both versions":
        records.append(cloud.land(key, b"y\n"))
        cloud.s3.delete_object(Bucket=RAW, Key=key)
    assert call("ingestion", {"Records": [*records, good]}) == {"batchItemFailures": []}
    assert {(item["status"], item["reason"].split(":")[0]) for item in cloud.files(key)} == {("IGNORED", "deleted")}
    assert cloud.keys(QUARANTINE) == []
    assert cloud.files("airlines/good.csv")[0]["status"] == "PENDING"


def test_a_version_that_is_gone_under_a_newer_one_is_ignored_and_the_newer_one_is_read(
    cloud: Cloud, call: Call
) -> None:
    old, new = cloud.land("flights/a.csv", b"a\n"), cloud.land("flights/a.csv", b"b\n")
    version = json.loads(old["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket=RAW, Key="flights/a.csv", VersionId=version)
    call("ingestion", {"Records": [old, new]})
    assert sorted(item["status"] for item in cloud.files("flights/a.csv")) == ["IGNORED", "PENDING"]


def test_a_file_that_was_put_again_after_a_deletion_is_read(cloud: Cloud, call: Call) -> None:
    cloud.land("flights/a.csv", b"a\n")
    cloud.s3.delete_object(Bucket=RAW, Key="flights/a.csv")
    call("ingestion", {"Records": [cloud.land("flights/a.csv", b"b\n")]})
    assert cloud.files("flights/a.csv")[0]["status"] == "PENDING"


def test_a_version_is_judged_by_its_own_content_though_it_was_overwritten(cloud: Cloud, call: Call) -> None:
    bad = cloud.land("flights/a.csv", b"PAR1 is no CSV")
    good = cloud.land("flights/a.csv", b"a,b\n")
    call("ingestion", {"Records": [bad, good]})
    assert sorted(item["status"] for item in cloud.files("flights/a.csv")) == ["PENDING", "REJECTED"]


def test_an_object_from_before_the_bucket_had_versions_is_read_as_it_is(cloud: Cloud, call: Call) -> None:
    record = cloud.land("flights/a.csv", b"a,b\n")
    event = json.loads(record["body"])
    event["detail"]["object"] |= {"version-id": None, "etag": "e-1", "sequencer": "00"}
    call("ingestion", {"Records": [{**record, "body": json.dumps(event)}]})
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["version"]) == ("PENDING", "etag:e-1:00")
    (batch_id,) = call("etl_trigger", {})["batches"]
    assert [file.key for file in cloud.manifest("flights", batch_id).files] == ["flights/a.csv"]


def test_a_file_belongs_to_the_dataset_at_whose_place_it_lies_the_longest_first(cloud: Cloud, call: Call) -> None:
    cloud.move("flights", "lake/in/flights/", "lake/in/")
    cloud.move("weather", "lake/in/flights/weather/")
    landed = {
        "lake/in/a.csv": "flights",
        "lake/in/flights/2024/a.csv": "flights",
        "lake/in/flights/weather/a.csv": "weather",
        "planes/a.csv": "planes",
    }
    for key, dataset in landed.items():
        call("ingestion", {"Records": [cloud.land(key, b"a,b\n1,2\n")]})
        [file] = cloud.files(key)
        assert (file["status"], file["dataset"]) == ("PENDING", dataset), key
    for key, reason in {
        "flights/a.csv": "that of 'flights' takes them at lake/in/flights/, lake/in/",
        "lake/a.csv": "no contract is deployed for 'lake'",
    }.items():
        call("ingestion", {"Records": [cloud.land(key, b"a,b\n1,2\n")]})
        [file] = cloud.files(key)
        assert file["status"] == "REJECTED"
        assert reason in file["reason"]


@pytest.mark.parametrize(
    ("status", "quarantined", "again", "deleted"),
    [
        ("PENDING", None, None, None),
        ("CLAIMED", None, None, None),
        ("PUBLISHED", None, "replace", None),
        ("PUBLISHED with rows in quarantine", "rows", "replace", None),
        ("QUARANTINED", "", "", None),
        ("REJECTED", "", "", None),
        ("FAILED", "", "", None),
        ("ROLLED_BACK", None, "", None),
        ("IGNORED", None, None, None),
        ("IGNORED since it was deleted", None, None, ""),
    ],
)
def test_what_a_file_is_read_again_for(
    status: str, quarantined: str | None, again: str | None, deleted: str | None
) -> None:
    word, _, more = status.partition(" ")
    known = asdict(candidate(quarantined_in="b" if more.startswith("with") else ""))
    file = FileItem(**known, status=word, reason=DELETED_REASON if more.startswith("since") else "a reason")
    asked = [replay_purpose(file, what) for what in ("quarantined", "again", "deleted")]
    assert asked == [quarantined, again, deleted]
    with pytest.raises(ValueError, match="replay 'all'; allowed: quarantined, again, deleted"):
        replay_purpose(file, "all")


@pytest.mark.parametrize(
    ("body", "reason"), [(b"x\n1", None), (b"x\n1\n", None), (b"x\n12\n", "too_large: 5 bytes, the contract allows 4")]
)
def test_a_file_has_as_many_bytes_as_its_contract_allows(cloud: Cloud, body: bytes, reason: str | None) -> None:
    [document] = [contract.document for contract in contracts() if contract.name == "flights"]
    contract = replace(Contract.from_document(document), max_file_bytes=4)
    version = cloud.s3.put_object(Bucket=RAW, Key="flights/a.csv", Body=body)["VersionId"]
    assert rejection(candidate(version=version, size=len(body)), contract) == reason
