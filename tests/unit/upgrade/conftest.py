"""The pipeline in moto with its workflow and a job, as the release that wrote the fixture left it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from pipeline_core import layout
from pipeline_core.contract import Contract

from components.workflow.definition import PLACEHOLDERS, load_definition, render
from lambdas.query.request import Verification, request_from_event
from tests.unit.lambdas.conftest import (
    ARTIFACTS,
    CURATED,
    DATABASE,
    QUARANTINE,
    RAW,
    REPOSITORY,
    TABLE,
    Cloud,
    call,
    cloud,
    contracts,
)
from tests.unit.ops.conftest import operator
from tests.unit.upgrade import job, snapshot
from tests.unit.upgrade.workflow import Definition, Execution

__all__ = ["call", "cloud", "operator"]

FUNCTIONS = ("processing", "error_handler", "query", "notification")
NAMES = {f"{''.join(map(str.capitalize, name.split('_')))}FunctionArn": name for name in FUNCTIONS}
ROOM = {
    "MAX_CONCURRENT_BATCHES": "10",
    "MAX_FILES_PER_BATCH": "10",
    "MAX_BYTES_PER_BATCH": "100000",
    "MAX_ATTEMPTS": "3",
    "RETRY_SECONDS": "300",
    # What an execution had called has ended when the tests go on.
    "PUBLISH_SECONDS": "0",
}


class BatchNotVisibleError(Exception):
    """The table has more or fewer rows of a batch than were published."""


@dataclass
class World:
    """A deployed pipeline, and what happens in it that no function does."""

    cloud: Cloud
    call: Callable[..., Any]
    mended: bool = False
    """Whether what was wrong with the rows that the job quarantined is right now."""
    ended_as: dict[str, str] = field(default_factory=dict)
    """By its name, the type of the state that ended an execution."""

    def definition(self, document: Any) -> Definition:
        """A workflow definition whose tasks call the code of the working tree."""
        return Definition(
            document,
            {
                "arn:aws:states:::lambda:invoke": self._invoke,
                "arn:aws:states:::dynamodb:getItem": lambda arguments: boto3.client("dynamodb").get_item(**arguments),
                "arn:aws:states:::glue:startJobRun.sync": self._job,
                "arn:aws:states:::aws-sdk:glue:startCrawler": self._crawl,
                "arn:aws:states:::aws-sdk:glue:getCrawler": lambda _: {
                    "Crawler": {"State": "READY", "LastCrawl": {"Status": "SUCCEEDED"}}
                },
            },
        )

    def _invoke(self, arguments: Any) -> dict[str, Any]:
        name, event = arguments["FunctionName"], json.loads(json.dumps(arguments["Payload"]))
        answer = self._verify(event) if name == "query" else self.call(name, event)
        return {"Payload": json.loads(json.dumps(answer))}

    def _verify(self, event: Any) -> dict[str, Any]:
        """What Athena would answer: moto asks no table."""
        asked = request_from_event(event)
        assert isinstance(asked, Verification)
        rows = [row for _, rows in job.table_files(CURATED, asked.dataset) for row in rows]
        if sum(row["_batch_id"] == asked.batch_id for row in rows) != asked.rows:
            raise BatchNotVisibleError(event)
        return {"rows": [[str(asked.rows)]]}

    def _job(self, arguments: Any) -> dict[str, Any]:
        job.run(arguments["Arguments"]["--manifest"], mended=self.mended)
        return {"DPUSeconds": 60}

    @staticmethod
    def _crawl(arguments: Any) -> dict[str, Any]:
        dataset = arguments["Name"].removeprefix("crawler_")
        contract = Contract.from_json(job.read(layout.uri(ARTIFACTS, layout.contract_key(dataset))))
        columns: list[Any] = [{"Name": column.name, "Type": column.type} for column in contract.columns]
        keys = [column for column in columns if column["Name"] in contract.partition_by]
        storage: Any = {"Columns": [column for column in columns if column not in keys]}
        storage["Location"] = layout.uri(CURATED, layout.table_prefix(dataset))
        boto3.client("glue").create_table(
            DatabaseName=DATABASE,
            TableInput={"Name": dataset, "PartitionKeys": keys, "StorageDescriptor": storage},
        )
        return {}

    def ended(self, name: str) -> None:
        """Step Functions says that an execution is over."""
        machine = self.cloud.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        self.cloud.sfn.stop_execution(executionArn=layout.execution_arn(machine, name))

    def deliver(self, *bodies: str) -> None:
        """Messages of the arrivals queue."""
        records: list[dict[str, Any]] = [
            {"messageId": "m", "body": body, "eventSource": "aws:sqs", "receiptHandle": "r"}
            | {"attributes": {}, "messageAttributes": {}}
            for body in bodies
        ]
        assert self.call("ingestion", {"Records": records}) == {"batchItemFailures": []}

    def running(self) -> dict[str, list[str]]:
        """The batches of each dataset that have not come to their end."""
        found = {one.name: sorted(self.cloud.batches.state(one.name).running) for one in contracts()}
        return {name: batches for name, batches in found.items() if batches}

    def finish(self, begun: dict[str, Execution], old: Definition) -> None:
        """Let all that still has to happen happen: first what executions under way do, as the old definition says."""
        for name in sorted(begun):
            self.ended_as[name] = old.run(begun[name])
            self.ended(name)
        new = self.definition(definition())
        for _ in range(10):
            snapshot.let_time_pass()
            self.call("etl_trigger", {})
            executions = self.cloud.executions()
            for name in sorted(executions.keys() - self.ended_as.keys()):
                self.ended_as[name] = new.run(new.begin(executions[name]))
                self.ended(name)
            if not self.running() and not any(self.cloud.ledger.pending(one.name, 10) for one in contracts()):
                return

    def statuses(self) -> dict[str, list[str]]:
        """The status of every version of every file, by key."""
        items: list[Any] = boto3.resource("dynamodb").Table(TABLE).scan()["Items"]
        files = [item for item in items if item["pk"].startswith("file#")]
        found: dict[str, list[str]] = {}
        for item in sorted(files, key=lambda item: (item["key"], item["landed_at"])):
            found.setdefault(str(item["key"]), []).append(str(item["status"]))
        return found

    def published(self) -> dict[str, dict[str, int]]:
        """How often each row is in its table: by dataset, the row as text."""
        return {
            one.name: dict(sorted(Counter(text_of(row) for _, rows in self.files(one.name) for row in rows).items()))
            for one in contracts()
        }

    @staticmethod
    def files(dataset: str) -> list[tuple[str, list[job.Row]]]:
        """The published files of a dataset."""
        return list(job.table_files(CURATED, dataset))

    def quarantined_rows(self) -> list[str]:
        """The records in quarantine."""
        keys = self.cloud.keys(QUARANTINE, layout.ROWS)
        rows = [row for key in keys for row in job.parquet_rows(job.read(layout.uri(QUARANTINE, key)))]
        return sorted(row["raw_record"] for row in rows)


def text_of(row: job.Row) -> str:
    """A published row, without what the pipeline adds."""
    return ",".join(row[name] for name in sorted(row) if not name.startswith("_"))


def definition() -> Any:
    """The workflow of the working tree, as it is deployed."""
    values = {**dict.fromkeys(PLACEHOLDERS, "name"), **NAMES}
    values |= {"LedgerTable": TABLE, "CrawlerPrefix": "crawler_", "TimeoutSeconds": "3600"}
    return json.loads(render(load_definition(REPOSITORY / "state_machines" / "batch_workflow.asl.json"), values))


def object_created(key: str, version: str, size: int, at: str) -> dict[str, Any]:
    """The event of an object version."""
    item = {"key": key, "size": size, "version-id": version, "etag": "e", "sequencer": "1"}
    detail = {"bucket": {"name": RAW}, "object": item}
    return {"detail-type": "Object Created", "source": "aws.s3", "time": at, "detail": detail}


@pytest.fixture
def world(cloud: Cloud, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in ROOM.items():
        monkeypatch.setenv(name, value)
    return World(cloud, call)
