"""Rules of EventBridge, and the bus that the pipeline tells others by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pipeline_core.layout import BATCHES, RUNS
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Statement, allow
from policies.model import Waiver

# EventBridge gives up after a day and 185 tries unless told otherwise; a schedule's tick is stale sooner.
EVENT_AGE_SECONDS = 3_600


WAIVERS = (
    Waiver(
        rule="EVT-03",
        resource="data-pipeline-events",
        reason="A bus without a policy takes events from this account only, and there from roles that may put them.",
    ),
)


def every_minutes(minutes: int) -> str:
    """Write a schedule; EventBridge wants the singular for one."""
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"


def batch_papers_pattern(artifacts_bucket: Input[str]) -> dict[str, Any]:
    """Match that a batch's manifest is there, and that its run is on record: it begins, and it has ended."""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [artifacts_bucket]},
            "object": {"key": [{"wildcard": f"{BATCHES}*/manifest.json"}, {"prefix": RUNS}]},
        },
    }


@dataclass(frozen=True, kw_only=True)
class FunctionRuleArgs:
    """What invokes the function: a pattern of events, or a schedule."""

    description: str
    function: aws.lambda_.Function
    dead_letters_arn: Input[str]
    event_pattern: Mapping[str, Any] | None = None
    schedule_expression: str | None = None
    enabled: bool = True
    # What the function gets instead of the event; empty: the event.
    input_json: str | None = None


class FunctionRule(pulumi.ComponentResource):
    """An EventBridge rule that invokes one function, and keeps what it could not deliver.

    Example:
        FunctionRule(
            "schedule",
            FunctionRuleArgs(
                description="Has pending files claimed into batches",
                function=etl_trigger,
                dead_letters_arn=undelivered.queue.arn,
                schedule_expression=every_minutes(5),
            ),
        )
    """

    rule: aws.cloudwatch.EventRule

    def __init__(self, name: str, args: FunctionRuleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:FunctionRule", name, None, opts)
        child = ResourceOptions(parent=self)
        self.rule = aws.cloudwatch.EventRule(
            name,
            description=args.description,
            event_pattern=None if args.event_pattern is None else Output.json_dumps(args.event_pattern),
            schedule_expression=args.schedule_expression,
            state="ENABLED" if args.enabled else "DISABLED",
            opts=child,
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="events.amazonaws.com",
            source_arn=self.rule.arn,
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=self.rule.name,
            arn=args.function.arn,
            input=args.input_json,
            dead_letter_config={"arn": args.dead_letters_arn},
            retry_policy={"maximum_event_age_in_seconds": EVENT_AGE_SECONDS, "maximum_retry_attempts": 24},
            # A target that may not invoke yet would lose its first events to the dead letters.
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"arn": self.rule.arn})


@dataclass(frozen=True, kw_only=True)
class ArrivalRuleArgs:
    """Which bucket's new objects go to which queue."""

    bucket_name: Input[str]
    queue_arn: Input[str]
    dead_letters_arn: Input[str]


class ArrivalRule(pulumi.ComponentResource):
    """Sends every object that is created in the raw bucket to the arrivals queue.

    Example:
        ArrivalRule(
            "arrival",
            ArrivalRuleArgs(
                bucket_name=raw.bucket.bucket, queue_arn=arrivals.queue.arn, dead_letters_arn=undelivered.queue.arn
            ),
        )
    """

    rule: aws.cloudwatch.EventRule

    def __init__(self, name: str, args: ArrivalRuleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:ArrivalRule", name, None, opts)
        child = ResourceOptions(parent=self)
        self.rule = aws.cloudwatch.EventRule(
            name,
            description="Objects that landed in the raw bucket",
            event_pattern=Output.json_dumps(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {"bucket": {"name": [args.bucket_name]}},
                }
            ),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=self.rule.name,
            arn=args.queue_arn,
            dead_letter_config={"arn": args.dead_letters_arn},
            opts=child,
        )
        self.register_outputs({"arn": self.rule.arn})


class EventBus(pulumi.ComponentResource):
    """The pipeline's own bus, for those who want to know what was published.

    It keeps AWS's own encryption: its events are names and counts, never data, and a customer-managed key
    would shut out schema discovery and every other account that may want to listen.

    Example:
        bus = EventBus("events")
        role_statements = [bus.put()]
    """

    bus: aws.cloudwatch.EventBus

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:EventBus", name, None, opts)
        self.bus = aws.cloudwatch.EventBus(name, opts=ResourceOptions(parent=self))
        self.register_outputs({"name": self.bus.name})

    def put(self) -> Statement:
        """Let a role put events."""
        return allow(["events:PutEvents"], [self.bus.arn])
