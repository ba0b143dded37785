"""How the dates and numbers of a column are written, where that is not the usual way and its values leave one way."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Any

from pipeline_core.dialect import Written

DAYS: tuple[str, ...] = ("dd.MM.yyyy", "d.M.yyyy", "yyyy/MM/dd", "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy")
DAYS += ("dd-MM-yyyy", "MM-dd-yyyy", "yyyyMMdd")
TIMES = (" HH:mm:ss", " HH:mm")
OF_DATES = ("date", "day", "datum", "dt")
OF_MOMENTS = ("epoch", "timestamp", "ts", "unix", "unixtime")
YEARS = re.compile(r"(?:19|20)[0-9]{6}")
SECONDS, MILLISECONDS = (946_684_800, 4_102_444_800), (946_684_800_000, 4_102_444_800_000)
"""From 2000 to 2100."""

SEPARATORS = ((",", ""), (",", "."), (".", ","), (",", " "), (".", " "), (".", "'"))
"""Of decimals and of thousands."""

MOST_SCALE = 6
MOST_DIGITS = 20
"""More than the digits of any moment."""
PLAIN = re.compile("[+-]?[1-9][0-9]{0,15}")
"""The same number by all separators."""

NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9., ']{0,20})(?:[.,][0-9]{1,6})?")


@dataclass
class Ways:
    """The ways in which all values of a column may be written, and what of that must not be taken for certain."""

    name: str
    formats: list[tuple[str, str]] = field(init=False)
    separators: list[tuple[str, str]] = field(default_factory=lambda: list(SEPARATORS))
    differ: set[frozenset[tuple[str, str]]] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    scale: int = 0
    _casts: dict[Any, Callable[[str], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.formats = [("date", day) for day in DAYS] + [
            ("timestamp", day + time) for day in DAYS if day != "yyyyMMdd" for time in TIMES
        ]
        words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower())
        if words[-1] == "at" or set(words) & set(OF_MOMENTS):
            self.formats += [("timestamp", "epoch_seconds"), ("timestamp", "epoch_milliseconds")]
        if words[-1] != "at" and not set(words) & {*OF_DATES}:
            self.formats.remove(("date", "yyyyMMdd"))

    def look(self, texts: Iterable[str]) -> None:
        """Leave the ways in which these are written, too."""
        for text in texts:
            self.formats = [way for way in self.formats if self._is_moment(way, text)]
            self._look_at_number(text)

    def none(self) -> None:
        """Nothing is guessed of this column."""
        self.formats, self.separators = [], []

    @property
    def moment(self) -> tuple[str, str] | None:
        """The type and the format of all values; None if there is none, or more than one."""
        return None if self.unclear_format else next(iter(self.formats), None)

    @property
    def unclear_format(self) -> tuple[str, ...]:
        """Formats that all values have and that are different dates."""
        found = [written for _, written in self.formats]
        months_first = [written for written in found if written[0] == "M"]
        days_first = [written for written in found if written[0] == "d" and "." not in written]
        return (days_first[0], months_first[0]) if days_first and months_first else ()

    def number(self, delimiter: str) -> tuple[str, str] | None:
        """The separators of all values, if only one pair makes numbers of them, and it is seen to be one.

        Where values stand between commas, `1,5` may be two of them in one.
        """
        if not self.separators or self.is_unclear_number:
            return None
        point, thousands = self.separators[0]
        is_seen = point in self.marks and (thousands in self.marks or (point == "," and delimiter != ","))
        return (point, thousands) if is_seen else None

    @property
    def is_unclear_number(self) -> bool:
        """Whether values are different numbers by different separators."""
        return any(frozenset(pair) in self.differ for pair in combinations(self.separators, 2))

    @property
    def has_separator(self) -> bool:
        """Whether all values may be numbers, and some have a separator."""
        return bool(self.separators and self.marks)

    def _cast(self, kind: str, written: Written) -> Callable[[str], Any]:
        from record_engine.values import cast_to

        key = (kind, written)
        if key not in self._casts:
            self._casts[key] = cast_to(kind, "UTC", written)
        return self._casts[key]

    def _is_moment(self, way: tuple[str, str], text: str) -> bool:
        kind, written = way
        if written == "yyyyMMdd" and not YEARS.fullmatch(text):
            return False
        if written.startswith("epoch"):
            least, most = SECONDS if written == "epoch_seconds" else MILLISECONDS
            return text.isascii() and text.isdigit() and least <= int(text[:MOST_DIGITS]) < most
        return self._cast(kind, Written(format=written))(text) is not None

    def _look_at_number(self, text: str) -> None:
        if not self.separators or PLAIN.fullmatch(text):
            return
        if not NUMBER.fullmatch(text):
            self.separators = []
            return
        values: dict[tuple[str, str], Decimal] = {}
        for pair in self.separators:
            written = Written(decimal_separator=pair[0], thousands_separator=pair[1])
            value = self._cast(f"decimal(38,{MOST_SCALE})", written)(text)
            if value is not None:
                values[pair] = value
        self.separators = list(values)
        self.marks |= set(text) & set("., '")
        for one, other in combinations(values, 2):
            if values[one] != values[other]:
                self.differ.add(frozenset((one, other)))
        if values:
            point = self.separators[0][0]
            self.scale = max(self.scale, len(text.rpartition(point)[2]) if point in text else 0)
