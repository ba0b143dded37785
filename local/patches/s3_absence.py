"""What S3 says of an object that is not there: 404 to who may list the bucket, 403 to everybody else.

AWS's reference of GetObject and HeadObject says so (2026-11): which error S3 returns for an object that does not exist
depends on whether the caller has s3:ListBucket, too. MiniStack always says 404.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import error_response_xml, get_account_id
from ministack.services import s3

from local.patches import monkeypatch

_ABSENT = (b"<Code>NoSuchKey</Code>", b"<Code>NoSuchVersion</Code>")
_LIST = "s3:ListBucket"

Response = tuple[int, dict[str, str], Any]


def install() -> None:
    """Install the adapter, after that of the decisions, which it asks.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(router, "extract_access_key_id", "headers, query_params")
    monkeypatch.function(router, "extract_region", "headers, query_params")
    monkeypatch.function(router, "detect_service", "method, path, headers, query_params")
    monkeypatch.value(s3, "_buckets", object)

    async def dispatch(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any, request_id: str
    ) -> Response:
        answer: Response = await original(method, path, headers, body, query_params, request_id)
        if answer[0] != 404 or router.detect_service(method, path, headers, query_params) != "s3":
            return answer
        # The answer to a HEAD has no body that could say what is not there.
        if method != "HEAD" and not any(code in answer[2] for code in _ABSENT):
            return answer
        region, account = router.extract_region(headers), get_account_id()
        asked = iam_actions.extract_resource_arn("s3", method, path, headers, body, query_params, region, account)
        bucket = looked_in(headers, asked)
        if bucket.rpartition(":")[2] not in s3._buckets:
            return answer
        return _as_seen_by(router.extract_access_key_id(headers, query_params), region, bucket, answer)

    parameters = "method, path, headers, body, query_params, request_id"
    original = monkeypatch.replace(app, "_dispatch_service_request", parameters, dispatch)


def looked_in(headers: dict[str, str], resource: str) -> str:
    """The ARN of the bucket in which the object is not: the source's of a copy, otherwise that of the request."""
    if source := headers.get("x-amz-copy-source"):
        return f"arn:aws:s3:::{unquote(source).lstrip('/').partition('/')[0]}"
    return resource.partition("/")[0]


def _as_seen_by(access_key: str | None, region: str, bucket: str, absent: Response) -> Response:
    denied = iam_evaluator.enforce(access_key or "", _LIST, "s3", region, resource_arn=bucket)
    if denied is None:
        return absent
    message = f"Access Denied: not authorized to perform: {_LIST} on resource: {bucket}, so S3 does not say what exists"
    refused: Response = error_response_xml("AccessDenied", message, 403)
    return refused
