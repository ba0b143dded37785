"""The functions' real logic around a job of a few lines, on moto, where a step can die or be overtaken anywhere.

A row of the toy dataset is `key,value`; the first letter of the key is its partition. The job follows the Spark job's
contract: it stages what the table does not have yet, in a folder of its own, and writes the report last.
"""

import json
import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pipeline_core import clients, documents, layout
from pipeline_core.batches import ClosedError, PublishingError
from pipeline_core.layout import execution_arn
from pipeline_core.ledger import FINAL, PUBLISHED
from pipeline_core.manifest import Manifest
from pipeline_core.pauses import Pause, Pauses
from pipeline_core.report import FileReport, Report, StagedFile
from pipeline_core.verdict import ErrorOutput
from pipeline_core.workflow import EVENT, TRIGGER, WORKFLOW, RecoveryRequest

from lambdas.error_handler.logic import PUBLISHING, Recovery
from lambdas.etl_trigger.logic import Trigger
from lambdas.ingestion import handler as ingestion
from lambdas.processing.logic import Publisher
from tests.robustness.wire import Wire

DATASET = "toy"
CONTRACT: dict[str, Any] = {
    "dataset": DATASET,
    "version": "1.0.0",
    "columns": [{"name": name, "type": "string", "required": True} for name in ("part", "key", "value")],
    "primary_key": ["part", "key"],
    "partition_by": ["part"],
    "quality": [],
    "formats": ["csv"],
    "null_tokens": [""],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 10**6,
    "frequency_hours": None,
}


@dataclass
class Workflow:
    """Where the execution of a batch is: as the state machine goes, one step at a time."""

    batch_id: str
    state: str = "read"
    seen: int = 0
    runs: int = 0
    aborted: bool = False


@dataclass
class Toy:
    """A pipeline of one dataset with everything that is in AWS."""

    number: int
    wire: Wire
    landed: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    workflows: dict[str, Workflow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        raw, curated, quarantine, artifacts = (f"{name}-{self.number}" for name in ("raw", "cur", "qua", "art"))
        self.raw, self.curated, self.artifacts, table = raw, curated, artifacts, f"ledger-{self.number}"
        self.s3, self.sfn = clients.s3(), boto3.client("stepfunctions")
        for bucket in (raw, curated, quarantine, artifacts):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=raw, VersioningConfiguration={"Status": "Enabled"})
        documents.write(artifacts, layout.contract_key(DATASET), json.dumps(CONTRACT))
        keys = ("pk", "HASH"), ("sk", "RANGE")
        index = ("pending_shard", "HASH"), ("landed_at", "RANGE")
        schemas: Any = [[{"AttributeName": n, "KeyType": k} for n, k in schema] for schema in (keys, index)]
        boto3.client("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys + index],
            KeySchema=schemas[0],
            GlobalSecondaryIndexes=[
                {"IndexName": "pending", "KeySchema": schemas[1], "Projection": {"ProjectionType": "ALL"}}
            ],
        )
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1000, "End": True}}})
        role = "arn:aws:iam::123456789012:role/r"
        machine = self.sfn.create_state_machine(name=f"m-{self.number}", definition=definition, roleArn=role)
        self.machine = machine["stateMachineArn"]
        boto3.client("glue").create_database(DatabaseInput={"Name": f"lake-{self.number}"})
        boto3.client("events").create_event_bus(Name=f"bus-{self.number}")
        ticks = boto3.client("sqs").create_queue(QueueName=f"ticks-{self.number}")["QueueUrl"]
        buckets = {"curated_bucket": curated, "artifacts_bucket": artifacts, "ledger_table": table}
        self.trigger = Trigger(
            quarantine_bucket=quarantine,
            state_machine_arn=self.machine,
            error_handler_function="error_handler",
            # What an execution had called has ended when the tests go on, or is what they go on with.
            publish_seconds=0,
            max_concurrent_batches=2,
            max_files_per_batch=2,
            max_bytes_per_batch=10**9,
            max_workers=2,
            small_bytes=10**8,
            **buckets,
        )
        self.publisher = Publisher(
            quarantine_bucket=quarantine,
            database=f"lake-{self.number}",
            event_bus_name=f"bus-{self.number}",
            ticks_queue_url=ticks,
            quarantined_percent=1,
            **buckets,
        )
        self.recovery = Recovery(
            max_attempts=10**6,
            retry_seconds=0,
            quarantine_bucket=quarantine,
            artifacts_bucket=artifacts,
            ledger_table=table,
            processing_function="processing",
            ticks_queue_url=ticks,
        )
        os.environ.update(RAW_BUCKET=raw, QUARANTINE_BUCKET=quarantine, ARTIFACTS_BUCKET=artifacts, LEDGER_TABLE=table)
        os.environ.update(TICKS_QUEUE_URL=ticks, WINDOW_SECONDS="0")
        ingestion._parts.cache_clear()
        self.ledger = ingestion._parts()[1]
        self.pauses = Pauses(self.ledger)

    # ------------------------------------------------------------------------------------------- what may happen

    def land(self, name: str, keys: list[str]) -> None:
        """A producer puts an object; each row says which version brought it."""
        body = "".join(f"{key},{len(self.landed)}\n" for key in keys).encode()
        version = self.s3.put_object(Bucket=self.raw, Key=f"{DATASET}/{name}.csv", Body=body)["VersionId"]
        item = {"key": f"{DATASET}/{name}.csv", "size": len(body), "version-id": version}
        time = f"2026-01-01T00:00:{len(self.landed) % 60:02d}Z"
        self.landed.append({"time": time, "detail": {"bucket": {"name": self.raw}, "object": item}})
        self.bodies.append(body)

    def deliver(self, number: int) -> None:
        """The event of a landed version, once more."""
        if self.landed:
            event = self.landed[number % len(self.landed)]
            ingestion.register(SQSRecord({"body": json.dumps(event)}))

    def tick(self) -> None:
        """The schedule."""
        self.trigger.tick(DATASET)

    def pause(self) -> None:
        """A person pauses the dataset."""
        self.pauses.begin(Pause(dataset=DATASET, paused_at="2026-01-01T00:00:00+00:00", by="", reason=""))

    def resume(self) -> None:
        """And resumes it, which has a tick look at it."""
        self.pauses.end(DATASET)
        self.tick()

    def late_tick(self) -> None:
        """The schedule, after the leases have run out."""
        self.expire()
        self.tick()

    def expire(self) -> None:
        """Five minutes go by."""
        with self.wire.quiet():
            for batch_id in self.ledger_state().running:
                self.ledger.table.update_item(
                    Key={"pk": f"dataset#{DATASET}", "sk": f"batch#{batch_id}"},
                    UpdateExpression="SET lease_until = :past",
                    ExpressionAttributeValues={":past": 0},
                )

    def workflow(self, number: int) -> Workflow | None:
        """One of the executions that have not ended."""
        with self.wire.quiet():
            for item in self.sfn.list_executions(stateMachineArn=self.machine)["executions"]:
                self.workflows.setdefault(item["name"], Workflow(item["name"]))
        running = [workflow for workflow in self.workflows.values() if workflow.state != "ended"]
        return running[number % len(running)] if running else None

    def advance(self, workflow: Workflow) -> None:
        """The next state of an execution."""
        match workflow.state:
            case "read":
                workflow.seen, workflow.runs = self.ledger_state().published, workflow.runs + 1
                workflow.state = "stage"
            case "stage":
                workflow.state = "publish" if self.job(workflow.batch_id) else "recover"
            case "publish":
                try:
                    verdict = self.publisher.decide(DATASET, workflow.batch_id, workflow.seen).verdict
                except PublishingError:
                    return
                except ClosedError:
                    workflow.state = "recover"
                    return
                again = "read" if workflow.runs < 5 else "recover"
                workflow.state = again if verdict == "CONFLICT" else "ended"
            case "recover":
                try:
                    outcome = self.recover(workflow.batch_id, EVENT if workflow.aborted else WORKFLOW)
                except PublishingError:
                    return
                # What an execution that was ended had called is left to a later tick.
                workflow.state = "publish" if outcome == PUBLISHING and not workflow.aborted else "ended"
        if workflow.state == "ended":
            self.end(workflow)

    def recover(self, batch_id: str, caller: str) -> str:
        """The error handler."""
        error = ErrorOutput(error="States.Timeout", cause="toy")
        return self.recovery.recover(RecoveryRequest(dataset=DATASET, batch_id=batch_id, error=error, caller=caller))

    def end(self, workflow: Workflow) -> None:
        """The execution is over, and Step Functions says so."""
        workflow.state = "ended"
        arn = execution_arn(self.machine, workflow.batch_id)
        with self.wire.quiet():
            self.sfn.stop_execution(executionArn=arn)

    def invoke(self, FunctionName: str, Payload: bytes, InvocationType: str) -> None:  # noqa: N803  boto3's names
        """Lambda's API, asynchronous: another process, which shares nothing of its caller's fate."""
        assert InvocationType == "Event", "no function waits for another"
        batch_id = json.loads(Payload)["batch_id"]
        with self.wire.quiet(), suppress(PublishingError, ClosedError):
            if FunctionName == "error_handler":
                self.recover(batch_id, TRIGGER)
            else:
                self.publisher.decide(DATASET, batch_id, 0)

    def job(self, batch_id: str) -> bool:
        """What the Spark job does, in a few lines; False if a file was overwritten while it was read."""
        text = documents.read(self.artifacts, layout.batch_key(DATASET, batch_id, "manifest"))
        assert text
        manifest = Manifest.from_json(text)
        rows, files = [], []
        for file in manifest.files:
            body = documents.read(*layout.split_uri(file.uri))
            assert body is not None
            rows.append([tuple(line.split(",")) for line in body.decode().split()])
        taken = {
            row[0] for _, batch, row in self.table({key[0] for found in rows for key, *_ in found}) if batch != batch_id
        }
        parts: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for file, found in zip(manifest.files, rows, strict=True):
            curated = 0
            for row in found:
                if row[0] not in taken:
                    taken.add(row[0])
                    parts[row[0][0]].append(row)
                    curated += 1
            files.append(
                FileReport(
                    key=file.key,
                    version=file.version,
                    rows_read=len(found),
                    rows_curated=curated,
                    rows_duplicate=len(found) - curated,
                )
            )
        folder = f"{layout.staging_prefix(DATASET, batch_id)}{uuid.uuid4().hex}/curated/"
        staged = []
        for part, content in sorted(parts.items()):
            key = f"{folder}part={part}/0.parquet"
            documents.write(self.curated, key, json.dumps({"batch": batch_id, "rows": content}))
            uri = layout.uri(self.curated, key)
            staged.append(StagedFile(uri=uri, partition={"part": part}, rows=len(content)))
        report = Report(
            batch_id=batch_id,
            dataset=DATASET,
            contract_version="1.0.0",
            files=tuple(files),
            curated=tuple(staged),
            quarantined=(),
        )
        for file in manifest.files:
            bucket, key = layout.split_uri(file.uri)
            if key == file.key and self.s3.head_object(Bucket=bucket, Key=key)["VersionId"] != file.version:
                return False
        documents.write(self.curated, f"{layout.staging_prefix(DATASET, batch_id)}report.json", report.to_json())
        return True

    # ----------------------------------------------------------------------------------------- what there is then

    def ledger_state(self) -> Any:
        """The state of the dataset."""
        from pipeline_core.batches import Batches

        return Batches(self.ledger).state(DATASET)

    def table(self, parts: set[str] | None = None) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Every published row: its object, its batch, and the row."""
        found = self.s3.list_objects_v2(Bucket=self.curated, Prefix=layout.table_prefix(DATASET))
        for item in found.get("Contents", []):
            if parts is None or item["Key"].split("part=")[1][0] in parts:
                document = json.loads(self.s3.get_object(Bucket=self.curated, Key=item["Key"])["Body"].read())
                yield from ((item["Key"], document["batch"], tuple(row)) for row in document["rows"])

    def finish(self) -> None:
        """Let everything that still has to happen happen, in order and undisturbed."""
        for number in range(len(self.landed)):
            self.deliver(number)
        self.resume()
        for _ in range(60):
            self.expire()
            self.tick()
            while workflow := self.workflow(0):
                self.advance(workflow)
            if all(item["status"] in FINAL for item in self.items()) and not self.ledger_state().running:
                return

    def items(self) -> list[dict[str, Any]]:
        """The ledger's items of all landed versions."""
        found = []
        for event in self.landed:
            item = event["detail"]["object"]
            known = {version["version"]: version for version in self.ledger.versions(self.raw, item["key"])}
            found.append(known.get(item["version-id"]) or {"status": "LOST", **item})
        return found

    def problems(self) -> list[str]:
        """What is not as it would be after a run in order."""
        items, state = self.items(), self.ledger_state()
        found = [f"{item['key']} is {item['status']}" for item in items if item["status"] != PUBLISHED]
        found += [f"{name} is {getattr(state, name)}" for name in ("running", "publishing") if getattr(state, name)]
        rows = Counter(row[0] for _, _, row in self.table())
        brought: dict[str, set[str]] = defaultdict(set)
        for number, body in enumerate(self.bodies):
            for line in body.decode().split():
                brought[line.split(",")[0]].add(str(number))
        found += [f"{key} is {rows[key]} times in the table" for key in brought if rows[key] != 1]
        found += [f"{row} was never landed so" for _, _, row in self.table() if row[1] not in brought[row[0]]]
        outcomes = [item.get("outcome", {}) for item in items]
        counted = tuple(sum(int(o.get(f"rows_{name}", 0)) for o in outcomes) for name in ("read", "curated"))
        expected = (sum(len(body.split()) for body in self.bodies), len(brought))
        return found + ([f"read and curated are {counted}, should be {expected}"] if counted != expected else [])
