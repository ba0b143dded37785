"""What a file is, by its first bytes: names are hints only (docs/semantics.md, section 1.2). Standard library only."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

HEAD_BYTES = 4096
"""Bytes at the beginning of a content that its format is told by."""

GZIP, BZIP2, ZSTD, ZIP = "gzip", "bzip2", "zstd", "zip"
PACKINGS = {
    GZIP: re.compile(rb"\x1f\x8b\x08"),
    BZIP2: re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    ZSTD: re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    ZIP: re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
}
"""How a packed file begins: RFC 1952, bzip2's own format, RFC 8878 (a frame, or one to be skipped), and .ZIP (4.3)."""

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".parq": "parquet",
}
"""Endings of names that hint at a format; below them may be one of a packing."""
PACKED_ENDINGS = (".gz", ".gzip", ".bz2", ".zst", ".zstd", ".zip")

PARQUET = b"PAR1"
OTHERS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document",
    b"Obj\x01": "Avro",
    b"ORC\n": "ORC",
    b"ORC\x08": "ORC",
    b"ARROW1\0": "an Arrow file",
    b"SQLite format 3\0": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\xfd7zXZ\0": "packed by xz",
    b"\x04\x22\x4d\x18": "packed by lz4",
    b"\xff\x06\0\0sNaPpY": "packed by Snappy",
}
"""Beginnings of contents that no contract reads, and what they are."""

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

CONTROL = re.compile(r"[\0\x02-\x08\x0b\x0e-\x1a\x7f\ufffd]")
"""What text does not have: controls that are neither blanks, nor line ends, nor delimiters of Hive, nor an escape."""
FEW_CONTROLS = 16
"""So many of them a text may have; with more, it must be less than a twentieth of it."""

JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[{\]])")


@dataclass(frozen=True)
class Found:
    """The format of a content, and why no contract reads it, as `code: what`, if none does."""

    format: str
    problem: str | None = None


def packing_of(head: bytes) -> str:
    """What packs a file that begins so; nothing, if it is not packed."""
    return next((name for name, begins in PACKINGS.items() if begins.match(head)), "")


def hint_of(key: str) -> str:
    """The format that a key's ending hints at; nothing, if it says none."""
    name = key.lower()
    for ending in PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return next((found for ending, found in ENDINGS.items() if name.endswith(ending)), "")


def encoding_of(head: bytes, encoding: str) -> str:
    """The encoding of a text that begins so, where the contract says one.

    A mark tells UTF-16 and UTF-32 from UTF-8, and the order of their bytes; without one, the last comes first.
    """
    if encoding == "utf-8":
        if head.startswith(UTF_32_MARKS):
            return "utf-32"
        return "utf-16" if head.startswith(UTF_16_MARKS) else encoding
    marks = {"utf-16": UTF_16_MARKS, "utf-32": UTF_32_MARKS}.get(encoding)
    return f"{encoding}-le" if marks and not head.startswith(marks) else encoding


def format_of(beginning: bytes, hint: str, formats: Sequence[str], encoding: str) -> Found:
    """The format of an unpacked content.

    Args:
        beginning: its first `HEAD_BYTES`.
        hint: the format that its name says, if it says one.
        formats: those of the contract; of the text formats, the first is that of a text that says nothing itself.
        encoding: of the contract's text files.
    """
    found = _format_of(beginning, hint, formats, encoding)
    if found.problem is None and found.format not in formats:
        allowed = ", ".join(formats)
        return Found(found.format, f"unknown_format: {found.format} is not among the contract's formats: {allowed}")
    return found


def _format_of(beginning: bytes, hint: str, formats: Sequence[str], encoding: str) -> Found:
    if beginning.startswith(PARQUET):
        return Found("parquet")
    texts = [name for name in formats if name != "parquet"]
    text = text_of(beginning, encoding_of(beginning, encoding))
    controls = len(CONTROL.findall(text))
    if hint == "parquet" and (controls or not beginning):
        return Found("parquet")
    what = _binary(beginning) or ("binary" if controls > max(FEW_CONTROLS, len(text) // 20) else None)
    guess = hint if hint in ("csv", "jsonl") else next(iter(texts), "csv")
    if what:
        wanted = ", ".join(formats)
        return Found(guess, f"not_text: the content is {what}; the contract's formats are {wanted}")
    if JSON.match(text) and ("jsonl" in formats or not hint):
        return Found("jsonl")
    return Found(guess)


def _binary(beginning: bytes) -> str | None:
    if packing := packing_of(beginning):
        return f"packed twice, by {packing} too"
    return next((what for begins, what in OTHERS.items() if beginning.startswith(begins)), None)


def text_of(beginning: bytes, encoding: str) -> str:
    """The text of a beginning, which may end in the middle of a character."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(beginning).removeprefix("\ufeff")
