"""Posts messages of the topic of owners to Slack, each to the one channel that it is for.

Slack's webhook is a key to the channel: it is read when it is needed, and neither logs nor traces nor errors have it.
What Slack does not take is tried again by Lambda, and then left in the queue of undelivered events.
"""

import logging
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.plain_text import log_line
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.webhook import WebhookClient

from lambdas.slack.message import Post, body, posts

logger = Logger(json_serializer=log_line)
tracer = Tracer(patch_modules=settings.TRACED)
# At these levels Slack's SDK writes the URL of what it tries again into its log, and botocore what AWS answers.
_quiet = logging.getLogger("slack_sdk.quiet")
for _talkative in (_quiet, logging.getLogger("botocore")):
    _talkative.setLevel(logging.WARNING)

TIMEOUT_SECONDS = 10
TRIES_AGAIN = 2
"""In one call; Lambda calls twice more, a minute and two minutes later (Lambda developer guide, "Asynchronous
invocation", 2026-11)."""

WEBHOOK_SECONDS = 60
"""How long a warm function keeps a webhook before it reads it again: one that was changed is used a minute later."""


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    parameter_prefix: str


class SlackError(Exception):
    """Slack did not take a message; says for which channel, and what Slack answered."""


@cache
def _settings() -> Settings:
    return settings.load(Settings)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Post what SNS hands over. Answers the channels.

    Raises:
        SlackError: Slack did not take a message.
    """
    posted = []
    for post in posts(event):
        _send(post, _webhook(post.channel))
        logger.info("posted", extra={"channel": post.channel, "message_id": post.message_id})
        posted.append(post.channel)
    return {"posted": posted}


def _webhook(channel: str) -> str:
    name = f"{_settings().parameter_prefix}{channel}"
    return str(parameters.get_parameter(name, decrypt=True, max_age=WEBHOOK_SECONDS))


def _send(post: Post, webhook: str) -> None:
    client = WebhookClient(
        webhook,
        timeout=TIMEOUT_SECONDS,
        logger=_quiet,
        retry_handlers=[
            ConnectionErrorRetryHandler(max_retry_count=TRIES_AGAIN),
            RateLimitErrorRetryHandler(max_retry_count=TRIES_AGAIN),
            ServerErrorRetryHandler(max_retry_count=TRIES_AGAIN),
        ],
    )
    try:
        answer = client.send_dict(body(post))
    except (OSError, HTTPException) as error:
        # Those of urllib and of sockets say what failed, and not the URL, as others may.
        reason = f": {error}" if isinstance(error, OSError) else ""
        raise SlackError(f"the Slack channel {post.channel} was not reached: {type(error).__name__}{reason}") from None
    if answer.status_code != 200:
        raise SlackError(
            f"Slack answered {answer.status_code} {answer.body[:200]!r} for the channel {post.channel}. "
            "What to do: docs/runbook.md#function-errors"
        )
