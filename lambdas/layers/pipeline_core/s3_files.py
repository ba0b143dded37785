"""Reads objects of S3 in ranges: files of a manifest at the version that it names."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from botocore.exceptions import ClientError

from pipeline_core.documents import is_gone
from pipeline_core.job_errors import OverwrittenError
from pipeline_core.layout import split_uri
from pipeline_core.manifest import ManifestFile
from pipeline_core.quarantine import version_argument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUFFER_BYTES = 4 * 1024 * 1024
"""Bytes of an object that are asked for at a time."""

Spend = Callable[[str, int], None]
"""Is told, before each range is asked for, of which object it is and how many bytes it has; may raise."""


class S3Files:
    """Objects of S3 to be read.

    Args:
        s3: a client.
        spend: told of every range before it is asked for.
    """

    def __init__(self, s3: "S3Client", spend: Spend | None = None) -> None:
        self._s3, self._spend = s3, spend

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
            if self._spend:
                self._spend(uri, last + 1 - first)
            wanted = f"bytes={first}-{last}"
            return self._s3.get_object(Bucket=bucket, Key=key, Range=wanted, **which)["Body"].read()

        return cast(BinaryIO, io.BufferedReader(_Ranges(size, read), BUFFER_BYTES))


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


class PutWhenClosed(io.BytesIO):
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
        """Put what was written, once."""
        if not self.closed:
            content = self.getvalue()
            super().close()
            self._put(content)
