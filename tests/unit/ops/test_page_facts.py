"""What the page says is what the ledger, the buckets, the alarms and the queues say."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from pipeline_core import clients
from pipeline_core.batches import Batches
from pipeline_core.layout import quarantined_rows_key, run_key

from ops.cost.batch import Limits, Load, batch_dollars, run_dollars
from ops.page import lineage, quarantine
from ops.page.facts import Facts
from ops.page.gather import RUNS, Deployed, Gatherer
from ops.target import choose
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, DATABASE, QUARANTINE, Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator

Call = Callable[..., Any]
Gather = Callable[[], Facts]


@pytest.fixture
def gather(operator: Operator) -> Gather:
    deployed = choose(Deployed, json.loads(operator.outputs.read_text()), "outputs")
    return lambda: Gatherer(deployed).facts("123456789012", "us-east-1", "AWS")


def published(cloud: Cloud, call: Call, *keys: str, seen: int = 0, **staged: Any) -> str:
    batch_id, manifest = one_batch(cloud, call, *keys)
    cloud.stage(manifest, **staged)
    decide(call, batch_id, seen)
    return batch_id


def test_a_batch_is_what_the_ledger_says_of_it(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id = published(cloud, call, "airlines/a.csv", "airlines/b.csv", curated=98, quarantined=2)
    batch = Batches(cloud.ledger).get("airlines", batch_id)
    assert batch is not None
    assert batch.verdict is not None
    (run,) = gather().runs
    assert (run.batch_id, run.dataset, run.status, run.is_running) == (batch_id, "airlines", "PUBLISHED", False)
    assert (run.files, run.bytes, run.rows_read) == (2, 8, 100)
    assert (run.rows["curated"], run.rows["quarantined"], sum(run.rows.values())) == (98, 2, 100)
    assert (run.created_at.isoformat(), run.finished_at and run.finished_at.isoformat()) == (
        batch.created_at,
        batch.finished_at,
    )
    assert run.dollars == run_dollars("spark", 2, 8, 2)


def test_lineage_goes_from_files_to_the_batch_to_the_table(cloud: Cloud, call: Call, gather: Gather) -> None:
    published(cloud, call, "flights/a.csv", "flights/b.csv", curated=5, quarantined=0)
    (run,) = gather().runs
    assert run.has_lineage
    assert [(file.key, file.size, file.rows_read, file.rows_in_table) for file in run.files_read] == [
        ("flights/a.csv", 4, 5, 5),
        ("flights/b.csv", 4, 0, 0),
    ]
    assert [file.version for file in run.files_read] == [cloud.files(file.key)[0]["version"] for file in run.files_read]
    assert run.partitions == ("year=2013/month=1",)


def test_files_that_refused_rows_come_first_when_not_all_are_shown(
    cloud: Cloud, call: Call, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "FILES", 2)
    batch_id = published(cloud, call, "airlines/a.csv", "airlines/b.csv", "airlines/c.csv", curated=100)
    key = f"batches/airlines/{batch_id}/{Batches(cloud.ledger).existing('airlines', batch_id).report}.json"
    report = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    report["files"][2] |= {"rows_read": 1, "rows_quarantined": 1}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(report))
    (run,) = gather().runs
    assert [file.key for file in run.files_read] == ["airlines/c.csv", "airlines/a.csv"]
    assert run.files == 3


def test_a_running_batch_has_its_files_and_no_end(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    land(cloud, call, "airlines/b.csv")
    found = gather()
    (run,) = found.runs
    assert (run.batch_id, run.is_running, run.finished_at, run.dollars) == (batch_id, True, None, None)
    assert [file.key for file in run.files_read] == ["airlines/a.csv"]
    (airlines, flights) = found.datasets
    assert (airlines.running, airlines.pending, airlines.publishes) == ((batch_id,), 1, 0)
    assert (flights.running, flights.pending) == ((), 0)


def test_a_failed_batch_says_why(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    fail(call, batch_id, "Stage", Error="ReconciliationError", Cause="one row too many")
    run = next(run for run in gather().runs if run.batch_id == batch_id)
    assert (run.shown_status, run.error) == ("FAILED", "ReconciliationError: one row too many")
    assert run.is_trouble


def test_a_batch_that_was_rolled_back_is_not_published(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id = published(cloud, call, "flights/a.csv")
    key = next(key for key in cloud.keys(ARTIFACTS, "contracts/") if key.endswith("flights.json"))
    contract = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps({**contract, "table_format": "iceberg"}))
    assert [run.status for run in gather().runs] == ["PUBLISHED"]
    created = Batches(cloud.ledger).existing("flights", batch_id).created_at
    run = {"outcome": "ROLLED_BACK"}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=run_key("flights", batch_id, created), Body=json.dumps(run))
    assert [run.status for run in gather().runs] == ["ROLLED_BACK"], "the ledger has it of files only"


def test_a_snapshot_is_known_by_the_batch_that_made_it(cloud: Cloud) -> None:
    glue = boto3.client("glue")
    assert lineage.snapshots(DATABASE, "fleet") == {}, "there is no table yet"
    metadata = {
        "snapshots": [
            {"snapshot-id": 7, "summary": {"operation": "append", lineage.BATCH: "fleet-1"}},
            {"snapshot-id": 8, "summary": {"operation": "replace"}},
        ]
    }
    cloud.s3.put_object(Bucket=CURATED, Key="tables/fleet/metadata/1.json", Body=json.dumps(metadata))
    location = {"metadata_location": f"s3://{CURATED}/tables/fleet/metadata/1.json"}
    glue.create_table(DatabaseName=DATABASE, TableInput={"Name": "fleet", "Parameters": location})
    assert lineage.snapshots(DATABASE, "fleet") == {"fleet-1": "7"}


def test_the_property_of_a_snapshot_is_the_one_that_is_written() -> None:
    from table_formats.iceberg import BATCH

    assert lineage.BATCH == BATCH


def test_examples_are_the_rows_as_they_came(
    cloud: Cloud, call: Call, gather: Gather, operator: Operator, tmp_path: Path
) -> None:
    import pyarrow
    import pyarrow.parquet

    batch_id = published(cloud, call, "airlines/a.csv", curated=98, quarantined=2)
    key = f"batches/airlines/{batch_id}/{Batches(cloud.ledger).existing('airlines', batch_id).report}.json"
    report = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps({**report, "reasons": {"required:name": 2}}))
    rows = {
        "source_file": ["airlines/a.csv?versionId=1"] * 2,
        "line": [7, 9],
        "raw_record": ["<b>", None],
        "reasons": [["required:name"], ["required:name"]],
    }
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "rows")
    cloud.s3.put_object(
        Bucket=QUARANTINE, Key=quarantined_rows_key("airlines", batch_id, 0), Body=(tmp_path / "rows").read_bytes()
    )
    found = gather()
    assert found.unread == ()
    (reason,) = found.reasons()
    assert (reason.dataset, reason.reason, reason.rows) == ("airlines", "required:name", 2)
    assert [(example.line, example.record) for example in reason.examples] == [(7, "<b>"), (9, "")]
    file = tmp_path / "page.html"
    for options, is_there in (([], True), (["--no-rows"], False)):
        assert operator.run("page", "--to", str(file), *options).exit_code == 0
        assert ("&lt;b&gt;" in file.read_text(encoding="utf-8")) is is_there
        assert "required:name" in file.read_text(encoding="utf-8")


def test_rows_that_cannot_be_read_are_named_and_the_rest_is_shown(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id = published(cloud, call, "airlines/a.csv", curated=98, quarantined=2)
    cloud.s3.put_object(Bucket=QUARANTINE, Key=quarantined_rows_key("airlines", batch_id, 0), Body=b"no Parquet")
    found = gather()
    assert [line.partition(":")[0] for line in found.unread] == [f"the quarantined rows of {batch_id}"]
    assert found.runs[0].has_lineage


def test_refused_files_are_the_latest_with_their_reasons(
    cloud: Cloud, call: Call, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("ingestion", {"Records": [cloud.land("nobody/x.csv", b"x"), cloud.land("airlines/photo.csv", b"\x89PNG\r\n")]})
    found = gather()
    assert {(file.key, file.reason.partition(":")[0]) for file in found.refused_files} == {
        ("nobody/x.csv", "unknown_dataset"),
        ("airlines/photo.csv", "not_text"),
    }
    assert not found.has_more_refused_files
    monkeypatch.setattr(quarantine, "FILES", 1)
    found = gather()
    assert len(found.refused_files) == 1
    assert found.has_more_refused_files


def test_alarms_and_queues_are_those_of_the_stack(operator: Operator, gather: Gather) -> None:
    cloudwatch = boto3.client("cloudwatch")
    for name in ("data-pipeline-feature-x-b", "data-pipeline-feature-x-a", "data-pipeline-feature-xy-a", "other"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"what {name} means",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Threshold=0,
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Sum",
        )
    cloudwatch.set_alarm_state(AlarmName="data-pipeline-feature-x-b", StateValue="ALARM", StateReason="because")
    queue = json.loads(operator.outputs.read_text())["undelivered_url"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    found = gather()
    assert [(alarm.name, alarm.state) for alarm in found.alarms] == [
        ("data-pipeline-feature-x-b", "ALARM"),
        ("data-pipeline-feature-x-a", "OK"),
    ]
    assert (found.alarms_on[0].reason, found.alarms_on[0].description) == (
        "because",
        "what data-pipeline-feature-x-b means",
    )
    assert {queue.name: queue.waiting for queue in found.queues} == {
        "arrivals-dead-letters": 0,
        "ticks-dead-letters": 0,
        "undelivered": 1,
    }


def test_what_may_not_be_read_is_named_and_the_rest_is_shown(
    cloud: Cloud, call: Call, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(cloud, call, "airlines/a.csv")

    def denied(_: Gatherer) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")

    monkeypatch.setattr(Gatherer, "_alarms", denied)
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/flights.json", Body=b"{")
    found = gather()
    assert [line.partition(":")[0] for line in found.unread] == ["the contract of flights", "alarms"]
    assert [run.dataset for run in found.runs] == ["airlines"]
    assert {dataset.name: dataset.contract is not None for dataset in found.datasets} == {
        "airlines": True,
        "flights": False,
    }


def test_freshness_is_that_of_the_last_publish(cloud: Cloud, call: Call, gather: Gather) -> None:
    call("freshness", {})
    first = {dataset.name: dataset for dataset in gather().datasets}
    assert first["airlines"].published_at is None
    assert first["airlines"].watched_since is not None
    published(cloud, call, "airlines/a.csv")
    second = {dataset.name: dataset for dataset in gather().datasets}
    assert second["airlines"].published_at is not None
    assert not second["airlines"].is_late(second["airlines"].published_at)
    assert second["flights"].published_at is None


def test_whose_a_dataset_is_stands_in_the_index(cloud: Cloud, gather: Gather) -> None:
    assert gather().datasets[0].about.team == (), "an index of an earlier release says nothing of it"
    index = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key="contracts/index.json")["Body"].read())
    index["about"] = [{"dataset": "airlines", "purpose": "why", "team": ["a", "b"], "support": ["c"]}]
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(index))
    about = gather().datasets[0].about
    assert (about.purpose, about.team, about.support, about.domain) == ("why", ("a", "b"), ("c",), "")


def test_a_deployment_of_nothing_gives_facts(gather: Gather) -> None:
    found = gather()
    assert (found.runs, found.refused_files, found.alarms, found.unread) == ((), (), (), ())
    assert found.is_quiet


def test_more_batches_than_are_shown_are_said_to_be_there(
    cloud: Cloud, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(RUNS + 5):
        item = {"batch_id": f"airlines-{number:03d}", "dataset": "airlines", "status": "RELEASED"}
        times = {"created_at": f"2026-11-27T00:{number:02d}:00+00:00"}
        cloud.ledger.table.put_item(
            Item={"pk": "dataset#airlines", "sk": f"batch#airlines-{number:03d}", **item, **times}
        )
    found = gather()
    assert len(found.runs) == RUNS
    assert found.has_more_runs
    assert {run.batch_id for run in found.runs} == {f"airlines-{number:03d}" for number in range(5, RUNS + 5)}


def test_a_batch_that_runs_is_found_however_many_came_after_it(cloud: Cloud, call: Call, gather: Gather) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    for number in range(RUNS + 5):
        key = {"pk": "dataset#airlines", "sk": f"batch#airlines-99990101-{number:03d}"}
        item = {"batch_id": key["sk"].partition("#")[2], "dataset": "airlines", "status": "RELEASED"}
        cloud.ledger.table.put_item(Item={**key, **item, "created_at": "9999-01-01T00:00:00+00:00"})
    assert [run.batch_id for run in gather().runs if run.is_running] == [batch_id]


def test_of_refused_files_the_latest_are_shown_whatever_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"Key": name, "LastModified": at} for name, at in (("b", 2), ("a", 3), ("c", 1))]
    client = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"Contents": listed, "IsTruncated": False}])
    )
    monkeypatch.setattr(clients, "s3", lambda: client)
    monkeypatch.setattr(quarantine, "read", lambda _, key: json.dumps({"key": key}).encode() if key != "b" else None)
    found, has_more = quarantine.refused_files("q")
    assert [file.key for file in found] == ["a", "c"], "b was taken out by a replay meanwhile"
    assert not has_more


def test_a_batch_costs_what_the_model_says_of_its_load() -> None:
    limits = Limits(max_files=100, max_bytes=10**10, small_bytes=1_000, max_workers=10, timeout_minutes=60)
    for size, engine in ((1_000, "stage"), (1_001, "spark")):
        load = Load(title="x", files=3, bytes=size)
        assert run_dollars(engine, 3, size, 2) == pytest.approx(sum(batch_dollars(load, limits).values()))


def test_the_command_writes_the_page_of_the_deployment(
    cloud: Cloud, call: Call, operator: Operator, tmp_path: Path
) -> None:
    batch_id = published(cloud, call, "airlines/<i>.csv", curated=98, quarantined=2)
    file = tmp_path / "page.html"
    done = operator.run("page", "--to", str(file))
    assert done.exit_code == 0, done.output
    text = file.read_text(encoding="utf-8")
    for said in (batch_id, "feature-x", "airlines/&lt;i&gt;.csv", "98", "123456789012"):
        assert said in text, said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs.json", "page.html"]
    done = operator.run("page", "--to", str(file), "--json")
    assert json.loads(done.stdout) == {"file": str(file), "bytes": len(file.read_bytes())}


def test_a_file_has_the_name_of_the_stack_unless_it_is_given_one(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert operator.run("page").exit_code == 0
    assert (tmp_path / "data-pipeline-feature-x.html").is_file()
    assert "give another file" in str(operator.run("page", "--to", str(tmp_path / "no" / "x.html")).exception)
    assert operator.run("page", "--serve", "--json").exit_code == 2
