"""Who of a dataset's own people hears the topic of owners, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.names import slack_parameter
from components.security.iam import Location, Statement, allow
from contracts.compiler.channels import Channel, Kind

# By which attribute of a message SNS finds who it is for, as pipeline_core.owners sets them.
CHANNELS, SLACK = "channels", "slack"


def of_address(channel: Channel) -> dict[str, list[str]]:
    """Write the filter policy of an address: one value, which never changes, however many datasets it hears of."""
    return {CHANNELS: [channel.id]}


def of_slack() -> dict[str, list[dict[str, bool]]]:
    """Write the filter policy of the function that posts to Slack: every message that names a Slack channel."""
    return {SLACK: [{"exists": True}]}


@dataclass(frozen=True, kw_only=True)
class OwnersArgs:
    """The topic, who hears it, and where what cannot be delivered is left.

    `slack` is the function that posts to Slack, if there is one; `secret` says whether Pulumi must encrypt the
    addresses in its state, and show none.
    """

    topic: aws.sns.Topic
    addresses: Sequence[Channel]
    slack: aws.lambda_.Function | None
    undelivered_arn: Input[str]
    secret: bool = False


class Owners(pulumi.ComponentResource):
    """Subscribes each address of the contracts once to the topic of owners, and the function that posts to Slack.

    What an HTTPS address or the function does not take in the end waits in the queue of undelivered events; of an
    e-mail SNS knows only that it was sent.

    Example:
        Owners(
            "owners",
            OwnersArgs(
                topic=messaging.owners.topic,
                addresses=reach.addresses,
                slack=functions["slack"].function,
                undelivered_arn=messaging.undelivered.queue.arn,
            ),
        )
    """

    def __init__(self, name: str, args: OwnersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:Owners", name, None, opts)
        child = ResourceOptions(parent=self)
        redrive = Output.json_dumps({"deadLetterTargetArn": args.undelivered_arn})
        for channel in args.addresses:
            aws.sns.TopicSubscription(
                # By its id: an address is personal data, and a name is in every log of a deployment.
                f"{name}-{channel.id.replace(':', '-')}",
                topic=args.topic.arn,
                protocol=str(channel.kind),
                endpoint=Output.secret(channel.address) if args.secret else channel.address,
                filter_policy=Output.json_dumps(of_address(channel)),
                redrive_policy=redrive if channel.kind is Kind.HTTPS else None,
                opts=child,
            )
        if args.slack is not None:
            permission = aws.lambda_.Permission(
                f"{name}-slack-permission",
                action="lambda:InvokeFunction",
                function=args.slack.name,
                principal="sns.amazonaws.com",
                source_arn=args.topic.arn,
                opts=child,
            )
            aws.sns.TopicSubscription(
                f"{name}-slack",
                topic=args.topic.arn,
                protocol="lambda",
                endpoint=args.slack.arn,
                filter_policy=Output.json_dumps(of_slack()),
                redrive_policy=redrive,
                # A message that comes before the function lets SNS in would be left undelivered.
                opts=ResourceOptions(parent=self, depends_on=[permission]),
            )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class SlackWebhooksArgs:
    """The webhooks by the name of their Slack channel, and the key that encrypts them."""

    stack: str
    location: Location
    kms_key_arn: Input[str]
    webhooks: Mapping[str, str]


class SlackWebhooks(pulumi.ComponentResource):
    """Keeps the webhooks of Slack channels as encrypted parameters, for the one function that posts to them.

    A standard parameter of Systems Manager costs nothing, a secret of Secrets Manager 40 cents a month (AWS pricing
    pages, 2026-11); a webhook is changed by a deployment, and nothing rotates it.

    Example:
        webhooks = SlackWebhooks(
            "slack",
            SlackWebhooksArgs(
                stack="dev", location=location, kms_key_arn=key.arn, webhooks={"data": "https://hooks.slack.com/..."}
            ),
        )
        role_statements = [webhooks.read(), key.decrypt("ssm")]
    """

    prefix: str
    """How the parameters' names begin; the Slack channel's follows."""

    def __init__(self, name: str, args: SlackWebhooksArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:messaging:SlackWebhooks", name, None, opts)
        self.prefix = slack_parameter(args.stack, "")
        self._arns = [
            args.location.arn("ssm", f"parameter{slack_parameter(args.stack, channel)}") for channel in args.webhooks
        ]
        for channel, webhook in sorted(args.webhooks.items()):
            aws.ssm.Parameter(
                f"{name}-{channel}",
                name=slack_parameter(args.stack, channel),
                description=f"The incoming webhook of the Slack channel {channel}",
                type=aws.ssm.ParameterType.SECURE_STRING,
                value=Output.secret(webhook),
                key_id=args.kms_key_arn,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def read(self) -> Statement:
        """Let a role read the webhooks, and no other parameter."""
        return allow(["ssm:GetParameter"], self._arns)
