"""Calls that the runbook tells a person to make, where MiniStack lacks them or answers otherwise than AWS."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs, sqs

from local.patches import monkeypatch

TERM = re.compile(r'(?P<sign>[?-]?)(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))')


def install() -> None:
    """Install the adapters.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.replace(cloudwatch_logs, "_compile_filter_pattern", "raw", filter_of)
    monkeypatch.value(sqs, "_HANDLERS", dict)["StartMessageMoveTask"] = start_message_move_task


def filter_of(raw: str) -> Callable[[str], bool]:
    """What a filter pattern of CloudWatch Logs lets through: all terms, or any of those with `?`, and none with `-`.

    Upper and lower case differ; terms with `?` do not count beside others (Amazon CloudWatch Logs, "Filter pattern
    syntax for unstructured log events", 2026-11). Patterns for JSON let everything through, as in MiniStack.
    """
    pattern = (raw or "").strip()
    if not pattern or pattern.startswith("{"):
        return lambda _: True
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for term in TERM.finditer(pattern):
        terms[term["sign"]].append(term["quoted"] if term["quoted"] is not None else term["plain"])
    anything = not terms["?"] or bool(terms[""])

    def lets_through(message: str) -> bool:
        return (
            all(term in message for term in terms[""])
            and not any(term in message for term in terms["-"])
            and (anything or any(term in message for term in terms["?"]))
        )

    return lets_through


def start_message_move_task(data: dict[str, Any], _: str) -> dict[str, Any]:
    """Move all messages of a dead-letter queue back to the queue that they came from, at once."""
    source_arn = data.get("SourceArn", "")
    source = sqs._queue_by_arn(source_arn)
    if source is None:
        raise sqs._Err("ResourceNotFoundException", "The resource that you specified for SourceArn doesn't exist.")
    origins = [queue for _, queue in sqs._queues.items() if _dead_letters_of(queue) == source_arn]
    if not origins:
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    target = sqs._queue_by_arn(data["DestinationArn"]) if data.get("DestinationArn") else origins[0]
    now = time.time()
    for message in source["messages"]:
        target["messages"].append({**message, "receipt_handle": None, "visible_at": now, "receive_count": 0})
    source["messages"] = []
    sqs.esm_wake.set()
    return {"TaskHandle": str(uuid.uuid4())}


def _dead_letters_of(queue: dict[str, Any]) -> str:
    policy = queue["attributes"].get("RedrivePolicy")
    return str(json.loads(policy).get("deadLetterTargetArn", "")) if policy else ""
