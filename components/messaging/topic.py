"""Topics that people and programs subscribe to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Location, Statement, allow, allow_service, document, tls_only
from config.model import Subscription


@dataclass(frozen=True, kw_only=True)
class TopicArgs:
    """Who publishes to the topic, and who listens."""

    kms_key_arn: Input[str]
    subscriptions: Sequence[Subscription]
    # Whether Pulumi must encrypt the endpoints in its state, and show none.
    secret: bool = False


class Topic(pulumi.ComponentResource):
    """An encrypted topic that takes messages over TLS only, once `accept` has said from whom.

    Example:
        alarms = Topic("alarms", TopicArgs(kms_key_arn=key.arn, subscriptions=settings.alarm_subscriptions))
        alarms.accept(location.account, services(location))
    """

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
        statements = [
            allow_service(
                f"From{service.split('.')[0].capitalize()}", service, "sns:Publish", self.topic.arn, account, arns
            )
            for service, arns in (publishers or {}).items()
        ]
        return aws.sns.TopicPolicy(
            f"{self.pulumi_resource_name}-policy",
            arn=self.topic.arn,
            policy=document([*statements, tls_only(["sns:Publish"], [self.topic.arn])]),
            opts=ResourceOptions(parent=self),
        )


def services(location: Location) -> dict[str, Sequence[Input[str]]]:
    """Say which services call people by the alarms topic, and on behalf of what; EventBridge is none of them.

    It publishes to an encrypted topic only where neither the topic's policy nor the key's has a condition (SNS guide,
    key management; EventBridge guide, resource-based policies; read in November 2026).
    """
    return {
        "cloudwatch.amazonaws.com": [location.arn("cloudwatch", "alarm:*")],
        "budgets.amazonaws.com": [location.global_arn("budgets", "*")],
    }
