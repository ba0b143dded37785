"""Tells the people of a dataset, by the channels of its contract, what became of a batch or of the dataset."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core import clients
from pipeline_core.channels import SLACK, Channels, Severity
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is said to people: of which datasets, how severe it is, and the outcome that it is about."""

    datasets: tuple[str, ...]
    severity: Severity
    outcome: str
    subject: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Owners:
    """Tells the people of datasets by the topic of owners."""

    topic_arn: str
    artifacts_bucket: str

    def channels(self) -> Channels:
        """Read the channels of all datasets.

        Raises:
            RuntimeError: there is no index of contracts.
        """
        index = read(self.artifacts_bucket, CONTRACT_INDEX_KEY)
        if index is None:
            raise RuntimeError(f"s3://{self.artifacts_bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
        return Channels.from_index(Fields.from_json(index, f"s3://{self.artifacts_bucket}/{CONTRACT_INDEX_KEY}"))

    def tell(self, message: Message, channels: Collection[str]) -> list[str]:
        """Publish a message for channels; returns the ids of what was published.

        Killed or refused in between, some have heard it: asked again, they hear it twice, and none never.
        """
        topic = clients.sns()
        return [
            topic.publish(
                TopicArn=self.topic_arn, Subject=message.subject, Message=message.body, MessageAttributes=attributes
            )["MessageId"]
            for attributes in addressed(message, channels)
        ]


def addressed(message: Message, channels: Collection[str]) -> "Iterator[dict[str, MessageAttributeValueTypeDef]]":
    """Say for whom a message is, as SNS filters by: once for all addresses, and once for each Slack channel.

    A message for one Slack channel is tried again by itself when Slack does not take it, and ends by itself in the
    queue of undelivered events.
    """
    common: dict[str, Any] = {
        "datasets": _texts(message.datasets),
        "severity": _text(message.severity),
        "outcome": _text(message.outcome),
    }
    slack = sorted(channel for channel in channels if channel.startswith(SLACK))
    if addresses := sorted(set(channels) - set(slack)):
        yield {**common, "channels": _texts(addresses)}
    for channel in slack:
        yield {**common, "slack": _text(channel.removeprefix(SLACK))}


def _text(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}


def _texts(values: Collection[str]) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String.Array", "StringValue": json.dumps(list(values))}
