"""11: values as a contract says that they are written."""

import datetime as dt
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pipeline_core.contract import Column
from pipeline_core.dialect import Written

from tests.robustness.oracle.casts import cast_to, in_utc
from tests.robustness.oracle.records import Record


def value_of(record: Record, text: str, column: Column, zone: str) -> Any:
    """11: the value of a text of a column that may be written otherwise."""
    written, kind = column.written, record.kinds.get(column.name)
    if written is None or column.type == "string":
        return cast_to(text, column.type, zone)
    if column.type == "boolean":
        if kind == "boolean":
            return text == "true"
        found = [truth for truth, words in ((True, written.true_words), (False, written.false_words))
                 if text.lower() in [word.lower() for word in words]]  # fmt: skip
        return found[0] if found else None
    if column.type in ("date", "timestamp"):
        if kind == "moment" or not written.format:
            return cast_to(text, column.type, zone)
        units: dict[str, Any] = {
            "epoch_days": 86_400,
            "epoch_seconds": 1,
            "epoch_milliseconds": "0.001",
            "epoch_microseconds": "1e-6",
        }
        if written.format in units:
            if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text) or len(text) > 100:
                return None
            micros: Any = Fraction(text) * Fraction(units[written.format]) * 1_000_000
            if micros.denominator > 1 or not -62_135_596_800 * 10**6 <= micros < 253_402_300_800 * 10**6:
                return None
        else:
            found_moment = _read_format(text, written.format)
            if found_moment is None:
                return None
            micros = in_utc(*found_moment, zone if column.type == "timestamp" else "UTC")
        if column.type == "timestamp" or micros is None:
            return None if micros is None else int(micros)
        days, rest = divmod(int(micros), 86_400 * 10**6)
        return None if rest else dt.date(1970, 1, 1) + dt.timedelta(days=days)
    if kind == "number":
        return cast_to(text, column.type, zone)
    return cast_to(_plain_number(text, written), column.type, zone)


def _plain_number(text: str, written: Written) -> str:
    """11.2: a number without signs of currencies and separators; `x`, if it is not written so."""
    sign = ""
    if text[:1] in ("+", "-"):
        sign, text = text[0], text[1:]
    signs = sorted(written.currency_signs, key=len, reverse=True)
    before = next((each for each in signs if text.startswith(each)), None)
    if before is not None:
        text = re.sub("^[ \u00a0]", "", text.removeprefix(before))
        if text[:1] in ("+", "-"):
            if sign:
                return "x"
            sign, text = text[0], text[1:]
    else:
        behind = next((each for each in signs if text.endswith(each)), None)
        if behind is not None:
            text = re.sub("[ \u00a0]$", "", text.removesuffix(behind))
    whole, _, exponent = text.replace("E", "e").partition("e")
    whole, point, fraction = whole.partition(written.decimal_separator)
    thousands = written.thousands_separator
    if thousands and thousands in whole:
        groups = whole.split(thousands)
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            return "x"
        whole = "".join(groups)
    if any(part and not re.fullmatch("[0-9]+", part) for part in (whole, fraction)):
        return "x"
    return f"{sign}{whole}{'.' if point else ''}{fraction}" + (f"e{exponent}" if "e" in text.lower() else "")


NAMES_OF_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905  reads better as words


LONG_MONTHS = ["uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember"]


NAMES_OF_DAYS = ["mon day", "tue sday", "wed nesday", "thu rsday", "fri day", "sat urday", "sun day"]


def _read_format(text: str, pattern: str) -> tuple[dt.datetime, str | None] | None:
    """11.1: the local time and the offset of a text; every way to leave out what may lack is tried."""
    for plain in _without_brackets(pattern):
        found = _read_plain(text, plain)
        if found is not None:
            return found
    return None


def _without_brackets(pattern: str) -> Iterator[str]:
    match = re.search(r"\[([^\[\]]*)\]", pattern)
    if match is None:
        yield pattern
        return
    for inside in (match[1], ""):
        yield from _without_brackets(pattern[: match.start()] + inside + pattern[match.end() :])


def _read_plain(text: str, pattern: str) -> tuple[dt.datetime, str | None] | None:
    found: dict[str, Any] = {"H": 0, "m": 0, "s": 0, "S": 0, "offset": None}
    while pattern:
        letter = pattern[0]
        count = len(pattern) - len(pattern.lstrip(letter))
        if letter == "'":
            end = pattern.index("'", 1)
            literal, pattern = pattern[1:end] or "'", pattern[end + 1 :]
            if literal == "Z":
                pattern = f"X{pattern}"
                continue
            if not text.startswith(literal):
                return None
            text = text.removeprefix(literal)
            continue
        if not letter.isalpha() or letter == "T":
            if not text.startswith(letter):
                return None
            text, pattern = text[1:], pattern[1:]
            continue
        pattern = pattern[count:]
        if letter in "XxZ":
            part = re.match(r"Z|[+-][0-9]{2}(:?[0-9]{2})?", text)
            letter = "offset"
        elif letter == "z":
            part, letter = re.match("UTC|GMT|Z", text), "offset"
        elif letter == "a":
            part = re.match("(?i:am|pm)", text)
        elif letter == "E" or (letter in "ML" and count > 2):
            part = re.match("[A-Za-z]{3}" if count == 3 or (letter == "E" and count < 4) else "[A-Za-z]+", text)
        elif letter == "S" or count > 1:
            part = re.match(f"[0-9]{{{count}}}", text)
        else:
            part = re.match("[0-9]{1,2}", text)
        if part is None:
            return None
        text = text.removeprefix(part[0])
        if letter in "yu":
            found["y"] = int(part[0]) + (2000 if count == 2 else 0)
        elif letter in "ML" and count > 2:
            long = [a + b for a, b in zip(NAMES_OF_MONTHS, LONG_MONTHS, strict=True)]
            names = NAMES_OF_MONTHS if count == 3 else long
            if part[0].lower() not in names:
                return None
            found["M"] = names.index(part[0].lower()) + 1
        elif letter == "E":
            found["E"] = part[0].lower()
            if found["E"] not in [each[:3] if count < 4 else each.replace(" ", "") for each in NAMES_OF_DAYS]:
                return None
        elif letter == "S":
            if part[0][6:].strip("0"):
                return None
            found["S"] = int(part[0][:6].ljust(6, "0"))
        elif letter in ("a", "offset"):
            found[letter] = part[0]
        else:
            found["M" if letter == "L" else letter] = int(part[0])
    if text:
        return None
    hour = found["H"]
    if "h" in found:
        if not 1 <= found["h"] <= 12 or "a" not in found:
            return None
        hour = found["h"] % 12 + (12 if found["a"].lower() == "pm" else 0)
    try:
        local = dt.datetime(found["y"], found["M"], found["d"], hour, found["m"], found["s"], found["S"])  # noqa: DTZ001  local, by definition
    except ValueError:
        return None
    if "E" in found and NAMES_OF_DAYS[local.weekday()][:3] != found["E"][:3]:
        return None
    return local, found["offset"]
