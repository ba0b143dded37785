"""A range of an object version: where a version is named, MiniStack answers all of it, S3 the range."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_xml
from ministack.services import s3

from local.patches import monkeypatch

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    span = monkeypatch.function(s3, "_parse_range", "range_header, total")

    def get_object(bucket_name: str, key: str, headers: dict[str, str], query_params: Any = None) -> Response:
        answer: Response = original(bucket_name, key, headers, query_params)
        status, found, body = answer
        asked = headers.get("range")
        # What MiniStack has cut already has the status 206.
        if asked is None or status != 200:
            return answer
        cut = span(asked, len(body))
        if cut is None:
            refused: Response = error_response_xml("InvalidRange", "The requested range is not satisfiable", 416)
            return refused
        first, last = cut
        part = {"Content-Length": str(last + 1 - first), "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        # The checksum of the whole does not come with a part of it.
        kept = {name: value for name, value in found.items() if not name.lower().startswith("x-amz-checksum")}
        return 206, {**kept, **part}, body[first : last + 1]

    original = monkeypatch.replace(s3, "_get_object", "bucket_name, key, headers, query_params", get_object)
