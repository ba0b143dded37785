"""S3 as the record engine's storage."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from pipeline_core.layout import split_uri, uri
from pipeline_core.s3_files import S3Files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class TooLargeError(Exception):
    """There is more to read than a function should; the Glue job does the batch."""


class S3Store(S3Files):
    """Objects of S3, read in ranges. Files of a manifest are read at the version that it names.

    Args:
        s3: a client.
        most_bytes: of files and of the published table that are read; beyond that a TooLargeError is raised.
    """

    def __init__(self, s3: "S3Client", most_bytes: int) -> None:
        super().__init__(s3, self._take)
        self._left = most_bytes
        self._own: set[str] = set()

    def _take(self, uri: str, size: int) -> None:
        # What it has staged is looked at again, and is no more than was read.
        self._left -= 0 if uri in self._own else size
        if self._left < 0:
            raise TooLargeError(f"more than the bytes that a function should read; {uri} is not read to its end")

    def open_write(self, uri: str) -> BinaryIO:
        """Create an object; it is put when the stream is closed."""
        bucket, key = split_uri(uri)
        self._own.add(uri)

        def put(content: bytes) -> None:
            self._s3.put_object(Bucket=bucket, Key=key, Body=content)

        return cast(BinaryIO, _Written(put))

    def list(self, prefix: str) -> list[str]:
        """Addresses of the objects that begin with an address."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return sorted(uri(bucket, item["Key"]) for page in pages for item in page.get("Contents", []))


class _Written(io.BytesIO):
    """Bytes that are put when the stream is closed, but not when it is left by an exception."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put = put

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            # What is not whole must not be there.
            super().close()
        self.close()

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            super().close()
            self._put(content)
