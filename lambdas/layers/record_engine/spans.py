"""Cuts large text files at line ends into spans, which are read by themselves.

Two looks: `survey` counts the lines of a range of bytes, and sees whether there is a quote in it; `spans` makes of all
ranges of a file the spans that can be read. A CSV file with a quote anywhere is not cut: a quoted value may have lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from record_engine.csv_split import LF, QUOTE


@dataclass(frozen=True)
class Span:
    """A part of a text file that holds whole lines: bytes `start` to before `end`, and the number of its first line."""

    start: int
    end: int
    line: int


@dataclass(frozen=True)
class Survey:
    """What a range of bytes has: how many lines begin in it, where the first one does, and whether there is a quote."""

    lines: int
    first: int
    quoted: bool


def survey(stream: BinaryIO, start: int, end: int, read_bytes: int) -> Survey:
    """Look at the bytes from `start` to before `end` of a file.

    A line begins at byte 0, and after each line end, also after one that is the last byte before the range.
    """
    at = max(0, start - 1)
    stream.seek(at)
    lines, first, quoted = (1, 0, False) if start == 0 else (0, -1, False)
    while at < end and (chunk := stream.read(min(read_bytes, end - at))):
        quoted = quoted or QUOTE in chunk
        # A line that begins at `end` is the next range's.
        ended = chunk[: end - 1 - at] if at + len(chunk) >= end else chunk
        if first < 0 and (found := ended.find(LF)) >= 0:
            first = at + found + 1
        lines += ended.count(LF)
        at += len(chunk)
    return Survey(lines, first, quoted)


def spans(surveys: Sequence[Survey], size: int) -> list[Span]:
    """The spans of a file of `size` bytes whose ranges, in their order, were surveyed."""
    begun = [(found.first, found.lines) for found in surveys if found.lines]
    line, found = 1, []
    for (start, lines), (end, _) in pairwise([*begun, (size, 0)]):
        if start < end:
            found.append(Span(start, end, line))
        line += lines
    return found
