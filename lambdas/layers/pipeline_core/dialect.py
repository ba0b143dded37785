"""How the text files of a dataset are written, as its contract says. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MiB = 1024 * 1024
MAX_RECORD_BYTES = 16 * MiB
"""Bytes of one record of a text file, unless the contract says how many."""

UTF_8 = "utf-8"
LF, ANY = "lf", "any"
"""What ends a line: LF, with a CR before it or not; or LF, CR, and CR LF alike."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a contract says of its text files, the delimiter aside; see docs/semantics.md, section 10.

    `quote` and `escape` are one character or none, `comment` is the beginning of lines that are no records.
    """

    quote: str = '"'
    escape: str = ""
    header: bool = True
    skip_lines: int = 0
    comment: str = ""
    trim: bool = True
    encoding: str = UTF_8
    line_ends: str = LF

    @property
    def is_utf8(self) -> bool:
        """Whether files are read as they are: UTF-8, whose lines end in LF."""
        return self.encoding == UTF_8 and self.line_ends == LF

    def lines_are_records(self, kind: str) -> bool | None:
        """Whether each line of a file of a format is a record; None if each is, where the file has no quote."""
        if not self.is_utf8:
            return False
        if kind == "jsonl":
            return True
        if self.escape or self.comment or self.skip_lines:
            return False
        return None if self.quote else True


@dataclass(frozen=True, kw_only=True)
class Written:
    """How the values of a column are written in text, where it is not as docs/semantics.md, section 3, has it.

    `format` is of dates and timestamps, the separators and signs of numbers, the words of booleans.
    """

    format: str | None = None
    decimal_separator: str = "."
    thousands_separator: str = ""
    currency_signs: tuple[str, ...] = ()
    true_words: tuple[str, ...] = ("true", "1")
    false_words: tuple[str, ...] = ("false", "0")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Written":
        """Build it from the JSON document of a column."""
        said: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**said)


DEFAULT = Dialect()
