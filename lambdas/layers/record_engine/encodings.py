"""Makes UTF-8 with LF of texts in other encodings, and of those with other line ends."""

import codecs
from collections.abc import Iterator
from itertools import chain

from pipeline_core.dialect import ANY, UTF_8


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """For each byte that is no text, half of a surrogate pair, which is no text in UTF-8 either."""
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("record_engine.surrogates", _as_surrogates)


def in_utf8(chunks: Iterator[bytes], encoding: str, line_ends: str) -> Iterator[bytes]:
    """The text of an encoding in UTF-8, with its lines ended by LF where any line end is one."""
    if encoding != UTF_8:
        chunks = _encoded(chunks, encoding)
    return _with_lf(chunks) if line_ends == ANY else chunks


def _encoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("record_engine.surrogates")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "surrogatepass")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogatepass")


def _with_lf(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chain(chunks, (b"",)):
        text = held + chunk
        # The LF of a CR LF may be still to come.
        held = b"\r" if chunk and text.endswith(b"\r") else b""
        if text := text[: len(text) - len(held)]:
            yield text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
