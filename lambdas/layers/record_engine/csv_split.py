"""Cuts CSV text into records, byte by byte as docs/semantics.md, section 1.4, has them, but in leaps.

A record ends at the first line end outside quotes. What has no such end within the bound of a record, or before the
end of the file, is no record: its first line is one by itself, and reading goes on with the next line.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from pipeline_core.dialect import DEFAULT, Dialect

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

    def add_lines(self, text: bytes, line: int, max_record_bytes: int, comment: bytes = b"") -> int:
        """Add whole lines, each a record unless it has no text or is a comment; returns how many lines they are."""
        found = (text.replace(b"\r\n", LF) if b"\r" in text else text).split(LF)
        found.pop()
        numbers = range(line, line + len(found))
        if len(text) <= max_record_bytes and b"" not in found and not comment:
            self.raws += found
            self.lines += numbers
            return len(found)
        for number, raw in zip(numbers, found, strict=True):
            if comment and raw.startswith(comment):
                continue
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

    def __init__(self, delimiter: str, max_record_bytes: int, dialect: Dialect = DEFAULT) -> None:
        self._delimiter = delimiter.encode()
        self._max = max_record_bytes
        self._quote, self._escape = dialect.quote.encode(), dialect.escape.encode()
        self._comment = dialect.comment.encode()
        self.special = self._quote or self._escape
        """What makes a line more than its values with delimiters between; nothing, if nothing does."""
        self._blanks = blanks_but(self._delimiter)
        quote, escape, end = re.escape(self._quote), re.escape(self._escape), re.escape(self._delimiter)
        # Without a character behind it that is known to be all of what is escaped, an escape is looked at later.
        self._pair = rb"%b(?:%b|\r\n|[^\r]|\r(?=[^\n]))" % (escape, end)
        # Only of use where there are both.
        inside = rb"(?s:[^%b%b]*+(?:%b[^%b%b]*+)*+)" % (quote, escape, self._pair, quote, escape)
        self._inside = re.compile(inside if quote and escape else b"")
        ends = rb"%b|\n" % end
        self._escapes_all = bool(self._escape and not self._quote)
        self._value_end = re.compile(rb"(?s:%b)|%b" % (self._pair, ends) if self._escapes_all else ends)
        self._kept_back = max(len(self._delimiter), 2) if self._escapes_all else len(self._delimiter) - 1
        self._well_formed: re.Pattern[bytes] | None = None
        # Where a record begins of which no end is known, how far it was looked for, and in which state it is there.
        self._open: tuple[int, int, State] | None = None

    def expect(self, columns: int) -> None:
        """Say how many values a record of the file has."""
        delimiter, quote = re.escape(self._delimiter), re.escape(self._quote)
        if self._quote:
            blanks = rb"[%b]*+" % self._blanks
            inside = rb"[^%b]*+(?:%b%b[^%b]*+)*+" % (quote, quote, quote, quote)
            quoted = rb"%b%b%b%b" % (quote, self._inside.pattern if self._escape else inside, quote, blanks)
            plain = rb"(?!%b|\n|%b)(?:(?!%b)[^\n])*+" % (quote, delimiter, delimiter)
            if len(self._delimiter) == 1:
                plain = rb"[^%b\n%b][^\n%b]*+" % (quote, delimiter, delimiter)
            value = rb"(?:%b|%b|)" % (quoted, plain)
        elif self._escape:
            value = rb"(?s:(?!%b)[^\n%b]|%b)*+" % (delimiter, re.escape(self._escape), self._pair)
        else:
            value = rb"(?:(?!%b)[^\n])*+" % delimiter
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
            quote = data.find(self.special, at, stop) if self.special else -1
            begin = stop if quote < 0 else data.rfind(LF, at, quote) + 1 or at
            if begin > at:
                line += found.add_lines(data[at:begin], line, self._max, self._comment)
                at = begin
                continue
            line_end = data.find(LF, at) + 1
            if self.is_comment(data, at):
                at, line = line_end, line + 1
                continue
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

    def is_comment(self, data: bytes, at: int = 0) -> bool:
        """Whether the record that begins there would be a comment."""
        return bool(self._comment) and data.startswith(self._comment, at)

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
                state = QUOTED if self._quote and data.startswith(self._quote, pos) else UNQUOTED
                pos += state == QUOTED
            elif state == QUOTED:
                quote, seen = self._closing_quote(data, pos, most + 1)
                if (
                    pos <= first_line_end
                    and not pos <= quote < first_line_end
                    and self._passed(base, at, first_line_end)
                ):
                    # An earlier look was inside quotes at this line end too, and went on from there in vain.
                    assert self._open is not None
                    pos, state, first_line_end = self._open[1] - base, self._open[2], -1
                elif quote < 0:
                    pos, looked_at_all = max(pos, seen), len(data) > most
                    break
                elif quote + 1 >= len(data):
                    pos, looked_at_all = quote, False
                    break
                else:
                    # What follows a closing quote is looked at by `_well_formed`: here it only has to end.
                    is_doubled = not self._escape and data.startswith(self._quote, quote + 1)
                    pos, state = (quote + 2, QUOTED) if is_doubled else (quote + 1, UNQUOTED)
            else:
                # One more than the bound, for the CR of a line end.
                match = self._value_end.search(data, pos, most + 2)
                if match is None:
                    # Of what is of several bytes the last may be still to come.
                    pos = max(pos, min(most + 2, len(data)) - self._kept_back)
                    looked_at_all = len(data) >= most + 2
                    break
                end = match.start()
                if self._escapes_all and data.startswith(self._escape, end):
                    pos = match.end()
                elif match[0] != LF:
                    pos, state = match.end(), START
                elif end - (end > at and data[end - 1] == CR) <= most:
                    return end + 1
                else:
                    pos, looked_at_all = end, True
                    break
        self._open = (base + at, base + pos, state)
        return 0 if looked_at_all or ended else None

    def _closing_quote(self, data: bytes, pos: int, stop: int) -> tuple[int, int]:
        """Where the quote is that may close a value, -1 if there is none before `stop`, and how far was looked."""
        if not self._escape:
            return data.find(self._quote, pos, stop), min(stop, len(data))
        match = self._inside.match(data, pos, stop)
        end = match.end() if match else pos
        return end if end < stop and data.startswith(self._quote, end) else -1, end

    def _passed(self, base: int, at: int, line_end: int) -> bool:
        """Whether an earlier record without an end went on beyond a line end of this one."""
        return self._open is not None and self._open[0] < base + at and line_end < self._open[1] - base
