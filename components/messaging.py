"""Queues, topics, and the rules that move events: every message that cannot be handled waits somewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.compute import PipelineFunction
from components.iam import Statement, allow, document, source_condition, tls_only
from config import IngestionConfig, Subscription
from invariants import QUEUE_RETENTION_SECONDS, visibility_timeout_seconds
from policies.model import Waiver

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3_600
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


@dataclass(frozen=True, kw_only=True)
class DeadLettersArgs:
    """How messages that nobody could handle are kept."""

    kms_key_arn: Input[str]


class DeadLetters(pulumi.ComponentResource):
    """An encrypted queue where what could not be handled waits, for two weeks, for a person."""

    queue: aws.sqs.Queue

    def __init__(self, name: str, args: DeadLettersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:DeadLetters", name, None, opts)
        self.queue = aws.sqs.Queue(
            name,
            message_retention_seconds=FOURTEEN_DAYS_SECONDS,
            kms_master_key_id=args.kms_key_arn,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"queue_url": self.queue.url})

    def accept(self, account: Input[str], rule_arns: Sequence[Input[str]]) -> None:
        """Let those EventBridge rules leave here what they could not deliver."""
        _accept(self, self.queue, account, rule_arns)

    def send(self) -> Statement:
        """Let a function's role leave here what failed."""
        return allow(["sqs:SendMessage"], [self.queue.arn])


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    """Who consumes the queue, and how patiently."""

    kms_key_arn: Input[str]
    consumer_timeout_seconds: int
    batching_window_seconds: int
    max_receive_count: int


class WorkQueue(pulumi.ComponentResource):
    """An encrypted queue whose poison messages wait, for two weeks, in a dead-letter queue."""

    queue: aws.sqs.Queue
    dead_letters: aws.sqs.Queue

    def __init__(self, name: str, args: WorkQueueArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:WorkQueue", name, None, opts)
        child = ResourceOptions(parent=self)
        self.dead_letters = DeadLetters(
            f"{name}-dead-letters", DeadLettersArgs(kms_key_arn=args.kms_key_arn), child
        ).queue
        self.queue = aws.sqs.Queue(
            name,
            visibility_timeout_seconds=visibility_timeout_seconds(
                args.consumer_timeout_seconds, args.batching_window_seconds
            ),
            message_retention_seconds=QUEUE_RETENTION_SECONDS,
            kms_master_key_id=args.kms_key_arn,
            redrive_policy=Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": args.max_receive_count}
            ),
            opts=child,
        )
        aws.sqs.RedriveAllowPolicy(
            f"{name}-redrive-allow",
            queue_url=self.dead_letters.url,
            redrive_allow_policy=Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.queue.arn]}
            ),
            opts=child,
        )
        aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=self.dead_letters.url,
            policy=document([tls_only(["sqs:*"], [self.dead_letters.arn])]),
            opts=child,
        )
        self.register_outputs({"queue_url": self.queue.url})

    def accept(self, account: Input[str], rule_arns: Sequence[Input[str]]) -> None:
        """Let those EventBridge rules send."""
        _accept(self, self.queue, account, rule_arns)

    def consume(self) -> Statement:
        """Let a function's event source take messages."""
        return allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], [self.queue.arn])


def _accept(
    owner: DeadLetters | WorkQueue, queue: aws.sqs.Queue, account: Input[str], rule_arns: Sequence[Input[str]]
) -> None:
    """Let only those EventBridge rules send to `queue`, and everyone only over TLS.

    A queue comes before the rules that send to it, so its policy is made when they are known.
    """
    from_rules: Statement = {
        "Sid": "FromRules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
        "Condition": source_condition(account, rule_arns),
    }
    aws.sqs.QueuePolicy(
        f"{owner.pulumi_resource_name}-policy",
        queue_url=queue.url,
        policy=document([from_rules, tls_only(["sqs:*"], [queue.arn])]),
        opts=ResourceOptions(parent=owner),
    )


@dataclass(frozen=True, kw_only=True)
class TopicArgs:
    """Who publishes to the topic, and who listens."""

    kms_key_arn: Input[str]
    subscriptions: Sequence[Subscription]
    # Whether Pulumi must encrypt the endpoints in its state, and show none.
    secret: bool = False


class Topic(pulumi.ComponentResource):
    """An encrypted topic that takes messages over TLS only, once `accept` has said from whom."""

    topic: aws.sns.Topic

    def __init__(self, name: str, args: TopicArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:Topic", name, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(name, kms_master_key_id=args.kms_key_arn, opts=child)
        for subscription in args.subscriptions:
            aws.sns.TopicSubscription(
                f"{name}-{subscription.label}",
                topic=self.topic.arn,
                protocol=subscription.protocol,
                endpoint=Output.secret(subscription.endpoint) if args.secret else subscription.endpoint,
                opts=child,
            )
        self.register_outputs({"arn": self.topic.arn})

    def publish(self) -> Statement:
        """Let a role publish."""
        return allow(["sns:Publish"], [self.topic.arn])

    def accept(
        self, account: Input[str], publishers: Mapping[str, Sequence[Input[str]]] | None = None
    ) -> aws.sns.TopicPolicy:
        """Let services publish on behalf of those ARNs, and everyone only over TLS. Roles' own policies let them.

        A topic comes before what publishes to it, so its policy is made when that is known.
        """
        statements: list[Statement] = [
            {
                "Sid": f"From{service.split('.')[0].capitalize()}",
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sns:Publish",
                "Resource": self.topic.arn,
                "Condition": source_condition(account, arns),
            }
            for service, arns in (publishers or {}).items()
        ]
        return aws.sns.TopicPolicy(
            f"{self.pulumi_resource_name}-policy",
            arn=self.topic.arn,
            policy=document([*statements, tls_only(["sns:Publish"], [self.topic.arn])]),
            opts=ResourceOptions(parent=self),
        )


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
    """An EventBridge rule that invokes one function, and keeps what it could not deliver."""

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
    """Sends every object that is created in the raw bucket to the arrivals queue."""

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
    """

    bus: aws.cloudwatch.EventBus

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:EventBus", name, None, opts)
        self.bus = aws.cloudwatch.EventBus(name, opts=ResourceOptions(parent=self))
        self.register_outputs({"name": self.bus.name})

    def put(self) -> Statement:
        """Let a role put events."""
        return allow(["events:PutEvents"], [self.bus.arn])


@dataclass(frozen=True, kw_only=True)
class ConsumptionArgs:
    """Which function takes a queue's messages, and how many at once."""

    queue: WorkQueue
    function: PipelineFunction
    settings: IngestionConfig


class Consumption(pulumi.ComponentResource):
    """Hands a queue's messages to a function in batches; only those that failed come back."""

    def __init__(self, name: str, args: ConsumptionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:Consumption", name, None, opts)
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=args.queue.queue.arn,
            function_name=args.function.function.name,
            batch_size=args.settings.batch_size,
            maximum_batching_window_in_seconds=args.settings.batching_window_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": args.settings.max_concurrency},
            # Lambda tries the function's permissions on the queue when the mapping is made.
            opts=ResourceOptions(parent=self, depends_on=[args.function.role.policy]),
        )
        self.register_outputs({})
