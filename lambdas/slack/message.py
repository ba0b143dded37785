"""Which messages SNS hands over, and how Slack wants them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline_core.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Post:
    """A message for one Slack channel."""

    channel: str
    severity: str
    subject: str
    text: str
    message_id: str


def posts(event: object) -> Iterator[Post]:
    """Parse an event of SNS; one record each, as SNS sends them.

    Raises:
        DocumentError: a record is of something else, or is for no Slack channel.
    """
    for record in Fields(event, "the event of SNS").items("Records"):
        said = record.fields("Sns")
        attributes = said.fields("MessageAttributes")
        yield Post(
            channel=attributes.fields("slack").text("Value"),
            severity=attributes.fields("severity").text("Value"),
            subject=said.text("Subject"),
            text=said.text("Message"),
            message_id=said.text("MessageId"),
        )


def body(post: Post) -> dict[str, Any]:
    """Write it for an incoming webhook: plain text, in which nothing calls a person or is taken for markup.

    Slack cuts a text after 40,000 characters (Slack developer docs, "Truncating content", 2026-11).
    """
    return {"text": escaped(f"{post.severity}: {post.subject}\n{post.text}"), "mrkdwn": False}


def escaped(text: str) -> str:
    """Escape what Slack reads as a mention or a link (Slack developer docs, "Formatting text", 2026-11)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
