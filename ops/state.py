"""What there is to see of a deployment, as plain data: datasets, batches that run, dead letters, alarms that are on.

Nothing here prints, and nothing changes anything. The command `status` shows it; so may a page.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
from pipeline_core.batches import FINISHED, Batch, Batches
from pipeline_core.documents import read as read_document
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY, execution_arn
from pipeline_core.ledger import FAILED, QUARANTINED, Ledger
from pipeline_core.pauses import Pause, Pauses

from lambdas.freshness.logic import STATE, Promise, Seen, freshness, promises_of
from ops.alarms import ON, alarms
from ops.target import TargetError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

PARALLEL = 8
EVENTS_A_LOOK = 20
"""Events of an execution's history that are looked at for the state that it entered last."""

QUEUES: Final = {
    "arrivals-dead-letters": "arrivals_dead_letters_url",
    "ticks-dead-letters": "ticks_dead_letters_url",
    "undelivered": "undelivered_url",
}
"""Queues in which messages wait for a person, and the outputs with their URLs."""

MOST_BATCHES = 1_000
"""Batches of a dataset that are looked at for what became of files since yesterday."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The outputs of a stack that are needed to look at it."""

    stack: str
    datasets: list[str]
    artifacts_bucket: str
    ledger_table: str
    state_machine_arn: str
    arrivals_dead_letters_url: str
    ticks_dead_letters_url: str
    undelivered_url: str
    max_files_per_batch: int


@dataclass(frozen=True, kw_only=True)
class RunningBatch:
    """A batch that has not come to its end: `stage` is the state that its execution is in, or how that ended."""

    batch_id: str
    dataset: str
    status: str
    stage: str
    created_at: str
    seconds: int
    files: int
    bytes: int
    publishing: bool
    cancelled_at: str


@dataclass(frozen=True, kw_only=True)
class Fates:
    """Files and rows since the beginning of yesterday (UTC) that are not in the table."""

    files_failed: int = 0
    files_quarantined: int = 0
    files_rejected: int = 0
    rows_quarantined: int = 0

    def __str__(self) -> str:
        """Name those that there are."""
        named = ((name.replace("_", " "), count) for name, count in asdict(self).items())
        return ", ".join(f"{name}: {count:,}" for name, count in named if count)


@dataclass(frozen=True, kw_only=True)
class DatasetState:
    """A dataset: what waits and runs, how fresh it is, and what was refused since yesterday.

    `pending` is `max_files_per_batch` at most; then `pending_more` says that there may be more. `hours_since` is the
    age of the last publish, or of the promise where none came after it; None without both.
    """

    dataset: str
    pending: int
    pending_more: bool
    pending_since: str
    running: tuple[RunningBatch, ...]
    publishing: str | None
    published: int
    published_at: str
    promised_hours: float | None
    hours_since: float | None
    hours_late: float
    ignored: int
    refused: Fates
    pause: Pause | None

    @property
    def troubles(self) -> tuple[str, ...]:
        """What somebody should look at, one text each."""
        found = [str(self.pause)] if self.pause else []
        if self.hours_late > 0:
            last = f"published last at {self.published_at}" if self.published_at else "never published"
            found.append(f"late: {last}, promised every {self.promised_hours:g} h, {self.hours_late:.1f} h late")
        if text := str(self.refused):
            found.append(f"since yesterday: {text}")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """How many messages wait in a queue for a person."""

    queue: str
    url: str
    messages: int


@dataclass(frozen=True, kw_only=True)
class AlarmOn:
    """An alarm that is on, since when and why."""

    name: str
    since: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PipelineState:
    """All that there is to see at a time. `rejected_unknown` counts files of no dataset since yesterday."""

    at: str
    stack: str
    alarms: tuple[AlarmOn, ...]
    dead_letters: tuple[DeadLetters, ...]
    rejected_unknown: int
    datasets: tuple[DatasetState, ...]

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look at anything."""
        waits = any(queue.messages for queue in self.dead_letters)
        return not (self.alarms or waits or self.rejected_unknown or any(each.troubles for each in self.datasets))

    def to_document(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        datasets = [{**asdict(each), "troubles": list(each.troubles)} for each in self.datasets]
        return {**asdict(self), "datasets": datasets, "is_well": self.is_well}


def look(observed: Observed, at: datetime | None = None) -> PipelineState:
    """Look at everything.

    Raises:
        TargetError: the index of contracts is missing.
    """
    now = at or datetime.now(UTC)
    ledger = Ledger(observed.ledger_table)
    promises = {promise.dataset: promise for promise in _promises(observed)}
    seen = Seen.from_item(ledger.table.get_item(Key=STATE).get("Item", {}))
    pauses = Pauses(ledger).all()
    one = partial(_dataset, observed, ledger, promises, seen, pauses, now)
    with ThreadPoolExecutor(PARALLEL) as pool:
        datasets = tuple(pool.map(one, observed.datasets))
    return PipelineState(
        at=now.isoformat(timespec="seconds"),
        stack=observed.stack,
        alarms=alarms_on(observed.stack),
        dead_letters=dead_letters(observed),
        rejected_unknown=ledger.rejected("", _yesterday(now).date()),
        datasets=datasets,
    )


def running_batches(
    ledger: Ledger, state_machine_arn: str, dataset: str, at: datetime | None = None
) -> tuple[RunningBatch, ...]:
    """Look at the batches of a dataset that run, the oldest first."""
    batches, now = Batches(ledger), at or datetime.now(UTC)
    state = batches.state(dataset)
    found = [batches.get(dataset, batch_id) for batch_id in sorted(state.running)]
    return tuple(
        _running(batch, state_machine_arn, state.publishing == batch.batch_id, now)
        for batch in found
        if batch is not None
    )


def dead_letters(observed: Observed) -> tuple[DeadLetters, ...]:
    """Count the messages that wait for a person; SQS's number is approximate."""
    urls = {queue: getattr(observed, output) for queue, output in QUEUES.items()}
    return tuple(DeadLetters(queue=queue, url=url, messages=waiting(url)) for queue, url in urls.items())


def waiting(url: str) -> int:
    """Count the messages of a queue; SQS's number is approximate."""
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def alarms_on(stack: str) -> tuple[AlarmOn, ...]:
    """List the stack's alarms that are on, the one that went off last first."""
    found = [
        AlarmOn(
            name=alarm.name,
            since=alarm.since.isoformat(timespec="seconds") if alarm.since else "",
            reason=alarm.reason,
        )
        for alarm in alarms(stack, ON)
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.since, reverse=True))


def stage_of(execution: str) -> str:
    """Say which state an execution is in, or how it ended."""
    client: SFNClient = boto3.client("stepfunctions")
    try:
        status = client.describe_execution(executionArn=execution)["status"]
    except client.exceptions.ExecutionDoesNotExist:
        return "not started"
    if status != "RUNNING":
        return status
    history = client.get_execution_history(
        executionArn=execution, reverseOrder=True, maxResults=EVENTS_A_LOOK, includeExecutionData=False
    )
    for event in history["events"]:
        if "stateEnteredEventDetails" in event:
            return event["stateEnteredEventDetails"]["name"]
    return status


def _promises(observed: Observed) -> tuple[Promise, ...]:
    index = read_document(observed.artifacts_bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise TargetError(f"s3://{observed.artifacts_bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    return promises_of(Fields.from_json(index, CONTRACT_INDEX_KEY))


def _dataset(
    observed: Observed,
    ledger: Ledger,
    promises: dict[str, Promise],
    seen: Seen,
    pauses: dict[str, Pause],
    now: datetime,
    dataset: str,
) -> DatasetState:
    batches, most = Batches(ledger), observed.max_files_per_batch
    state, pending = batches.state(dataset), ledger.pending(dataset, most)
    published_at, promise = batches.published_at(dataset), promises.get(dataset)
    hours_since, hours_late = None, 0.0
    if promise is not None:
        # Of a promise that nobody has watched yet, the time begins now.
        found = freshness(promise, published_at, seen.since.get(dataset, now.isoformat()), timedelta(0), now)
        hours_since, hours_late = round(found.hours_since, 2), max(0.0, round(found.hours_late, 2))
    elif published_at:
        hours_since = round((now - datetime.fromisoformat(published_at)) / timedelta(hours=1), 2)
    yesterday = _yesterday(now)
    ended = batches.latest(dataset, MOST_BATCHES, yesterday)
    return DatasetState(
        dataset=dataset,
        pending=len(pending),
        pending_more=len(pending) == most,
        pending_since=pending[0].landed_at if pending else "",
        running=running_batches(ledger, observed.state_machine_arn, dataset, now),
        publishing=state.publishing,
        published=state.published,
        published_at=published_at,
        promised_hours=promise.hours if promise else None,
        hours_since=hours_since,
        hours_late=hours_late,
        ignored=ledger.ignored(dataset),
        refused=refused(ended, ledger.rejected(dataset, yesterday.date())),
        pause=pauses.get(dataset),
    )


def refused(batches: Sequence[Batch], rejected: int) -> Fates:
    """Add up what batches refused; `rejected` files came into none."""
    failed = quarantined = rows = 0
    for batch in batches:
        if batch.status not in FINISHED:
            continue
        files = batch.details.files if batch.details else 0
        if batch.status == FAILED:
            failed += files
        elif batch.verdict is not None:
            quarantined += files if batch.status == QUARANTINED else batch.verdict.files_quarantined
            rows += batch.verdict.rows_quarantined
        elif batch.status == QUARANTINED:
            quarantined += files
    return Fates(files_failed=failed, files_quarantined=quarantined, files_rejected=rejected, rows_quarantined=rows)


def _running(batch: Batch, state_machine_arn: str, publishing: bool, now: datetime) -> RunningBatch:
    return RunningBatch(
        batch_id=batch.batch_id,
        dataset=batch.dataset,
        status=batch.status,
        stage=stage_of(execution_arn(state_machine_arn, batch.batch_id)),
        created_at=batch.created_at,
        seconds=int((now - datetime.fromisoformat(batch.created_at)).total_seconds()),
        files=batch.details.files if batch.details else 0,
        bytes=batch.details.bytes if batch.details else 0,
        publishing=publishing,
        cancelled_at=batch.cancelled_at,
    )


def _yesterday(now: datetime) -> datetime:
    """The beginning of the day before, in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
