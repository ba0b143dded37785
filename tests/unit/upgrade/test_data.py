"""The data that the last release left is read and finished by the code of the working tree."""

import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import boto3
import pytest
from pipeline_core import documents, layout
from pipeline_core.batches import (
    FINISHED,
    OPEN,
    RELEASED,
    SPLIT,
    STARTED,
    Batch,
    ClosedError,
    ConflictError,
    DatasetState,
    Publish,
)
from pipeline_core.contract import Contract
from pipeline_core.files import FileItem, candidates_from_json
from pipeline_core.ledger import CLAIMED, FAILED, IGNORED, PENDING, PUBLISHED, QUARANTINED, REJECTED
from pipeline_core.manifest import REPLACE, ROWS, Manifest
from pipeline_core.report import Report, RowCounts, reconcile

from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, TABLE, contracts
from tests.unit.ops.conftest import Operator
from tests.unit.upgrade import job, snapshot
from tests.unit.upgrade.conftest import World
from tests.unit.upgrade.workflow import Definition, Execution, fields_read

EXPECTED = snapshot.load("expected")
WORKFLOW = snapshot.load("workflow")
EVENTS = snapshot.load("events")


NEW, OLD = "the contracts of this program", "the contracts that were left"
"""Functions are deployed before contracts: for a while, new code reads old contracts."""


@pytest.fixture
def left(world: World, request: pytest.FixtureRequest) -> World:
    """The pipeline with the kept data."""
    snapshot.restore()
    machine = world.cloud.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    for name, execution in snapshot.load("executions").items():
        given = json.dumps(execution["started_with"])
        world.cloud.sfn.start_execution(stateMachineArn=machine, name=name, input=given)
        if execution.get("aborted"):
            world.ended(name)
            world.ended_as[name] = "Aborted"
    if getattr(request, "param", NEW) == NEW:
        for contract in contracts():
            key = layout.contract_key(contract.name)
            world.cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(contract.document))
    snapshot.let_time_pass()
    return world


def under_way() -> dict[str, Execution]:
    """The executions that go on, where they were."""
    found = snapshot.load("executions").items()
    return {
        name: Execution(one["state"], one["variables"], one["input"]) for name, one in found if "aborted" not in one
    }


def finish(world: World) -> None:
    world.deliver(*snapshot.load("messages"))
    world.finish(under_way(), world.definition(WORKFLOW))


def items(prefix: str) -> list[dict[str, Any]]:
    found = boto3.resource("dynamodb").Table(TABLE).scan()["Items"]
    return [item for item in found if str(item["sk"]).startswith(prefix)]


def files() -> dict[str, FileItem]:
    """The latest version of every file, as it is parsed."""
    found = sorted((FileItem.from_item(item) for item in items("version#")), key=lambda file: file.landed_at)
    return {file.key: file for file in found}


def test_files_in_every_state_are_read_with_all_that_the_ledger_knows(left: World) -> None:
    found = files()
    assert {file.status for file in found.values()} == {
        *(PENDING, CLAIMED, PUBLISHED, QUARANTINED, REJECTED, IGNORED, FAILED)
    }
    batches = {number: f"airlines-{number:06d}" for number in range(1, 9)}
    short = {key: replace_ids(file) for key, file in found.items()}
    many = RowCounts(rows_read=22, rows_curated=21, rows_quarantined=1)
    a = short["airlines/a.csv"]
    assert (a.counts, a.published_in, a.quarantined_in) == (many, (batches[1],), batches[1])
    assert (a.dataset, a.format, a.bucket, a.purpose, a.landed_at) == (
        *("airlines", "csv", RAW, "", "2026-11-26T00:00:01Z"),
    )
    replayed = short["airlines/rows-replayed.csv"]
    assert (replayed.purpose, replayed.published_in, replayed.quarantined_in) == (ROWS, (batches[2], batches[3]), "")
    assert replayed.counts == RowCounts(rows_read=22, rows_curated=22)
    replaced = short["airlines/replaced.csv"]
    assert (replaced.purpose, replaced.published_in, replaced.batch_id) == (REPLACE, (batches[5],), batches[5])
    broken = short["airlines/broken.csv"]
    assert (broken.has_copy, broken.reason) == (True, "unreadable: no line of it can be read")
    refused = short["airlines/against-the-rules.csv"]
    assert (refused.quarantined_in, refused.has_copy) == (batches[7], False)
    assert "invalid rows stay rare" in refused.reason
    assert "ReconciliationError" in short["airlines/failed.csv"].reason
    assert short["airlines/deleted.csv"].reason.startswith("deleted:")
    assert short["gates/a.csv"].has_copy
    waiting = short["airports/killed-spark.csv"]
    assert (waiting.status, waiting.attempts, waiting.deaths) == (PENDING, 1, 1)
    part = short["airports/suspect-3.csv"]
    assert (part.status, part.part, part.root) == (PENDING, "airports-000002/2", "airports-000002")


def replace_ids(file: FileItem) -> FileItem:
    """A file whose batches' ids have no time in them."""

    def short(batch_id: str) -> str:
        return f"{batch_id.split('-')[0]}-{batch_id.split('-')[-1]}" if batch_id else ""

    return replace(
        file,
        batch_id=short(file.batch_id),
        part=short(file.part),
        root=short(file.root),
        quarantined_in=short(file.quarantined_in),
        published_in=tuple(map(short, file.published_in)),
    )


def test_batches_in_every_state_are_read(left: World) -> None:
    batches = [Batch.from_item(item) for item in items("batch#")]
    assert {batch.status for batch in batches} == {*(OPEN, STARTED, PUBLISHED, QUARANTINED, FAILED, RELEASED, SPLIT)}
    for batch in batches:
        decided = batch.status in (PUBLISHED, QUARANTINED)
        assert (batch.verdict is not None or batch.error is not None) == (batch.status in FINISHED), batch
        assert (batch.verdict is not None) == (decided and batch.error is None), batch
        assert batch.created_at
        assert bool(batch.finished_at) == (batch.status in FINISHED)
    states = {item["pk"]: DatasetState.from_item(item) for item in items("state")}
    flights, weather = states["dataset#flights"], states["dataset#weather"]
    assert (flights.published, flights.counter, len(flights.running)) == (1, 5, 4)
    assert flights.publishing in flights.running
    assert weather.publishing in weather.running
    seen = {batch.batch_id: batch.seen for batch in batches}
    assert (seen[str(flights.publishing)], seen[str(weather.publishing)]) == (1, 0)
    publishes = [Publish.from_item(item) for item in items("publish#")]
    assert {"year=2013/month=1/"} in [set(publish.partitions) for publish in publishes]
    assert left.cloud.ledger.ignored("airlines") == 2
    (split,) = items("split#")
    root = str(split["sk"]).removeprefix("split#")
    assert left.cloud.batches.count_split("airports", root, "one more") == len(split["failed"]) + 1


def test_a_publish_of_the_last_release_conflicts_with_its_own_partitions_only(left: World) -> None:
    staged = left.cloud.batches.existing("flights", files()["flights/staged.csv"].batch_id)
    left.cloud.ledger.table.update_item(
        Key={"pk": "dataset#flights", "sk": "state"}, UpdateExpression="REMOVE publishing"
    )
    with pytest.raises(ConflictError):
        left.cloud.batches.begin_publish(staged, 0, ["year=2013/month=1/"])
    left.cloud.batches.begin_publish(staged, 0, ["year=2013/month=9/"])


def test_the_documents_of_batches_are_read(left: World) -> None:
    keys = left.cloud.keys(ARTIFACTS, layout.BATCHES)
    manifests, purposes = 0, set()
    for key in keys:
        text = job.read(layout.uri(ARTIFACTS, key))
        prefix, _, name = key.rpartition("/")
        if name == "candidates.json":
            assert candidates_from_json(text)
        elif name == "contract.json":
            assert Contract.from_json(text).primary_key
        elif name == "manifest.json":
            manifest = Manifest.from_json(text)
            manifests += 1
            purposes.add(manifest.purpose)
            assert Contract.from_json(job.read(manifest.contract)).dataset == manifest.dataset
            assert all(job.read(file.uri) for file in manifest.files)
            assert all(job.read(uri) for file in manifest.files for uri in file.quarantined if manifest.purpose != ROWS)
        else:
            manifest = Manifest.from_json(job.read(layout.uri(ARTIFACTS, f"{prefix}/manifest.json")))
            reconcile(Report.from_json(text), [(file.key, file.version) for file in manifest.files])
    assert (manifests > 15, purposes) == (True, {"", ROWS, REPLACE})
    copies = [
        layout.quarantined_file_keys(one.bucket, one.key, one.version) for one in files().values() if one.has_copy
    ]
    assert {key for keys in copies for key in keys} == {
        key for prefix in (layout.FILES, layout.REASONS) for key in left.cloud.keys(QUARANTINE, prefix)
    }
    for key in left.cloud.keys(CURATED, layout.STAGING):
        if key.endswith("report.json"):
            assert Report.from_json(job.read(layout.uri(CURATED, key))).files


@pytest.mark.parametrize("left", [NEW, OLD], indirect=True)
def test_every_batch_under_way_ends_and_no_row_is_lost_or_doubled(left: World) -> None:
    begun = left.running()
    assert {dataset: len(batches) for dataset, batches in begun.items()} == {
        "airports": 2,
        "flights": 4,
        "planes": 3,
        "weather": 2,
    }
    publishing = {dataset: left.cloud.batches.state(dataset).publishing for dataset in ("flights", "weather")}
    finish(left)
    assert left.running() == {}
    assert {name: left.ended_as[name] for name in under_way()} == dict.fromkeys(under_way(), "Succeed"), (
        "what was staged has to be published by its own batch, not given back and read again"
    )
    assert left.statuses() == EXPECTED["statuses"]
    published = left.published()
    assert {dataset: rows for dataset, rows in published.items() if rows} == {
        dataset: dict.fromkeys(rows, 1) for dataset, rows in EXPECTED["rows"].items()
    }
    assert left.quarantined_rows() == ["A,bad", "E2,bad"]
    assert len(left.cloud.keys(QUARANTINE, layout.FILES)) == len(left.cloud.keys(QUARANTINE, layout.REASONS)) == 4
    batches = [Batch.from_item(item) for item in items("batch#")]
    assert {batch.status for batch in batches} <= set(FINISHED)
    runs = {key.rpartition("/")[2] for key in left.cloud.keys(ARTIFACTS, layout.RUNS)}
    empty = {f"{item['batch_id']}.json" for item in items("batch#") if "reason" in item["verdict"]}
    assert runs == {f"{batch.batch_id}.json" for batch in batches} - empty
    for dataset, batch_id in publishing.items():
        # What has begun to publish is published by its own batch.
        assert files()[f"{dataset}/interrupted.csv"].published_in == (batch_id,)
        keys = [key for key in left.cloud.keys(CURATED, layout.table_prefix(dataset)) if str(batch_id) in key]
        assert len(keys) == 2


def test_a_file_on_which_spark_died_is_counted_on(left: World) -> None:
    (killed,) = [file for file in left.cloud.ledger.pending("airports", 10) if file.deaths]
    left.call("etl_trigger", {"dataset": "airports"})
    (batch,) = [b for b in left.running()["airports"] if killed.key in str(_manifest(b, left))]
    error = {"Error": "States.TaskFailed", "Cause": '{"ErrorMessage": "SparkDiedError: again"}'}
    left.call("error_handler", {"dataset": "airports", "batch_id": batch, "stage": "Stage", "error": error})
    after = files()[killed.key]
    assert (after.status, after.attempts, after.deaths) == (PENDING, 2, 2)


def _manifest(batch_id: str, world: World) -> Any:
    key = layout.batch_key(batch_id.split("-")[0], batch_id, "manifest")
    return documents.read(ARTIFACTS, key) if key in world.cloud.keys(ARTIFACTS, key) else ""


def test_what_was_sent_is_not_sent_again(left: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step Functions repeats a call whose answer was lost, and the function is a new one by then."""
    from lambdas.notification import handler as notification

    sent = [event["event"] for event in EVENTS if event["function"] == "notification"]
    assert {event["outcome"] for event in sent} == {PUBLISHED, QUARANTINED}
    monkeypatch.setattr(notification, "compose", lambda *_: pytest.fail("it was sent before the upgrade"))
    for event in sent:
        assert left.call("notification", event)["message_id"]


READ = {"processing": {"verdict", "crawl", "rows_curated", "violations"}, "error_handler": {"outcome", "error"}}
"""What the old definition reads of the functions' answers."""


def test_the_list_of_what_the_old_workflow_reads_is_complete() -> None:
    assert fields_read(WORKFLOW, "verdict") == READ["processing"]
    assert fields_read(WORKFLOW, "recovery") == READ["error_handler"]
    arguments = [one.get("Arguments", {}) for one in WORKFLOW["States"].values()]
    called = {one["FunctionName"] for one in arguments if "FunctionName" in one}
    assert called == {*READ, "notification", "query"}, "nothing is read of the answers of the other two"


def test_events_of_the_last_release_are_taken_and_change_nothing_when_they_come_again(left: World) -> None:
    """They wait in queues and in retries while the functions are replaced, and the old workflow reads the answers."""
    finish(left)
    before, rows = left.statuses(), left.published()
    answered: dict[str, int] = Counter()
    for one in EVENTS:
        function, event = one["function"], one["event"]
        try:
            answer = left.call(function, event)
        except ClosedError:
            assert function == "processing", "nothing else refuses what is over"
            continue
        answered[function] += 1
        assert READ.get(function, set()) <= answer.keys()
        if function in READ:
            # The old definition hands all of these on to notification, which is a new one, too.
            known = {"batch_id": "x", "dataset": "y", "outcome": answer.get("outcome") or answer["verdict"]}
            handed = {"verdict": answer} if "verdict" in answer else {"error": answer["error"]}
            assert left.call("notification", {**known, **handed})["message_id"]
    recoveries = [one["event"] for one in EVENTS if one["function"] == "error_handler"]
    for named in ("stage", "left", "detail"):
        assert any(named in event for event in recoveries), "who asks for a recovery is told by it"
    assert answered.keys() == {"ingestion", "etl_trigger", "processing", "error_handler", "notification"}
    assert (left.statuses(), left.published(), left.running()) == (before, rows, {})


def test_an_execution_that_was_just_started_goes_the_old_way_to_its_end(world: World) -> None:
    old: Definition = world.definition(WORKFLOW)
    key, body = "flights/new.csv", b"year,month,carrier,flight,time_hour\n2013,7,UA,9,h\n"
    version = world.cloud.s3.put_object(Bucket=RAW, Key=key, Body=body)["VersionId"]
    event = json.loads(snapshot.load("messages")[0])
    event["detail"]["object"] |= {"key": key, "version-id": version, "size": len(body)}
    world.deliver(json.dumps(event))
    (batch_id,) = world.call("etl_trigger", {"dataset": "flights"})["batches"]
    assert old.run(old.begin(world.cloud.executions()[batch_id])) == "Succeed"
    assert world.published()["flights"] == {"UA,9,7,h,2013": 1}


def test_an_operator_sees_what_the_last_release_left(left: World, operator: Operator) -> None:
    for key, statuses in left.statuses().items():
        told = operator.run("file", key)
        assert told.exit_code == 0, told.output
        assert all(status in told.output for status in statuses), told.output
    status = operator.run("status")
    assert status.exit_code == 0, status.output
    running = left.cloud.batches.state("flights").running
    assert re.search(rf"flights: published .* ago, {len(running)} running\n", status.output), status.output
    assert [batch for batch in running if batch not in status.output] == [], status.output
    for command, said in {
        "replay airlines": ("read the quarantined rows again │ 1 ", "read again as a whole +│ 4 "),
        "backfill airlines": ("left alone: PUBLISHED +│ 5 ", "left alone: REJECTED +│ 1 "),
        "backfill airlines --again": ("replace the published rows │ 5 ", "read again as a whole +│ 4 "),
        "backfill airlines --deleted": ("read again as a whole +│ 1 ",),
    }.items():
        answer = operator.run(*command.split(), "--dry-run")
        assert answer.exit_code == 0, answer.output
        assert [line for line in said if not re.search(line, answer.output)] == [], answer.output
    assert operator.deliver() == 0, "a dry run asks for nothing"


def test_what_the_last_release_left_is_replayed(left: World, operator: Operator) -> None:
    finish(left)
    left.mended = True
    rows = set(EXPECTED["rows"]["airlines"])
    for command, more in {
        "replay airlines": {"A,bad", "E1,x", "E2,bad", "G1,x"},
        "backfill airlines --again": set(),
        "backfill airlines --deleted": {"F1,x"},
    }.items():
        asked = operator.run(*command.split(), "--yes")
        assert asked.exit_code == 0, asked.output
        assert operator.deliver() > 0
        left.finish({}, left.definition(WORKFLOW))
        rows |= more
        assert left.published()["airlines"] == dict.fromkeys(rows, 1)
        assert left.quarantined_rows() == []
    assert files()["airlines/replaced.csv"].purpose == REPLACE
    assert {status for status, *_ in left.statuses().values()} == {PUBLISHED, QUARANTINED, REJECTED, IGNORED}
