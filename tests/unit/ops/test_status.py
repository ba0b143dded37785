"""The status says what is wrong first, by what the ledger, the queues, the alarms and Step Functions say."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from pipeline_core.ledger import Ledger

from ops import state
from tests.unit.lambdas.conftest import Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator

Call = Callable[..., Any]


def document(operator: Operator) -> dict[str, Any]:
    answer = operator.run("status", "--json")
    assert answer.exit_code == 0, answer.output
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def dataset(operator: Operator, name: str) -> dict[str, Any]:
    [found] = [each for each in document(operator)["datasets"] if each["dataset"] == name]
    return dict(found)


def publish(cloud: Cloud, call: Call, key: str, quarantined: int = 0) -> None:
    batch_id, manifest = one_batch(cloud, call, key)
    cloud.stage(manifest, curated=98, quarantined=quarantined)
    decide(call, batch_id, cloud.batches.state(manifest.dataset).published)


def test_a_healthy_dataset_is_one_short_line(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "airlines/a.csv")
    lines = operator.run("status").stdout.splitlines()
    assert lines[1] == "nothing is wrong"
    assert len([line for line in lines if "airlines" in line]) == 1
    assert any(line.startswith("  airlines: published ") and len(line) < 60 for line in lines), lines
    assert document(operator)["is_well"] is True


def test_trouble_comes_before_the_rest(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "airlines/a.csv", quarantined=2)
    batch_id, _ = one_batch(cloud, call, "flights/b.csv")
    fail(call, batch_id, "Stage", Error="ReconciliationError", Cause="does not add up")
    land(cloud, call, "airlines/no.zip", "nobody/x.csv")
    lines = operator.run("status").stdout.splitlines()
    assert [line for line in lines if line.startswith("! ")] == lines[1:4], "before everything else"
    text = "\n".join(lines)
    assert "! since yesterday: files rejected that are of no dataset: 1" in text
    assert "! airlines: since yesterday: rows quarantined: 2" in text
    assert "! flights: since yesterday: files failed: 1" in text
    assert dataset(operator, "airlines")["refused"]["rows_quarantined"] == 2
    assert document(operator)["is_well"] is False


def test_files_that_were_rejected_are_counted_by_dataset_and_once(
    cloud: Cloud, operator: Operator, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = cloud.land("airlines/empty.csv", b"")
    call("ingestion", {"Records": [record]})
    call("ingestion", {"Records": [record]})
    # Two deliveries at once: neither has seen the other's.
    monkeypatch.setattr(Ledger, "file", lambda *_: None)
    call("ingestion", {"Records": [record]})
    assert dataset(operator, "airlines")["refused"]["files_rejected"] == 1
    assert document(operator)["rejected_unknown"] == 0


def test_what_failed_the_day_before_yesterday_is_no_news(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "airlines/a.csv", quarantined=2)
    observed = state.Observed(
        **{name: json.loads(operator.outputs.read_text())[name] for name in state.Observed.__annotations__}
    )
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow, later = midnight + timedelta(days=1, hours=12), midnight + timedelta(days=2)
    seen = [state.look(observed, at).datasets[0].refused.rows_quarantined for at in (now, tomorrow, later)]
    assert seen == [2, 2, 0]


def test_a_dataset_is_late_by_its_promise(cloud: Cloud, operator: Operator, call: Call) -> None:
    now = datetime.now(UTC)
    since = (now - timedelta(hours=500)).isoformat()
    cloud.ledger.table.put_item(Item={"pk": "freshness", "sk": "state", "since": {"flights": since}, "late": []})
    [promised] = [
        promise["hours"]
        for promise in json.loads(cloud.s3.get_object(Bucket="artifacts-b", Key="contracts/index.json")["Body"].read())[
            "promises"
        ]
        if promise["dataset"] == "flights"
    ]
    for hours, late in ((promised + 1, True), (promised - 1, False)):
        at = (now - timedelta(hours=hours)).isoformat()
        cloud.ledger.table.put_item(Item={"pk": "dataset#flights", "sk": "publish#000000000001", "published_at": at})
        found = dataset(operator, "flights")
        assert (found["hours_late"] > 0) is late
        assert any("late: published last at" in trouble for trouble in found["troubles"]) is late


def test_alarms_of_the_stack_and_dead_letters_are_trouble(cloud: Cloud, operator: Operator) -> None:
    cloudwatch = boto3.client("cloudwatch")
    for name in (
        "data-pipeline-feature-x-not-fresh",
        "data-pipeline-feature-xy-not-fresh",
        "data-pipeline-feature-x-ok",
    ):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="n",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
        )
        if not name.endswith("-ok"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="since it is so")
    url = json.loads(operator.outputs.read_text())["undelivered_url"]
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    found = document(operator)
    assert [alarm["name"] for alarm in found["alarms"]] == ["data-pipeline-feature-x-not-fresh"]
    assert {queue["queue"]: queue["messages"] for queue in found["dead_letters"]} == {
        "arrivals-dead-letters": 0,
        "ticks-dead-letters": 0,
        "undelivered": 1,
    }
    text = operator.run("status").stdout
    assert "! alarm data-pipeline-feature-x-not-fresh since " in text
    assert "! dead letters: 1 in undelivered" in text


def test_a_running_batch_has_its_stage_and_age(
    cloud: Cloud, operator: Operator, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    event = {"id": 9, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Publish"}}
    monkeypatch.setattr(boto3.client("stepfunctions"), "get_execution_history", lambda **_: {"events": [{}, event]})
    [running] = dataset(operator, "airlines")["running"]
    assert (running["batch_id"], running["stage"], running["files"]) == (batch_id, "Publish", 2)
    assert 0 <= running["seconds"] < 60
    line = next(line for line in operator.run("status").stdout.splitlines() if batch_id in line)
    assert line.startswith(f"> {batch_id}: Publish, 2 files, since ")


def test_watching_looks_again_and_ends_without_a_traceback(
    operator: Operator, in_place_of_sleep: Callable[[Callable[[float], Any]], None]
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    in_place_of_sleep(sleep)
    answer = operator.run("status", "--watch", "--every", "7")
    assert (answer.exit_code, slept) == (0, [7.0, 7.0])
    assert answer.stdout.count("nothing is wrong") == 2
