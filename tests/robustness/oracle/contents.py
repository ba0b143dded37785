"""1.2, 10: what a file is by its bytes, unpacked and in UTF-8."""

import bz2
import codecs
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Sequence

import pyarrow as pa


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (member,) = [each for each in archive.infolist() if not re.search(r"/$|(^|/)[._]", each.filename)]
        return archive.read(member)


def _unbzipped(content: bytes) -> bytes:
    found = b""
    while content:
        member = bz2.BZ2Decompressor()
        found += member.decompress(content)
        if not member.eof:
            raise EOFError("cut off")
        content = member.unused_data.lstrip(b"\0")
    return found


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bzip2": _unbzipped,
    "zstd": lambda content: pa.CompressedInputStream(pa.BufferReader(content), "zstd").read(),
    "zip": _unzipped,
}


OTHERS = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|%PDF-|\x7fELF|\xd0\xcf\x11\xe0|Obj\x01|ORC[\n\x08]|ARROW1\0|SQLite format 3\0|"
    rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\xfd7zXZ\0|\x04\x22\x4d\x18|\xff\x06\0\0sNaPpY"
)


def packing_of(content: bytes) -> str | None:
    begins = [("gzip", b"\x1f\x8b\x08"), ("bzip2", b"BZh"), ("zstd", b"\x28\xb5\x2f\xfd"), ("zip", b"PK\x03\x04")]
    begins.append(("zip", b"PK\x05\x06"))
    return next((name for name, begin in begins if content.startswith(begin)), None)


def format_of(name: str, beginning: bytes, encoding: str, formats: Sequence[str]) -> tuple[str, str | None]:
    """1.2: the format of an unpacked content; and why it is refused."""
    if beginning.startswith(b"PAR1"):
        return "parquet", None
    hint = re.search(r"\.(csv|tsv|jsonl|ndjson|json|parquet|parq)(\.(gz|gzip|bz2|zst|zstd|zip))*$", name)
    said = {"c": "csv", "t": "csv", "j": "jsonl", "n": "jsonl", "p": "parquet"}[hint[1][0]] if hint else None
    text = beginning.decode(encoding, "replace").removeprefix("\ufeff")
    controls = [
        character
        for character in text
        if (character <= "\x1a" and character not in "\t\n\r\f\x01") or character in "\x7f\ufffd"
    ]
    if said == "parquet" and (controls or not beginning):
        return "parquet", None
    if packing_of(beginning) or OTHERS.match(beginning) or (len(controls) > 16 and 20 * len(controls) > len(text)):
        return "csv", "not_text"
    kinds = [each for each in formats if each != "parquet"]
    if re.match(r"\s*(\{\s*[\"}]|\[\s*[{\]])", text) and ("jsonl" in formats or said is None):
        return "jsonl", None
    return said if said in ("csv", "jsonl") else kinds[0] if kinds else "csv", None


def in_utf8(content: bytes, encoding: str) -> bytes:
    """10.3: the text in UTF-8; a byte that is none is half a surrogate pair."""
    text, at = "", 0
    while at < len(content):
        try:
            text += content[at:].decode(encoding)
            break
        except UnicodeDecodeError as error:
            text += content[at : at + error.start].decode(encoding)
            wrong = content[at + error.start : at + error.end]
            text += "".join(chr(0xDC00 + byte) for byte in wrong)
            at += error.end
            if encoding == "utf-16":
                # The mark is read; what follows has the same order.
                encoding = "utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    return text.encode("utf-8", "surrogatepass")
