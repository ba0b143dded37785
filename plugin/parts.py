"""Parts of a pipeline for programs in other languages: each stands around a component of the project.

It gives that component what it takes from others inside a pipeline: the account, the rules that send to a queue.
"""

from typing import NotRequired, TypedDict

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.messaging import queues, topic
from components.security import key
from components.security.iam import Location
from components.storage import lifecycle, zone
from config import model
from plugin.names import token
from plugin.settings import Subscription


class EncryptionKeyArgs(TypedDict):
    """What the key is called, and how it may go."""

    alias: str
    """Its name in the account, without `alias/`."""
    deletion_window_days: NotRequired[int]
    """How long a deleted key can be brought back, 7 to 30 days. Default: 30."""
    allow_destroy: NotRequired[bool]
    """Whether Pulumi may delete it; off, it is protected and kept on AWS. Default: false."""


class EncryptionKey(pulumi.ComponentResource):
    """One rotating key for what buckets, queues, topics and log groups hold, usable by named services only."""

    arn: Output[str]
    """What the other components take as kmsKeyArn."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("EncryptionKey"), name, None, opts)
        self.arn = key.EncryptionKey(
            name,
            key.EncryptionKeyArgs(
                alias=args["alias"],
                location=Location.of(self),
                deletion_window_days=int(args.get("deletion_window_days", 30)),
                allow_destroy=args.get("allow_destroy", False),
            ),
            ResourceOptions(parent=self),
        ).key.arn
        self.register_outputs({})


class ZoneArgs(TypedDict):
    """What encrypts the bucket, and how long it keeps what."""

    kms_key_arn: Input[str]
    """The key of the objects."""
    expires_after_days: NotRequired[int]
    """Objects that old are deleted. Default: never."""
    noncurrent_versions_expire_after_days: NotRequired[int]
    """How long an overwritten or deleted object can be brought back. Default: 30."""
    locked_days: NotRequired[int]
    """A version that young can be deleted only by who may bypass governance. Default: no lock."""
    events: NotRequired[bool]
    """Whether the bucket tells EventBridge of its objects. Default: false."""
    allow_destroy: NotRequired[bool]
    """Whether Pulumi may delete the bucket and all in it; off, it is protected and kept on AWS. Default: false."""


class Zone(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket that only answers over TLS."""

    bucket: Output[str]
    """The bucket's name."""
    arn: Output[str]
    """The bucket's ARN."""

    def __init__(self, name: str, args: ZoneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("Zone"), name, None, opts)
        locked, expires = args.get("locked_days"), args.get("expires_after_days")
        rule = lifecycle.housekeeping(int(args.get("noncurrent_versions_expire_after_days", 30)))
        age = lifecycle.expire("age", "", None if expires is None else int(expires))
        made = zone.Zone(
            name,
            zone.ZoneArgs(
                kms_key_arn=args["kms_key_arn"],
                lifecycle=[rule, *age],
                allow_destroy=args.get("allow_destroy", False),
                notify=args.get("events", False),
                lock_days=None if locked is None else int(locked),
            ),
            ResourceOptions(parent=self),
        )
        self.bucket, self.arn = made.bucket.bucket, made.bucket.arn
        self.register_outputs({})


class TopicArgs(TypedDict):
    """What encrypts the topic, who publishes to it and who listens."""

    kms_key_arn: Input[str]
    """The key of the messages."""
    subscriptions: NotRequired[list[Subscription]]
    """Who listens."""
    publishers: NotRequired[dict[str, list[Input[str]]]]
    """Services that may publish, like cloudwatch.amazonaws.com, and on behalf of which ARNs."""


class Topic(pulumi.ComponentResource):
    """An encrypted topic that takes messages over TLS only, from whom it is said."""

    arn: Output[str]
    """The topic's ARN."""

    def __init__(self, name: str, args: TopicArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("Topic"), name, None, opts)
        subscriptions = [model.Subscription.model_validate(one) for one in args.get("subscriptions", [])]
        made = topic.Topic(
            name,
            topic.TopicArgs(kms_key_arn=args["kms_key_arn"], subscriptions=subscriptions),
            ResourceOptions(parent=self),
        )
        made.accept(Location.of(self).account, args.get("publishers", {}))
        self.arn = made.topic.arn
        self.register_outputs({})


class DeadLettersArgs(TypedDict):
    """What encrypts the queue, and which rules leave messages in it."""

    kms_key_arn: Input[str]
    """The key of the messages."""
    rule_arns: NotRequired[list[Input[str]]]
    """EventBridge rules that may send to it."""


class DeadLetters(pulumi.ComponentResource):
    """An encrypted queue where what could not be handled waits, for two weeks, for a person."""

    arn: Output[str]
    """The queue's ARN."""
    url: Output[str]
    """The queue's URL."""

    def __init__(self, name: str, args: DeadLettersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("DeadLetters"), name, None, opts)
        made = queues.DeadLetters(
            name, queues.DeadLettersArgs(kms_key_arn=args["kms_key_arn"]), ResourceOptions(parent=self)
        )
        made.accept(Location.of(self).account, args.get("rule_arns", []))
        self.arn, self.url = made.queue.arn, made.queue.url
        self.register_outputs({})


class WorkQueueArgs(TypedDict):
    """What encrypts the queue, who consumes it, and how patiently."""

    kms_key_arn: Input[str]
    """The key of the messages."""
    consumer_timeout_seconds: int
    """How long the Lambda function that reads it may take."""
    batching_window_seconds: NotRequired[int]
    """How long Lambda collects messages before it invokes. Default: 0."""
    max_receive_count: NotRequired[int]
    """Tries before a message goes to the dead-letter queue. Default: 5."""
    rule_arns: NotRequired[list[Input[str]]]
    """EventBridge rules that may send to it."""


class WorkQueue(pulumi.ComponentResource):
    """An encrypted queue whose poison messages wait, for two weeks, in a dead-letter queue."""

    arn: Output[str]
    """The queue's ARN."""
    url: Output[str]
    """The queue's URL."""
    dead_letters_arn: Output[str]
    """The dead-letter queue's ARN."""
    dead_letters_url: Output[str]
    """The dead-letter queue's URL."""

    def __init__(self, name: str, args: WorkQueueArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("WorkQueue"), name, None, opts)
        made = queues.WorkQueue(
            name,
            queues.WorkQueueArgs(
                kms_key_arn=args["kms_key_arn"],
                consumer_timeout_seconds=int(args["consumer_timeout_seconds"]),
                batching_window_seconds=int(args.get("batching_window_seconds", 0)),
                max_receive_count=int(args.get("max_receive_count", 5)),
            ),
            ResourceOptions(parent=self),
        )
        made.accept(Location.of(self).account, args.get("rule_arns", []))
        self.arn, self.url = made.queue.arn, made.queue.url
        self.dead_letters_arn, self.dead_letters_url = made.dead_letters.arn, made.dead_letters.url
        self.register_outputs({})
