"""A pipeline on an emulator whose requests can be made to fail, and the checks that every scenario ends with."""

import contextlib
import io
import json
import os
import re
import signal
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from boto3.dynamodb.types import TypeDeserializer

from local.deployer import Deployment
from local.driver import FINAL, Pipeline, PipelineError
from local.emulator import Emulator
from recording.decisions import denials, read_decisions
from tests.integration.faults.sources import File, Row, Source, chunks, spoiled
from tests.integration.kept import Result
from tests.integration.ticks import let_tick

CONTROL = "/_faults/"
SECONDS = 300
STAGED = re.compile(r"/glue/[^/]+/s3/[^/]+/staging/[^/]+/[^/]+/[^/]+/curated/")


def until(ask: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The first true answer; says what was waited for if there is none in time.

    Who asks for long waits for longer, so that the emulator has most of its time for what is waited for.
    """
    begun = time.monotonic()
    while (asked := time.monotonic()) - begun < seconds:
        if answer := ask():
            return answer
        time.sleep(max(0.1, 4 * (time.monotonic() - asked)))
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Lab:
    """The pipeline, the faults, and the hands of root."""

    def __init__(self, emulator: Emulator, deployment: Deployment) -> None:
        self.emulator, self.outputs = emulator, deployment.outputs
        self.pipeline = Pipeline(emulator, deployment)
        self.s3, self.sqs, self.functions = (emulator.client(name) for name in ("s3", "sqs", "lambda"))
        self.workflows, self._dynamodb = emulator.client("stepfunctions"), emulator.client("dynamodb")
        self.sources = {name: Source(name) for name in ("airlines", "flights", "planes", "weather")}
        self._plain = TypeDeserializer()

    # ------------------------------------------------------------------------------------------------- faults

    def control(self, method: str, rules: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Ask the emulator for its rules, add some, or take them away."""
        body = json.dumps(rules or []).encode()
        request = urllib.request.Request(self.emulator.endpoint + CONTROL, data=body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
        return found

    def fired(self, rule: str) -> int:
        """How often a rule in force has fired."""
        return next(int(item["fired"]) for item in self.control("GET") if item["id"] == rule)

    # ------------------------------------------------------------------------------------------------- ledger

    def items(self, key: str, prefix: str = "version#") -> list[dict[str, Any]]:
        """The ledger's items of a partition key whose sort key begins so."""
        answer = self._dynamodb.query(
            TableName=self.outputs["ledger_table"],
            KeyConditionExpression="pk = :key AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":key": {"S": key}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        return [{name: self._plain.deserialize(value) for name, value in item.items()} for item in answer["Items"]]

    def versions(self, key: str) -> list[dict[str, Any]]:
        """The ledger's items of an object's versions."""
        return self.items(f"file#{self.outputs['raw_bucket']}/{key}")

    def batches(self, dataset: str) -> dict[str, dict[str, Any]]:
        """The batches of a dataset."""
        return {item["batch_id"]: item for item in self.items(f"dataset#{dataset}", "batch#")}

    def state(self, dataset: str) -> dict[str, Any]:
        """The state item of a dataset."""
        return next(iter(self.items(f"dataset#{dataset}", "state")), {})

    def expire_leases(self, dataset: str, status: str = "OPEN") -> int:
        """Let the leases of batches with a status run out; returns of how many."""
        opened = [name for name, batch in self.batches(dataset).items() if batch["status"] == status]
        for batch_id in opened:
            self._dynamodb.update_item(
                TableName=self.outputs["ledger_table"],
                Key={"pk": {"S": f"dataset#{dataset}"}, "sk": {"S": f"batch#{batch_id}"}},
                UpdateExpression="SET lease_until = :past",
                ExpressionAttributeValues={":past": {"N": "0"}},
            )
        return len(opened)

    # --------------------------------------------------------------------------------------------- the pipeline

    def tick(self, dataset: str) -> list[str]:
        """One tick; none is started where the function fails or is killed."""
        with contextlib.suppress(PipelineError):
            return self.pipeline.tick(dataset)
        return []

    def running(self) -> dict[str, str]:
        """Executions under way, by name."""
        found = self.workflows.list_executions(
            stateMachineArn=self.outputs["state_machine_arn"], statusFilter="RUNNING"
        )["executions"]
        return {item["name"]: item["executionArn"] for item in found}

    def entered(self, arn: str) -> list[str]:
        """The states that an execution has entered so far, in order."""
        history = self.workflows.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return [e["stateEnteredEventDetails"]["name"] for e in history if "stateEnteredEventDetails" in e]

    def calls(self, caller: str, function: str) -> int:
        """How often a function has called another one so far."""
        return sum(
            decision.action == "lambda:InvokeFunction"
            and f"assumed-role/data-pipeline-{caller}-role" in decision.principal
            and f":data-pipeline-{function}-" in decision.resource
            for decision in read_decisions(self.emulator.decisions)
        )

    def left(self, dataset: str, caller: str, function: str) -> None:
        """Play the schedule until a batch that was left is taken up: until one function calls another for it."""
        before = self.calls(caller, function)
        # A trigger that opened a batch has it for minutes, which are long for a test.
        assert self.expire_leases(dataset, "STARTED")

        def called() -> bool:
            self.tick(dataset)
            return self.calls(caller, function) > before

        until(called, f"{caller} to call {function} for a batch that was left")

    def execution(self, batch_id: str) -> str:
        """The ARN of a batch's execution."""
        return f"{self.outputs['state_machine_arn'].replace(':stateMachine:', ':execution:')}:{batch_id}"

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Keep events in the arrivals queue while this lasts."""
        mapping = self.functions.list_event_source_mappings(FunctionName=self.outputs["functions"]["ingestion"])
        identity = mapping["EventSourceMappings"][0]["UUID"]
        self.functions.update_event_source_mapping(UUID=identity, Enabled=False)
        try:
            yield
        finally:
            self.functions.update_event_source_mapping(UUID=identity, Enabled=True)

    def take(self, queue: str, count: int) -> list[str]:
        """Take messages out of a queue; returns their bodies."""
        bodies: list[str] = []

        def take() -> bool:
            answer = self.sqs.receive_message(QueueUrl=self.outputs[queue], MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self.outputs[queue], ReceiptHandle=message["ReceiptHandle"])
            return len(bodies) >= count

        until(take, f"{count} messages in {queue}")
        return bodies

    def send(self, bodies: list[str]) -> None:
        """Put messages into the arrivals queue, in this order."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.outputs["arrivals_queue_url"], MessageBody=body)

    def forget(self, dataset: str) -> None:
        """Take a table out of the catalog and make its crawler, if it has one, anew: as if it had never crawled."""
        glue, name = self.emulator.client("glue"), self.outputs["crawlers"].get(dataset)
        with contextlib.suppress(glue.exceptions.EntityNotFoundException):
            glue.delete_table(DatabaseName=self.outputs["database"], Name=dataset)
        if name is None:
            return
        crawler = glue.get_crawler(Name=name)["Crawler"]
        # What is said of a schedule has another shape than what is asked for; no schedule runs here.
        asked = glue.meta.service_model.operation_model("CreateCrawler").input_shape.members.keys() - {"Schedule"}
        glue.delete_crawler(Name=name)
        glue.create_crawler(**{key: crawler[key] for key in asked if key in crawler})

    def drained(self) -> None:
        """Wait until the arrivals queue is empty and nobody works on a message."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def empty() -> bool:
            found = self.sqs.get_queue_attributes(QueueUrl=self.outputs["arrivals_queue_url"], AttributeNames=names)
            return all(found["Attributes"][name] == "0" for name in names)

        until(empty, "an empty arrivals queue")

    def redeliver_after(self, seconds: int) -> None:
        """How long a message that failed stays invisible; minutes, as deployed, are long for a test."""
        for queue, hidden in (("arrivals_queue_url", seconds), ("ticks_queue_url", 3 * seconds)):
            self.sqs.set_queue_attributes(QueueUrl=self.outputs[queue], Attributes={"VisibilityTimeout": str(hidden)})

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        """The pipeline's own ticks are carried out while this lasts; elsewhere the tests play them."""
        let_tick(self.emulator, self.pipeline, True)
        try:
            yield
        finally:
            let_tick(self.emulator, self.pipeline, False)

    def spark(self, name: str) -> int | None:
        """A process of a Glue run (its script's `python`, or the `java` that it uses), if one is there."""
        runs = {str(run): run for run in (self.emulator.workdir / "glue").glob("jr_*")}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if run := runs.get(os.path.dirname(os.readlink(folder / "cwd"))):
                    return int(folder.name if name == "python" else (run / "jvm.pid").read_text())
        return None

    def staged(self) -> list[Path]:
        """Files of curated rows that runs have written, and that are not in S3 yet."""
        # Spark moves and deletes folders meanwhile: a walk goes on where a glob of Python 3.11 raises.
        walk = os.walk(self.emulator.workdir / "glue")
        files = (Path(folder, name) for folder, _, names in walk for name in names if name.endswith(".parquet"))
        return [file for file in files if STAGED.search(str(file))]

    def kill_spark(self, name: str) -> None:
        """Kill a process of the Glue run, once it has begun to write curated rows."""
        until(self.staged, "Spark to write")
        process = until(lambda: self.spark(name), f"a process {name}")
        os.kill(process, signal.SIGKILL)

    # ---------------------------------------------------------------------------------------------- the tables

    def objects(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys of a bucket."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.outputs[bucket], Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []))

    def parquet(self, bucket: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row below a prefix with the key of its file, as it stands in S3; partitions are columns."""
        for key in self.objects(bucket, prefix):
            body = self.s3.get_object(Bucket=self.outputs[bucket], Key=key)["Body"].read()
            folders = dict(part.split("=", 1) for part in unquote(key).split("/") if "=" in part)
            for row in pq.read_table(io.BytesIO(body)).to_pylist():
                yield key, row | folders

    def table(self, dataset: str) -> Counter[str]:
        """The rows of a published table, whatever the ledger or the catalog say."""
        return Counter(as_text(row) for _, row in self.parquet("curated_bucket", f"tables/{dataset}/"))


def as_text(row: dict[str, Any]) -> str:
    """A row in a form to compare: its columns that have a value, written as the sources write them."""

    def text(value: Any) -> str:
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)

    shown = {name: text(value) for name, value in row.items() if value not in (None, "") and not name.startswith("_")}
    return json.dumps(shown, sort_keys=True)


@dataclass
class Scenario:
    """One test: what it landed and what it injected. `check` compares with what became of it."""

    fault: str
    lab: Lab
    results: list[Result]
    files: list[File] = field(default_factory=list)
    versions: list[tuple[str, str]] = field(default_factory=list)
    injected: int = 0

    def rows(self, dataset: str, count: int) -> list[Row]:
        """Valid rows that nobody else has."""
        return self.lab.sources[dataset].rows(count)

    def land(self, dataset: str, count: int = 1, size: int = 30) -> list[File]:
        """Land files of `size` valid rows and one that is refused."""
        made = []
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.fault).strip("-").lower()
        for number, good in enumerate(chunks(self.rows(dataset, count * size), count)):
            made.append(File(f"{dataset}/{stem}-{len(self.files) + number}.csv", good, [spoiled(good[0])]))
        self.put(*made)
        return made

    def put(self, *files: File) -> None:
        """Land files as they are."""
        for file in files:
            answer = self.lab.s3.put_object(Bucket=self.lab.outputs["raw_bucket"], Key=file.key, Body=file.content)
            self.files.append(file)
            self.versions.append((file.key, answer["VersionId"]))

    def registered(self) -> None:
        """Wait until the ledger has every version that was landed."""
        until(lambda: all(item["status"] for item in self.ledger()), "every landed version in the ledger")

    def ledger(self) -> list[dict[str, Any]]:
        """The ledger's item of every version that was landed; without a status where there is none."""
        by_key = {key: {item["version"]: item for item in self.lab.versions(key)} for key, _ in self.versions}
        return [by_key[key].get(version, {"key": key, "status": ""}) for key, version in self.versions]

    @contextlib.contextmanager
    def inject(self, *rules: dict[str, Any], patience: float = SECONDS) -> Iterator[None]:
        """Rules in force while this lasts, and until each has fired, which it must."""
        named = [{"id": f"{self.fault}-{number}", **rule} for number, rule in enumerate(rules)]
        self.lab.control("PUT", named)
        try:
            yield
            # Some requests come from elsewhere, in their own time.
            until(lambda: all(rule["fired"] for rule in self.lab.control("GET")), f"{named} to fire", patience)
        finally:
            counts = {rule["id"]: rule["fired"] for rule in self.lab.control("DELETE")}
        for rule in named:
            assert counts[rule["id"]], f"the rule never fired: {rule}"
        self.injected += sum(counts.values())

    def settle(self, seconds: float = SECONDS, *, schedule: bool = True) -> None:
        """Play the schedule until every version has its end and no workflow runs; or only let leases run out."""
        datasets = {file.dataset for file in self.files}

        def settled() -> bool:
            items = self.ledger()
            concluded = not any(self.lab.state(dataset).get("running") for dataset in datasets)
            if all(item["status"] in FINAL for item in items) and not self.lab.running() and concluded:
                return True
            for dataset in datasets:
                self.lab.expire_leases(dataset)
                if not schedule:
                    continue
                waits = any(i["status"] == "PENDING" and i["key"].startswith(f"{dataset}/") for i in items)
                left = self.lab.state(dataset).get("running") and not self.lab.running()
                if waits or left or any(b["status"] == "OPEN" for b in self.lab.batches(dataset).values()):
                    self.lab.tick(dataset)
            return False

        try:
            until(settled, "every version in its final state", seconds)
        except AssertionError as error:
            states = [f"{item['key']}: {item['status'] or 'not in the ledger'}" for item in self.ledger()]
            raise AssertionError(f"{error}: {states}; running: {list(self.lab.running())}") from None

    def check(self) -> None:
        """The final table, the ledger, the accounting, the catalog and the permissions; adds a line to the table."""
        lost = doubled = out = 0
        problems: list[str] = []
        for dataset in sorted({file.dataset for file in self.files}):
            table = self.lab.table(dataset)
            wanted = {as_text(row) for file in self.files if file.dataset == dataset for row in file.good}
            lost += sum(1 for row in wanted if not table[row])
            doubled += sum(table[row] - 1 for row in wanted if table[row] > 1)
            out += sum(table[row] for row in wanted)
            problems += self._accounting(dataset, len(wanted)) + self._around(dataset, table)
        self.results.append(Result(self.fault, self.injected, self._landed(), out, lost, doubled))
        problems += [f"{item['key']}: {item['status']}" for item in self.ledger() if item["status"] != "PUBLISHED"]
        problems += [f"denied: {decision}" for decision in denials(self.lab.emulator.decisions)]
        assert self.injected, "nothing was injected"
        problems += [f"{lost} rows lost"] * bool(lost) + [f"{doubled} rows doubled"] * bool(doubled)
        assert not problems, "; ".join(problems)

    def _landed(self) -> int:
        return sum(len(file.good) for file in self.files)

    def _accounting(self, dataset: str, distinct: int) -> list[str]:
        items = [item for item in self.ledger() if item["key"].startswith(f"{dataset}/")]
        names = ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate")
        files: dict[str, Counter[str]] = defaultdict(Counter)
        for item in items:
            counted = {name: int(item.get("outcome", {}).get(name, 0)) for name in names}
            files[str(item.get("batch_id"))].update(counted)
        problems = []
        batches = self.lab.batches(dataset)
        for batch_id, counts in files.items():
            verdict = batches.get(batch_id, {}).get("verdict", {})
            read, curated, quarantined, duplicate = (int(verdict.get(name, -1)) for name in names)
            if read != curated + quarantined + duplicate:
                problems.append(f"{batch_id}: {verdict}")
            if any(int(verdict.get(name, 0)) != counts[name] for name in names):
                problems.append(f"{batch_id}: its files add up to {dict(counts)}, its verdict is {verdict}")
            rows = sum(1 for _ in self.lab.parquet("quarantine_bucket", f"rows/dataset={dataset}/{batch_id}"))
            if rows != quarantined:
                problems.append(f"{batch_id}: {quarantined} rows quarantined, {rows} in the bucket")
        total: Counter[str] = sum(files.values(), Counter())
        mine = [file for file in self.files if file.dataset == dataset]
        landed = sum(len(file.good) + len(file.bad) for file in mine)
        expected = (landed, distinct, sum(len(file.bad) for file in mine))
        found = tuple(total[name] for name in names[:3])
        if found != expected:
            problems.append(f"{dataset}: read, curated, quarantined are {found}, landed were {expected}")
        return problems

    def _around(self, dataset: str, table: Counter[str]) -> list[str]:
        state = self.lab.state(dataset)
        problems = [f"{dataset}: {name} is {state[name]}" for name in ("running", "publishing") if state.get(name)]
        try:
            answer = self.lab.pipeline.invoke("query", {"query": "rows", "dataset": dataset})["rows"][0][0]
        except PipelineError as error:
            answer = str(error)
        if answer != str(table.total()):
            problems.append(f"{dataset}: Athena answers {answer}, the table's files have {table.total()} rows")
        return problems
