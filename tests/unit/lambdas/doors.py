"""Every document that crosses a boundary, as its sender writes it, and what there is to get wrong in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pipeline_core.batches import Batch, BatchDetails, DatasetState, Publish
from pipeline_core.files import Candidate, FileItem, LandedFile, candidates_from_json
from pipeline_core.pauses import Pause
from pipeline_core.report import RowCounts
from pipeline_core.verdict import ErrorOutput, Verdict
from pipeline_core.workflow import (
    EVENT,
    TRIGGER,
    WORKFLOW,
    PublishRequest,
    RecoveryRequest,
)

from lambdas.error_handler.glue_events import GlueFailure, glue_failure
from lambdas.etl_trigger.tick import Tick
from lambdas.ingestion.arrival import Arrival, Replay
from lambdas.maintenance.request import MaintenanceRequest
from lambdas.notification.message import Notification
from lambdas.query.request import DatasetQuery, FreeQuery, NamedQuery, Verification, request_from_event


@dataclass(frozen=True, kw_only=True)
class Door:
    """A parser, a document as its sender writes it, and what there is to get wrong in it, by dotted path.

    `called` is what errors call the document.
    """

    parse: Callable[[Any], object]
    called: str
    document: dict[str, Any]
    expected: object
    required: tuple[str, ...] = ()
    wrong: dict[str, object] = field(default_factory=dict)


# Amazon S3 user guide, "EventBridge event message structure", 2026-11.
OBJECT_CREATED: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2026-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::raw"],
    "detail": {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": "raw"},
        "object": {
            "key": "flights/a b+%41.csv.gz",
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    },
}
# AWS Lambda developer guide, "Using Lambda with Amazon SQS", 2026-11.
SQS_RECORD: dict[str, Any] = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "body": '{"dataset": "flights", "due_at_ms": 1}',
    "attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
    "messageAttributes": {},
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:ticks",
    "awsRegion": "us-east-2",
}
LANDED: dict[str, Any] = {
    "bucket": "raw",
    "key": "flights/a b+%41.csv.gz",
    "version": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
    "size": 5,
    "landed_at": "2026-11-12T00:00:00Z",
    "dataset": "flights",
    "format": "csv",
}
# AWS Step Functions developer guide, "Automating Step Functions event delivery with EventBridge", 2026-11.
EXECUTION: dict[str, Any] = {
    "version": "0",
    "id": "315c1398-40ff-a850-213b-158f73e60175",
    "detail-type": "Step Functions Execution Status Change",
    "source": "aws.states",
    "account": "123456789012",
    "time": "2026-11-26T19:42:21Z",
    "region": "us-east-1",
    "resources": ["arn:aws:states:us-east-1:123456789012:execution:m:flights-1"],
    "detail": {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:flights-1",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "name": "flights-1",
        "status": "ABORTED",
        "startDate": 1551225271984,
        "stopDate": 1551225291984,
        "input": '{"batch_id": "flights-1", "dataset": "flights", "manifest": "s3://a/m.json", "workers": 2}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "error": None,
        "cause": None,
    },
}
VERDICT: dict[str, Any] = {
    "verdict": "PUBLISHED",
    "dataset": "flights",
    "batch_id": "flights-1",
    "report": "report-0",
    "purpose": "",
    "contract_version": "1.0.0",
    "files": 2,
    "files_quarantined": 1,
    "bytes": 100,
    "rows_read": 10,
    "rows_curated": 7,
    "rows_quarantined": 2,
    "rows_duplicate": 1,
    "rows_replaced": 3,
    "violations": ["too many"],
    "engine": "stage",
}
SECONDS = {"seconds_to_published": 12, "latency_seconds": 60}
A_VERDICT = Verdict(**{**VERDICT, "violations": ("too many",)})
CANDIDATE: dict[str, Any] = {
    **{name: LANDED[name] for name in ("bucket", "key", "version", "format", "landed_at", "dataset")},
    "purpose": "rows",
    "part": "flights-1/0",
    "root": "flights-0",
    "quarantined_in": "flights-2",
    "size": 5,
    "attempts": 1,
    "deaths": 2,
    "kills": 3,
    "published_in": ["flights-1", "flights-2"],
    "outcome": {"rows_read": 10, "rows_curated": 7, "rows_quarantined": 2, "rows_duplicate": 1},
    "kept": True,
    "replayed": True,
}
COUNTS = RowCounts(rows_read=10, rows_curated=7, rows_quarantined=2, rows_duplicate=1)
KNOWN: dict[str, Any] = {
    **LANDED,
    "purpose": "rows",
    "part": "flights-1/0",
    "root": "flights-0",
    "quarantined_in": "flights-2",
    "attempts": 1,
    "deaths": 2,
    "kills": 3,
    "published_in": ("flights-1", "flights-2"),
    "counts": COUNTS,
    "has_copy": True,
    "replayed": True,
}
# As boto3 gives items: numbers are Decimals, sets are sets.
FILE_ITEM: dict[str, Any] = {
    **{name: Decimal(value) if type(value) is int else value for name, value in CANDIDATE.items()},
    "pk": "file#raw/flights/a.csv",
    "sk": "version#v",
    "outcome": {name: Decimal(count) for name, count in COUNTS.to_outcome().items()},
    "published_in": {"flights-2", "flights-1"},
    "status": "QUARANTINED",
    "reason": "unreadable: x",
    "batch_id": "flights-2",
    "registered_at": "2026-11-12T00:00:01Z",
}
BATCH_ITEM: dict[str, Any] = {
    "pk": "dataset#flights",
    "sk": "batch#flights-1",
    "batch_id": "flights-1",
    "dataset": "flights",
    "status": "PUBLISHED",
    "created_at": "2026-11-12T00:00:00Z",
    "started_at": "2026-11-12T00:00:01Z",
    "finished_at": "2026-11-12T00:01:00Z",
    "lease_until": Decimal(1762905600),
    "seen": Decimal(0),
    "verdict": {name: Decimal(value) if type(value) is int else value for name, value in VERDICT.items()},
    "cancelled_at": "2026-11-12T00:00:30Z",
    "details": {"execution": "arn", "files": Decimal(2), "bytes": Decimal(100), "workers": Decimal(2)},
}
A_BATCH = Batch(
    batch_id="flights-1",
    dataset="flights",
    status="PUBLISHED",
    created_at="2026-11-12T00:00:00Z",
    finished_at="2026-11-12T00:01:00Z",
    lease_until=1762905600,
    seen=0,
    verdict=A_VERDICT,
    cancelled_at="2026-11-12T00:00:30Z",
    details=BatchDetails(execution="arn", files=2, bytes=100, workers=2),
)
ERROR: dict[str, Any] = {"Error": "States.TaskFailed", "Cause": "slow"}
AN_ERROR = ErrorOutput(error="States.TaskFailed", cause="slow")


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


DOORS = {
    "an object that was created": Door(
        parse=lambda document: Arrival.from_message(json.dumps(document)),
        called="the message of the arrivals queue",
        document=OBJECT_CREATED,
        expected=Arrival(file=LandedFile(**LANDED)),
        required=("detail", "time", "detail.bucket", "detail.object", "detail.bucket.name", "detail.object.key"),
        wrong={
            "detail": "x",
            "detail.bucket": ["raw"],
            "detail.object.key": 1,
            "detail.object.size": "5",
            "detail.object.version-id": 7,
            "time": 1762905600,
        },
    ),
    "a request to replay": Door(
        parse=lambda document: Arrival.from_message(json.dumps(document)),
        called="the message of the arrivals queue",
        document={**OBJECT_CREATED, "source": "data-pipeline.ops", "replay": {"what": "again", "id": "r1"}},
        expected=Arrival(file=LandedFile(**LANDED), replay=Replay(what="again", replay_id="r1")),
        required=("replay.what", "replay.id"),
        wrong={"replay": "again", "replay.what": True, "replay.id": 1},
    ),
    "a tick of the schedule": Door(
        parse=Tick.from_event, called="the tick", document={}, expected=Tick(), wrong={"dataset": 1}
    ),
    "a tick of a person": Door(
        parse=Tick.from_event,
        called="the tick",
        document={"dataset": "flights"},
        expected=Tick(dataset="flights"),
        wrong={"dataset": ["flights"]},
    ),
    "a tick of the queue": Door(
        parse=lambda document: Tick.from_event(
            {"Records": [{**SQS_RECORD, "body": json.dumps(document)}]},
        ),
        called="the message of the queue of ticks",
        document={"dataset": "flights", "due_at_ms": 1_762_905_600_000},
        expected=Tick(dataset="flights", due_at_ms=1_762_905_600_000),
        required=("dataset", "due_at_ms"),
        wrong={"dataset": 1, "due_at_ms": "soon"},
    ),
    "a tick of the queue, delivered again": Door(
        parse=Tick.from_event,
        called="the tick",
        document={"Records": [{**SQS_RECORD, "attributes": {"ApproximateReceiveCount": "2"}}]},
        expected=Tick(dataset="flights", due_at_ms=1, again=True),
        wrong={"Records": "x"},
    ),
    "a request to publish": Door(
        parse=PublishRequest.from_event,
        # A number that JSONata computed may come with a fraction of zero.
        called="the request to publish",
        document={"dataset": "flights", "batch_id": "flights-1", "published": 3.0, "dpu_seconds": 81.5},
        expected=PublishRequest(dataset="flights", batch_id="flights-1", published=3, dpu_seconds=81.5),
        required=("dataset", "batch_id"),
        wrong={"dataset": 1, "batch_id": 1, "published": 3.5, "dpu_seconds": "81"},
    ),
    "a request to recover, of the workflow": Door(
        parse=RecoveryRequest.from_event,
        called="the request to recover a batch",
        document={"batch_id": "flights-1", "dataset": "flights", "stage": "Stage", "error": ERROR},
        expected=RecoveryRequest(
            dataset="flights", batch_id="flights-1", error=replace(AN_ERROR, of_job=True), caller=WORKFLOW
        ),
        required=("dataset", "batch_id", "error", "error.Error"),
        wrong={"dataset": {}, "error": "States.TaskFailed", "error.Error": 1, "error.Cause": {"a": 1}, "stage": 1},
    ),
    "a request to recover, of the trigger": Door(
        parse=RecoveryRequest.from_event,
        called="the request to recover a batch",
        document={"dataset": "flights", "batch_id": "flights-1", "error": ERROR, "left": True},
        expected=RecoveryRequest(dataset="flights", batch_id="flights-1", error=AN_ERROR, caller=TRIGGER),
        wrong={"left": "yes"},
    ),
    "an execution that was aborted": Door(
        parse=RecoveryRequest.from_event,
        called="the request to recover a batch",
        document=EXECUTION,
        expected=RecoveryRequest(
            dataset="flights",
            batch_id="flights-1",
            error=ErrorOutput(error="ABORTED", cause="the execution is ABORTED"),
            caller=EVENT,
        ),
        # Without `detail` it is none of EventBridge's, and lacks what the others have.
        required=("detail.status", "detail.input"),
        wrong={"detail": "x", "detail.status": 1, "detail.input": {"dataset": "flights"}, "detail.error": 1},
    ),
    "a run that failed": Door(
        parse=glue_failure,
        called="the event of error_handler",
        document={
            "source": "aws.glue",
            "detail-type": "Glue Job State Change",
            "detail": {"jobName": "j", "severity": "ERROR", "state": "FAILED", "jobRunId": "jr", "message": "m"},
        },
        expected=GlueFailure(
            metric="JobRunsFailed", description={"job": "j", "job_run_id": "jr", "state": "FAILED", "reason": "m"}
        ),
        required=("detail",),
        wrong={"detail": [], "detail-type": 1},
    ),
    "a request of maintenance": Door(
        parse=MaintenanceRequest.from_event,
        called="the request of maintenance",
        document={"action": "rollback", "dataset": "fleet", "batch_id": "fleet-1", "dry_run": True},
        expected=MaintenanceRequest(action="rollback", dataset="fleet", batch_id="fleet-1", dry_run=True),
        wrong={"action": 1, "dataset": ["fleet"], "batch_id": 1, "dry_run": "no"},
    ),
    "a named query": Door(
        parse=request_from_event,
        called="the query",
        document={"query": "recent_runs", "parameters": ["O'Hare", 1, True]},
        expected=NamedQuery(name="recent_runs", parameters=("'O''Hare'", "1", "true")),
        wrong={"query": 1, "parameters": "x"},
    ),
    "a query of a dataset": Door(
        parse=request_from_event,
        called="the query",
        document={"query": "batch_rows", "dataset": "flights", "parameters": ["flights-1"]},
        expected=DatasetQuery(name="batch_rows", dataset="flights", parameters=("'flights-1'",)),
        wrong={"query": 1, "dataset": 1, "parameters": "x"},
    ),
    "free SQL": Door(
        parse=request_from_event,
        called="the query",
        document={"sql": "SELECT 1"},
        expected=FreeQuery(sql="SELECT 1", parameters=()),
        wrong={"sql": ["SELECT 1"]},
    ),
    "a request to verify": Door(
        parse=request_from_event,
        called="the query",
        document={"verify": {"dataset": "flights", "batch_id": "flights-1", "rows": 7}},
        expected=Verification(dataset="flights", batch_id="flights-1", rows=7),
        required=("verify.dataset", "verify.batch_id", "verify.rows"),
        wrong={"verify": 1, "verify.rows": "7", "verify.dataset": 1},
    ),
    "a notification of a verdict": Door(
        parse=Notification.from_event,
        called="the notification",
        document={
            "batch_id": "flights-1",
            "dataset": "flights",
            "outcome": "PUBLISHED",
            "verdict": {**VERDICT, **SECONDS, "crawl": True},
        },
        expected=Notification(
            batch_id="flights-1",
            dataset="flights",
            outcome="PUBLISHED",
            verdict=Verdict(**{**VERDICT, **SECONDS, "violations": ("too many",), "crawl": True}),
        ),
        required=(
            "batch_id",
            "dataset",
            "outcome",
            *(f"verdict.{name}" for name in without(VERDICT, "violations", "engine")),
        ),
        wrong={
            "outcome": "LOST",
            "verdict": [],
            "verdict.rows_read": "10",
            "verdict.rows_curated": True,
            "verdict.violations": "too many",
            "verdict.crawl": "false",
            "verdict.seconds_to_published": "12",
            "verdict.latency_seconds": 1.5,
        },
    ),
    "a notification of an error": Door(
        parse=Notification.from_event,
        called="the notification",
        document={"batch_id": "flights-1", "dataset": "flights", "outcome": "FAILED", "error": ERROR},
        expected=Notification(batch_id="flights-1", dataset="flights", outcome="FAILED", error=AN_ERROR),
        required=("error.Error",),
        wrong={"error": "x", "error.Cause": 1},
    ),
    "a candidate": Door(
        parse=lambda document: candidates_from_json(json.dumps([document])),
        called="a file of candidates.json",
        document=CANDIDATE,
        expected=[Candidate(**KNOWN)],
        required=("bucket", "key", "version", "size", "landed_at", "dataset"),
        wrong={
            "size": "5",
            "attempts": 1.5,
            "published_in": "flights-1",
            "outcome": 1,
            "kept": 1,
            "replayed": 1,
            "purpose": 2,
        },
    ),
    "a file's item": Door(
        parse=FileItem.from_item,
        called="the ledger's item of a file",
        document=FILE_ITEM,
        expected=FileItem(**KNOWN, status="QUARANTINED", reason="unreadable: x", batch_id="flights-2"),
        required=("bucket", "key", "version", "size", "landed_at", "dataset", "status"),
        wrong={"status": 1, "size": Decimal("0.5"), "published_in": {1}, "outcome.rows_read": "1"},
    ),
    "a batch's item": Door(
        parse=Batch.from_item,
        called="the ledger's item of a batch",
        document=BATCH_ITEM,
        expected=A_BATCH,
        required=("batch_id", "dataset", "status", "created_at", "verdict.report", "details.files"),
        wrong={"seen": "0", "verdict": "PUBLISHED", "lease_until": "x", "verdict.rows_read": Decimal("1.5")},
    ),
    "a dataset's state": Door(
        parse=DatasetState.from_item,
        called="the ledger's state of a dataset",
        document={
            "published": Decimal(3),
            "counter": Decimal(4),
            "running": {"flights-4"},
            "publishing": "flights-4",
        },
        expected=DatasetState(published=3, counter=4, running=frozenset({"flights-4"}), publishing="flights-4"),
        wrong={"published": "3", "running": "flights-4", "publishing": 1},
    ),
    "a pause": Door(
        parse=Pause.from_item,
        called="the ledger's item of a pause",
        document={"pk": "paused", "sk": "flights", "paused_at": "2026-11-12T00:00:00Z", "by": "user/a", "reason": "r"},
        expected=Pause(dataset="flights", paused_at="2026-11-12T00:00:00Z", by="user/a", reason="r"),
        required=("sk", "paused_at"),
        wrong={"paused_at": 1, "reason": 1},
    ),
    "a publish": Door(
        parse=Publish.from_item,
        called="the ledger's item of a publish",
        document={"batch_id": "flights-1", "partitions": ["a/", "b/"], "published_at": "2026-11-12T00:00:00Z"},
        expected=Publish(batch_id="flights-1", partitions=("a/", "b/")),
        required=("batch_id",),
        wrong={"partitions": "a/"},
    ),
}
