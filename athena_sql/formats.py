"""Formats of dates: MySQL's and Joda's patterns as strftime's, as far as they mean the same."""

from __future__ import annotations

import re
from typing import Any, Final

from athena_sql.errors import not_emulated

_MYSQL: Final = {
    "Y": "%Y", "m": "%m", "d": "%d", "H": "%H", "i": "%M", "s": "%S", "S": "%S", "f": "%f", "y": "%y", "M": "%B",
    "b": "%b", "W": "%A", "a": "%a", "p": "%p", "h": "%I", "I": "%I", "j": "%j", "T": "%H:%M:%S", "%": "%%",
    "e": "%-d", "c": "%-m", "k": "%-H", "l": "%-I", "r": "%I:%M:%S %p",
}  # fmt: skip
_JODA: Final = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "a": "%p", "EEE": "%a", "EEEE": "%A", "DDD": "%j",
}  # fmt: skip
_PARSED: Final = frozenset("YmdHisTMbyf%")


def of_mysql(pattern: str, node: Any, *, parsing: bool = False) -> str:
    """The pattern of date_format or date_parse.

    Raises:
        SqlError: it has a letter that is not known to mean the same.
    """

    def one(found: re.Match[str]) -> str:
        letter = found[1]
        if letter not in _MYSQL or (parsing and letter not in _PARSED):
            raise not_emulated(f"the format %{letter}", node)
        return _MYSQL[letter]

    if pattern.endswith("%") and not pattern.endswith("%%"):
        raise not_emulated(f"the format {pattern!r}", node)
    return re.sub(r"%(.)", one, pattern, flags=re.DOTALL)


def of_joda(pattern: str, node: Any) -> str:
    """The pattern of format_datetime.

    Raises:
        SqlError: it has letters that are not known to mean the same.
    """
    pieces = []
    for found in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = found[0]
        if text.startswith("'"):
            if len(text) == 1:
                raise not_emulated(f"the format {pattern!r}", node)
            pieces.append((found[1].replace("''", "'") or "'").replace("%", "%%"))
        elif text[0].isalpha():
            if text not in _JODA:
                raise not_emulated(f"the format {text}", node)
            pieces.append(_JODA[text])
        else:
            pieces.append(text.replace("%", "%%"))
    return "".join(pieces)


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


_UNSAFE_PATTERN: Final = re.compile(
    r"\(\?[=!<>P']|\(\?[a-zA-Z-]+|\\[1-9kKGRXZzABhHvVpPQE]|[*+?}][+]|\\[^\w]?$|&&|\[\[|\[:"
)


def safe_pattern(pattern: str, node: Any) -> str:
    """A regular expression that Java's and RE2's grammar read the same.

    Raises:
        SqlError: it has something that only one of them knows, or that they read differently.
    """
    if _UNSAFE_PATTERN.search(pattern):
        raise not_emulated(f"the pattern {pattern!r}", node)
    try:
        re.compile(pattern)
    except re.error as error:
        raise not_emulated(f"the pattern {pattern!r} ({error})", node) from error
    return pattern


_GROUP: Final = re.compile(r"\\(.)|\$(?:(\d)|\{(\w+)\})|\$", re.DOTALL)


def replacement(text: str, node: Any) -> str:
    """What regexp_replace puts in: $1 is \\1 in RE2.

    Raises:
        SqlError: it names a group by its name, or has a dollar that is none.
    """

    def one(found: re.Match[str]) -> str:
        if found[1] is not None:
            return "\\\\" if found[1] == "\\" else found[1]
        if found[2] is not None:
            return f"\\{found[2]}"
        raise not_emulated(f"the replacement {text!r}", node)

    return _GROUP.sub(one, text)
