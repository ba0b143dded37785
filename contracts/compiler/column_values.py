"""What a contract may say of a column's values: their type, bounds, lengths, allowed values, and a pattern."""

import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from open_data_contract_standard.model import EnumValue

from config import plain_yaml
from contracts.compiler.column_types import MAX_LENGTH, MOST_DIGITS
from contracts.compiler.dialect import format_problems

DECIMAL = re.compile(r"decimal\(([0-9]{1,2}),\s*([0-9]{1,2})\)")
PARTITION_TYPES = ("int", "bigint", "string", "date")
BOUNDS = ("minimum", "maximum")
LENGTHS = ("minLength", "maxLength")
OPTIONS = {
    "string": (*LENGTHS, "pattern"),
    "int": BOUNDS,
    "bigint": BOUNDS,
    "double": BOUNDS,
    "decimal": BOUNDS,
    "date": (*BOUNDS, "format"),
    "timestamp": (*BOUNDS, "format"),
}
"""Options that are checked, by type of the table."""

_RANGE = (*BOUNDS, "exclusiveMinimum", "exclusiveMaximum", "format")
STANDARD_OPTIONS = {
    "string": (*LENGTHS, "pattern", "format"),
    "date": _RANGE,
    "timestamp": (*_RANGE, "timezone", "defaultTimezone"),
    "time": (*_RANGE, "timezone", "defaultTimezone"),
    "number": (*_RANGE, "multipleOf"),
    "integer": (*_RANGE, "multipleOf"),
    "object": ("minProperties", "maxProperties", "required"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "vector": ("dimensions", "elementType", "distanceMetric", "embeddingModel", "embeddingModelVersion", "normalized"),
}
"""Options that the standard has, by logical type; a preview names those that are given and not checked."""

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
EXPONENT = re.compile(r".*[eE][+-]?[0-9]{1,3}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(
    rf"({DATE.pattern}[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,6}}(?:000)?)?)?)"
    r"(?: ?(?:Z|UTC|[+-](?:(?:0[0-9]|1[0-7])(?::?[0-5][0-9])?|18(?::?00)?)))?"
)


def as_written(value: Any, kind: str) -> str | None:
    """The text by which a file would have a value of a contract in a column of a type; None for no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return None
    text = value.text if isinstance(value, plain_yaml.Float) else str(value)
    if kind == "string" or not NUMBER.fullmatch(text):
        return text
    exact = Decimal(text)
    # Without an exponent, which only a double may have.
    return format(exact, "f") if abs(exact.adjusted()) <= MOST_DIGITS else text


def is_value(text: str, kind: str) -> bool:
    """Whether a text is a value of a type of the table (docs/semantics.md, section 3.3)."""
    match kind:
        case "string":
            return True
        case "boolean":
            return text.lower() in ("true", "false", "1", "0")
        case "date":
            return DATE.fullmatch(text) is not None and _is_iso(text)
        case "timestamp":
            found = TIMESTAMP.fullmatch(text)
            return found is not None and _is_iso(found[1])
    if not NUMBER.fullmatch(text):
        return False
    if kind == "double":
        return math.isfinite(float(text))
    if "e" in text.lower() and not EXPONENT.fullmatch(text):
        return False
    number = Decimal(text)
    if match := DECIMAL.fullmatch(kind):
        precision, scale = int(match[1]), int(match[2])
        return number.copy_abs() < 10 ** (precision - scale) and _fits(number, scale)
    if "e" in text.lower() or text.lstrip("+-").startswith("."):
        return False
    bits = 31 if kind == "int" else 63
    return -(2**bits) <= number < 2**bits and _fits(number, 0)


def _fits(number: Decimal, scale: int) -> bool:
    _, digits, exponent = number.as_tuple()
    fraction = digits[exponent + scale :] if isinstance(exponent, int) and exponent + scale < 0 else ()
    return not any(fraction)


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def value_problems(
    options: Mapping[str, Any], enum: Sequence[EnumValue] | None, kind: str, logical: str | None = None
) -> Iterator[str]:
    """Say what is wrong with the options and the allowed values of a column of a type."""
    checked = _checked(kind)
    known = STANDARD_OPTIONS.get(logical or "", ())
    for option, value in options.items():
        where = f"logicalTypeOptions.{option}"
        if option not in checked:
            if option not in known:
                yield f"{where}: not checked for {kind}; allowed: {', '.join(checked) or 'none'}"
        elif option == "format":
            yield from (f"{where}: {problem}" for problem in format_problems(value, kind))
        elif option == "pattern":
            yield from (f"{where}: {problem}" for problem in pattern_problems(value))
        elif option in LENGTHS:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LENGTH:
                yield f"{where}: {value!r}; allowed are whole numbers from 0 to {MAX_LENGTH}"
        elif isinstance(value, bool) or not is_value(as_written(value, kind) or "", kind):
            what = kind if kind in ("date", "timestamp") else "number"
            yield f"{where}: {value!r} is not a {what} that a column of {kind} can have"
    for least, most in (LENGTHS, BOUNDS):
        yield from _order_problems(options, least, most, kind)
    if enum is not None:
        yield from _enum_problems(enum, kind)


def not_checked(options: Mapping[str, Any], kind: str) -> Iterator[str]:
    """The options that a column of a type is given and that no value is checked by."""
    return (option for option in options if option not in _checked(kind))


def _checked(kind: str) -> tuple[str, ...]:
    return OPTIONS.get(kind.split("(")[0], ())


def _order_problems(options: Mapping[str, Any], least: str, most: str, kind: str) -> Iterator[str]:
    texts = [as_written(options.get(option), kind) or "" for option in (least, most)]
    if kind in ("date", "timestamp"):
        # Of timestamps, the moments of which may be those of other offsets, the days are enough to tell a slip.
        is_above = all(is_value(text, kind) for text in texts) and texts[0][:10] > texts[1][:10]
    else:
        is_above = all(NUMBER.fullmatch(text) for text in texts) and Decimal(texts[0]) > Decimal(texts[1])
    if is_above:
        yield f"logicalTypeOptions.{least}: {texts[0]} is above {most}, which is {texts[1]}: no value is left"


def _enum_problems(enum: Sequence[EnumValue], kind: str) -> Iterator[str]:
    if not enum:
        yield "enum: no value; list what is allowed, or leave it out"
    for index, item in enumerate(enum):
        text = as_written(item.value, kind)
        if text is None:
            yield f"enum.{index}: {item.value!r} is not a single value"
        elif text != text.strip(" \t"):
            yield f"enum.{index}: {item.value!r} has blanks around it, which are taken off the values of a file"
        elif not is_value(text, kind):
            yield f"enum.{index}: {item.value!r} is not a value that a column of {kind} can have"


def pattern_problems(pattern: object) -> Iterator[str]:
    """Say why a pattern is none that the record engine would take: it is one of Python's `re`, with its flag ASCII."""
    if not isinstance(pattern, str):
        yield f"{pattern!r} is not a text; write the regular expression in quotes"
        return
    try:
        with warnings.catch_warnings():
            # Python warns of what a later release may read otherwise, such as a set in a set.
            warnings.simplefilter("error")
            re.compile(pattern, re.ASCII)
    except (re.error, ValueError, OverflowError, RecursionError, Warning) as error:
        yield f"{pattern!r} is not a regular expression of Python's re (docs/semantics.md, section 4.2): {error}"
