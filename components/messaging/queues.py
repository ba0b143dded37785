"""Queues, topics, and the rules that move events: every message that cannot be handled waits somewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Statement, allow, allow_service, document, tls_only
from config.rules import QUEUE_RETENTION_SECONDS, visibility_timeout_seconds

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3_600


@dataclass(frozen=True, kw_only=True)
class DeadLettersArgs:
    """How messages that nobody could handle are kept."""

    kms_key_arn: Input[str]


class DeadLetters(pulumi.ComponentResource):
    """An encrypted queue where what could not be handled waits, for two weeks, for a person.

    Example:
        undelivered = DeadLetters("undelivered", DeadLettersArgs(kms_key_arn=key.arn))
        undelivered.accept(location.account, [rule.arn])
    """

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

    def accept(
        self, account: Input[str], rule_arns: Sequence[Input[str]], topic_arns: Sequence[Input[str]] = ()
    ) -> None:
        """Let those EventBridge rules, and those topics of SNS, leave here what they could not deliver."""
        _accept(self, self.queue, account, rule_arns, topic_arns)

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
    """An encrypted queue whose poison messages wait, for two weeks, in a dead-letter queue.

    Example:
        arrivals = WorkQueue(
            "arrivals",
            WorkQueueArgs(
                kms_key_arn=key.arn, consumer_timeout_seconds=60, batching_window_seconds=5, max_receive_count=5
            ),
        )
        arrivals.accept(location.account, [rule.arn])
    """

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
        """Let those EventBridge rules send; without any, only who may by a policy of its own."""
        _accept(self, self.queue, account, rule_arns)

    def send(self) -> Statement:
        """Let a function's role send messages."""
        return allow(["sqs:SendMessage"], [self.queue.arn])

    def consume(self) -> Statement:
        """Let a function's event source take messages."""
        return allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], [self.queue.arn])


def _accept(
    owner: DeadLetters | WorkQueue,
    queue: aws.sqs.Queue,
    account: Input[str],
    rule_arns: Sequence[Input[str]],
    topic_arns: Sequence[Input[str]] = (),
) -> None:
    """Let only those EventBridge rules and topics send to `queue`, and everyone only over TLS.

    A queue comes before what sends to it, so its policy is made when that is known.
    """
    senders = (("FromRules", "events", rule_arns), ("FromTopics", "sns", topic_arns))
    let_in = [
        allow_service(title, f"{service}.amazonaws.com", "sqs:SendMessage", queue.arn, account, arns)
        for title, service, arns in senders
        if arns
    ]
    aws.sqs.QueuePolicy(
        f"{owner.pulumi_resource_name}-policy",
        queue_url=queue.url,
        policy=document([*let_in, tls_only(["sqs:*"], [queue.arn])]),
        opts=ResourceOptions(parent=owner),
    )
