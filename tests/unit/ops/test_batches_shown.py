"""What batches came to, what was logged about one, and a file that is landed and watched."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from pipeline_core.layout import run_key

from ops import query as queries
from ops import runs as command
from ops.target import TargetError
from tests.unit.lambdas.conftest import ARTIFACTS, RAW, Cloud
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator
from tests.unit.ops.test_incident import said
from tests.unit.ops.test_ops import failure, publish

Call = Callable[..., Any]


def shown(operator: Operator, *arguments: str) -> list[dict[str, Any]]:
    answer = operator.run(*arguments, "--json")
    assert answer.exit_code == 0, (answer.output, answer.exception)
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def test_runs_are_the_latest_first_with_rows_by_fate(cloud: Cloud, operator: Operator, call: Call) -> None:
    first = publish(cloud, call, "flights/a.csv", quarantined=2)
    second, _ = one_batch(cloud, call, "flights/b.csv")
    fail(call, second, "Stage", Error="ReconciliationError", Cause="does not add up")
    third, _ = one_batch(cloud, call, "airlines/c.csv")
    of_all = shown(operator, "runs")
    assert [run["batch_id"] for run in of_all] == [third, second, first]
    assert [run["status"] for run in of_all] == ["STARTED", "FAILED", "PUBLISHED"]
    assert [run["rows_curated"] for run in of_all] == [0, 0, 98]
    assert [run["rows_quarantined"] for run in of_all] == [0, 0, 2]
    assert [run["batch_id"] for run in shown(operator, "runs", "flights", "--limit", "1")] == [second]
    lines = operator.run("runs", "flights").stdout.splitlines()
    assert lines[0].startswith(f"{second}: FAILED after ")
    assert lines[1] == "  ReconciliationError: does not add up"
    assert lines[2].startswith(f"{first}: PUBLISHED after ")
    assert lines[2].endswith("1 file; rows read 100, curated 98, quarantined 2")
    with pytest.raises(TargetError, match="no contract is deployed for 'x'"):
        raise failure(operator.run("runs", "x"))


def test_a_batch_that_was_rolled_back_is_not_told_as_published(cloud: Cloud, operator: Operator, call: Call) -> None:
    gone, kept = publish(cloud, call, "flights/a.csv"), publish(cloud, call, "flights/b.csv")
    created = cloud.batches.existing("flights", gone).created_at
    assert {run["status"] for run in shown(operator, "runs", "flights")} == {"PUBLISHED"}
    record = json.dumps({"outcome": "ROLLED_BACK"})
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=run_key("flights", gone, created), Body=record)
    told = {run["batch_id"]: run["status"] for run in shown(operator, "runs", "flights")}
    assert told == {gone: "ROLLED_BACK", kept: "PUBLISHED"}, "the ledger has it of files only"
    assert f"{gone}: ROLLED_BACK after " in operator.run("runs", "flights").stdout


def test_what_is_quarantined_is_asked_by_dataset_reason_and_batch_as_text(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def answer(_: Any, name: None, sql: str, *__: Any, **___: Any) -> queries.Rows:
        asked.append(sql)
        found = {
            "GROUP BY": (["reason", "rows", "batches", "latest"], ["required:x", "3", "1", "2026-11-27"]),
            "raw_record": (["batch_id", "source_file", "line", "reasons", "raw_record"], ["b", "k", "7", "r", "a,b"]),
            "quarantined_files": (["quarantined_at", "key", "version", "reason"], ["t", "flights/x", "v", "empty"]),
        }
        columns, row = next(value for word, value in found.items() if word in sql)
        return queries.Rows(columns=columns, types=[], rows=[[*row]], more=False, scanned_bytes=0)

    monkeypatch.setattr(command, "answer", answer)
    found = said(operator, "quarantined", "flights")
    assert found["reasons"] == [{"reason": "required:x", "rows": "3", "batches": "1", "latest": "2026-11-27"}]
    assert found["examples"][0]["line"] == "7"
    assert found["files"][0]["key"] == "flights/x"
    assert all("dataset = 'flights'" in sql for sql in asked)
    text = operator.run("quarantined", "flights").stdout
    for words in ("required:x", "k line 7", "record: a,b", "flights/x version v", "reason: empty"):
        assert words in text, words
    asked.clear()
    found = said(operator, "quarantined", "flights", "--reason", "it's", "--batch", "b'1")
    assert found["files"] == [], "they were in no batch"
    assert len(asked) == 2
    assert all("batch_id = 'b''1'" in sql and "'it''s'" in sql for sql in asked)


@pytest.fixture
def groups(cloud: Cloud) -> Callable[..., None]:
    client, now = boto3.client("logs"), int(datetime.now(UTC).timestamp() * 1_000)

    def write(group: str, *lines: tuple[int, str]) -> None:
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
        events: Any = [{"timestamp": now + at, "message": text} for at, text in sorted(lines)]
        client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    return write


def test_lines_of_a_batch_are_found_everywhere_and_are_in_the_order_of_time(
    cloud: Cloud, operator: Operator, call: Call, groups: Callable[..., None]
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")

    def line(message: str, batch: str = batch_id, **more: Any) -> str:
        return json.dumps({"level": "INFO", "message": message, "service": "x", "correlation_id": batch, **more})

    own = "/aws/lambda/data-pipeline-feature-x-"
    groups(f"{own}etl-trigger", (10, line("first")), (40, line("last", files=2)), (5, line("other", "airlines-1")))
    groups(f"{own}maintenance", (20, f"plain text of {batch_id}"))
    # Of another stack, whose name begins as this one's does.
    groups("/aws/lambda/data-pipeline-feature-x-y-etl-trigger", (15, line("of another stack")))
    groups("/aws-glue/data-pipeline-feature-x/role/output", (30, line("of the job")))
    entered = {"type": "TaskStateEntered", "details": {"name": "Publish"}, "execution_arn": f"arn:x:{batch_id}"}
    groups("/aws/vendedlogs/states/data-pipeline-feature-x", (25, json.dumps(entered)))
    found = shown(operator, "logs", "--batch", batch_id)
    assert [each["message"] for each in found] == [
        "first",
        f"plain text of {batch_id}",
        "TaskStateEntered Publish",
        "of the job",
        'last {"files": 2}',
    ]
    assert [each["who"] for each in found][1:3] == ["data-pipeline-feature-x-maintenance", "state machine"]
    lines = operator.run("logs", "--batch", batch_id).stdout.splitlines()
    assert lines[0].endswith(" x INFO: first")
    with pytest.raises(TargetError, match="is no id of a batch"):
        raise failure(operator.run("logs", "--batch", "airlines"))


def test_a_batch_about_which_nothing_is_kept_is_said_so(cloud: Cloud, operator: Operator, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert f"nothing was logged about {batch_id}" in operator.run("logs", "--batch", batch_id).stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "airlines.2026.csv"
    path.write_bytes(b"carrier,name\nZ1,Good\n")
    return path


def test_a_file_is_put_where_its_contract_says(cloud: Cloud, operator: Operator, file: Path) -> None:
    assert said(operator, "land", str(file))["key"] == "airlines/airlines.2026.csv", "its name says whose it is"
    cloud.move("airlines", "lake/air/")
    landed = said(operator, "land", str(file), "--dataset", "airlines")
    assert landed["key"] == "lake/air/airlines.2026.csv"
    body = cloud.s3.get_object(Bucket=RAW, Key=landed["key"], VersionId=landed["version"])["Body"].read()
    assert body == file.read_bytes()
    with pytest.raises(TargetError, match="is not called after a dataset: give --dataset, one of airlines, flights"):
        raise failure(operator.run("land", str(file.rename(file.with_name("x.csv")))))
    with pytest.raises(TargetError, match="there is no such file"):
        raise failure(operator.run("land", str(file), "--dataset", "airlines"))


@pytest.mark.parametrize(
    ("fate", "code", "words"),
    [
        ("published", 0, "is PUBLISHED; rows read 98, curated 98"),
        ("quarantined", 3, "is PUBLISHED; rows read 98, curated 96, quarantined 2"),
        ("failed", 1, "is FAILED: ReconciliationError"),
        ("rejected", 3, "is REJECTED: empty"),
    ],
)
def test_the_exit_code_tells_the_fate_of_a_file_that_is_waited_for(
    cloud: Cloud,
    operator: Operator,
    call: Call,
    file: Path,
    in_place_of_sleep: Callable[[Callable[[float], Any]], None],
    fate: str,
    code: int,
    words: str,
) -> None:
    if fate == "rejected":
        file.write_bytes(b"")
    steps = list[Callable[[], Any]]()

    def event() -> None:
        [version] = cloud.s3.list_object_versions(Bucket=RAW)["Versions"]
        detail = {
            "bucket": {"name": RAW},
            "object": {"key": version["Key"], "size": version["Size"], "version-id": version["VersionId"]},
        }
        body = json.dumps({"time": "2026-01-01T00:00:00Z", "detail": detail})
        record = {"messageId": "m", "body": body, "eventSource": "aws:sqs", "receiptHandle": "r", "attributes": {}}
        call("ingestion", {"Records": [{**record, "messageAttributes": {}}]})

    def end() -> None:
        [batch_id] = cloud.batches.state("airlines").running
        if fate == "failed":
            fail(call, batch_id, "Stage", Error="ReconciliationError", Cause="no")
            return
        cloud.stage(
            cloud.manifest("airlines", batch_id),
            curated=96 if fate == "quarantined" else 98,
            quarantined=2 if fate == "quarantined" else 0,
        )
        decide(call, batch_id)

    steps += [event, lambda: call("etl_trigger", {"dataset": "airlines"}), end]
    in_place_of_sleep(lambda _: steps.pop(0)())
    answer = operator.run("land", str(file), "--wait")
    assert answer.exit_code == code, (answer.output, answer.exception)
    assert f"airlines/{file.name} {words}" in answer.stdout
    if fate == "published":
        stages = [line.split(":")[0].split(" by ")[0] for line in answer.stderr.splitlines()[1:]]
        assert stages == ["LANDED", "PENDING", "CLAIMED", "PUBLISHED"], "each stage once, as it passes"


def test_a_file_that_does_not_arrive_is_given_up_with_where_it_is(
    cloud: Cloud, operator: Operator, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TargetError, match="did not come to its end in 0 s: it is not in the ledger"):
        raise failure(operator.run("land", str(file), "--wait", "--timeout", "0"))
