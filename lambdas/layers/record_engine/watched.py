"""Tells what is wrong with a content from what its storage has failed at."""

from typing import Any, BinaryIO


class UnreadableError(Exception):
    """The content of a file cannot be read; the message is the problem of the file, for its report."""


class Watched:
    """A stream that remembers what its storage raised, so that it is not taken for damage of the content."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: BaseException | None = None
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Read, as the stream does."""
        found: bytes = self._try(self._stream.read, size)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek, as the stream does."""
        return int(self._try(self._stream.seek, offset, whence))

    def tell(self) -> int:
        """Tell, as the stream does."""
        return int(self._try(self._stream.tell))

    def readable(self) -> bool:
        """It is read only."""
        return True

    def seekable(self) -> bool:
        """Parquet begins at its end."""
        return True

    def writable(self) -> bool:
        """It is read only."""
        return False

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """It is closed by who opened it."""

    def _try(self, call: Any, *arguments: int) -> Any:
        try:
            return call(*arguments)
        except BaseException as error:
            self.failure = error
            raise
