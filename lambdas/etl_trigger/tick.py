"""What etl_trigger is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_core.fields import DocumentError, Fields


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A request to turn pending files into batches: of one dataset, or of all where `dataset` is None.

    One that came by the queue has the time at which it was due; `again` says that it was delivered before.
    """

    dataset: str | None = None
    due_at_ms: int | None = None
    again: bool = False

    @classmethod
    def from_event(cls, event: object) -> "Tick":
        """Parse the event of the function: the schedule's, a person's, or the queue's with one message.

        Raises:
            DocumentError: it does not fit, or has several messages.
        """
        document = Fields(event, "the tick")
        if "Records" in document:
            return cls._from_records(document.items("Records"))
        return cls(dataset=document.text("dataset") if "dataset" in document else None)

    @classmethod
    def _from_records(cls, records: Sequence[Fields]) -> "Tick":
        if len(records) != 1:
            # One that failed would have the others carried out again.
            raise DocumentError(f"{len(records)} messages of the queue of ticks; the event source hands over one")
        message = Fields.from_json(records[0].text("body"), "the message of the queue of ticks")
        deliveries = int(records[0].fields("attributes").text("ApproximateReceiveCount"))
        return cls(dataset=message.text("dataset"), due_at_ms=message.integer("due_at_ms"), again=deliveries > 1)


@dataclass(frozen=True, kw_only=True)
class StartedBatches:
    """The ids of the batches that a tick started, and whether the queue had sent it."""

    batches: tuple[str, ...]
    to_queue: bool = False

    def to_document(self) -> dict[str, Any]:
        """Write it as the function's answer; the queue is told that no message failed."""
        return {"batches": list(self.batches)} | ({"batchItemFailures": []} if self.to_queue else {})
