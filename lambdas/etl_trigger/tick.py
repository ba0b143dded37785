"""What etl_trigger is asked, and what it answers."""

from dataclasses import dataclass
from typing import Any

from pipeline_core.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A request to turn pending files into batches: of one dataset, or of all where `dataset` is None.

    With `parts_only` only files of a batch that was split are taken; everything else waits for the schedule.
    """

    dataset: str | None = None
    parts_only: bool = False

    @classmethod
    def from_event(cls, event: object) -> "Tick":
        """Parse the event of the function."""
        document = Fields(event, "the tick")
        return cls(
            dataset=document.text("dataset") if "dataset" in document else None,
            parts_only=document.flag("parts_only", False),
        )


@dataclass(frozen=True, kw_only=True)
class StartedBatches:
    """The ids of the batches that a tick started."""

    batches: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        """Write it as the function's answer."""
        return {"batches": list(self.batches)}
