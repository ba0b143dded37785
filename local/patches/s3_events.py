"""The version of an object in its EventBridge event, which MiniStack leaves out and AWS gives for versioned buckets."""

from __future__ import annotations

import contextvars
import functools
import json
from typing import Any

from ministack.services import eventbridge, s3

from local.patches import monkeypatch

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("pipeline_object_version", default=None)


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    parameters = (
        "bucket_name, key, event_name, size, etag, deletion_type, restore_event_data, version_id, sequencer, "
        "object_extra, record_extra"
    )
    original = monkeypatch.function(s3, "_fire_s3_event", parameters)

    @functools.wraps(original)
    def fire(*args: Any, **kwargs: Any) -> None:
        token = _version.set(kwargs.get("version_id"))
        try:
            original(*args, **kwargs)
        finally:
            _version.reset(token)

    def dispatch(event: dict[str, Any], view: Any = None) -> Any:
        version = _version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return original_dispatch(event, view)

    monkeypatch.replace(s3, "_fire_s3_event", parameters, fire)
    original_dispatch = monkeypatch.replace(eventbridge, "_dispatch_event", "event, view", dispatch)
