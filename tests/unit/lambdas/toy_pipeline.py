"""The functions' real logic around a job of a few lines, on moto, where a step can die or be overtaken anywhere.

A row of the toy dataset is `key,value`; the first letter of the key is its partition. The job follows the Spark job's
contract: it stages what the table does not have yet, in a folder of its own, and writes the report last.
"""

import json
import os
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pipeline_core import layout, storage
from pipeline_core.batches import PublishingError
from pipeline_core.ledger import FAILED, PUBLISHED, QUARANTINED, REJECTED
from pipeline_core.manifest import Manifest
from pipeline_core.report import FileReport, Report, StagedFile

from lambdas.error_handler.logic import Recovery
from lambdas.etl_trigger.logic import Trigger
from lambdas.ingestion import handler as ingestion
from lambdas.processing.logic import Publisher

FINAL = (PUBLISHED, QUARANTINED, REJECTED, FAILED)
DATASET = "toy"
MOST_TRIES = 10
"""How often the toy's workflow asks again while another batch publishes."""

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


class Crash(BaseException):
    """The process is gone: nothing catches this, and every later call of it fails too."""


class Wire:
    """Sees every AWS call before it is made and after; what is armed happens at the n-th of these moments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: int | None = None
        self._act: Callable[[], None] | None = None
        self._quiet = 0
        self._dead = False
        self.moments = 0
        self.slower: Recovering | None = None

    def attach(self) -> None:
        """Listen to all clients that are made from now on."""
        boto3.setup_default_session()
        events = boto3._get_default_session()._session.get_component("event_emitter")
        for moment in ("before-call", "after-call"):
            events.register(moment, self._moment)

    def _moment(self, **_: Any) -> None:
        slower = self.slower
        if slower is not None and threading.current_thread() is slower.thread:
            slower.wait()
            return
        if self._quiet:
            return
        if self._dead:
            raise Crash
        with self._lock:
            self.moments += 1
            hit = self._at == self.moments
        if not hit:
            return
        act, self._act = self._act, None
        if act is None:
            self._dead = True
            raise Crash
        # Without the lock: what happens here uses threads of its own.
        with self.quiet():
            act()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing happens at calls that are made meanwhile."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def run(self, step: Callable[[], Any], at: int | None, act: Callable[[], None] | None) -> bool:
        """Run a step; at the moment `at` it dies, or `act` happens inside it. False if it died."""
        self.moments, self._at, self._act, self._dead = 0, at, act, False
        try:
            step()
        except Crash:
            return False
        finally:
            self._at, self._act, self._dead = None, None, False
        return True


class Recovering:
    """A step in a thread of its own, that waits at its n-th moment until it may go on."""

    def __init__(self, wire: Wire, step: Callable[[], None], at: int) -> None:
        self._wire, self._step, self._left = wire, step, at
        self._paused, self._go = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._error: Exception | None = None

    def _run(self) -> None:
        try:
            self._step()
        except Exception as error:  # noqa: BLE001  it is raised where the thread is joined
            self._error = error
        finally:
            self._paused.set()

    def wait(self) -> None:
        """Called by the wire at every call of the thread."""
        self._left -= 1
        if self._left == 0:
            self._paused.set()
            self._go.wait()

    def begin(self) -> None:
        """Run until the step waits, or ends before."""
        self._wire.slower = self
        self.thread.start()
        self._paused.wait()

    def end(self) -> None:
        """Let the step go on to its end."""
        with self._wire.quiet():
            self._go.set()
            self.thread.join()
        self._wire.slower = None
        if self._error is not None:
            raise self._error


@dataclass
class Workflow:
    """Where the execution of a batch is: as the state machine goes, one step at a time."""

    batch_id: str
    state: str = "read"
    seen: int = 0
    runs: int = 0
    tries: int = 0


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
        self.s3, self.sfn = storage.s3_client(), boto3.client("stepfunctions")
        for bucket in (raw, curated, quarantine, artifacts):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=raw, VersioningConfiguration={"Status": "Enabled"})
        storage.write(artifacts, layout.contract_key(DATASET), json.dumps(CONTRACT))
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
        buckets = {"curated_bucket": curated, "artifacts_bucket": artifacts, "ledger_table": table}
        self.trigger = Trigger(
            raw_bucket=raw,
            state_machine_arn=self.machine,
            max_concurrent_batches=2,
            max_files_per_batch=2,
            max_workers=2,
            **buckets,
        )
        self.publisher = Publisher(
            quarantine_bucket=quarantine,
            database=f"lake-{self.number}",
            event_bus_name=f"bus-{self.number}",
            **buckets,
        )
        self.recovery = Recovery(max_attempts=10**6, **buckets)
        os.environ.update(RAW_BUCKET=raw, QUARANTINE_BUCKET=quarantine, ARTIFACTS_BUCKET=artifacts, LEDGER_TABLE=table)
        ingestion._parts.cache_clear()
        self.ledger = ingestion._parts()[1]

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
                self.job(workflow.batch_id)
                workflow.state = "publish"
            case "publish":
                try:
                    verdict = self.publisher.decide(DATASET, workflow.batch_id, workflow.seen)["verdict"]
                except PublishingError:
                    workflow.tries += 1
                    workflow.state = "recover" if workflow.tries > MOST_TRIES else "publish"
                    return
                again = "read" if workflow.runs < 5 else "recover"
                workflow.state = again if verdict == "CONFLICT" else "ended"
            case "recover":
                self.recovery.recover(DATASET, workflow.batch_id, {"Error": "States.TaskFailed", "Cause": "toy"})
                workflow.state = "ended"

    def job(self, batch_id: str) -> None:
        """What the Spark job does, in a few lines."""
        text = storage.read(self.artifacts, layout.batch_key(DATASET, batch_id, "manifest"))
        assert text
        manifest = Manifest.from_json(text)
        rows, files = [], []
        for file in manifest.files:
            body = storage.read(*layout.split_uri(file.uri))
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
            storage.write(self.curated, key, json.dumps({"batch": batch_id, "rows": content}))
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
        storage.write(self.curated, f"{layout.staging_prefix(DATASET, batch_id)}report.json", report.to_json())

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
            found.append(self.ledger.file(self.raw, item["key"], item["version-id"]) or {"status": "LOST", **item})
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
