"""S3 as the record engine's storage."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from botocore.exceptions import ClientError
from pipeline_core.documents import is_gone
from pipeline_core.job_errors import OverwrittenError
from pipeline_core.layout import split_uri, uri
from pipeline_core.manifest import ManifestFile
from pipeline_core.quarantine import version_argument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUFFER_BYTES = 4 * 1024 * 1024
"""Bytes of an object that are asked for at a time."""


class TooLargeError(Exception):
    """There is more to read than a function should; the Glue job does the batch."""


class S3Store:
    """Objects of S3, read in ranges. Files of a manifest are read at the version that it names.

    Args:
        s3: a client.
        most_bytes: of files and of the published table that are read; beyond that a TooLargeError is raised.
    """

    def __init__(self, s3: "S3Client", most_bytes: int) -> None:
        self._s3, self._left = s3, most_bytes
        self._own: set[str] = set()

    def open_file(self, file: ManifestFile) -> BinaryIO:
        """Open a landed file.

        Raises:
            OverwrittenError: the version that the manifest names is gone; the next tick finds out what became of it.
        """
        _, key = split_uri(file.uri)
        # What was copied beside the staged files has a version of its own.
        version = file.version if key == file.key else ""
        try:
            return self._open(file.uri, version)
        except ClientError as error:
            if not is_gone(error):
                raise
            raise OverwrittenError(f"{file.uri} version {file.version} was deleted before it was read") from error

    def open_read(self, uri: str) -> BinaryIO:
        """Open an object that the pipeline has written."""
        return self._open(uri, "")

    def _open(self, uri: str, version: str) -> BinaryIO:
        bucket, key = split_uri(uri)
        which = version_argument(version) if version else {}
        size = self._s3.head_object(Bucket=bucket, Key=key, **which)["ContentLength"]

        def read(first: int, last: int) -> bytes:
            # What it has staged is looked at again, and is no more than was read.
            self._left -= 0 if uri in self._own else last + 1 - first
            if self._left < 0:
                raise TooLargeError(f"more than the bytes that a function should read; {uri} is not read to its end")
            wanted = f"bytes={first}-{last}"
            return self._s3.get_object(Bucket=bucket, Key=key, Range=wanted, **which)["Body"].read()

        return cast(BinaryIO, io.BufferedReader(_Ranges(size, read), BUFFER_BYTES))

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


class _Ranges(io.RawIOBase):
    """An object that is read in ranges of bytes."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._read, self._at = size, read, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # any writable buffer
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        found = self._read(self._at, self._at + wanted - 1)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


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
