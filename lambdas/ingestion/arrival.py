"""What ingestion is told: that an object version was created, or that a known one is to be read again."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline_core.content import hint_of
from pipeline_core.fields import Fields
from pipeline_core.files import LandedFile
from pipeline_core.layout import NO_PLACES, dataset_of
from pipeline_core.quarantine import UNVERSIONED


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A request to read a known file again: `what` is one of REPLAYS, `replay_id` names the request."""

    what: str
    replay_id: str


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """An object version that was created; with `replay`, an operator asks for it again."""

    file: LandedFile
    replay: Replay | None = None

    @classmethod
    def from_message(cls, body: str, places: Mapping[str, str] = NO_PLACES) -> "Arrival":
        """Parse a message of the arrivals queue: EventBridge's event "Object Created", to which `ops` adds `replay`.

        `places` are the datasets by the prefixes of their files. The keys of these events are not URL-encoded (those
        of S3's own notifications are).
        """
        event = Fields.from_json(body, "the message of the arrivals queue")
        detail = event.fields("detail")
        item = detail.fields("object")
        key = item.text("key")
        file = LandedFile(
            bucket=detail.fields("bucket").text("name"),
            key=key,
            # The bucket is versioned; before it was, or without, the tag and the order of events name the object.
            version=item.text("version-id", "") or f"{UNVERSIONED}{item.text('etag', '')}:{item.text('sequencer', '')}",
            size=item.integer("size", 0),
            landed_at=event.text("time"),
            dataset=dataset_of(key, places) or "",
            format=hint_of(key),
        )
        if "replay" not in event:
            return cls(file=file)
        replay = event.fields("replay")
        return cls(file=file, replay=Replay(what=replay.text("what"), replay_id=replay.text("id")))
