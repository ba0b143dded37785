"""What an event of OpenLineage is written for: a batch's manifest, or the record of its run, has come to be in S3."""

import re
from dataclasses import dataclass

from pipeline_core.fields import DocumentError, Fields
from pipeline_core.layout import BATCHES, RUNS

START, END = "start", "end"
"""The moments of a batch: it has its manifest and is about to run; it has ended, and its run is on record."""

_KEYS = {
    START: re.compile(rf"{BATCHES}(?P<dataset>[^/]+)/(?P<batch_id>[^/]+)/manifest\.json"),
    END: re.compile(rf"{RUNS}dataset=(?P<dataset>[^/]+)/month=[^/]+/(?P<batch_id>[^/]+)\.json"),
}


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """A moment of a batch, START or END, and the key of the object that tells of it."""

    dataset: str
    batch_id: str
    moment: str
    key: str

    @classmethod
    def from_event(cls, event: object) -> "Occasion":
        """Parse S3's event "Object Created", as EventBridge delivers it.

        Raises:
            DocumentError: it does not fit, or is about an object that says nothing of a batch.
        """
        key = Fields(event, "the event of lineage").fields("detail").fields("object").text("key")
        for moment, pattern in _KEYS.items():
            if found := pattern.fullmatch(key):
                return cls(dataset=found["dataset"], batch_id=found["batch_id"], moment=moment, key=key)
        raise DocumentError(
            f"the event of lineage is about the object {key!r}; expected {BATCHES}<dataset>/<batch>/manifest.json or "
            f"{RUNS}dataset=<dataset>/month=<month>/<batch>.json"
        )
