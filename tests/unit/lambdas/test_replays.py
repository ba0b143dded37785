"""What is in quarantine, or was published, goes through the same path again when it is asked for."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from pipeline_core.layout import quarantined_file_keys
from pipeline_core.manifest import REPLACE, ROWS, Manifest
from pipeline_core.report import FileReport, ReconciliationError, ReplacedFile, Report

from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, Cloud
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_recovery import fail, spark_dies

Call = Callable[..., Any]


def ask(cloud: Cloud, call: Call, key: str, what: str = "quarantined", request: str = "r1") -> None:
    """Ask for a replay of the last version of a file."""
    item = cloud.files(key)[-1]
    event = {
        "source": "data-pipeline",
        "time": item["landed_at"],
        "detail": {"bucket": {"name": RAW}, "object": {"key": key, "version-id": item["version"], "size": 4}},
        "replay": {"what": what, "id": request},
    }
    record = {"messageId": "m", "body": json.dumps(event), "eventSource": "aws:sqs", "receiptHandle": "r"}
    assert call("ingestion", {"Records": [{**record, "attributes": {}, "messageAttributes": {}}]}) == {
        "batchItemFailures": []
    }


def tick(cloud: Cloud, call: Call, dataset: str = "flights") -> tuple[str, Manifest]:
    (batch_id,) = call("etl_trigger", {"dataset": dataset})["batches"]
    return batch_id, cloud.manifest(dataset, batch_id)


def rewrite(cloud: Cloud, report: Report) -> None:
    key = f"staging/{report.dataset}/{report.batch_id}/report.json"
    cloud.s3.put_object(Bucket=CURATED, Key=key, Body=report.to_json().encode())


def published(cloud: Cloud, call: Call, key: str, curated: int, quarantined: int) -> str:
    batch_id, manifest = one_batch(cloud, call, key)
    cloud.stage(manifest, curated=curated, quarantined=quarantined)
    assert decide(call, batch_id, cloud.batches.state("flights").published)["verdict"] == "PUBLISHED"
    return batch_id


def test_quarantined_rows_leave_quarantine_when_they_succeed(cloud: Cloud, call: Call) -> None:
    first = published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv")
    batch_id, manifest = tick(cloud, call)
    assert manifest.purpose == ROWS
    assert manifest.files[0].quarantined == (f"s3://{QUARANTINE}/rows/dataset=flights/{first}-00000.parquet",)
    cloud.stage(manifest, curated=1, quarantined=2)
    verdict = decide(call, batch_id, 1)
    assert verdict["verdict"] == "PUBLISHED", "67 percent of three rows is not 67 percent of what was delivered"
    assert cloud.keys(QUARANTINE) == [f"rows/dataset=flights/{batch_id}-00000.parquet"]
    (item,) = cloud.files("flights/a.csv")
    assert item["outcome"] == {"rows_read": 101, "rows_curated": 99, "rows_quarantined": 2, "rows_duplicate": 0}
    assert item["published_in"] == {first, batch_id}
    assert decide(call, batch_id) == verdict
    assert cloud.files("flights/a.csv")[0]["outcome"] == item["outcome"], "deciding again adds nothing"


def test_rows_of_other_files_stay_in_quarantine(cloud: Cloud, call: Call) -> None:
    first, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    report = cloud.stage(manifest, curated=98, quarantined=1)
    (staged,) = report.quarantined
    second = replace(staged, partition={"_file": "1"}, uri=staged.uri.replace("part-0", "part-1"))
    cloud.s3.put_object(Bucket=CURATED, Key=second.uri.removeprefix(f"s3://{CURATED}/"), Body=b"rows of b")
    files = (report.files[0], replace(report.files[1], rows_read=1, rows_quarantined=1))
    rewrite(cloud, replace(report, files=files, quarantined=(staged, second)))
    decide(call, first)
    of_a, of_b = cloud.keys(QUARANTINE)
    ask(cloud, call, "flights/b.csv")
    batch_id, manifest = tick(cloud, call)
    assert manifest.files[0].quarantined == (f"s3://{QUARANTINE}/{of_b}",)
    cloud.stage(manifest, curated=1)
    decide(call, batch_id, 1)
    assert cloud.keys(QUARANTINE) == [of_a]


def test_what_several_files_had_in_quarantine_leaves_it_together(cloud: Cloud, call: Call) -> None:
    keys = ("flights/a.csv", "flights/b.csv")
    for key in keys:
        published(cloud, call, key, 98, 1)
    for key in keys:
        ask(cloud, call, key)
    assert len(cloud.keys(QUARANTINE)) == 2
    batch_id, manifest = tick(cloud, call)
    assert [file.key for file in manifest.files] == list(keys)
    cloud.stage(manifest, curated=2)
    assert decide(call, batch_id, 2)["verdict"] == "PUBLISHED"
    assert cloud.keys(QUARANTINE) == []


def test_files_that_were_refused_whole_leave_quarantine_together(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    report = cloud.stage(manifest, curated=0)
    rewrite(cloud, replace(report, files=tuple(replace(file, problem="unreadable: x") for file in report.files)))
    decide(call, batch_id)
    assert len(cloud.keys(QUARANTINE)) == 4, "of each its content and the reason"
    for key in ("flights/a.csv", "flights/b.csv"):
        ask(cloud, call, key)
    batch_id, manifest = tick(cloud, call)
    cloud.stage(manifest, curated=2)
    assert decide(call, batch_id, cloud.batches.state("flights").published)["verdict"] == "PUBLISHED"
    assert cloud.keys(QUARANTINE) == []


def test_a_request_that_is_delivered_twice_is_carried_out_once(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv", "again", "r1")
    batch_id, manifest = tick(cloud, call)
    ask(cloud, call, "flights/a.csv", "again", "r1")
    report = cloud.stage(manifest, curated=98, quarantined=3)
    files = tuple(replace(file, rows_replaced=98) for file in report.files)
    old = manifest.replaces[0].removeprefix(f"s3://{CURATED}/")
    partition = {"year": "2013", "month": "1"}
    gone = ReplacedFile(key=old, partition=partition, uri="", rows_before=98, rows_kept=0)
    rewrite(cloud, replace(report, files=files, replaced=(gone,)))
    decide(call, batch_id, 1)
    ask(cloud, call, "flights/a.csv", "again", "r1")
    assert call("etl_trigger", {}) == {"batches": []}
    ask(cloud, call, "flights/a.csv", "again", "r2")
    assert len(call("etl_trigger", {})["batches"]) == 1


def test_a_file_takes_the_place_of_its_published_rows(cloud: Cloud, call: Call) -> None:
    first = published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv", "again")
    batch_id, manifest = tick(cloud, call)
    old = f"tables/flights/year=2013/month=1/{first}-00000.parquet"
    assert (manifest.purpose, manifest.replaces) == (REPLACE, (f"s3://{CURATED}/{old}",))
    report = cloud.stage(manifest, curated=101)
    staged = f"staging/flights/{batch_id}/run/kept/part-0.parquet"
    cloud.s3.put_object(Bucket=CURATED, Key=staged, Body=b"what stays")
    files = tuple(replace(file, rows_replaced=98) for file in report.files)
    stays = ReplacedFile(
        key=old,
        partition={"year": "2013", "month": "1"},
        uri=f"s3://{CURATED}/{staged}",
        rows_before=105,
        rows_kept=7,
    )
    rewrite(cloud, replace(report, files=files, replaced=(stays,)))
    assert decide(call, batch_id, 1)["rows_replaced"] == 98
    assert cloud.s3.get_object(Bucket=CURATED, Key=old)["Body"].read() == b"what stays"
    new = f"tables/flights/year=2013/month=1/{batch_id}-00000.parquet"
    assert cloud.keys(CURATED, "tables/") == [old, new]
    assert cloud.keys(QUARANTINE) == [], "the three rows were read again and are valid now"
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["published_in"], "quarantined_in" in item) == ("PUBLISHED", {batch_id}, False)
    (run,) = [key for key in cloud.keys(ARTIFACTS, "runs/dataset=flights/") if batch_id in key]
    run = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=run)["Body"].read())
    assert (run["purpose"], run["rows_replaced"], run["outcome"]) == ("replace", 98, "PUBLISHED")


def test_a_replacement_that_breaks_a_rule_leaves_everything_as_it_was(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    before = cloud.keys(CURATED, "tables/"), cloud.keys(QUARANTINE)
    ask(cloud, call, "flights/a.csv", "again")
    batch_id, manifest = tick(cloud, call)
    cloud.stage(manifest, curated=51, quarantined=50)
    assert decide(call, batch_id, 1)["verdict"] == "QUARANTINED"
    assert (cloud.keys(CURATED, "tables/"), cloud.keys(QUARANTINE)) == before
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["outcome"]["rows_curated"]) == ("PUBLISHED", 98)
    assert item["reason"].startswith("the replacement was refused: invalid rows stay rare")


def test_rows_to_replace_that_are_not_all_found_are_never_published_twice(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv", "again")
    batch_id, manifest = tick(cloud, call)
    report = cloud.stage(manifest, curated=98, quarantined=3)
    files = tuple(replace(file, rows_replaced=97) for file in report.files)
    part = ReplacedFile(key="tables/x", partition={}, uri="", rows_before=97, rows_kept=0)
    rewrite(cloud, replace(report, files=files, replaced=(part,)))
    with pytest.raises(ReconciliationError, match="98 rows of it were published, but 97 were found"):
        decide(call, batch_id, 1)
    assert fail(call, batch_id, Error="ReconciliationError", Cause="x") == "FAILED"
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["reason"]) == ("PUBLISHED", "ReconciliationError: x")


@pytest.mark.parametrize("what", ["quarantined", "again"])
def test_a_rejected_file_is_taken_when_a_contract_wants_it(cloud: Cloud, call: Call, what: str) -> None:
    call("ingestion", {"Records": [cloud.land("gates/a.csv", b"x\n1\n")]})
    assert cloud.files("gates/a.csv")[0]["status"] == "REJECTED"
    ask(cloud, call, "gates/a.csv", what, "too early")
    assert cloud.files("gates/a.csv")[0]["status"] == "REJECTED"
    contract = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key="contracts/airlines.json")["Body"].read())
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/gates.json", Body=json.dumps({**contract, "dataset": "gates"}))
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps({"datasets": ["gates"]}))
    from lambdas.ingestion.handler import _parts

    _parts.cache_clear()  # a function keeps contracts for a minute
    ask(cloud, call, "gates/a.csv", what)
    (item,) = cloud.files("gates/a.csv")
    assert (item["status"], "reason" in item) == ("PENDING", False)
    (batch_id,) = call("etl_trigger", {})["batches"]
    files = tuple(FileReport(key=f.key, version=f.version) for f in cloud.manifest("gates", batch_id).files)
    report = Report(
        batch_id=batch_id, dataset="gates", contract_version="1", files=files, curated=(), quarantined=(), columns={}
    )
    rewrite(cloud, report)
    contract_key = f"batches/gates/{batch_id}/contract.json"
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=contract_key, Body=json.dumps({**contract, "quality": []}))
    assert decide(call, batch_id)["verdict"] == "PUBLISHED"
    assert cloud.keys(QUARANTINE) == [], "the copy and the reason are gone"


def test_a_file_that_failed_the_job_leaves_quarantine_when_it_succeeds(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED"
    (item,) = cloud.files("airlines/a.csv")
    assert set(cloud.keys(QUARANTINE)) == set(quarantined_file_keys(RAW, "airlines/a.csv", item["version"]))
    ask(cloud, call, "airlines/a.csv")
    again, manifest = tick(cloud, call, "airlines")
    assert manifest.purpose == ""
    cloud.stage(manifest)
    decide(call, again)
    assert cloud.keys(QUARANTINE) == []
    assert cloud.files("airlines/a.csv")[0]["status"] == "PUBLISHED"


def test_a_published_file_that_fails_the_job_when_it_is_replayed_stays_published(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    before = cloud.keys(QUARANTINE)
    ask(cloud, call, "flights/a.csv")
    batch_id, _ = tick(cloud, call)
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED"
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["outcome"]["rows_curated"], item["published_in"] == {batch_id}) == (
        "PUBLISHED",
        98,
        False,
    )
    assert item["reason"].startswith("unreadable: the job fails on this file alone")
    assert "kept" not in item, "of a file whose rows are in the table there is no copy"
    assert cloud.keys(QUARANTINE) == before


def test_of_a_file_that_is_not_in_quarantine_nothing_is_deleted_there(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    cloud.stage(manifest)
    deleted: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("pipeline_core.publish.delete_objects", lambda *arguments: deleted.append(arguments))
    decide(call, batch_id)
    # In a bucket with versions, to delete what is not there leaves a marker, which is paid for.
    assert (QUARANTINE, []) in deleted
    assert [keys for _, keys in deleted if keys] == []


def test_an_unreadable_file_is_kept_as_it_came(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    report = cloud.stage(manifest)
    files = (report.files[0], replace(report.files[1], problem="unreadable: no footer"))
    rewrite(cloud, replace(report, files=files))
    decide(call, batch_id)
    (item,) = cloud.files("flights/b.csv")
    assert (item["status"], item["reason"]) == ("QUARANTINED", "unreadable: no footer")
    content, reason = quarantined_file_keys(RAW, "flights/b.csv", item["version"])
    assert cloud.s3.get_object(Bucket=QUARANTINE, Key=content)["Body"].read() == b"x\n1\n"
    said = json.loads(cloud.s3.get_object(Bucket=QUARANTINE, Key=reason)["Body"].read())
    assert (said["dataset"], said["reason"]) == ("flights", "unreadable: no footer")


@pytest.mark.parametrize("status", ["PENDING", "CLAIMED", "PUBLISHED"])
def test_a_file_that_has_nothing_in_quarantine_is_left_alone(cloud: Cloud, call: Call, status: str) -> None:
    call("ingestion", {"Records": [cloud.land("flights/a.csv", b"x\n1\n")]})
    if status != "PENDING":
        batch_id, manifest = tick(cloud, call)
        if status == "PUBLISHED":
            cloud.stage(manifest)
            decide(call, batch_id)
    ask(cloud, call, "flights/a.csv")
    assert cloud.files("flights/a.csv")[0]["status"] == status


def test_an_unknown_kind_of_replay_is_an_error_and_goes_back_to_the_queue(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    with pytest.raises(BatchProcessingError, match="'everything'; allowed: quarantined, again"):
        ask(cloud, call, "flights/a.csv", "everything")
    assert cloud.files("flights/a.csv")[0]["status"] == "PUBLISHED"


def test_rows_whose_report_is_missing_are_not_replayed_and_it_is_said_of_which_batch(cloud: Cloud, call: Call) -> None:
    batch_id = published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv")
    (key,) = [key for key in cloud.keys(ARTIFACTS, f"batches/flights/{batch_id}/") if "report" in key]
    cloud.s3.delete_object(Bucket=ARTIFACTS, Key=key)
    with pytest.raises(ExceptionGroup) as failed:
        call("etl_trigger", {})
    said = f"the report of batch {batch_id} is missing: its rows cannot be replayed"
    assert [str(error) for error in failed.value.exceptions] == [said]
