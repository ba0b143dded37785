"""Ticks: messages that have etl_trigger look at one dataset, because there may be something to claim.

The first file of a burst sends a tick that is due a window later, and marks it in the ledger; the files that come
before it is due rely on it. Whoever takes a batch out of the running ones sends a tick that is due at once.

A tick may be sent twice, and is never missing: it is sent before it is marked, and whoever relies on a mark has
written its file down before. A function that dies between any two of these steps is called again with the same
message or event, and sends again. docs/adr/0028 has the whole argument.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core import clients
from pipeline_core.fields import Fields
from pipeline_core.ledger import Ledger, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

SETTLE_SECONDS = 1
"""How much later than it is due a tick is delivered: the index of pending files follows the table within a fraction of
a second (Amazon DynamoDB, "Using global secondary indexes", 2026-11), and clocks differ by less."""

APART_MS = 500
"""A tick makes another one superfluous if it began that much later than the other one was due, by two clocks."""

LONGEST_DELAY_SECONDS = 900
"""What SQS can hold a message back (Amazon SQS, "Delay queues", 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """Sends ticks to a queue, and has them noted in the ledger's item `tick` of their dataset."""

    ledger: Ledger
    queue_url: str = ""
    clock: Callable[[], float] = time.time

    def arm(self, dataset: str, seconds: int = 0) -> None:
        """Have a dataset looked at in that many seconds, unless a tick is under way that is still to become due.

        What the tick is to find has to be in the ledger already.
        """
        at = self._now()
        if self._marked(dataset) > at:
            return
        due = at + 1_000 * seconds
        self._send(dataset, seconds, due)
        if seconds:
            # After it was sent: a mark without a message would have others rely on nothing.
            self._note(dataset, "due_at_ms", due, due)

    def send_later(self, dataset: str, seconds: int) -> None:
        """Have a dataset looked at in that many seconds as well, whatever is under way; later ones rely on none of it.

        SQS holds back no message for longer than a quarter of an hour: what waits longer is left to the schedule.
        """
        if seconds + SETTLE_SECONDS <= LONGEST_DELAY_SECONDS:
            self._send(dataset, seconds, self._now() + 1_000 * seconds)

    def take(self, dataset: str, due_at_ms: int) -> bool:
        """Begin to carry out a tick; False if another one that began after this one was due has seen all there was."""
        return self._note(dataset, "taken_at_ms", self._now(), due_at_ms + APART_MS)

    def _now(self) -> int:
        return int(1_000 * self.clock())

    @property
    def _table(self) -> "Table":
        return self.ledger.table

    def _marked(self, dataset: str) -> int:
        found: Any = self._table.get_item(Key=_key(dataset), ConsistentRead=True).get("Item", {})
        return Fields(found, "the ledger's item of a dataset's tick").integer("due_at_ms", 0)

    def _send(self, dataset: str, seconds: int, due_at_ms: int) -> None:
        clients.sqs().send_message(
            QueueUrl=self.queue_url,
            MessageBody=json.dumps({"dataset": dataset, "due_at_ms": due_at_ms}),
            DelaySeconds=seconds + SETTLE_SECONDS,
        )

    def _note(self, dataset: str, name: str, value: int, limit: int) -> bool:
        """Write a time down where the one that is there is none, or earlier than `limit`."""
        answer = write(
            lambda: self._table.update_item(
                Key=_key(dataset),
                UpdateExpression="SET #name = :value",
                ConditionExpression="attribute_not_exists(#name) OR #name < :limit",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": value, ":limit": limit},
            )
        )
        return answer is not None


def _key(dataset: str) -> dict[str, str]:
    return {"pk": f"dataset#{dataset}", "sk": "tick"}
