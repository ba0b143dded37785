"""Every batch is told of as OpenLineage has it: it begins, it ends, and what is said is what was counted."""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pipeline_core.contract import Contract
from pipeline_core.fields import DocumentError
from pipeline_core.layout import lineage_key, run_key
from pipeline_core.report import SPARK, STAGE, FileReport

from lambdas.lineage.names import Names, place_of
from tests.iceberg_batches import Dataset, publisher_of
from tests.openlineage_spec import OWN, check, columns
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, Cloud, contracts
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import aborted, fail, job_failed, spark_dies
from tests.unit.lambdas.test_replays import ask, published, tick

Call = Callable[..., Any]
GLUE = "arn:aws:glue:us-east-1:123456789012"
CATALOG = {"name": "AwsDataCatalog", "type": "glue"}
DEATH = "pipeline_core.job_errors.SparkDiedError: killed"


def created(key: str) -> dict[str, Any]:
    """S3's event about an object of the artifacts bucket, as EventBridge delivers it."""
    detail = {"bucket": {"name": ARTIFACTS}, "object": {"key": key, "size": 1, "version-id": "v"}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def dataset_of(batch_id: str) -> str:
    return batch_id.split("-")[0]


def record_of(cloud: Cloud, batch_id: str) -> str:
    batch = cloud.batches.existing(dataset_of(batch_id), batch_id)
    return run_key(batch.dataset, batch_id, batch.created_at)


def kept(cloud: Cloud, call: Call, key: str) -> dict[str, Any]:
    """Call the function for an object; returns the event that is in S3 then."""
    answer = call("lineage", created(key))
    text = cloud.s3.get_object(Bucket=ARTIFACTS, Key=answer["key"])["Body"].read()
    assert b"\n" not in text, "Athena takes a line for a row"
    event: dict[str, Any] = json.loads(text)
    assert answer["type"] == event["eventType"]
    check(event)
    return event


def start(cloud: Cloud, call: Call, batch_id: str) -> dict[str, Any]:
    return kept(cloud, call, f"batches/{dataset_of(batch_id)}/{batch_id}/manifest.json")


def end(cloud: Cloud, call: Call, batch_id: str) -> dict[str, Any]:
    return kept(cloud, call, record_of(cloud, batch_id))


def by_name(datasets: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {(each["namespace"], each["name"]): each for each in datasets}
    assert len(found) == len(datasets), "a dataset is named once"
    return found


def said_in(facet: dict[str, Any]) -> dict[str, Any]:
    """What a facet says, without who says it and by which schema."""
    return {name: value for name, value in facet.items() if not name.startswith("_")}


def own(event: dict[str, Any]) -> dict[str, Any]:
    facet: dict[str, Any] = event["run"]["facets"][OWN]
    return facet


def test_a_published_batch_begins_and_completes_as_one_run(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    begun = start(cloud, call, batch_id)
    cloud.stage(manifest, curated=98, quarantined=3)
    decide(call, batch_id)
    ended = end(cloud, call, batch_id)
    batch = cloud.batches.existing("flights", batch_id)
    assert (begun["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert (begun["eventTime"], ended["eventTime"]) == (batch.created_at, batch.finished_at)
    assert begun["run"]["runId"] == ended["run"]["runId"]
    assert UUID(begun["run"]["runId"]).version == 7
    assert begun["job"] == ended["job"]
    assert (begun["job"]["namespace"], begun["job"]["name"]) == (
        "arn:aws:states:us-east-1:123456789012",
        "workflow.flights",
    )
    assert begun["producer"] == "arn:aws:lambda:us-east-1:123456789012:function:function"
    assert "errorMessage" not in ended["run"]["facets"]
    raw, table, refused = (
        (f"s3://{RAW}", "flights"),
        (GLUE, "table/lake/flights"),
        (GLUE, "table/lake/quarantined_rows"),
    )
    assert by_name(begun["inputs"]).keys() == by_name(ended["inputs"]).keys() == {raw}
    assert by_name(begun["outputs"]).keys() == {table}
    outputs = by_name(ended["outputs"])
    assert outputs.keys() == {table, refused}
    assert "outputFacets" not in by_name(begun["outputs"])[table] or not begun["outputs"][0]["outputFacets"]
    counted = {name: counts["outputFacets"]["outputStatistics"] for name, counts in outputs.items()}
    assert [(one["rowCount"], one["fileCount"]) for one in (counted[table], counted[refused])] == [(98, 1), (3, 1)]
    statistics = by_name(ended["inputs"])[raw]["inputFacets"]["inputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (101, 8, 2)
    assert "rowCount" not in begun["inputs"][0]["inputFacets"]["inputStatistics"], "nothing was read yet"
    places = {name: output["facets"]["symlinks"]["identifiers"] for name, output in outputs.items()}
    assert places == {
        table: [{"namespace": f"s3://{CURATED}", "name": "tables/flights", "type": "LOCATION"}],
        refused: [{"namespace": f"s3://{QUARANTINE}", "name": "rows", "type": "LOCATION"}],
    }
    catalog = said_in(outputs[table]["facets"]["catalog"])
    assert catalog == {**CATALOG, "framework": "hive", "warehouseUri": f"s3://{CURATED}/tables/flights"}
    assert said_in(ended["job"]["facets"]["jobType"]) == {
        "processingType": "BATCH",
        "integration": "DATA_PIPELINE",
        "jobType": "BATCH",
    }
    assert own(ended)["outcome"] == "PUBLISHED"
    assert own(ended)["rows"]["curated"] == 98
    assert "outcome" not in own(begun)
    assert own(begun)["manifest"] == f"s3://{ARTIFACTS}/batches/flights/{batch_id}/manifest.json"
    assert own(begun)["execution"].endswith(f":execution:workflow:{batch_id}")


@pytest.mark.parametrize(
    ("engine", "name", "version"), [(STAGE, "AWS Lambda", f"3.{sys.version_info.minor}"), (SPARK, "AWS Glue", "5.1")]
)
def test_the_engine_that_staged_a_batch_is_named(
    cloud: Cloud, call: Call, engine: str, name: str, version: str
) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, engine=engine)
    decide(call, batch_id)
    event = end(cloud, call, batch_id)
    said = event["run"]["facets"]["processing_engine"]
    assert (said["name"], said["version"]) == (name, version)
    assert (own(event)["engine"], own(event)["filesQuarantined"]) == (engine, 0)


@pytest.mark.parametrize("dataset", [contract.name for contract in contracts()])
def test_every_column_of_every_contract_is_in_the_schema_and_comes_from_one_of_a_file(
    cloud: Cloud, call: Call, dataset: str
) -> None:
    [contract] = [contract for contract in contracts() if contract.name == dataset]
    batch_id, _ = one_batch(cloud, call, f"{dataset}/a.csv")
    event = start(cloud, call, batch_id)
    [output] = event["outputs"]
    expected = [(column["name"], column["type"]) for column in contract.document["columns"]]
    fields = output["facets"]["schema"]["fields"]
    own_columns = fields[len(expected) :]
    assert [(field["name"], field["type"]) for field in fields[: len(expected)]] == expected
    assert [field["name"] for field in own_columns][:2] == ["_source_file", "_batch_id"]
    assert [field["ordinal_position"] for field in fields] == list(range(1, len(fields) + 1))
    lineage = output["facets"]["columnLineage"]
    for column in contract.document["columns"]:
        [source] = lineage["fields"][column["name"]]["inputFields"]
        assert source["field"] == (column.get("source") or column["name"])
        [transformation] = source["transformations"]
        is_text = column["type"] == "string"
        assert transformation["subtype"] == ("IDENTITY" if is_text else "TRANSFORMATION")
        assert transformation["masking"] is False
    keys = set(contract.document["primary_key"])
    deciding = {field["field"] for field in lineage["dataset"] if field["transformations"][0]["subtype"] == "FILTER"}
    assert keys <= deciding or contract.document["write_mode"] == "append"


def test_a_key_that_a_file_calls_otherwise_is_named_as_the_file_has_it(cloud: Cloud, call: Call) -> None:
    [contract] = [contract for contract in contracts() if contract.name == "airlines"]
    document = json.loads(json.dumps(contract.document))
    document["columns"][0]["source"] = "Carrier Code"
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/airlines.json", Body=json.dumps(document))
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    event = start(cloud, call, batch_id)
    assert columns(event["inputs"][0])[0] == "Carrier Code"
    lineage = event["outputs"][0]["facets"]["columnLineage"]
    assert lineage["fields"]["carrier"]["inputFields"][0]["field"] == "Carrier Code"
    assert {field["field"] for field in lineage["dataset"]} == {"Carrier Code"}


def quarantined_whole(cloud: Cloud, call: Call) -> str:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest, curated=1, quarantined=1)
    assert decide(call, batch_id)["verdict"] == "QUARANTINED"
    return batch_id


def released(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert fail(call, batch_id, "Stage", **job_failed("no capacity")) == "RELEASED"
    return batch_id


def failed(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert fail(call, batch_id, Error="ReconciliationError", Cause="rows are missing") == "FAILED"
    return batch_id


def split(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"
    return batch_id


def killer(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED"
    return batch_id


def timed_out(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert aborted(call, batch_id, "TIMED_OUT") == "RELEASED"
    return batch_id


def stopped(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert aborted(call, batch_id) == "RELEASED"
    return batch_id


def cancelled(cloud: Cloud, call: Call) -> str:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert cloud.batches.cancel(cloud.batches.existing("flights", batch_id))
    # The workflow may be quicker than the event of its end: it fails since the batch must not be published.
    assert fail(call, batch_id, Error="ClosedError", Cause="it was cancelled") == "RELEASED"
    return batch_id


@pytest.mark.parametrize(
    ("way", "state", "outcome", "said"),
    [
        (quarantined_whole, "FAIL", "QUARANTINED", "invalidValues is 50 percent, but mustBeLessThan 5"),
        (released, "FAIL", "RELEASED", "no capacity"),
        (failed, "FAIL", "FAILED", "ReconciliationError: rows are missing"),
        (split, "FAIL", "SPLIT", "SparkDiedError"),
        (killer, "FAIL", "QUARANTINED", "FileKilledSparkError"),
        (timed_out, "FAIL", "RELEASED", "TIMED_OUT: the execution is TIMED_OUT"),
        (stopped, "ABORT", "RELEASED", "ABORTED: the execution is ABORTED"),
        (cancelled, "ABORT", "RELEASED", "cancelled by a person at 20"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_other_end_is_a_failure_that_says_why_or_an_abort_by_a_person(
    cloud: Cloud, call: Call, way: Callable[[Cloud, Call], str], state: str, outcome: str, said: str
) -> None:
    batch_id = way(cloud, call)
    begun, ended = start(cloud, call, batch_id), end(cloud, call, batch_id)
    assert (ended["eventType"], own(ended)["outcome"]) == (state, outcome)
    assert said in ended["run"]["facets"]["errorMessage"]["message"]
    assert begun["run"]["runId"] == ended["run"]["runId"]
    written = {output["name"] for output in ended["outputs"]}
    assert written == ({"table/lake/quarantined_rows"} if way is quarantined_whole else set()), "nothing was published"


def test_the_rules_of_the_contract_are_assertions_with_what_they_measured(cloud: Cloud, call: Call) -> None:
    for quarantined, success in ((1, False), (0, True)):
        batch_id, manifest = one_batch(cloud, call, f"airlines/{quarantined}.csv")
        cloud.stage(manifest, curated=1, quarantined=quarantined)
        decide(call, batch_id)
        [dataset] = end(cloud, call, batch_id)["inputs"]
        rules = {one["name"]: one for one in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]}
        [contract] = [contract for contract in contracts() if contract.name == "airlines"]
        assert rules.keys() == {rule["name"] for rule in contract.document["quality"]}
        [invalid] = [rule for rule in rules.values() if rule["assertion"] == "invalidValues"]
        assert invalid["success"] is success
        assert {(rule["severity"], rule.get("column")) for rule in rules.values()} == {("error", None)}
        assert invalid["actual"] == ("0 percent" if success else "50 percent")
        assert invalid["expected"] == "mustBeLessThan 5 percent"


def test_a_repeated_call_leaves_one_object_with_the_same_content(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    first = start(cloud, call, batch_id)
    cloud.stage(manifest)
    decide(call, batch_id)
    ended = end(cloud, call, batch_id)
    # It would be made the same anew, and is not: what is there counts, whoever looks.
    for key, event in zip(sorted(cloud.keys(ARTIFACTS, "lineage/events/")), (ended, first), strict=True):
        cloud.s3.delete_object(Bucket=ARTIFACTS, Key=key)
        again = end(cloud, call, batch_id) if key.endswith("-end.json") else start(cloud, call, batch_id)
        assert again == event
    versions = cloud.s3.list_object_versions(Bucket=ARTIFACTS, Prefix="lineage/events/")["Versions"]
    assert len(versions) == 4
    assert start(cloud, call, batch_id) == first
    assert end(cloud, call, batch_id) == ended
    versions = cloud.s3.list_object_versions(Bucket=ARTIFACTS, Prefix="lineage/events/")["Versions"]
    assert len(versions) == 4, "what is there is not written again"
    batch = cloud.batches.existing("flights", batch_id)
    assert lineage_key("flights", batch_id, batch.created_at, "end") in cloud.keys(ARTIFACTS, "lineage/events/")
    assert re.fullmatch(
        rf"lineage/events/dataset=flights/date=\d{{4}}-\d\d-\d\d/{batch_id}-end\.json",
        cloud.keys(ARTIFACTS, "lineage/events/")[0],
    )


def test_another_batch_is_another_run_of_the_same_job(cloud: Cloud, call: Call) -> None:
    ids, jobs = set(), set()
    for number in range(2):
        batch_id, manifest = one_batch(cloud, call, f"airlines/{number}.csv")
        cloud.stage(manifest)
        decide(call, batch_id, number)
        event = end(cloud, call, batch_id)
        ids.add(event["run"]["runId"])
        jobs.add(event["job"]["name"])
    assert (len(ids), len(jobs)) == (2, 1)


def test_runs_that_began_together_are_told_apart_by_batch_and_stack() -> None:
    buckets = {"raw_bucket": RAW, "curated_bucket": CURATED, "quarantine_bucket": QUARANTINE, "database": "lake"}
    stacks = [
        Names(**buckets, state_machine_arn=f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}")
        for name in ("dev", "prod")
    ]
    at = "2026-11-01T00:00:00+00:00"
    ids = [names.run_id(batch, at) for names in stacks for batch in ("flights-1", "airlines-1")]
    assert len(set(ids)) == 4
    assert stacks[0].run_id("flights-1", at) == ids[0]


def test_files_of_several_places_are_several_inputs_each_with_its_own_counts(cloud: Cloud, call: Call) -> None:
    cloud.move("flights", "in/eu/", "in/eu/late/")
    land(cloud, call, "in/eu/a.csv", "in/eu/late/b.csv", "in/eu/late/c.csv")
    (batch_id,) = call("etl_trigger", {"dataset": "flights"})["batches"]
    manifest = cloud.manifest("flights", batch_id)
    report = cloud.stage(manifest, curated=2)
    rows = {file.key: number for number, file in enumerate(manifest.files, 5)}
    files = tuple(
        FileReport(key=f.key, version=f.version, rows_read=rows[f.key], rows_duplicate=rows[f.key])
        for f in manifest.files
    )
    report = replace(report, files=files, curated=())
    cloud.s3.put_object(Bucket=CURATED, Key=f"staging/flights/{batch_id}/report.json", Body=report.to_json().encode())
    decide(call, batch_id)
    event = end(cloud, call, batch_id)
    inputs = {each["name"]: each["inputFacets"]["inputStatistics"] for each in event["inputs"]}
    assert {name: (one["rowCount"], one["fileCount"]) for name, one in inputs.items()} == {
        "in/eu": (rows["in/eu/a.csv"], 1),
        "in/eu/late": (rows["in/eu/late/b.csv"] + rows["in/eu/late/c.csv"], 2),
    }
    assert len(event["outputs"][0]["facets"]["columnLineage"]["fields"]["year"]["inputFields"]) == 2


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("flights/a.csv", "flights/"),
        ("flights/eu/a.csv", "flights/eu/"),
        ("planes/a.csv", "planes/"),
        ("gone/a.csv", "flights/"),
    ],
)
def test_a_file_is_of_the_longest_prefix_that_it_is_below_or_of_the_datasets_own(key: str, place: str) -> None:
    [document] = [contract.document for contract in contracts() if contract.name == "flights"]
    contract = replace(Contract.from_document(document), locations=("planes/", "flights/eu/", "flights/"))
    assert place_of(key, contract) == place


def test_rows_out_of_quarantine_come_from_its_table_and_no_rule_judges_them(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "flights/a.csv", 98, 3)
    ask(cloud, call, "flights/a.csv")
    batch_id, manifest = tick(cloud, call)
    cloud.stage(manifest, curated=1, quarantined=2)
    decide(call, batch_id, 1)
    event = end(cloud, call, batch_id)
    [dataset] = event["inputs"]
    assert (dataset["namespace"], dataset["name"]) == (GLUE, "table/lake/quarantined_rows")
    assert dataset["inputFacets"].keys() == {"inputStatistics"}
    assert dataset["inputFacets"]["inputStatistics"]["rowCount"] == 3
    [place] = dataset["facets"]["symlinks"]["identifiers"]
    assert (place["namespace"], place["name"]) == (f"s3://{QUARANTINE}", "rows")
    (field,) = dataset["facets"]["schema"]["fields"]
    assert (field["name"], field["type"], field["description"]) == ("raw_record", "string", "The row as it came")
    lineage = event["outputs"][0]["facets"]["columnLineage"]
    assert {field["field"] for each in lineage["fields"].values() for field in each["inputFields"]} == {"raw_record"}
    assert own(event)["purpose"] == "rows"


def test_a_refused_replacement_has_written_nothing(cloud: Cloud, call: Call) -> None:
    published(cloud, call, "airlines/a.csv", 98, 0)
    ask(cloud, call, "airlines/a.csv", "again")
    batch_id, manifest = tick(cloud, call, "airlines")
    assert manifest.purpose == "replace"
    cloud.stage(manifest, curated=0, quarantined=3)
    assert decide(call, batch_id, 1)["verdict"] == "QUARANTINED"
    assert end(cloud, call, batch_id)["outputs"] == []


def test_a_file_that_is_refused_whole_is_in_the_table_of_those(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    report = cloud.stage(manifest)
    report = replace(report, files=(report.files[0], replace(report.files[1], problem="no_columns")))
    key = f"staging/flights/{batch_id}/report.json"
    cloud.s3.put_object(Bucket=CURATED, Key=key, Body=report.to_json().encode())
    decide(call, batch_id)
    event = end(cloud, call, batch_id)
    refused = by_name(event["outputs"])[GLUE, "table/lake/quarantined_files"]
    assert refused["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert own(event)["filesQuarantined"] == 1


def test_an_iceberg_batch_names_its_snapshot_as_the_tables_version(cloud: Cloud, call: Call) -> None:
    dataset = Dataset(publisher_of(os.environ["TICKS_QUEUE_URL"]))
    batch_id, seen = dataset.landed("a.csv", 1, 2)
    dataset.decide(batch_id, seen)
    batch = dataset.batches.existing(dataset.name, batch_id)
    event = kept(cloud, call, run_key(dataset.name, batch_id, batch.created_at))
    snapshot = dataset.iceberg().current_snapshot()
    assert snapshot is not None
    facets = by_name(event["outputs"])[GLUE, f"table/lake/{dataset.name}"]["facets"]
    assert facets["version"]["datasetVersion"] == str(snapshot.snapshot_id)
    assert said_in(facets["storage"]) == {"storageLayer": "iceberg", "fileFormat": "parquet"}
    assert facets["catalog"]["framework"] == "iceberg"


def test_a_batch_that_is_rolled_back_later_has_completed_all_the_same(cloud: Cloud, call: Call) -> None:
    batch_id = published(cloud, call, "flights/a.csv", 98, 0)
    key = record_of(cloud, batch_id)
    record = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps({**record, "outcome": "ROLLED_BACK"}))
    assert end(cloud, call, batch_id)["eventType"] == "COMPLETE"


def test_a_batch_whose_files_are_all_gone_has_no_event(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    key = f"batches/flights/{batch_id}/manifest.json"
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=replace(manifest, files=()).to_json())
    assert call("lineage", created(key)) == {"key": None, "type": None}
    assert cloud.keys(ARTIFACTS, "lineage/") == []


@pytest.mark.parametrize("key", ["runs/dataset=flights/x.json", "batches/flights/b/report-0.json", "lineage/a.json"])
def test_an_object_that_says_nothing_of_a_batch_is_named(call: Call, key: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(repr(key))):
        call("lineage", created(key))


def test_a_run_on_record_of_a_batch_that_goes_on_is_no_end(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    key = record_of(cloud, batch_id)
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body="{}")
    with pytest.raises(RuntimeError, match=f"{batch_id} is STARTED: its run is on record"):
        call("lineage", created(key))
    assert cloud.keys(ARTIFACTS, "lineage/") == []
    assert manifest.files
