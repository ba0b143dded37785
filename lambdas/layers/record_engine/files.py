"""Opens files, unpacks gzip, and hands out text in windows that are cut by whoever reads them.

What goes wrong while bytes are fetched is the platform's failure and is raised as it is; what is wrong with the bytes
is said of the file (`UnreadableError`).
"""

import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from typing import BinaryIO

from pipeline_core.layout import MAX_EXPANSION, format_of
from pipeline_core.manifest import ManifestFile

from record_engine.spans import Span

OpenFile = Callable[[ManifestFile], BinaryIO]
"""Opens a file of the manifest, at the version that it names, from its first byte; seekable where it is Parquet.

It raises whatever its storage raises: the engine passes it on, and never takes it for a fault of the file.
"""

UNPACK_BYTES = 1024 * 1024


class UnreadableError(Exception):
    """The content of a file cannot be read; the message is the problem of the file, for its report."""


def is_gzipped(file: ManifestFile) -> bool:
    """Whether the file's name says that its content is gzip."""
    found = format_of(file.key)
    return found is not None and found[1]


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


def unpacked_chunks(packed: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, at most `UNPACK_BYTES` at a time.

    Zeros after the last member are padding, as every gzip reader has them.

    Raises:
        UnreadableError: it is damaged, cut off, or followed by something else.
    """
    member = zlib.decompressobj(wbits=31)
    begun = padded = False
    for chunk in packed:
        rest = chunk
        while rest:
            if not begun and padded:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
            begun = True
            yield _unpack(member, rest)
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member, begun, padded = zlib.decompressobj(wbits=31), False, True
    while begun and not member.eof:
        # What zlib still holds back of the last bytes.
        if not (content := _unpack(member, member.unconsumed_tail)) and not member.eof:
            raise UnreadableError("unreadable: the gzip file is cut off")
        yield content


def _unpack(member: "zlib._Decompress", packed: bytes) -> bytes:
    try:
        return member.decompress(packed, UNPACK_BYTES)
    except zlib.error as error:
        raise UnreadableError(f"unreadable: the gzip file is damaged: {error}") from error


def gzip_problem(file: ManifestFile, open_file: OpenFile, read_bytes: int) -> str | None:
    """Unpack a gzip file once and throw it away; the reason why it cannot be read, if it cannot.

    What is wrong with it may come last, when its records would be out already.
    """
    unpacked, most = 0, MAX_EXPANSION * file.size
    try:
        with open_file(file) as stream:
            for content in unpacked_chunks(packed_chunks(stream, read_bytes)):
                unpacked += len(content)
                if unpacked > most:
                    return f"gzip_bomb: the content unpacks to more than {MAX_EXPANSION} times its size"
    except UnreadableError as problem:
        return str(problem)
    return None


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
