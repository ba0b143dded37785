"""Cuts JSON text into records, where objects do not stand each on its own line (docs/semantics.md, section 1.5)."""

import json
import re
from typing import Literal

from record_engine.csv_split import Records
from record_engine.text_records import TOO_LONG

Layout = Literal["lines", "objects", "array"]
BLANKS = re.compile(r"[ \t\r\n]*")
BETWEEN = {"objects": BLANKS, "array": re.compile(r"[ \t\r\n,\[\]]*")}
"""What may stand between objects."""

TOKEN = re.compile(
    r"""[ \t\r\n]+|(?P<text>"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*")|(?P<mark>[{}\[\]:,])|(?P<word>[^ \t\r\n{}\[\]:,"'\\]+)"""
)
"""What JSON is made of, and words that are none of it. No backslash or apostrophe outside of texts."""
OPENS = {"}": "{", "]": "["}

_find = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


def layout_of(beginning: str, *, is_whole: bool) -> Layout:
    """How the objects of a text stand in it; `is_whole` says that the beginning is all of the text."""
    at = BLANKS.match(beginning)
    text = beginning[at.end() :] if at else beginning
    if text.startswith("["):
        return "array"
    if not text.startswith("{"):
        return "lines"
    line, ended, _ = text.partition("\n")
    try:
        end = _find(text)[1]
    except json.JSONDecodeError as error:
        # The first line is no object, but may be the beginning of one.
        return "objects" if error.pos > len(line) or not (ended or is_whole) else "lines"
    except RecursionError:
        return "lines"
    return "objects" if end > len(line) or line[end:].lstrip(" \t\r").startswith("{") else "lines"


def _sure_end(text: str, at: int, upto: int, layout: Layout, *, ended: bool) -> tuple[int | None, int]:
    """Where what is no JSON ends for sure; None where that is not sure, and the place at which this is seen."""
    opened: list[str] = []
    before = ""
    if layout == "objects" and text[at] != "{":
        return None, at
    while token := TOKEN.match(text, at, upto):
        kind, mark = token.lastgroup, token[0]
        if kind is None:
            at = token.end()
            continue
        if kind == "text":
            is_good = before in ("", *"{[,:")
        elif before == "text" and mark not in (*":,]}",):
            is_good = False
        elif mark in OPENS:
            is_good = bool(opened) and opened.pop() == OPENS[mark]
        elif mark in ("{", "["):
            is_good = before in (("", ":") if opened[-1:] != ["["] else ("[", ","))
            opened.append(mark)
        else:
            is_good = bool(opened) or kind == "word"
        if not is_good:
            return None, at
        at = token.end()
        if not opened:
            blanks = BLANKS.match(text, at, upto)
            following = blanks.end() if blanks else at
            closes = ended and following == len(text)
            is_sure = closes or (following < upto and text[following] in (",]" if layout == "array" else "{"))
            return (at if is_sure else None), following
        before = mark if kind == "mark" else kind
    return None, at


class JsonSplitter:
    """Cuts the objects of one file.

    `skips` says that the last record of a block is too long, and that the rest of its line is still to come.
    """

    def __init__(self, layout: Layout, max_record_bytes: int) -> None:
        self._layout: Layout = layout
        self._between = BETWEEN[layout]
        self._max = max_record_bytes
        self._last = 0
        self._open = 0
        # What is no JSON and begins within so many bytes of the next block ends with its line: no byte is looked at
        # for a sure end twice.
        self._unsure = 0
        self.skips = False

    def split(self, data: bytes, line: int, *, ended: bool) -> tuple[Records, int]:
        """The records of a text that begins on a line, and how many of its bytes they take."""
        found = Records()
        # A character for each byte: all that JSON is made of is ASCII, and texts may be anything.
        text = data.decode("latin-1")
        at, counted = 0, 0
        self.skips = False
        while True:
            between = self._between.match(text, at)
            start = between.end() if between else at
            self._open += text.count("[", at, start) - text.count("]", at, start)
            at = start
            line += text.count("\n", counted, at)
            counted = at
            if at == len(text):
                return self._cut(found, at)
            more = not ended and len(text) - at <= self._max + 1
            end = self._object_end(text, at)
            if end is None and at >= self._unsure:
                end, seen = _sure_end(text, at, min(at + self._max, len(text)), self._layout, ended=ended)
                if end is None and not more:
                    self._unsure = seen
            if end is None:
                if more:
                    return self._cut(found, at)
                newline = text.find("\n", at)
                if newline < 0:
                    found.refused.append((self._number(line), data[at : at + self._max], TOO_LONG))
                    self.skips = True
                    self._unsure = 0
                    return found, at
                end = newline
            raw = data[at:end].removesuffix(b"\r")
            if len(raw) > self._max:
                found.refused.append((self._number(line), raw[: self._max], TOO_LONG))
            else:
                found.raws.append(raw)
                found.lines.append(self._number(line))
            at = end

    def _cut(self, found: Records, at: int) -> tuple[Records, int]:
        self._unsure = max(0, self._unsure - at)
        return found, at

    def end(self) -> Records:
        """What is left at the end of the text: a record that is none, where an array is not closed."""
        found = Records()
        if self._open > 0:
            found.raws.append(b"")
            found.lines.append(self._last + 1)
        return found

    def _object_end(self, text: str, at: int) -> int | None:
        """Where an object that begins there ends; None if none does, or none that a record may be."""
        if text[at] != "{":
            return None
        try:
            end = _find(text, at)[1]
        except (ValueError, RecursionError):
            return None
        return end if end - at <= self._max else None

    def _number(self, line: int) -> int:
        """The number of a record that begins on a line: no two records have one."""
        self._last = max(line, self._last + 1)
        return self._last
