"""The values of one CSV record, as docs/semantics.md, sections 1.4 and 10, has them."""

import re
from collections.abc import Callable
from functools import cache

from pipeline_core.dialect import DEFAULT, Dialect

from record_engine.csv_split import blanks_but

LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
"""What is written as an escape and a letter, where no value is quoted."""

Split = Callable[[str], list[str] | None]


def split_record(text: str, delimiter: str, dialect: Dialect = DEFAULT) -> list[str] | None:
    """The values of one CSV record; None if it is malformed."""
    if not dialect.quote and not dialect.escape:
        return text.split(delimiter)
    return _reader(delimiter, dialect.quote, dialect.escape)(text)


@cache
def _reader(delimiter: str, quote: str, escape: str) -> Split:
    return _quoted(delimiter, quote, escape) if quote else _escaped(delimiter, escape)


def _quoted(delimiter: str, quote: str, escape: str) -> Split:
    blanks = blanks_but(delimiter.encode()).decode()
    end, mark, pair = re.escape(delimiter), re.escape(quote), re.escape(escape)
    inside = f"(?:[^{mark}{pair}]|{pair}.)*+" if escape else f"(?:[^{mark}]|{mark}{mark})*+"
    quoted = re.compile(rf"{mark}((?s:{inside})){mark}[{blanks}]*+(?={end}|\Z)")
    escaped = re.compile(rf"{pair}([{mark}{pair}])") if escape else re.compile(f"{mark}({mark})")

    def split(text: str) -> list[str] | None:
        values: list[str] = []
        at, last = 0, len(text)
        while True:
            if text.startswith(quote, at):
                match = quoted.match(text, at)
                if match is None:
                    return None
                values.append(escaped.sub(r"\1", match[1]))
                at = match.end()
            else:
                stop = text.find(delimiter, at)
                stop = last if stop < 0 else stop
                values.append(text[at:stop])
                at = stop
            if at >= last:
                return values
            at += len(delimiter)

    return split


def _escaped(delimiter: str, escape: str) -> Split:
    end, mark = re.escape(delimiter), re.escape(escape)
    value = re.compile(rf"(?s:(?!{end})[^{mark}]|{mark}(?:{end}|.))*+")
    pair = re.compile(rf"{mark}({end}|{mark}|[\r\nnrt])")

    def split(text: str) -> list[str] | None:
        values: list[str] = []
        at = 0
        while match := value.match(text, at):
            values.append(pair.sub(lambda found: LETTERS.get(found[1], found[1]), match[0]))
            at = match.end()
            if at >= len(text):
                return values
            if not text.startswith(delimiter, at):
                break
            at += len(delimiter)
        return None

    return split
