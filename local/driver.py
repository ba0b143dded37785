"""Drives the deployed pipeline as a person would: lands files, ticks, watches, asks. Used by the demo and the tests."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pipeline_core.layout import TABLES, batch_key, execution_arn
from pipeline_core.verdict import ErrorOutput
from pipeline_core.workflow import TRIGGER, RecoveryRequest

from local.deployer import Deployment
from local.emulator import Emulator

FINAL = ("PUBLISHED", "QUARANTINED", "REJECTED", "IGNORED", "FAILED", "ROLLED_BACK")
"""Where every landed file ends."""

MOST_OF_A_CALL = 100
"""Items that BatchGetItem gives at once (DynamoDB API reference, 2026-11)."""


class PipelineError(RuntimeError):
    """Something did not happen in time, or a function failed."""


@dataclass(frozen=True)
class FileState:
    """What the ledger says of a landed file."""

    key: str
    dataset: str
    status: str
    batch_id: str | None
    rows: Mapping[str, int]
    reason: str | None


@dataclass
class Progress:
    """The state of everything that was landed, and what each batch's workflow is doing."""

    files: list[FileState] = field(default_factory=list)
    stages: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether every file has reached its end, and every workflow too."""
        return all(file.status in FINAL for file in self.files) and all(
            stage in ("done", "failed") for stage in self.stages.values()
        )


def _state(key: str, item: Mapping[str, Any] | None) -> FileState:
    dataset = key.partition("/")[0]
    if item is None:
        return FileState(key, dataset, "LANDED", None, {}, None)
    outcome = item.get("outcome", {}).get("M", {})
    rows = {name: int(value["N"]) for name, value in outcome.items() if "N" in value}
    reason = item.get("reason", outcome.get("reason", {})).get("S")
    return FileState(key, dataset, item["status"]["S"], item.get("batch_id", {}).get("S"), rows, reason)


class Pipeline:
    """A deployed pipeline."""

    def __init__(self, emulator: Emulator, deployment: Deployment) -> None:
        self.outputs = deployment.outputs
        self.s3, self.functions = emulator.client("s3"), emulator.client("lambda")
        self._workflows, self._ledger = emulator.client("stepfunctions"), emulator.client("dynamodb")
        self._sqs, self._sns = emulator.client("sqs"), emulator.client("sns")
        self._landed: list[tuple[str, str]] = []
        self._inbox: str | None = None

    def land(self, files: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
        """Put objects into the raw bucket; returns their keys and versions."""
        bucket = self.outputs["raw_bucket"]

        def put(item: tuple[str, bytes]) -> tuple[str, str]:
            answer = self.s3.put_object(Bucket=bucket, Key=item[0], Body=item[1])
            return item[0], str(answer["VersionId"])

        with ThreadPoolExecutor(4) as pool:
            landed = list(pool.map(put, files))
        self._landed.extend(landed)
        return landed

    def invoke(self, function: str, event: Any) -> Any:
        """Call a function and return its answer.

        Raises:
            PipelineError: with the function's own error.
        """
        answer = self.functions.invoke(
            FunctionName=self.outputs["functions"][function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise PipelineError(f"{function}: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload

    def tick(self, dataset: str | None = None) -> list[str]:
        """Trigger on demand; returns the batches that this call started: none where a tick of its own was quicker."""
        return list(self.invoke("etl_trigger", {"dataset": dataset} if dataset else {})["batches"])

    def recover_aborted(self, started_at: float) -> None:
        """Have error_handler bring batches to their end whose execution was ABORTED when an emulator was stopped.

        One that had begun to publish is published at once: on AWS it waits until no call can be at work any more. Here
        none has outlived the emulator before this one, which started at `started_at` (seconds since 1970).
        """
        for dataset in self.outputs["datasets"]:
            key = {"pk": {"S": f"dataset#{dataset}"}, "sk": {"S": "state"}}
            state = self._ledger.get_item(TableName=self.outputs["ledger_table"], Key=key).get("Item", {})
            for batch_id in state.get("running", {}).get("SS", []):
                self._recover_if_aborted(dataset, batch_id, started_at)

    def _recover_if_aborted(self, dataset: str, batch_id: str, started_at: float) -> None:
        arn = execution_arn(self.outputs["state_machine_arn"], batch_id)
        try:
            execution = self._workflows.describe_execution(executionArn=arn)
        except self._workflows.exceptions.ExecutionDoesNotExist:
            return  # it was opened and not started: etl_trigger starts it
        if execution["status"] == "ABORTED" and self._take_over(dataset, batch_id, started_at):
            error = ErrorOutput(error="ABORTED", cause=execution.get("cause", ""))
            request = RecoveryRequest(dataset=dataset, batch_id=batch_id, error=error, caller=TRIGGER)
            self.functions.invoke(
                FunctionName=self.outputs["functions"]["error_handler"],
                InvocationType="Event",
                Payload=json.dumps(request.to_document()).encode(),
            )

    def _take_over(self, dataset: str, batch_id: str, started_at: float) -> bool:
        """Take a batch as etl_trigger does, so that not both have processing called; False if that did since."""
        processing = self.outputs["functions"]["processing"]
        seconds = self.functions.get_function_configuration(FunctionName=processing)["Timeout"]
        try:
            self._ledger.update_item(
                TableName=self.outputs["ledger_table"],
                Key={"pk": {"S": f"dataset#{dataset}"}, "sk": {"S": f"batch#{batch_id}"}},
                UpdateExpression="SET lease_until = :until",
                ConditionExpression="lease_until < :since",
                ExpressionAttributeValues={
                    ":until": {"N": str(int(time.time()) + seconds)},
                    ":since": {"N": str(int(started_at) + seconds)},
                },
            )
        except self._ledger.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def batch_of(self, key: str) -> str:
        """The batch that the latest landed version of a key is in, or was last.

        Raises:
            PipelineError: it was in none.
        """
        latest = next(item for item in reversed(self._landed) if item[0] == key)
        batch_id = self.files([latest])[0].batch_id
        if batch_id is None:
            raise PipelineError(f"{key} is in no batch")
        return batch_id

    def wait(
        self, condition: Callable[[Progress], bool], seconds: float, show: Callable[[Progress], None] = lambda _: None
    ) -> Progress:
        """Look until a condition holds.

        Raises:
            PipelineError: it did not within `seconds`; says what every file waits for.
        """
        deadline = time.monotonic() + seconds
        while True:
            progress = self.progress()
            show(progress)
            if condition(progress):
                return progress
            if time.monotonic() > deadline:
                waiting = [f"{file.key}: {file.status}" for file in progress.files if file.status not in FINAL]
                raise PipelineError(f"not done after {seconds:.0f} s: {waiting[:10]}, workflows: {progress.stages}")
            time.sleep(0.5)

    def wait_until_registered(self, seconds: float = 60) -> Progress:
        """Wait until the ledger knows every landed file."""
        return self.wait(lambda progress: all(file.status != "LANDED" for file in progress.files), seconds)

    def progress(self) -> Progress:
        """Look at the ledger and at the workflows."""
        progress = Progress(self.files(self._landed))
        arn = self.outputs["state_machine_arn"]
        for execution in self._workflows.list_executions(stateMachineArn=arn)["executions"]:
            progress.stages[execution["name"]] = self._stage(execution)
        return progress

    def files(self, landed: Sequence[tuple[str, str]]) -> list[FileState]:
        """What the ledger says of objects, by key and version."""
        table, bucket = self.outputs["ledger_table"], self.outputs["raw_bucket"]
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        names = [(f"file#{bucket}/{key}", f"version#{version}") for key, version in landed]
        for begin in range(0, len(names), MOST_OF_A_CALL):
            keys = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in names[begin : begin + MOST_OF_A_CALL]]
            answer = self._ledger.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
            found.update({(item["pk"]["S"], item["sk"]["S"]): item for item in answer["Responses"][table]})
        return [_state(key, found.get(name)) for (key, _), name in zip(landed, names, strict=True)]

    def _stage(self, execution: Mapping[str, Any]) -> str:
        if execution["status"] != "RUNNING":
            return "done" if execution["status"] == "SUCCEEDED" else "failed"
        history = self._workflows.get_execution_history(
            executionArn=execution["executionArn"], reverseOrder=True, maxResults=20
        )["events"]
        for event in history:
            if "stateEnteredEventDetails" in event:
                return str(event["stateEnteredEventDetails"]["name"])
        return "starting"

    def report(self, dataset: str, batch_id: str) -> dict[str, Any]:
        """The report of a batch that counted."""
        prefix = batch_key(dataset, batch_id, "report-").removesuffix(".json")
        bucket = self.outputs["artifacts_bucket"]
        keys = [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
        report: dict[str, Any] = json.loads(self.s3.get_object(Bucket=bucket, Key=max(keys))["Body"].read())
        return report

    def subscribe(self) -> None:
        """Subscribe a queue to the notifications, before anything is landed."""
        self._inbox = self._sqs.create_queue(QueueName="demo-inbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._inbox, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        topic = self.outputs["notifications_topic_arn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._inbox, Attributes={"Policy": policy})
        self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def notifications(self) -> list[dict[str, Any]]:
        """Take the notifications that came since the last call."""
        assert self._inbox is not None, "subscribe() first"
        found: list[dict[str, Any]] = []
        while messages := self._sqs.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._inbox, ReceiptHandle=message["ReceiptHandle"])
        return found

    def download_tables(self, folder: Any) -> None:
        """Copy the published tables to a folder."""
        bucket = self.outputs["curated_bucket"]
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=TABLES):
            for item in page.get("Contents", []):
                target = folder / item["Key"]
                target.parent.mkdir(parents=True, exist_ok=True)
                self.s3.download_file(bucket, item["Key"], str(target))
