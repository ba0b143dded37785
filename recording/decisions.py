"""What an emulator decided about permissions, request by request, as its log has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENFORCEMENT: Final = """\
| request | checked locally | by |
|---|---|---|
| the job's `s3://` paths | yes, object by object | local/glue/mirror.py |
| signed requests of Lambda functions and of the Glue job (boto3) | yes | MiniStack |
| S3's 403 instead of 404 to who may not list the bucket | yes (MiniStack: no) | local/patches/s3_absence.py |
| what the state machine calls | yes (MiniStack: no) | local/step_functions/tasks.py |
| what a crawler reads and writes | yes | local/glue/crawler.py |
| what Athena reads and writes for its caller | yes (MiniStack: no) | local/athena/access.py |
| EventBridge to SQS, SNS, Lambda: resource and key policies | yes (MiniStack: no) | local/iam/service_policies.py |
| CloudWatch alarms, budgets to SNS: resource and key policies | yes (MiniStack: no) | local/iam/service_policies.py |
| a function's event source mapping reading its queue | yes (MiniStack: no) | local/iam/service_policies.py |
| customer-managed keys behind S3, SQS and SNS | yes (MiniStack: no) | local/iam/keys.py |
| customer-managed keys behind DynamoDB, logs, Athena's results, Glue | no | - |
| S3 to EventBridge, dead-letter queues, log delivery, X-Ray | no | - |
| a function's log group | no: MiniStack writes it itself | - |
"""
"""Which permissions the emulator checks (Markdown, quoted in the README)."""


@dataclass(frozen=True)
class Decision:
    """One question whether a principal may do something, and the answer.

    `time` is seconds since the epoch, `deployer` is true for the account's root user, who may do everything; `via` is
    the service that asks KMS for the principal.
    """

    time: float
    principal: str
    action: str
    resource: str
    allowed: bool
    reason: str
    deployer: bool = False
    via: str = ""


def read_decisions(path: Path) -> Iterator[Decision]:
    """The decisions recorded in a log so far, in order; a log that does not exist yet has none."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Decision(**json.loads(line))


def denials(path: Path) -> list[Decision]:
    """The requests that were refused."""
    return [decision for decision in read_decisions(path) if not decision.allowed]
