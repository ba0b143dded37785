"""Which failures call a person: plain data, one rule a failure. docs/runbook.md says what to do about each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

from pulumi import Input

from components.monitoring.monitored import Monitored, MonitoredFunction
from components.workflow.triggers import FRESHNESS_MINUTES
from components.workflow.workflow import CALLED_FUNCTIONS

MINUTE = 60
HOUR = 3_600
# Metrics arrive late. An alarm that looks at the last minute only would have looked away before they do.
LATE_MINUTES = 5
# A failed run is repeated once, and then error_handler decides: what comes of it so soon is the same call.
RUN_MINUTES = 20
NEAR_TIMEOUT = 0.8
RUNBOOK = "docs/runbook.md"
METRIC_ID = "looks"
"""How an alarm's expression calls its metric."""
BATCH_INCIDENT = "batch-incident"

Statistic = Literal["Sum", "Minimum", "Maximum"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as CloudWatch knows it. Its dimensions are exactly those that it is emitted with."""

    namespace: str
    name: str
    dimensions: Mapping[str, Input[str]]
    statistic: Statistic = "Sum"


@dataclass(frozen=True, kw_only=True)
class Call:
    """What calls a person: how it is called, what it means, and the section of the runbook."""

    name: str
    meaning: str
    section: str

    @property
    def description(self) -> str:
        """What the person who is called reads."""
        return f"{self.meaning} What to do: {RUNBOOK}#{self.section}"


class Incident(Call):
    """A composite alarm: any of its alarms calls, once for all of them."""


@dataclass(frozen=True, kw_only=True)
class Alarm(Call):
    """One data point on the wrong side of its threshold, within `periods`, calls a person."""

    metric: Metric
    # What is looked at instead of the metric, which it calls METRIC_ID.
    expression: str = ""
    compare: Literal["Greater", "GreaterOrEqual", "Less"] = "Greater"
    threshold: float = 0
    period_seconds: int = MINUTE
    periods: int = LATE_MINUTES
    # Nothing was counted means nothing failed: whoever has no traffic for a night is not woken.
    missing_data: Literal["notBreaching", "breaching", "ignore"] = "notBreaching"
    # Whether it is worth a message that it is over: for a state that lasts, not for an event.
    tells_when_over: bool = False
    # The composite alarm that calls in its place, so that one incident is one message.
    incident: str = ""


def alarms(monitored: Monitored) -> Iterator[Alarm]:
    """Yield every alarm."""
    yield from _queues(monitored)
    for function, known in monitored.functions.items():
        yield from _function(function, known)
    yield Alarm(
        name="files-rejected",
        meaning="A file landed that no contract wants; it is kept in the quarantine bucket.",
        section="files-rejected",
        metric=_own(monitored, "FilesRejected", "ingestion"),
    )
    yield from _executions(monitored)
    yield from _recoveries(monitored)
    yield Alarm(
        name="latency-missed",
        meaning="A batch was published later after its files had landed than its contract promises.",
        section="latency-missed",
        metric=_own(monitored, "LatencyMissed", "processing"),
    )
    yield from _datasets(monitored)
    yield _scans(monitored)


INCIDENTS = (
    Incident(name=BATCH_INCIDENT, meaning="A batch failed, or a function on its way did.", section="batch-failed"),
)


def _own(monitored: Monitored, name: str, service: str, statistic: Statistic = "Sum") -> Metric:
    """A metric that one of the functions emits."""
    dimensions = {"service": service}
    return Metric(namespace=monitored.namespace, name=name, dimensions=dimensions, statistic=statistic)


def _queues(monitored: Monitored) -> Iterator[Alarm]:
    for title, queue in monitored.dead_letters.items():
        # SQS stops reporting on a queue that nobody touched for six hours, maybe with messages in it: that is no
        # reason to say that it is over (Amazon SQS guide, "Available CloudWatch metrics", 2026-11).
        yield Alarm(
            name=f"{title}-not-empty",
            meaning=f"Messages that nobody could handle wait in {title} for a person, two weeks at most.",
            section="dead-letters",
            metric=_sqs("ApproximateNumberOfMessagesVisible", queue),
            missing_data="ignore",
            tells_when_over=True,
        )
    yield Alarm(
        name="arrivals-too-old",
        meaning="Landed files wait too long for their place in the ledger: ingestion is slow, or down.",
        section="arrivals-too-old",
        metric=_sqs("ApproximateAgeOfOldestMessage", monitored.arrivals_queue),
        threshold=monitored.oldest_message_minutes * MINUTE,
        tells_when_over=True,
    )


def _sqs(name: str, queue: Input[str]) -> Metric:
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": queue}, statistic="Maximum")


def _function(function: str, known: MonitoredFunction) -> Iterator[Alarm]:
    title = function.replace("_", "-")
    # Lambda writes the time at which an invocation began on its metrics: those of one that ran until its timeout
    # are that old when they arrive. No invocation, no metric: nothing failed.
    periods = ceil(known.timeout_seconds / MINUTE) + LATE_MINUTES
    yield Alarm(
        name=f"{title}-errors",
        meaning=f"The function {function} raised an error or ran out of time; its logs say why.",
        section="function-errors",
        metric=_lambda("Errors", known),
        periods=periods,
        # Where one of these fails, the batch fails, and that is one incident.
        incident=BATCH_INCIDENT if function in CALLED_FUNCTIONS else "",
    )
    yield Alarm(
        name=f"{title}-throttles",
        meaning=f"The function {function} was not allowed to run: concurrency is exhausted.",
        section="function-throttles",
        metric=_lambda("Throttles", known),
    )
    yield Alarm(
        name=f"{title}-slow",
        meaning=f"The function {function} took more than 80 % of its {known.timeout_seconds} s; it will time out soon.",
        section="function-slow",
        # The slowest call of a minute: a percentile would hide it behind two hundred quick ones.
        metric=_lambda("Duration", known, "Maximum"),
        # In milliseconds.
        threshold=NEAR_TIMEOUT * known.timeout_seconds * 1_000,
        periods=periods,
    )


def _lambda(name: str, known: MonitoredFunction, statistic: Statistic = "Sum") -> Metric:
    return Metric(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": known.name}, statistic=statistic)


def _executions(monitored: Monitored) -> Iterator[Alarm]:
    for metric, meaning in (
        ("ExecutionsFailed", "failed, or was quarantined whole: nothing of it was published"),
        ("ExecutionsTimedOut", "ran out of time"),
        ("ExecutionsAborted", "was stopped by a person"),
    ):
        # An execution that goes well is not counted here at all.
        machine = {"StateMachineArn": monitored.state_machine_arn}
        yield Alarm(
            name=f"batch-{metric.removeprefix('Executions').lower()}",
            meaning=f"A batch {meaning}.",
            section="batch-failed",
            metric=Metric(namespace="AWS/States", name=metric, dimensions=machine),
            incident=BATCH_INCIDENT,
        )


def _recoveries(monitored: Monitored) -> Iterator[Alarm]:
    # error_handler counts these when it hears of a failure; without a failure there is no data, and no trouble.
    for title, metric, meaning in (
        ("job-failed", "JobRunsFailed", "A run of the Glue job failed or ran out of time."),
        ("crawler-failed", "CrawlsFailed", "A crawl of a table failed."),
    ):
        yield Alarm(
            name=title,
            meaning=meaning,
            section=title,
            metric=_own(monitored, metric, "error_handler"),
            periods=RUN_MINUTES,
            incident=BATCH_INCIDENT,
        )
    yield Alarm(
        name="files-given-up",
        meaning="A batch's files are FAILED: they were tried as often as allowed, or their error comes again.",
        section="files-given-up",
        metric=_own(monitored, "BatchesGivenUp", "error_handler"),
        incident=BATCH_INCIDENT,
    )
    yield Alarm(
        name="rows-unaccounted",
        meaning="A batch's rows do not add up: read is not curated + quarantined + duplicate. It was not published.",
        section="rows-unaccounted",
        metric=_own(monitored, "ReconciliationErrors", "error_handler"),
        # Calls by itself, whatever else failed: it is the one failure that must never be taken for another.
    )


def _datasets(monitored: Monitored) -> Iterator[Alarm]:
    """One alarm of each kind over all datasets; the functions that count tell people which dataset it is."""
    yield Alarm(
        name="rows-quarantined",
        meaning=f"More than {monitored.quarantined_percent} % of a batch's rows broke their contract. "
        "A message of its own on this topic names the dataset.",
        section="rows-quarantined",
        metric=_own(monitored, "BatchesMuchQuarantined", "processing"),
    )
    yield Alarm(
        name="no-rows",
        meaning="A batch had files, and not one row in them. A message of its own on this topic names the dataset.",
        section="no-rows",
        metric=_own(monitored, "BatchesWithoutRows", "processing"),
    )
    yield Alarm(
        name="maintenance-behind",
        meaning="Tables were not maintained for two days: others changed them each time, or there was no time.",
        section="maintenance-behind",
        # Only if each round of the two days left some behind.
        metric=_own(monitored, "TablesBehind", "maintenance", "Minimum"),
        period_seconds=48 * HOUR,
        periods=1,
        tells_when_over=True,
    )
    yield Alarm(
        name="not-fresh",
        meaning="A dataset was not published in the time that its contract promises, or is paused for over a day. "
        "A message of its own on this topic names the datasets.",
        section="not-fresh",
        metric=_own(monitored, "DatasetsLate", "freshness", "Maximum"),
        # It is counted at each look, as long as a dataset is late.
        period_seconds=2 * FRESHNESS_MINUTES * MINUTE,
        periods=1,
        tells_when_over=True,
    )
    yield Alarm(
        name="freshness-silent",
        meaning="Nobody looks whether the datasets are late.",
        section="freshness-silent",
        metric=_lambda("Invocations", monitored.functions["freshness"]),
        # Silence is the failure here. It is filled in and not left to `missing_data`: where a whole period has no data,
        # CloudWatch looks at the periods before it.
        expression=f"FILL({METRIC_ID}, 0)",
        compare="Less",
        threshold=1,
        period_seconds=HOUR,
        periods=1,
        missing_data="breaching",
        tells_when_over=True,
    )


def _scans(monitored: Monitored) -> Alarm:
    # A query that a person cancels counts here too, but has not scanned as much.
    dimensions = {"WorkGroup": monitored.workgroup, "QueryState": "CANCELED", "QueryType": "DML"}
    scanned = Metric(namespace="AWS/Athena", name="ProcessedBytes", dimensions=dimensions, statistic="Maximum")
    return Alarm(
        name="query-cut-off",
        meaning="Athena cancelled a query that scanned more than the workgroup's cutoff.",
        section="query-cut-off",
        metric=scanned,
        compare="GreaterOrEqual",
        threshold=monitored.scanned_bytes_cutoff,
    )
