"""Whatever ends a batch early, its files go on: given back, split, quarantined, failed, or published after all."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_core import clients
from pipeline_core.batches import Batch, ClosedError, PublishingError
from pipeline_core.fields import DocumentError
from pipeline_core.files import candidates_from_json, candidates_to_json
from pipeline_core.layout import batch_key, quarantined_file_keys
from pipeline_core.verdict import ErrorOutput

from lambdas.error_handler.logic import Recovery, split
from lambdas.etl_trigger.handler import _trigger
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, Cloud, Functions, candidate
from tests.unit.lambdas.test_batches import decide, land, one_batch

Call = Callable[..., Any]
DEATH = 'java.lang.OutOfMemoryError: "Java" heap space'
KILLED = "FileKilledSparkError: Spark's driver ended without a word; the known good file was read in the same run"


def job_failed(message: str) -> dict[str, str]:
    """What Step Functions says of a failed run: the run's description, with Glue's message."""
    return {"Error": "States.TaskFailed", "Cause": json.dumps({"JobRunState": "FAILED", "ErrorMessage": message})}


def spark_dies(cloud: Cloud, call: Call, batch_id: str) -> str:
    """Spark dies on a batch whose files have each died with it, and have killed it alone, before."""
    dataset = batch_id.split("-")[0]
    key = batch_key(dataset, batch_id, "candidates")
    before = candidates_from_json(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    suspects = candidates_to_json(replace(file, deaths=1, kills=1) for file in before)
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=suspects)
    kind = "FileKilledSparkError" if len(cloud.manifest(dataset, batch_id).files) == 1 else "SparkDiedError"
    return fail(call, batch_id, "Stage", **job_failed(f"pipeline_core.job_errors.{kind}: {DEATH}"))


def fail(call: Call, batch_id: str, stage: str = "", **error: str) -> str:
    event = {"dataset": batch_id.split("-")[0], "batch_id": batch_id, "error": error, "stage": stage}
    return str(call("error_handler", event)["outcome"])


def aborted(call: Call, batch_id: str, status: str = "ABORTED") -> str:
    request = json.dumps({"dataset": batch_id.split("-")[0], "batch_id": batch_id})
    event = {"source": "aws.states", "detail": {"status": status, "input": request, "error": None}}
    return str(call("error_handler", event)["outcome"])


def expire(cloud: Cloud) -> None:
    """The leases of all running batches run out."""
    for batch_id in cloud.batches.state("flights").running:
        cloud.ledger.table.update_item(
            Key={"pk": "dataset#flights", "sk": f"batch#{batch_id}"},
            UpdateExpression="SET lease_until = :past",
            ExpressionAttributeValues={":past": 0},
        )


def left_behind(call: Call, batch_id: str) -> str:
    """The trigger found the batch, long after its execution had ended."""
    event = {"dataset": batch_id.split("-")[0], "batch_id": batch_id, "error": {"Error": "ABORTED"}, "left": True}
    return str(call("error_handler", event)["outcome"])


def runs(cloud: Cloud) -> dict[str, dict[str, Any]]:
    found = {}
    for key in cloud.keys(ARTIFACTS, "runs/"):
        run = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
        found[run["batch_id"]] = run
    return found


def test_a_failed_batch_leaves_nothing_and_its_files_get_another_try(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest)
    error = {"Error": "States.Timeout", "Cause": "slow"}
    assert fail(call, batch_id, **error) == "RELEASED"
    assert fail(call, batch_id, **error) == "RELEASED"
    assert cloud.keys(CURATED, "tables/") == []
    assert cloud.files("flights/a.csv")[0]["status"] == "PENDING"
    assert cloud.batches.state("flights").running == frozenset()
    with pytest.raises(ClosedError, match="is RELEASED"):
        decide(call, batch_id)
    (again,) = call("etl_trigger", {})["batches"]
    assert again != batch_id
    assert fail(call, again, **error) == "FAILED", "two attempts are enough"
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["reason"]) == ("FAILED", "States.Timeout: slow")
    assert {run["outcome"] for run in runs(cloud).values()} == {"RELEASED", "FAILED"}
    assert runs(cloud)[again]["error"] == "States.Timeout: slow"


@pytest.mark.parametrize(
    "error",
    [
        "ReconciliationError",
        "DocumentError",
        "TypeError",
        "KeyError",
        "AssertionError",
        "States.Runtime",
        "States.DataLimit",
    ],
)
def test_what_comes_again_however_often_it_is_tried_is_failed_at_once(cloud: Cloud, call: Call, error: str) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv", "flights/b.csv")
    assert fail(call, batch_id, Error=error, Cause="x") == "FAILED"
    assert {cloud.files(key)[0]["status"] for key in ("flights/a.csv", "flights/b.csv")} == {"FAILED"}


def test_a_report_that_is_no_report_is_such_an_error(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    report = json.loads(cloud.stage(manifest).to_json())
    report["files"][0]["rows_read"] = "2"
    key = f"staging/flights/{batch_id}/report.json"
    cloud.s3.put_object(Bucket=CURATED, Key=key, Body=json.dumps(report).encode())
    with pytest.raises(DocumentError, match=r"the report: files\[0\]: 'rows_read' is '2' \(str\)"):
        decide(call, batch_id)
    assert cloud.keys(CURATED, "tables/") == []


def test_an_aborted_execution_reaches_the_error_handler_by_event(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert aborted(call, batch_id) == "RELEASED"
    assert cloud.files("flights/a.csv")[0]["status"] == "PENDING"


def test_a_batch_that_a_recovery_gave_back_cannot_begin_to_publish(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that an aborted execution had called is still at work, just before it publishes."""
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest)
    from lambdas.processing.logic import Publisher

    real = Publisher._verdict

    def interrupted(*arguments: Any) -> Any:
        assert aborted(call, batch_id) == "RELEASED"
        return real(*arguments)

    monkeypatch.setattr(Publisher, "_verdict", interrupted)
    with pytest.raises(ClosedError):
        decide(call, batch_id)
    assert cloud.keys(CURATED, "tables/") == []
    assert cloud.batches.state("flights").publishing is None


def test_a_batch_that_begins_to_publish_while_a_recovery_looks_at_it_is_not_given_back(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest)
    real = Recovery._classify

    def overtaken(self: Recovery, batch: Batch, *arguments: Any) -> str:
        cloud.batches.begin_publish(batch, 0, ["year=2013/month=1/"])
        return real(self, batch, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Recovery, "_classify", overtaken)
        with pytest.raises(PublishingError, match="began to publish"):
            fail(call, batch_id, Error="States.Timeout", Cause="slow")
    assert cloud.files("flights/a.csv")[0]["status"] == "CLAIMED"
    # the report that the other call had pinned
    report = cloud.s3.get_object(Bucket=CURATED, Key=f"staging/flights/{batch_id}/report.json")["Body"].read()
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=f"batches/flights/{batch_id}/report-0.json", Body=report)
    assert fail(call, batch_id, Error="States.Timeout", Cause="slow") == "PUBLISHING"
    assert decide(call, batch_id)["verdict"] == "PUBLISHED"


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize(
    "step", ["copy_files", "replace_files", "Batches.end_publish", "Ledger.finish", "Catalog.keep"]
)
def test_a_batch_that_began_to_publish_is_published_whatever_happened(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, step: str, left: bool
) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, curated=40, quarantined=1)
    module = {"Batches": "batches", "Catalog": "catalog", "Ledger": "ledger"}.get(step.split(".")[0], "publish")
    with monkeypatch.context() as patch:
        patch.setattr(f"pipeline_core.{module}.{step}", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            decide(call, batch_id)
    assert batch_id in cloud.batches.state("flights").running
    assert aborted(call, batch_id) == "PUBLISHING", "the call may still be at work"
    assert fail(call, batch_id, Error="Lambda.Unknown", Cause="x") == "PUBLISHING", "the workflow goes on itself"
    assert batch_id in cloud.batches.state("flights").running, "nobody did anything yet"
    if left:
        assert left_behind(call, batch_id) == "PUBLISHING"
    else:
        assert decide(call, batch_id)["verdict"] == "PUBLISHED"
    assert cloud.keys(CURATED, "tables/") == [f"tables/flights/year=2013/month=1/{batch_id}-00000.parquet"]
    assert cloud.files("flights/a.csv")[0]["status"] == "PUBLISHED"
    state = cloud.batches.state("flights")
    assert (state.running, state.publishing, state.published) == (frozenset(), None, 1)
    assert fail(call, batch_id, Error="QueryError", Cause="x") == "PUBLISHED"
    assert runs(cloud)[batch_id]["rows_curated"] == 40


def test_a_batch_whose_execution_died_unseen_is_recovered_by_a_later_tick(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_batch(cloud, call, "flights/a.csv")
    (arn,) = [
        item["executionArn"]
        for item in cloud.sfn.list_executions(
            stateMachineArn=cloud.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        )["executions"]
    ]
    assert call("etl_trigger", {}) == {"batches": []}, "it runs"
    cloud.sfn.stop_execution(executionArn=arn)
    assert call("etl_trigger", {}) == {"batches": []}, "a call of processing may still be at work"
    assert cloud.files("flights/a.csv")[0]["status"] == "CLAIMED"
    _trigger.cache_clear()
    monkeypatch.setenv("PUBLISH_SECONDS", "0")
    assert call("etl_trigger", {}) == {"batches": []}, "somebody had leased it a moment ago"
    expire(cloud)
    started = call("etl_trigger", {})["batches"]
    assert len(started) == 1
    assert cloud.files("flights/a.csv")[0]["batch_id"] == started[0]


def test_the_recovery_of_a_batch_that_was_left_is_asked_for_once_with_what_became_of_its_execution(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH_SECONDS", "60")
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    ended = {"status": "TIMED_OUT", "stopDate": datetime.now(UTC) - timedelta(seconds=61)}
    monkeypatch.setattr(clients.workflows(), "describe_execution", lambda **_: ended)
    asked = list[Any]()
    monkeypatch.setattr(Functions, "invoke", lambda _, **given: asked.append(given))
    assert call("etl_trigger", {}) == {"batches": []}
    assert asked == [], "the batch is leased still"
    expire(cloud)
    for _ in range(2):
        call("etl_trigger", {})
    (request,) = asked
    assert (request["FunctionName"], request["InvocationType"]) == ("error_handler", "Event")
    cause = "the execution is TIMED_OUT, but the batch was not concluded"
    error = {"Error": "TIMED_OUT", "Cause": cause}
    assert json.loads(request["Payload"]) == {"dataset": "flights", "batch_id": batch_id, "error": error, "left": True}


def test_a_batch_whose_execution_ended_just_now_is_left_to_a_call_that_may_be_at_work(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    machine = cloud.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    cloud.sfn.stop_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{batch_id}")
    expire(cloud)
    assert call("etl_trigger", {}) == {"batches": []}
    assert cloud.files("flights/a.csv")[0]["status"] == "CLAIMED"
    assert batch_id in cloud.batches.state("flights").running


def test_a_file_that_fails_the_job_ends_in_quarantine_and_its_neighbours_are_published(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "50")
    keys = [f"airlines/{n:02d}.csv" for n in range(16)]
    poison = {keys[7], keys[13]}
    land(cloud, call, *keys)
    jobs = 0
    while started := call("etl_trigger", {"dataset": "airlines"})["batches"]:
        for batch_id in started:
            manifest = cloud.manifest("airlines", batch_id)
            jobs += 1
            if poison & {file.key for file in manifest.files}:
                assert spark_dies(cloud, call, batch_id) in ("SPLIT", "QUARANTINED")
            else:
                cloud.stage(manifest)
                decide(call, batch_id, cloud.batches.state("airlines").published)
    states = {key: cloud.files(key)[0] for key in keys}
    assert {key for key, item in states.items() if item["status"] == "QUARANTINED"} == poison
    assert {item["status"] for key, item in states.items() if key not in poison} == {"PUBLISHED"}
    assert jobs < len(keys), "fewer runs than files"
    for key in poison:
        assert DEATH in states[key]["reason"]
        content, reason = quarantined_file_keys(RAW, key, states[key]["version"])
        assert {content, reason} <= set(cloud.keys(QUARANTINE))
    assert cloud.batches.state("airlines").running == frozenset()


def test_new_files_do_not_join_the_parts_of_a_split_batch(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "10")
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"
    land(cloud, call, "airlines/0.csv")
    started = call("etl_trigger", {"dataset": "airlines"})["batches"]
    members = [[file.key for file in cloud.manifest("airlines", each).files] for each in started]
    assert members == [["airlines/0.csv"], ["airlines/a.csv"], ["airlines/b.csv"]]
    first = started[1]
    assert fail(call, first, Error="States.Timeout", Cause="slow") == "RELEASED"
    assert cloud.files("airlines/a.csv")[0]["part"] == f"{batch_id}/0", "it stays apart when it is given back"


def test_the_64th_part_of_a_split_that_fails_ends_it_and_the_63rd_does_not(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    # "A split whose parts fail 64 times is not about a few files; the rest is FAILED" (ADR 5).
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "10")
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "10")
    keys = [f"airlines/{n}.csv" for n in range(8)]
    root, _ = one_batch(cloud, call, *keys)
    assert spark_dies(cloud, call, root) == "SPLIT"
    for n in range(62):
        cloud.batches.count_split("airlines", root, f"part-{n}")
    parts = call("etl_trigger", {"dataset": "airlines"})["batches"]
    assert len(parts) == 4
    # Who was killed between the count and the end of the batch counts it again, and that is no other part.
    cloud.batches.count_split("airlines", root, parts[0])
    assert spark_dies(cloud, call, parts[0]) == "SPLIT", "the 63rd part that fails"
    assert spark_dies(cloud, call, parts[1]) == "FAILED", "the 64th"
    assert spark_dies(cloud, call, parts[2]) == "FAILED", "the 65th"
    cloud.stage(cloud.manifest("airlines", parts[3]))
    assert decide(call, parts[3])["verdict"] == "PUBLISHED", "what does not fail is none of the rest"
    found = [cloud.files(key)[0]["status"] for key in keys]
    assert found == ["PENDING"] * 2 + ["FAILED"] * 4 + ["PUBLISHED"] * 2


def test_parts_of_another_split_do_not_count(cloud: Cloud, call: Call) -> None:
    for n in range(64):
        cloud.batches.count_split("airlines", "another", f"part-{n}")
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"


@pytest.mark.parametrize(("files", "sizes"), [(2, [1, 1]), (5, [2, 2, 1]), (1000, [250] * 4)])
def test_a_split_makes_at_most_four_even_parts(files: int, sizes: list[int]) -> None:
    parts = [file.part for file in split([candidate()] * files, "b")]
    assert [parts.count(part) for part in dict.fromkeys(parts)] == sizes


def test_the_message_of_a_job_is_found_in_a_cause_that_was_cut_off() -> None:
    cause = job_failed(f"SparkDiedError: {DEATH}")["Cause"]
    assert ErrorOutput(error="States.TaskFailed", cause=cause[:-1]).message == f"SparkDiedError: {DEATH}"
    assert str(ErrorOutput(error="States.TaskFailed", cause=cause)) == f"States.TaskFailed: SparkDiedError: {DEATH}"
    assert ErrorOutput(error="E", cause="no JSON").message == "no JSON"
    said = json.dumps({"errorMessage": 'no "x"', "errorType": "ValueError", "requestId": "r", "stackTrace": ["File"]})
    assert str(ErrorOutput(error="ValueError", cause=said)) == 'ValueError: no "x"'
    assert str(ErrorOutput(error="States.Timeout")) == "States.Timeout"


def test_the_ledger_has_the_message_of_a_run_whose_description_is_long() -> None:
    run = {"Arguments": {"--manifest": "s3://" + 3_000 * "a"}, "ErrorMessage": "ValueError: no"}
    item = ErrorOutput(error="States.TaskFailed", cause=json.dumps(run), of_job=True).to_item()
    assert item == {"error": "States.TaskFailed", "cause": "ValueError: no", "of_job": True}


def test_a_version_that_was_deleted_after_it_was_claimed_fails_alone(cloud: Cloud, call: Call) -> None:
    land(cloud, call, "flights/a.csv", "flights/b.csv")
    (item,) = cloud.files("flights/a.csv")
    cloud.s3.delete_object(Bucket=RAW, Key="flights/a.csv", VersionId=item["version"])
    cloud.s3.delete_object(Bucket=RAW, Key="flights/b.csv")  # a delete marker: the version is still there
    (batch_id,) = call("etl_trigger", {})["batches"]
    (file,) = cloud.manifest("flights", batch_id).files
    assert file.key == "flights/b.csv"
    assert (
        cloud.s3.get_object(Bucket=CURATED, Key=file.uri.removeprefix(f"s3://{CURATED}/"))["Body"].read() == b"x\n1\n"
    )
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["reason"].split(":")[0]) == ("FAILED", "gone")


def test_a_file_beside_one_that_was_deleted_is_alone_in_its_batch(cloud: Cloud, call: Call) -> None:
    land(cloud, call, "flights/a.csv", "flights/b.csv")
    (item,) = cloud.files("flights/a.csv")
    cloud.s3.delete_object(Bucket=RAW, Key="flights/a.csv", VersionId=item["version"])
    (batch_id,) = call("etl_trigger", {})["batches"]
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED", "there is nothing to split"
    assert [cloud.files(f"flights/{name}.csv")[0]["status"] for name in "ab"] == ["FAILED", "QUARANTINED"]
    assert runs(cloud)[batch_id]["files"] == 1


def test_a_batch_with_nothing_left_to_read_is_no_execution(cloud: Cloud, call: Call) -> None:
    land(cloud, call, "flights/a.csv")
    (item,) = cloud.files("flights/a.csv")
    cloud.s3.delete_object(Bucket=RAW, Key="flights/a.csv", VersionId=item["version"])
    assert call("etl_trigger", {}) == {"batches": []}
    assert cloud.files("flights/a.csv")[0]["status"] == "FAILED"
    assert cloud.batches.state("flights").running == frozenset()
    assert cloud.executions() == {}
