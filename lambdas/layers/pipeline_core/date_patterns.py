"""Formats of dates and timestamps: patterns of Java's DateTimeFormatter, which ODCS uses, and epochs.

The compiler refuses a format by this module, and the record engine reads texts by it. Standard library only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

EPOCHS = {
    "epoch_days": 86_400_000_000,
    "epoch_seconds": 1_000_000,
    "epoch_milliseconds": 1_000,
    "epoch_microseconds": 1,
}
"""Formats that are a number of units since 1970-01-01 in UTC, with the microseconds of a unit."""

DEFAULTS = {"date": ("yyyy-MM-dd", "date", "iso8601"), "timestamp": ("date-time", "iso8601")}
"""Formats that ask for what is taken anyway: those of RFC 3339, by the names that JSON Schema has for them."""

MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905  reads better as words
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = 3
"""Letters of a short name of a month or a day."""

ONE, TWO = "[0-9]{1,2}", "[0-9]{2}"
OFFSET = "Z|[+-][0-9]{2}(?::?[0-9]{2})?"
MAX_OFFSET = timedelta(hours=18)
CENTURY = 2000
"""Of a year of two digits, as in Java."""


def _any_case(names: Iterable[str]) -> str:
    return f"(?i:{'|'.join(names)})"


YEARS = {4: ("year", "[0-9]{4}"), 2: ("short_year", TWO)}
MONTHS_WRITTEN = {
    1: ("month", ONE),
    2: ("month", TWO),
    3: ("month_name", _any_case(name[:SHORT] for name in MONTHS)),
    4: ("month_name", _any_case(MONTHS)),
}
OFFSETS = dict.fromkeys(range(1, 4), ("offset", OFFSET))
LETTERS: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "y": YEARS,
    "u": YEARS,
    "M": MONTHS_WRITTEN,
    "L": MONTHS_WRITTEN,
    "d": {1: ("day", ONE), 2: ("day", TWO)},
    "H": {1: ("hour", ONE), 2: ("hour", TWO)},
    "h": {1: ("hour_of_12", ONE), 2: ("hour_of_12", TWO)},
    "a": {1: ("half", _any_case(("AM", "PM")))},
    "m": {1: ("minute", ONE), 2: ("minute", TWO)},
    "s": {1: ("second", ONE), 2: ("second", TWO)},
    "S": {count: ("fraction", f"[0-9]{{{count}}}") for count in range(1, 10)},
    "E": {
        **dict.fromkeys((1, 2, 3), ("weekday", _any_case(name[:SHORT] for name in DAYS))),
        4: ("weekday", _any_case(DAYS)),
    },
    "X": OFFSETS,
    "x": OFFSETS,
    "Z": OFFSETS,
    "z": dict.fromkeys(range(1, 4), ("zone", "UTC|GMT|Z")),
}
"""By letter and times that it is there: what it stands for, and how that is written; a name is taken in any case."""

ALLOWED = (
    "allowed: yyyy or yy, M MM MMM MMMM, d dd, H HH, or h hh with a, m mm, s ss, S to SSSSSSSSS, E EEEE, X x Z (an "
    f"offset), z (UTC), 'text' in quotes, [what may lack]; or {', '.join(EPOCHS)}"
)
TOKEN = re.compile(
    r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>(?P<letter>[A-Za-z])(?P=letter)*)|(?P<other>[^'])", re.DOTALL
)
NEEDS = (
    ("fraction", ("second",)),
    ("second", ("minute",)),
    ("minute", ("hour", "hour_of_12")),
    ("hour_of_12", ("half",)),
    ("half", ("hour_of_12",)),
)
SAID = {
    "year": "year (yyyy)",
    "month": "month (MM; mm is the minute)",
    "day": "day (dd)",
    "minute": "minute (mm)",
    "second": "second (ss)",
    "hour": "hour (HH)",
    "half": "AM or PM (a) for the hour of 12 (h)",
    "hour_of_12": "hour of 12 (h) for AM or PM (a)",
}


class FormatError(ValueError):
    """A format that cannot be read by; says what is wrong, and what is allowed."""


@dataclass(frozen=True)
class Pattern:
    """A format, ready to read texts by."""

    regex: re.Pattern[str]

    def read(self, text: str) -> tuple[datetime, timedelta | None] | None:
        """The local time that a text says, and its offset if it says one; None if it is not written so."""
        match = self.regex.fullmatch(text)
        if match is None:
            return None
        found = {name: part for name, part in match.groupdict().items() if part is not None}
        try:
            local = datetime(*_date(found), *_time(found))  # noqa: DTZ001  local, by definition
        except ValueError:
            return None
        weekday = found.get("weekday")
        if weekday is not None and not DAYS[local.weekday()].lower().startswith(weekday.lower()):
            return None
        offset = _offset(found.get("offset", "Z" if "zone" in found else ""))
        return None if offset is not None and abs(offset) > MAX_OFFSET else (local, offset)


def _date(found: dict[str, str]) -> tuple[int, int, int]:
    year = int(found["year"]) if "year" in found else CENTURY + int(found["short_year"])
    if "month" in found:
        return year, int(found["month"]), int(found["day"])
    short = found["month_name"][:SHORT].lower()
    month = next(number for number, name in enumerate(MONTHS, 1) if name.lower().startswith(short))
    return year, month, int(found["day"])


def _time(found: dict[str, str]) -> tuple[int, int, int, int]:
    if "hour_of_12" in found:
        hour = int(found["hour_of_12"])
        if not 1 <= hour <= 12 or "half" not in found:
            raise ValueError(hour)
        hour = hour % 12 + (12 if found["half"].upper() == "PM" else 0)
    else:
        hour = int(found.get("hour", "0"))
    fraction = found.get("fraction", "").ljust(6, "0")
    if fraction[6:].strip("0"):
        raise ValueError(fraction)
    return hour, int(found.get("minute", "0")), int(found.get("second", "0")), int(fraction[:6])


def _offset(text: str) -> timedelta | None:
    if not text:
        return None
    if text == "Z":
        return timedelta()
    minutes = int(text[3:].lstrip(":") or "0")
    if minutes > 59:
        return timedelta.max
    return timedelta(hours=int(text[1:3]), minutes=minutes) * (-1 if text[0] == "-" else 1)


def date_pattern(format_: str, kind: str) -> Pattern:
    """The pattern of a format of dates or timestamps (`kind`).

    Raises:
        FormatError: it is none that can be read by.
    """
    made = _Made()
    for token in _tokens(format_):
        made.add(token)
    return Pattern(re.compile(made.finished(kind), re.ASCII))


def _tokens(format_: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(format_):
        token = TOKEN.match(format_, at)
        if token is None:
            raise FormatError(f"a quote is not closed; {ALLOWED}")
        yield token
        at = token.end()


class _Made:
    """The regular expression of a format, as far as it is made, and what stands in it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._fields: dict[str, int] = {}
        # How what may stand just before is written: a number of how many digits, or something else.
        self._before = {""}
        self._outside: list[set[str]] = []

    def add(self, token: re.Match[str]) -> None:
        """Add a token of the format."""
        quoted, letters, other = token["quoted"], token["letters"], token["other"]
        if quoted == "Z" and "offset" not in self._fields:
            self._field("offset", OFFSET)  # what everybody means by 'Z'
        elif quoted is not None:
            self._literal(quoted.replace("''", "'") or "'")
        elif letters and letters != "T":
            found = LETTERS.get(letters[0], {}).get(len(letters))
            if found is None:
                raise FormatError(f"{letters!r} is not read; {ALLOWED}")
            self._field(*found)
        elif other == "[":
            self._parts.append("(?:")
            self._outside.append(self._before)
        elif other == "]":
            if not self._outside:
                raise FormatError(f"']' closes nothing; {ALLOWED}")
            self._parts.append(")?")
            self._before = self._before | self._outside.pop()
        elif other in ("{", "}", "#"):
            raise FormatError(f"{other!r} stands for nothing; {ALLOWED}")
        else:
            self._literal(token[0])

    def _literal(self, text: str) -> None:
        self._parts.append(re.escape(text))
        self._before = {"digit" if text[-1] in "0123456789" else ""}

    def _field(self, name: str, written: str) -> None:
        if name in self._fields:
            raise FormatError(f"the {name.replace('_', ' ')} is there twice")
        is_number = written.startswith("[0-9]")
        width = "" if not is_number else "any" if written == ONE else "fixed"
        if ("any" in self._before and is_number) or (width == "any" and self._before & {"any", "fixed", "digit"}):
            raise FormatError("a number of one or two digits stands right beside another: which digit is whose?")
        self._fields[name] = len(self._outside)
        self._parts.append(f"(?P<{name}>{written})")
        self._before = {width}

    def finished(self, kind: str) -> str:
        """The regular expression, if the format says all that a value of the kind has."""
        if self._outside:
            raise FormatError(f"'[' is not closed; {ALLOWED}")
        for name, names in {
            "year": ("year", "short_year"),
            "month": ("month", "month_name"),
            "day": ("day",),
        }.items():
            there = [one for one in names if one in self._fields]
            if len(there) != 1 or self._fields[there[0]]:
                what = "is there twice" if len(there) > 1 else "lacks" if not there else "may lack"
                raise FormatError(f"the {SAID[name]} {what}: a {kind} has one, outside of [ ]")
        for name, needed in NEEDS:
            if name in self._fields and not self._fields.keys() & set(needed):
                raise FormatError(f"no {SAID[needed[0]]}; {ALLOWED}")
        if {"hour", "hour_of_12"} <= self._fields.keys() or {"offset", "zone"} <= self._fields.keys():
            raise FormatError(f"the hour, or the offset, is there twice; {ALLOWED}")
        if kind == "date" and {"offset", "zone"} & self._fields.keys():
            raise FormatError("a date has no offset; make the column a timestamp")
        return "".join(self._parts)
