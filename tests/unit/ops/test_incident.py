"""What is paused begins no batch and loses no file; what is cancelled is given back and blamed for nothing."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from pipeline_core.batches import ClosedError
from pipeline_core.layout import execution_arn
from pipeline_core.pauses import Pause, Pauses

from ops import incident
from ops.exit_codes import RefusedError
from ops.target import TargetError
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator
from tests.unit.ops.test_ops import failure

Call = Callable[..., Any]


class Glue:
    """Glue with runs of the job: those given, as GetJobRuns has them."""

    def __init__(self, real: Any) -> None:
        self.stopped, self.runs, self.real = list[str](), list[dict[str, Any]](), real

    def ran(self, *runs: tuple[str, str, str]) -> None:
        self.runs = [
            {"Id": name, "JobRunState": state, "Arguments": {"--manifest": manifest}} for name, state, manifest in runs
        ]

    def get_job_runs(self, JobName: str, MaxResults: int) -> dict[str, Any]:  # noqa: N803  boto3's names
        return {"JobRuns": self.runs}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> None:  # noqa: N803
        self.stopped += JobRunIds


@pytest.fixture
def glue(call: Call, monkeypatch: pytest.MonkeyPatch) -> Glue:
    others = boto3.client
    glue = Glue(others("glue"))
    monkeypatch.setattr(boto3, "client", lambda name, **kw: glue if name == "glue" else others(name, **kw))
    monkeypatch.setattr(incident, "ENDS", 0)
    return glue


def aborted(cloud: Cloud, call: Call, batch_id: str) -> str:
    """What EventBridge has error_handler do when an execution was stopped."""
    document = {"dataset": batch_id.split("-")[0], "batch_id": batch_id, "manifest": "", "workers": 2}
    detail = {"status": "ABORTED", "input": json.dumps(document)}
    return str(
        call("error_handler", {"detail-type": "Step Functions Execution Status Change", "detail": detail})["outcome"]
    )


def said(operator: Operator, *arguments: str) -> dict[str, Any]:
    answer = operator.run(*arguments, "--json")
    assert answer.exit_code == 0, (answer.output, answer.exception)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_a_paused_dataset_registers_files_and_begins_no_batch_until_it_is_resumed(
    cloud: Cloud, operator: Operator, call: Call
) -> None:
    answer = operator.run("pause", "airlines", "--reason", "the producer is wrong")
    assert answer.exit_code == 0, answer.output
    assert "airlines is paused since " in answer.stdout
    assert ": the producer is wrong" in answer.stdout
    land(cloud, call, "airlines/a.csv", "flights/b.csv")
    assert [batch.split("-")[0] for batch in call("etl_trigger", {})["batches"]] == ["flights"], "of no other dataset"
    assert [item["status"] for item in cloud.files("airlines/a.csv")] == ["PENDING"]
    assert said(operator, "resume", "airlines")["resumed"] is True
    assert [item["status"] for item in cloud.files("airlines/a.csv")] == ["CLAIMED"], "resume has a tick look at once"


def test_pausing_twice_keeps_the_first_pause_and_resuming_twice_does_no_harm(cloud: Cloud, operator: Operator) -> None:
    first = said(operator, "pause", "airlines", "--reason", "one")
    second = said(operator, "pause", "airlines", "--reason", "two")
    assert (first["begun"], second["begun"]) == (True, False)
    assert (second["reason"], second["paused_at"]) == ("one", first["paused_at"])
    assert "airlines is already paused since" in operator.run("pause", "airlines").stdout
    assert [said(operator, "resume", "airlines")["resumed"] for _ in range(2)] == [True, False]
    assert Pauses(cloud.ledger).all() == {}


def test_no_batch_is_opened_after_the_mark_though_the_tick_began_before(
    cloud: Cloud, operator: Operator, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(cloud, call, "airlines/a.csv")
    # The tick has looked for a pause, and found none, when it is written.
    monkeypatch.setattr(Pauses, "of", lambda *_: None)
    Pauses(cloud.ledger).begin(Pause(dataset="airlines", paused_at="2026-01-01T00:00:00+00:00", by="", reason=""))
    assert call("etl_trigger", {"dataset": "airlines"})["batches"] == []
    assert cloud.batches.state("airlines").running == frozenset()


def test_a_batch_that_runs_ends_as_ever_while_its_dataset_is_paused(
    cloud: Cloud, operator: Operator, call: Call
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    operator.run("pause", "airlines")
    cloud.stage(manifest)
    assert decide(call, batch_id)["verdict"] == "PUBLISHED"
    assert cloud.batches.state("airlines").running == frozenset()


def test_an_abandoned_batch_of_a_paused_dataset_is_recovered(
    cloud: Cloud, operator: Operator, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH_SECONDS", "0")
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    operator.run("pause", "airlines")
    arn = execution_arn(json.loads(operator.outputs.read_text())["state_machine_arn"], batch_id)
    cloud.sfn.stop_execution(executionArn=arn)
    cloud.ledger.table.update_item(
        Key={"pk": "dataset#airlines", "sk": f"batch#{batch_id}"},
        UpdateExpression="SET lease_until = :past",
        ExpressionAttributeValues={":past": 0},
    )
    call("etl_trigger", {"dataset": "airlines"})
    assert cloud.batches.state("airlines").running == frozenset()
    assert [item["status"] for item in cloud.files("airlines/a.csv")] == ["PENDING"]


def test_the_status_says_that_a_dataset_is_paused(cloud: Cloud, operator: Operator) -> None:
    operator.run("pause", "airlines", "--reason", "why")
    text = operator.run("status").stdout
    assert "! airlines: paused since " in text
    assert ": why" in text
    operator.run("resume", "airlines")
    assert "paused" not in operator.run("status").stdout


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_dataset_without_a_contract_is_refused_with_those_that_there_are(operator: Operator, command: str) -> None:
    with pytest.raises(TargetError, match="no contract is deployed for 'flihgts'; there are: airlines, flights"):
        raise failure(operator.run(command, "flihgts"))


def test_a_pause_whose_contract_was_removed_can_be_ended(cloud: Cloud, operator: Operator) -> None:
    Pauses(cloud.ledger).begin(Pause(dataset="gone", paused_at="2026-01-01T00:00:00+00:00", by="", reason=""))
    assert said(operator, "resume", "gone")["resumed"] is True


def test_a_cancelled_batch_is_stopped_and_its_files_wait_again_without_blame(
    cloud: Cloud, operator: Operator, call: Call, glue: Glue
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    other = f"s3://{ARTIFACTS}/batches/airlines/other/manifest.json"
    own = f"s3://{ARTIFACTS}/batches/airlines/{batch_id}/manifest.json"
    glue.ran(("mine", "RUNNING", own), ("old", "FAILED", own), ("other", "RUNNING", other))
    answer = said(operator, "cancel", batch_id, "--yes")
    assert answer["job_runs_stopped"] == glue.stopped == ["mine"]
    machine = json.loads(operator.outputs.read_text())["state_machine_arn"]
    arn = execution_arn(machine, batch_id)
    assert cloud.sfn.describe_execution(executionArn=arn)["status"] == "ABORTED"
    for _ in range(3):
        assert aborted(cloud, call, batch_id) == "RELEASED"
    [item] = cloud.files("airlines/a.csv")
    assert (item["status"], item["attempts"]) == ("PENDING", 0), "a person did it: no file is nearer to being given up"
    cloud.stage(manifest)
    with pytest.raises(ClosedError):
        decide(call, batch_id)


def test_files_of_a_cancelled_batch_are_published_by_the_next_one(
    cloud: Cloud, operator: Operator, call: Call, glue: Glue
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    operator.run("pause", "airlines")
    said(operator, "cancel", batch_id, "--yes")
    aborted(cloud, call, batch_id)
    assert call("etl_trigger", {"dataset": "airlines"})["batches"] == [], "it is paused"
    said(operator, "resume", "airlines")
    [running] = cloud.batches.state("airlines").running
    cloud.stage(cloud.manifest("airlines", running))
    assert decide(call, running)["verdict"] == "PUBLISHED"
    assert [item["status"] for item in cloud.files("airlines/a.csv")] == ["PUBLISHED"]


@pytest.mark.parametrize("error", ["ReconciliationError", "States.Timeout", "ClosedError"])
def test_a_cancelled_batch_whose_execution_goes_on_gives_its_files_back(
    cloud: Cloud, operator: Operator, call: Call, glue: Glue, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    # Cancel dies after the mark; nothing was stopped.
    monkeypatch.setattr(incident, "_stop_execution", killed)
    operator.run("cancel", batch_id, "--yes")
    cloud.stage(manifest)
    with pytest.raises(ClosedError, match="was cancelled at"):
        decide(call, batch_id)
    assert fail(call, batch_id, "Publish", Error=error) == "RELEASED"
    [item] = cloud.files("airlines/a.csv")
    assert (item["status"], item["attempts"]) == ("PENDING", 0)
    assert cloud.batches.state("airlines").running == frozenset()


def test_a_batch_that_begins_to_publish_at_the_same_time_is_published_or_cancelled_and_not_both(
    cloud: Cloud, operator: Operator, call: Call, glue: Glue
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    batch = cloud.batches.existing("airlines", batch_id)
    # Processing has read the batch, and not the mark.
    assert cloud.batches.cancel(batch)
    with pytest.raises(ClosedError, match="was cancelled at"):
        cloud.batches.begin_publish(batch, 0, [""])
    assert cloud.batches.state("airlines").publishing is None


def test_a_batch_that_is_publishing_is_refused(cloud: Cloud, operator: Operator, call: Call, glue: Glue) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    batch = cloud.batches.existing("airlines", batch_id)
    cloud.batches.begin_publish(batch, 0, [""])
    with pytest.raises(RefusedError, match="has begun to publish, and can only be published"):
        raise failure(operator.run("cancel", batch_id, "--yes"))
    assert not cloud.batches.cancel(batch), "nor by whoever has looked before it began"
    assert cloud.batches.existing("airlines", batch_id).cancelled_at == ""


def test_a_batch_that_has_ended_or_not_begun_is_refused_and_one_that_is_none_is_not_known(
    cloud: Cloud, operator: Operator, call: Call, glue: Glue
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    decide(call, batch_id)
    with pytest.raises(RefusedError, match="has ended: it is PUBLISHED"):
        raise failure(operator.run("cancel", batch_id, "--yes"))
    opened = cloud.batches.open("flights", cloud.batches.state("flights"), 1)
    assert opened is not None
    with pytest.raises(RefusedError, match="has not been started yet"):
        raise failure(operator.run("cancel", opened.batch_id, "--yes"))
    with pytest.raises(TargetError, match="has no batch"):
        raise failure(operator.run("cancel", batch_id[:-1] + "9", "--yes"))
    with pytest.raises(TargetError, match="is no id of a batch"):
        raise failure(operator.run("cancel", "airlines", "--yes"))


def test_who_says_no_cancels_nothing(cloud: Cloud, operator: Operator, call: Call, glue: Glue) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert operator.run("cancel", batch_id, input="n\n").exit_code == 1
    assert cloud.batches.existing("airlines", batch_id).cancelled_at == ""
