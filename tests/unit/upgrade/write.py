"""Writes anew the data that tests of upgrades begin with: `.venv/bin/python -m pytest tests/unit/upgrade/write.py`.

The functions of the working tree are called, against moto, until files and batches are in every state that there is;
what is in S3 and DynamoDB then is kept. Do so only when a release is cut, or when CHANGELOG.md says how data of the
former release is kept: otherwise the code would read what it has just written, and nothing would hold what is stored.
pytest collects this file only when it is named.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pipeline_core import layout, publish
from pipeline_core.ledger import Ledger
from pipeline_core.verdict import ErrorOutput
from pipeline_core.workflow import TRIGGER, RecoveryRequest

from lambdas.etl_trigger.logic import Trigger
from tests.unit.lambdas.conftest import ARTIFACTS, RAW
from tests.unit.lambdas.test_recovery import job_failed
from tests.unit.upgrade import job, snapshot
from tests.unit.upgrade.conftest import World, definition, object_created, text_of
from tests.unit.upgrade.workflow import Execution

HEADERS = {
    "airlines": "carrier,name",
    "airports": "faa,name",
    "planes": "tailnum,model",
    "flights": "year,month,carrier,flight,time_hour",
    "weather": "origin,year,month,time_hour,temp",
}
SPARK_DIED = job_failed("SparkDiedError: Spark's driver ended without a word")

JOB_FAILED = job_failed("pipeline_core.job_errors.UnreadableFileError: unexpected end of input")
"""What the job of this release says of a file that it cannot read."""


class KilledError(Exception):
    """The process was killed here."""


class Scenario:
    """Lands files and does something to their batches; remembers what has to come of them."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.monkeypatch = world, monkeypatch
        self.workflow = world.definition(definition())
        self.rows: dict[str, set[str]] = {dataset: set() for dataset in HEADERS}
        self.statuses: dict[str, list[str]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.messages: list[str] = []
        self.clock = 0

    def land(self, key: str, *records: str, ends: str = "PUBLISHED", registered: bool = True) -> None:
        """A producer puts a file, of which every good row is to be in the table if it ends PUBLISHED."""
        dataset, self.clock = key.split("/")[0], self.clock + 1
        header = HEADERS.get(dataset, "x")
        body = "\n".join((header, *records) if records else ("BROKEN",)) + "\n"
        body = "" if key.endswith("_SUCCESS") else body
        version = self.world.cloud.s3.put_object(Bucket=RAW, Key=key, Body=body.encode())["VersionId"]
        self.statuses.setdefault(key, []).append(ends)
        if ends == "PUBLISHED":
            rows = [dict(zip(header.split(","), record.split(","), strict=True)) for record in records]
            self.rows[dataset] |= {text_of(row) for row in rows if "bad" not in row.values()}
        event = object_created(key, version, len(body), f"2026-11-26T00:{self.clock // 60:02d}:{self.clock % 60:02d}Z")
        if not registered:
            self.messages.append(json.dumps(event))
        elif ends == "IGNORED" and records:
            self.world.cloud.s3.delete_object(Bucket=RAW, Key=key)
        if registered:
            self.world.deliver(json.dumps(event))

    def ask(self, key: str, what: str) -> None:
        """An operator has a file replayed."""
        item = self.world.cloud.files(key)[-1]
        event = object_created(key, item["version"], int(item["size"]), item["landed_at"])
        event |= {"source": "data-pipeline", "replay": {"what": what, "id": f"request-{key}"}}
        self.world.deliver(json.dumps(event))

    def batch(self, dataset: str) -> str:
        """What is pending becomes a batch."""
        started = self.world.call("etl_trigger", {"dataset": dataset})["batches"]
        assert len(started) == 1, started
        return str(started[0])

    def begin(self, batch_id: str) -> Execution:
        return self.workflow.begin(self.world.cloud.executions()[batch_id])

    def finish(self, dataset: str) -> str:
        """A batch goes through its workflow undisturbed."""
        batch_id = self.batch(dataset)
        self.workflow.run(self.begin(batch_id))
        self.world.ended(batch_id)
        return batch_id

    def stop(self, dataset: str, until: str) -> str:
        """A batch is under way: its execution has come to a state."""
        batch_id = self.batch(dataset)
        self.keep(batch_id, execution := self.begin(batch_id))
        self.workflow.run(execution, until)
        self.keep(batch_id, execution)
        return batch_id

    def keep(self, batch_id: str, execution: Execution) -> None:
        started = self.world.cloud.executions()[batch_id]
        self.executions[batch_id] = {**vars(execution), "started_with": started}

    def fail(self, batch_id: str, error: dict[str, str], stage: str = "Stage") -> str:
        """A batch fails, as its workflow says."""
        event = {"dataset": batch_id.split("-")[0], "batch_id": batch_id, "stage": stage, "error": error}
        outcome = self.world.call("error_handler", event)["outcome"]
        self.world.ended(batch_id)
        return str(outcome)

    def abort(self, batch_id: str) -> None:
        """An execution was ended from outside, and the event of it was lost."""
        self.world.ended(batch_id)
        self.executions[batch_id] = {"aborted": True, "started_with": self.world.cloud.executions()[batch_id]}

    @contextmanager
    def killed_at(self, owner: Any, name: str, after: int = 0) -> Iterator[None]:
        """Whoever calls it for the `after`-th time and one more is killed."""
        real, calls = getattr(owner, name), iter(range(1000))

        def method(*arguments: Any, **more: Any) -> Any:
            if next(calls) >= after:
                raise KilledError(name)
            return real(*arguments, **more)

        with self.monkeypatch.context() as patch:
            patch.setattr(owner, name, method)
            with pytest.raises((KilledError, ExceptionGroup)):
                yield

    def publish(self, batch_id: str) -> None:
        """Processing is called for a batch whose execution has come to Publish."""
        variables = self.executions[batch_id]["variables"]
        names = ("dataset", "batch_id", "published", "dpu_seconds")
        self.world.call("processing", {name: variables[name] for name in names})


def many(*more: str) -> list[str]:
    """Enough good rows for a bad one not to break the contract's rule."""
    return [f"{more[0].split(',')[0]}{number:02d},good" for number in range(21)] + list(more)


def files_that_ended(scenario: Scenario) -> None:
    scenario.land("airlines/a.csv", *many("A,bad"))
    scenario.finish("airlines")
    scenario.land("airlines/rows-replayed.csv", *many("B,bad"))
    scenario.finish("airlines")
    scenario.ask("airlines/rows-replayed.csv", "quarantined")
    replay = scenario.batch("airlines")
    scenario.workflow.run(execution := scenario.begin(replay), "Publish")
    manifest = layout.uri(ARTIFACTS, layout.batch_key("airlines", replay, "manifest"))
    job.run(manifest, mended=True)
    scenario.workflow.run(execution)
    scenario.world.ended(replay)
    scenario.rows["airlines"].add("B,bad")
    scenario.land("airlines/replaced.csv", "C1,x", "C2,y")
    scenario.land("airlines/beside.csv", "C3,z")
    scenario.finish("airlines")
    scenario.ask("airlines/replaced.csv", "again")
    scenario.finish("airlines")
    scenario.land("airlines/broken.csv", ends="QUARANTINED")
    scenario.land("airlines/beside-broken.csv", "D1,x")
    scenario.finish("airlines")
    scenario.land("airlines/against-the-rules.csv", "E1,x", "E2,bad", ends="QUARANTINED")
    scenario.finish("airlines")
    scenario.land("airlines/notes.txt", "x", ends="REJECTED")
    scenario.land("gates/a.csv", "x", ends="REJECTED")
    scenario.land("airlines/_SUCCESS", ends="IGNORED")
    scenario.land("airlines/deleted.csv", "F1,x", ends="IGNORED")
    scenario.land("airlines/failed.csv", "G1,x", ends="FAILED")
    scenario.fail(scenario.batch("airlines"), {"Error": "ReconciliationError", "Cause": "rows are missing"}, "")


def files_that_failed_the_job(scenario: Scenario) -> None:
    scenario.land("airports/killed-spark.csv", "I1,x")
    assert scenario.fail(scenario.batch("airports"), SPARK_DIED) == "RELEASED"
    scenario.land("airports/suspect-1.csv", "H1,x", ends="QUARANTINED")
    scenario.land("airports/suspect-2.csv", "H2,x")
    scenario.land("airports/suspect-3.csv", "H3,x")
    assert scenario.fail(scenario.batch("airports"), JOB_FAILED) == "SPLIT"
    before = set(scenario.world.cloud.executions())
    with scenario.killed_at(Trigger, "_advance", after=2):
        scenario.world.call("etl_trigger", {"dataset": "airports", "parts_only": True})
    first, second = sorted(scenario.world.cloud.executions().keys() - before)
    assert scenario.fail(first, JOB_FAILED) == "QUARANTINED"
    scenario.workflow.run(execution := scenario.begin(second), "Stage")
    scenario.keep(second, execution)


def batches_without_an_execution(scenario: Scenario) -> None:
    scenario.land("planes/decided.csv", "N1,x", "N2,x")
    decided = scenario.stop("planes", "Publish")
    with scenario.killed_at(Ledger, "finish"):
        scenario.publish(decided)
    scenario.land("planes/claimed.csv", "N3,x")
    with scenario.killed_at(Trigger, "_contract"):
        scenario.batch("planes")
    # The claimed version is not the latest any more, which has the same row and one more.
    scenario.land("planes/claimed.csv", "N3,x", "N4,x")
    with scenario.killed_at(Trigger, "_start"):
        scenario.batch("planes")
    scenario.land("planes/pending.csv", "N5,x")


def executions_under_way(scenario: Scenario) -> None:
    scenario.land("flights/1.csv", "2013,1,UA,1,h", "2013,1,UA,2,h")
    # The notification was sent, and its answer lost.
    sent = scenario.stop("flights", "NotifyPublished")
    names = ("batch_id", "dataset", "verdict")
    known = {name: scenario.executions[sent]["variables"][name] for name in names}
    scenario.world.call("notification", {**known, "outcome": "PUBLISHED"})
    scenario.land("flights/interrupted.csv", "2013,2,UA,3,h", "2013,3,UA,4,h")
    interrupted = scenario.stop("flights", "Publish")
    # After the table's files were copied: the first call is of what is replaced.
    with scenario.killed_at(publish, "copy_files", after=2):
        scenario.publish(interrupted)
    scenario.land("flights/staged.csv", "2013,4,UA,5,h")
    scenario.stop("flights", "Publish")
    scenario.land("flights/conflict.csv", "2013,2,UA,3,h", "2013,2,UA,6,h")
    scenario.stop("flights", "Publish")
    scenario.land("flights/read.csv", "2013,5,UA,7,h")
    scenario.stop("flights", "Stage")


def executions_that_died(scenario: Scenario) -> None:
    scenario.land("weather/interrupted.csv", "JFK,2013,1,h,1", "JFK,2013,2,h,1")
    interrupted = scenario.stop("weather", "Publish")
    # Before they were.
    with scenario.killed_at(publish, "copy_files", after=1):
        scenario.publish(interrupted)
    scenario.abort(interrupted)
    scenario.land("weather/read.csv", "JFK,2013,3,h,1")
    scenario.abort(scenario.batch("weather"))
    scenario.land("weather/aborted.csv", "JFK,2013,6,h,1")
    batch_id = scenario.batch("weather")
    detail = {"status": "ABORTED", "input": json.dumps({"dataset": "weather", "batch_id": batch_id}), "error": None}
    event = {"detail-type": "Step Functions Execution Status Change", "source": "aws.states", "detail": detail}
    assert scenario.world.call("error_handler", event)["outcome"] == "RELEASED"
    scenario.world.ended(batch_id)
    scenario.land("weather/abandoned.csv", "JFK,2013,7,h,1")
    request = RecoveryRequest(
        dataset="weather", batch_id=scenario.batch("weather"), error=ErrorOutput(error="ABORTED"), caller=TRIGGER
    )
    assert scenario.world.call("error_handler", request.to_document())["outcome"] == "RELEASED"
    scenario.world.ended(request.batch_id)
    scenario.land("weather/pending.csv", "JFK,2013,4,h,1")
    scenario.land("weather/not-registered.csv", "JFK,2013,5,h,1", registered=False)


def test_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict[str, Any]] = []
    real = world.call

    def recorded(function: str, event: Any) -> Any:
        events.append({"function": function, "event": event})
        return real(function, event)

    world.call = recorded
    scenario = Scenario(world, monkeypatch)
    for part in (
        files_that_ended,
        files_that_failed_the_job,
        batches_without_an_execution,
        executions_under_way,
        executions_that_died,
    ):
        part(scenario)
    snapshot.keep()
    snapshot.save("executions", scenario.executions)
    snapshot.save("messages", scenario.messages)
    snapshot.save("events", events)
    snapshot.save("workflow", definition())
    rows = {dataset: sorted(rows) for dataset, rows in scenario.rows.items()}
    snapshot.save("expected", {"rows": rows, "statuses": scenario.statuses})
