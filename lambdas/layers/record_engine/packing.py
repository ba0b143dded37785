"""Unpacks files: gzip, bzip2, zstd, and zip with one file in it.

What goes wrong while bytes are fetched is the platform's failure and is raised as it is; what is wrong with the bytes
is said of the file (`UnreadableError`).
"""

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
from pipeline_core.content import BZIP2, GZIP, ZSTD
from pipeline_core.layout import MAX_EXPANSION, ignored_because

from record_engine.files import packed_chunks
from record_engine.watched import UnreadableError, Watched

UNPACK_BYTES = 1024 * 1024
OFFICE = "[Content_Types].xml"
ENCRYPTED = 0x1
"""Bit of a zip member's flags (.ZIP File Format Specification 4.4.4)."""


def unpacked(packing: str, stream: BinaryIO, read_bytes: int) -> Iterator[bytes]:
    """The content of a packed file, at most `UNPACK_BYTES` at a time.

    Raises:
        UnreadableError: it is damaged, cut off, or followed by something else.
    """
    if packing == GZIP:
        return ungzipped(packed_chunks(stream, read_bytes))
    if packing == BZIP2:
        return unbzipped(packed_chunks(stream, read_bytes))
    return _decoded(_unzstd if packing == ZSTD else _unzipped, packing, stream)


def packing_problem(packing: str, stream: BinaryIO, size: int, read_bytes: int) -> str | None:
    """Unpack a file of a size once and throw it away; the reason why it cannot be read, if it cannot.

    What is wrong with it may come last, when its records would be out already.
    """
    done, most = 0, MAX_EXPANSION * size
    try:
        for content in unpacked(packing, stream, read_bytes):
            done += len(content)
            if done > most:
                return f"{packing}_bomb: the content unpacks to more than {MAX_EXPANSION} times its size"
    except UnreadableError as problem:
        return str(problem)
    return None


def ungzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
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


def unbzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a bzip2 file of one or more streams, with zeros after the last as padding."""
    member = bz2.BZ2Decompressor()
    begun = padded = False
    for chunk in packed:
        rest = chunk
        while rest or (begun and not member.needs_input):
            if not begun and padded:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
            begun = True
            try:
                yield member.decompress(rest, UNPACK_BYTES)
            except (OSError, ValueError) as error:
                raise UnreadableError(f"unreadable: the bzip2 file is damaged: {error}") from error
            rest = b""
            if member.eof:
                rest = member.unused_data
                member, begun, padded = bz2.BZ2Decompressor(), False, True
    if begun:
        raise UnreadableError("unreadable: the bzip2 file is cut off")


def _decoded(unpack: Any, packing: str, stream: BinaryIO) -> Iterator[bytes]:
    """Unpack with a library that reads for itself; what goes wrong is the content's, unless the storage has failed."""
    source: Any = Watched(stream)
    try:
        yield from unpack(source)
    except UnreadableError:
        raise
    except (
        *(pa.ArrowException, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
        *(OSError, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError),
    ) as error:
        if source.failure is not None:
            raise source.failure from error
        said = " ".join(str(error).split())[:200]
        raise UnreadableError(f"unreadable: the {packing} file is damaged, or cut off: {said}") from error


def _unzstd(source: Any) -> Iterator[bytes]:
    # pyarrow's stubs have no such class of its own streams.
    stream: Any = pa.CompressedInputStream(pa.PythonFile(source, "r"), "zstd")
    while content := stream.read(UNPACK_BYTES):
        yield content


def _unzipped(source: Any) -> Iterator[bytes]:
    with zipfile.ZipFile(source) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if any(member.filename == OFFICE for member in members):
            raise UnreadableError("unreadable: an Excel or Word document; save its table as CSV")
        members = [member for member in members if ignored_because(member.filename, member.file_size) is None]
        if len(members) != 1:
            raise UnreadableError(f"unreadable: a zip archive of {len(members)} files; pack one file in each")
        if members[0].flag_bits & ENCRYPTED:
            raise UnreadableError("unreadable: a zip archive with a password; pack it without")
        with archive.open(members[0]) as content:
            while chunk := content.read(UNPACK_BYTES):
                yield chunk
