"""Which failures call a person: plain data, one rule a failure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The names of what is watched, as CloudWatch knows them."""

    # logical part of the alarm's name -> name of the AWS resource
    dead_letters: Mapping[str, Input[str]]
    arrivals_queue: Input[str]
    functions: Mapping[str, Input[str]]
    state_machine_arn: Input[str]
    oldest_message_minutes: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One metric over its threshold, for one period, calls a person."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, Input[str]]
    statistic: Literal["Sum", "Maximum"]
    above: int
    period_seconds: int = MINUTE
    # Nothing was counted means nothing failed. Whoever has no traffic for a night is not woken.
    missing_data: Literal["notBreaching", "breaching", "ignore", "missing"] = "notBreaching"


def alarms(watched: Watched) -> Iterator[Alarm]:
    """Yield every alarm."""
    for title, queue in watched.dead_letters.items():
        yield Alarm(
            name=f"{title}-not-empty",
            description="Messages that nobody could handle wait here for a person, two weeks at most.",
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": queue},
            statistic="Maximum",
            above=0,
        )
    yield Alarm(
        name="arrivals-too-old",
        description="Landed files wait too long for their place in the ledger: ingestion is slow, or down.",
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": watched.arrivals_queue},
        statistic="Maximum",
        above=watched.oldest_message_minutes * 60,
    )
    for function, name in watched.functions.items():
        for metric, meaning in (
            ("Errors", "raised an error or ran out of time; its logs say why"),
            ("Throttles", "was not allowed to run: the account or its reserved concurrency is exhausted"),
        ):
            yield Alarm(
                name=f"{function.replace('_', '-')}-{metric.lower()}",
                description=f"The function {function} {meaning}.",
                namespace="AWS/Lambda",
                metric=metric,
                dimensions={"FunctionName": name},
                statistic="Sum",
                above=0,
            )
    for metric, meaning in (
        ("ExecutionsFailed", "failed, or was quarantined whole: nothing of it was published"),
        ("ExecutionsTimedOut", "ran out of time"),
        ("ExecutionsAborted", "was stopped by a person"),
    ):
        yield Alarm(
            name=f"batch-{metric.removeprefix('Executions').lower()}",
            description=f"A batch {meaning}.",
            namespace="AWS/States",
            metric=metric,
            dimensions={"StateMachineArn": watched.state_machine_arn},
            statistic="Sum",
            above=0,
        )
