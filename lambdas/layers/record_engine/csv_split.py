"""Cuts CSV text into records, byte by byte as docs/semantics.md, section 1.4, has them, but in leaps.

A record ends at the first line end outside quotes. What has no such end within the bound of a record, or before the
end of the file, is no record: its first line is one by itself, and reading goes on with the next line.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from record_engine.text_records import MALFORMED, TOO_LONG

QUOTE, LF, CR = b'"', b"\n", 0x0D

State = Literal["start", "unquoted", "quoted"]
START: State = "start"
UNQUOTED: State = "unquoted"
QUOTED: State = "quoted"
"""Where in a record the reader is: at the start of a value, in one (or after its closing quote), or inside quotes."""


def blanks_but(delimiter: bytes) -> bytes:
    """The blanks that may stand after a closing quote."""
    return b" \t".replace(delimiter, b"")


@dataclass
class Records:
    """Records in their order, without line ends: those to be parsed, and those that are refused as they stand."""

    raws: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    quoted: bool = False
    refused: list[tuple[int, bytes, str]] = field(default_factory=list)

    def add_lines(self, text: bytes, line: int, max_record_bytes: int) -> int:
        """Add whole lines, each a record unless it has no text; returns how many lines they are."""
        found = (text.replace(b"\r\n", LF) if b"\r" in text else text).split(LF)
        found.pop()
        numbers = range(line, line + len(found))
        if len(text) <= max_record_bytes and b"" not in found:
            self.raws += found
            self.lines += numbers
            return len(found)
        for number, raw in zip(numbers, found, strict=True):
            if len(raw) > max_record_bytes:
                self.refused.append((number, raw[:max_record_bytes], TOO_LONG))
            elif raw:
                self.raws.append(raw)
                self.lines.append(number)
        return len(found)


class Splitter:
    """Cuts the text of one file; it remembers how far it has looked in vain, so that no quote is looked at for ever.

    `columns` is the number of values that a record has to have; of the header it is not known yet (None).
    """

    def __init__(self, delimiter: str, max_record_bytes: int) -> None:
        self._delimiter = delimiter.encode()
        self._max = max_record_bytes
        self._blanks = blanks_but(self._delimiter)
        self._value_end = re.compile(rb"%b|\n" % re.escape(self._delimiter))
        self._well_formed: re.Pattern[bytes] | None = None
        # Where a record begins of which no end is known, how far it was looked for, and in which state it is there.
        self._open: tuple[int, int, State] | None = None

    def expect(self, columns: int) -> None:
        """Say how many values a record of the file has."""
        delimiter = re.escape(self._delimiter)
        blanks = rb"[%b]*+" % self._blanks
        quoted = rb'"[^"]*+(?:""[^"]*+)*+"' + blanks
        plain = rb'(?!["\n]|%b)(?:(?!%b)[^\n])*+' % (delimiter, delimiter)
        if len(self._delimiter) == 1:
            plain = rb'[^"\n%b][^\n%b]*+' % (delimiter, delimiter)
        value = rb"(?:%b|%b|)" % (quoted, plain)
        rest = rb"(?:%b%b){%d}" % (delimiter, value, columns - 1)
        self._well_formed = re.compile(value + rest + rb"\r?+\n")

    def split(self, data: bytes, base: int, line: int, *, ended: bool) -> tuple[Records, int, int]:
        """Cut what is whole of a text that begins with a record; returns records, bytes and lines that are done with.

        Args:
            data: the text; every line has an end if it is `ended`.
            base: where in the file it begins; positions in the file tell one look from the next.
            line: the number of its first line.
            ended: whether it reaches to the end of the file.
        """
        assert self._well_formed is not None, "expect() comes first"
        found, at, first = Records(), 0, line
        stop = data.rfind(LF) + 1
        while at < stop:
            quote = data.find(QUOTE, at, stop)
            begin = stop if quote < 0 else data.rfind(LF, at, quote) + 1 or at
            if begin > at:
                line += found.add_lines(data[at:begin], line, self._max)
                at = begin
                continue
            line_end = data.find(LF, at) + 1
            if line_end - at <= self._max and self._well_formed.match(data, at, line_end):
                end = line_end
            else:
                known = self.record_end(data, at, base, ended=ended)
                if known is None:
                    break
                end = known
            line += self._add(found, data, at, end, line_end, line)
            at = end or line_end
        return found, at, line - first

    def _add(self, found: Records, data: bytes, at: int, end: int, line_end: int, line: int) -> int:
        """Add the record from `at` to `end`, or, where that is 0, its first line alone; returns its lines."""
        stop = (end or line_end) - 1
        raw = data[at : stop - (stop > at and data[stop - 1] == CR)]
        if end and self._is_well_formed(data, at, end):
            found.raws.append(raw)
            found.lines.append(line)
            found.quoted = True
        elif len(raw) > self._max:
            found.refused.append((line, raw[: self._max], TOO_LONG))
        elif raw:
            found.refused.append((line, raw, MALFORMED))
        return data.count(LF, at, end) if end else 1

    def _is_well_formed(self, data: bytes, at: int, end: int) -> bool:
        assert self._well_formed is not None
        match = self._well_formed.match(data, at, end)
        return match is not None and match.end() == end

    def record_end(self, data: bytes, at: int, base: int, *, ended: bool) -> int | None:
        """Where the record that begins there ends, with its line end; 0 if it is none, None if more has to be read."""
        first_line_end = data.find(LF, at)
        most = at + self._max
        pos, state = at, START
        if self._open is not None and self._open[0] == base + at:
            pos, state = self._open[1] - base, self._open[2]
        while True:
            if pos >= len(data):
                looked_at_all = False
                break
            if state == START:
                state = QUOTED if data.startswith(QUOTE, pos) else UNQUOTED
                pos += state == QUOTED
            elif state == QUOTED:
                quote = data.find(QUOTE, pos, most + 1)
                if (
                    pos <= first_line_end
                    and not pos <= quote < first_line_end
                    and self._passed(base, at, first_line_end)
                ):
                    # An earlier look was inside quotes at this line end too, and went on from there in vain.
                    assert self._open is not None
                    pos, state, first_line_end = self._open[1] - base, self._open[2], -1
                elif quote < 0:
                    pos, looked_at_all = max(pos, min(most + 1, len(data))), len(data) > most
                    break
                elif quote + 1 >= len(data):
                    pos, looked_at_all = quote, False
                    break
                else:
                    # What follows a closing quote is looked at by `_well_formed`: here it only has to end.
                    pos, state = (quote + 2, QUOTED) if data.startswith(QUOTE, quote + 1) else (quote + 1, UNQUOTED)
            else:
                # One more than the bound, for the CR of a line end.
                match = self._value_end.search(data, pos, most + 2)
                if match is None:
                    # The delimiter may be of several bytes, of which the last are still to come.
                    pos = max(pos, min(most + 2, len(data)) - len(self._delimiter) + 1)
                    looked_at_all = len(data) >= most + 2
                    break
                end = match.start()
                if match[0] != LF:
                    pos, state = match.end(), START
                elif end - (end > at and data[end - 1] == CR) <= most:
                    return end + 1
                else:
                    pos, looked_at_all = end, True
                    break
        self._open = (base + at, base + pos, state)
        return 0 if looked_at_all or ended else None

    def _passed(self, base: int, at: int, line_end: int) -> bool:
        """Whether an earlier record without an end went on beyond a line end of this one."""
        return self._open is not None and self._open[0] < base + at and line_end < self._open[1] - base
