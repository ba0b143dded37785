"""Opens files, and hands out their text in windows that are cut by whoever reads them."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from typing import BinaryIO

from pipeline_core.manifest import ManifestFile

from record_engine.spans import Span

OpenFile = Callable[[ManifestFile], BinaryIO]
"""Opens a file of the manifest, at the version that it names, from its first byte; it can be sought in.

It raises whatever its storage raises: the engine passes it on, and never takes it for a fault of the file.
"""


def packed_chunks(stream: BinaryIO, read_bytes: int) -> Iterator[bytes]:
    """The bytes of a stream, as many at a time as one read gives."""
    while chunk := stream.read(read_bytes):
        yield chunk


def chunks_of(stream: BinaryIO, span: Span, read_bytes: int) -> Iterator[bytes]:
    """The bytes of a span of a stream, as many at a time as one read gives."""
    stream.seek(span.start)
    left = span.end - span.start
    while left > 0 and (chunk := stream.read(min(read_bytes, left))):
        yield chunk
        left -= len(chunk)


class Window:
    """The part of a text that is looked at: it grows at its end by `fill`, and loses its beginning by `drop`.

    At the end of the text a line end is added if there is none, so that every line has one. `line` is the number of the
    first line; only at line 1 a byte order mark is none of the text.
    """

    def __init__(self, chunks: Iterator[bytes], line: int = 1) -> None:
        self._chunks = chunks
        self.data = b""
        self.base = 0
        self.line = line
        self.ended = False
        self._read(len(BOM_UTF8))
        if line == 1:
            self.data = self.data.removeprefix(BOM_UTF8)
        self._end_last_line()

    def fill(self, size: int) -> None:
        """Have at least `size` bytes, or all that are left."""
        if not self.ended and len(self.data) < size:
            self._read(size)
            self._end_last_line()

    def _read(self, size: int) -> None:
        parts, have = [self.data], len(self.data)
        while have < size and not self.ended:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
            else:
                parts.append(chunk)
                have += len(chunk)
        self.data = b"".join(parts)

    def _end_last_line(self) -> None:
        if self.ended and self.data and not self.data.endswith(b"\n"):
            self.data += b"\n"

    def drop(self, size: int, lines: int) -> None:
        """Have done with the first bytes, which hold so many line ends."""
        self.data = self.data[size:]
        self.base += size
        self.line += lines

    def skip_line(self) -> None:
        """Have done with the first line, however long it is, without holding it."""
        while (end := self.data.find(b"\n")) < 0:
            self.drop(len(self.data), 0)
            if self.ended:
                return
            self.fill(1)
        self.drop(end + 1, 1)
