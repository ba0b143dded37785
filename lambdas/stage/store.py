"""S3 as the record engine's storage."""

from typing import TYPE_CHECKING, BinaryIO, cast

from pipeline_core.layout import split_uri, uri
from pipeline_core.s3_files import PutWhenClosed, S3Files

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

        return cast(BinaryIO, PutWhenClosed(put))

    def list(self, prefix: str) -> list[str]:
        """Addresses of the objects that begin with an address."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return sorted(uri(bucket, item["Key"]) for page in pages for item in page.get("Contents", []))
