"""The smoke test: a tiny file of the dataset `canary` goes the whole way, and Athena answers exactly its rows.

Every run has an id of its own, which is in the file's name and in the primary key of its rows: runs that come one after
the other, or side by side, do not see each other. docs/adr/0008 says why it is a dataset.
"""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pipeline_core.files import FileItem
from pipeline_core.layout import execution_arn
from pipeline_core.ledger import CLAIMED, FINAL, PENDING, PUBLISHED, Ledger

DATASET = "canary"
QUERY = "canary_run"
ROWS = 3
"""Rows of a run; the file has the last of them twice, and the second one is a duplicate."""

OUTCOME = {"rows_read": ROWS + 1, "rows_curated": ROWS, "rows_quarantined": 0, "rows_duplicate": 1}
PATIENCE_SECONDS = 1_200
"""Glue starts in about a minute, and the very first run waits for a crawl; a file is tried three times at most."""

LAND_AGAIN_SECONDS = 60.0
"""A file that the ledger does not know by then may never be told of: a bucket's events begin "around five minutes"
after EventBridge is switched on (S3 user guide, "Enabling Amazon EventBridge", 2026-11), and those before are lost."""

LOOK_SECONDS = 5.0
TICK_SECONDS = 30.0
"""A pending file is asked for that often: another run's batch may be under way, and the index may be late."""

WAITS_FOR = {
    None: "ingestion has not registered it: look at the arrivals queue, its dead letters and the function ingestion",
    PENDING: "no batch has taken it: look at the function etl_trigger and at the batches that run (ops status)",
    CLAIMED: "its batch is under way: look at the execution, and at the Glue job's run",
    PUBLISHED: "it is published, and the execution is to end: look at its states crawler, query and notification",
}


class SmokeError(Exception):
    """The canary did not come back; the message says where it got stuck."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The outputs of a stack that the smoke test needs."""

    raw_bucket: str
    ledger_table: str
    state_machine_arn: str
    functions: dict[str, str]
    datasets: list[str]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the ledger and Step Functions say of the canary's file; None: nothing yet."""

    status: str | None = None
    reason: str | None = None
    batch_id: str | None = None
    execution: str | None = None
    outcome: dict[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Where the file is, and what to look at."""
        batch = f", batch {self.batch_id} with its execution {self.execution}" if self.batch_id else ""
        reason = f", reason: {self.reason}" if self.reason else ""
        hint = WAITS_FOR.get(self.status)
        return f"{self.status or 'not in the ledger'}{reason}{batch}" + (f"; {hint}" if hint else "")


@dataclass(frozen=True, kw_only=True)
class Landed:
    """A file of a run, with rows of its own."""

    run: str
    day: str
    key: str
    version: str


class Canary:
    """One run's files and their rows. A test that hangs on AWS is of no use: every call has a timeout.

    `run`, `day` and `key` are of the file that is looked at: the first that the ledger knows, or else the last landed.
    """

    def __init__(self, deployed: Deployed) -> None:
        if DATASET not in deployed.datasets:
            raise SmokeError(
                f"no contract is deployed for {DATASET!r}, only for {', '.join(deployed.datasets)}; "
                f"keep contracts/{DATASET}.odcs.yaml, or deploy without the smoke test"
            )
        # etl_trigger and query may take five minutes each.
        patient = Config(connect_timeout=10, read_timeout=310, retries={"mode": "standard"})
        self._deployed = deployed
        self._s3, self._functions = boto3.client("s3"), boto3.client("lambda", config=patient)
        self._workflows, self._ledger = boto3.client("stepfunctions"), Ledger(deployed.ledger_table)
        self._landed: list[Landed] = []

    @property
    def run(self) -> str:
        """What tells the rows of the file from those of all others."""
        return self._landed[-1].run

    @property
    def day(self) -> str:
        """The partition of its rows."""
        return self._landed[-1].day

    @property
    def key(self) -> str:
        """Where it was put."""
        return self._landed[-1].key if self._landed else f"{DATASET}/"

    def land(self) -> None:
        """Put a file where a producer puts one; another one each time, with rows of its own."""
        run, day = uuid.uuid4().hex, datetime.now(UTC).date().isoformat()
        key = f"{DATASET}/{day}/{run}.csv"
        numbers = [*range(1, ROWS + 1), ROWS]
        text = "day,run,number\n" + "".join(f"{day},{run},{number}\n" for number in numbers)
        answer = self._s3.put_object(Bucket=self._deployed.raw_bucket, Key=key, Body=text.encode())
        self._landed.append(Landed(run=run, day=day, key=key, version=answer["VersionId"]))

    def look(self) -> Observation:
        """Ask the ledger, and Step Functions if the file has a batch."""
        for landed in self._landed:
            item = self._ledger.file(self._deployed.raw_bucket, landed.key, landed.version)
            if item is not None:
                self._landed = [landed]
                return self._seen(item)
        return Observation()

    def _seen(self, file: FileItem) -> Observation:
        outcome, batch_id = file.counts.to_outcome() if file.counts else {}, file.batch_id or None
        # A file that was given back to wait for another batch still names the old one.
        execution = self._execution(batch_id) if batch_id and file.status != PENDING else None
        return Observation(
            status=file.status, reason=file.reason or None, batch_id=batch_id, execution=execution, outcome=outcome
        )

    def _execution(self, batch_id: str) -> str:
        try:
            arn = execution_arn(self._deployed.state_machine_arn, batch_id)
            return self._workflows.describe_execution(executionArn=arn)["status"]
        except self._workflows.exceptions.ExecutionDoesNotExist:
            return "NOT STARTED"

    def tick(self) -> list[str]:
        """Have pending files of the dataset claimed now, as the schedule would; returns the batches started."""
        return list(self._invoke("etl_trigger", {"dataset": DATASET})["batches"])

    def count(self) -> int:
        """Ask Athena for the rows of this run, through the pipeline's own query function."""
        answer = self._invoke("query", {"query": QUERY, "parameters": [self.day, self.run]})
        return int(answer["rows"][0][0])

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        name = self._deployed.functions[function]
        try:
            answer = self._functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        except ClientError as error:
            raise SmokeError(f"the function {name} could not be called: {error}") from error
        payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise SmokeError(f"the function {name} failed: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload


def smoke(
    canary: Canary,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    look_seconds: float = LOOK_SECONDS,
    land_again_seconds: float = LAND_AGAIN_SECONDS,
    tick_seconds: float = TICK_SECONDS,
    show: Callable[[Observation], None] = lambda _: None,
) -> Observation:
    """Land a canary, wait until it is published and its execution has ended, and compare what Athena answers.

    Another one is landed as long as the ledger knows of none.

    Raises:
        SmokeError: it was refused, its rows do not add up, Athena answers others, or it took too long: says where it
            is.
    """
    canary.land()
    began = landed = time.monotonic()
    ticked = -tick_seconds
    while True:
        observation = canary.look()
        show(observation)
        if observation.status == PUBLISHED and observation.execution != "RUNNING":
            break
        if observation.status in FINAL and observation.status != PUBLISHED:
            raise SmokeError(f"s3://.../{canary.key} was not published: it is {observation.where}")
        passed = time.monotonic() - began
        if passed > patience_seconds:
            raise SmokeError(
                f"s3://.../{canary.key} did not arrive in {patience_seconds:.0f} s: it is {observation.where}"
            )
        if observation.status is None and time.monotonic() - landed >= land_again_seconds:
            canary.land()
            landed = time.monotonic()
        if observation.status == PENDING and passed - ticked >= tick_seconds:
            ticked = passed
            canary.tick()
        time.sleep(look_seconds)
    if observation.execution != "SUCCEEDED":
        raise SmokeError(
            f"the rows of {canary.key} are published, but its batch {observation.batch_id} ended "
            f"{observation.execution}"
        )
    if observation.outcome != OUTCOME:
        raise SmokeError(f"the rows of {canary.key} do not add up: {observation.outcome}, where {OUTCOME} was landed")
    if (found := canary.count()) != ROWS:
        raise SmokeError(f"Athena answers {found} rows of run {canary.run}; {ROWS} were published (query {QUERY})")
    return observation
