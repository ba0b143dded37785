"""The queues, topics and the bus that messages wait in and leave by."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.messaging.events import EventBus
from components.messaging.queues import DeadLetters, DeadLettersArgs, WorkQueue, WorkQueueArgs
from components.messaging.topic import Topic, TopicArgs, services
from components.security.iam import Location
from config.model import PipelineConfig

TICK_TRIES = 3
"""Deliveries of a tick; what it was to find the schedule has found before the second one fails."""


@dataclass(frozen=True, kw_only=True)
class MessagingArgs:
    """The stack's settings, where it is, and the key that encrypts messages."""

    settings: PipelineConfig
    location: Location
    kms_key_arn: Input[str]


class Messaging(pulumi.ComponentResource):
    """Landed files wait in `arrivals`, what nobody could handle in dead-letter queues; people hear of the rest.

    Example:
        messaging = Messaging("lake", MessagingArgs(settings=settings, location=location, kms_key_arn=key.arn))
        pulumi.export("alarms", messaging.alarms.topic.arn)
    """

    arrivals: WorkQueue
    ticks: WorkQueue
    """What has etl_trigger look at a dataset, when it is due."""
    undelivered: DeadLetters
    """What EventBridge could not deliver, and events of asynchronous calls that failed for good."""
    notifications: Topic
    owners: Topic
    """What becomes of a dataset, for the channels of its own contract."""
    alarms: Topic
    alarms_policy: aws.sns.TopicPolicy
    """What lets CloudWatch and AWS Budgets publish to `alarms`."""
    bus: EventBus

    def __init__(self, name: str, args: MessagingArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:Messaging", name, None, opts)
        child = ResourceOptions(parent=self)
        settings = args.settings
        self.arrivals = WorkQueue(
            f"{name}-arrivals",
            WorkQueueArgs(
                kms_key_arn=args.kms_key_arn,
                consumer_timeout_seconds=settings.functions.ingestion.timeout_seconds,
                batching_window_seconds=settings.ingestion.batching_window_seconds,
                max_receive_count=settings.ingestion.max_receive_count,
            ),
            child,
        )
        self.ticks = WorkQueue(
            f"{name}-ticks",
            WorkQueueArgs(
                kms_key_arn=args.kms_key_arn,
                consumer_timeout_seconds=settings.functions.etl_trigger.timeout_seconds,
                batching_window_seconds=0,
                max_receive_count=TICK_TRIES,
            ),
            child,
        )
        self.ticks.accept(args.location.account, [])
        self.undelivered = DeadLetters(f"{name}-undelivered", DeadLettersArgs(kms_key_arn=args.kms_key_arn), child)
        self.notifications = Topic(
            f"{name}-notifications",
            TopicArgs(
                kms_key_arn=args.kms_key_arn,
                subscriptions=settings.monitoring.notification_subscriptions,
                secret=settings.holds_secrets,
            ),
            child,
        )
        self.notifications.accept(args.location.account)
        self.owners = Topic(f"{name}-owners", TopicArgs(kms_key_arn=args.kms_key_arn, subscriptions=()), child)
        self.owners.accept(args.location.account)
        self.alarms = Topic(
            f"{name}-alarms",
            TopicArgs(
                kms_key_arn=args.kms_key_arn,
                subscriptions=settings.monitoring.alarm_subscriptions,
                secret=settings.holds_secrets,
            ),
            child,
        )
        self.alarms_policy = self.alarms.accept(args.location.account, services(args.location))
        self.bus = EventBus(f"{name}-events", child)
        self.register_outputs({"arrivals": self.arrivals.queue.url, "alarms": self.alarms.topic.arn})
