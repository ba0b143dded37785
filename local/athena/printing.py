"""Numbers as Java, and so Athena, prints them."""

from __future__ import annotations

import decimal
import math
import struct


def double(value: float) -> str:
    """A double: plain between 10^-3 and 10^7, otherwise like 1.0E7."""
    return _java(value, repr(value))


def real(value: float) -> str:
    """A real: the fewest digits that single precision tells apart."""
    if math.isfinite(value):
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.pack(">f", float(text)) == struct.pack(">f", value):
                return _java(value, text)
    return _java(value, repr(value))


def _java(value: float, digits_of: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    exact = decimal.Decimal(digits_of)
    if 1e-3 <= abs(value) < 1e7:
        plain = format(exact, "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = exact.normalize().as_tuple()
    mantissa = f"{digits[0]}.{''.join(map(str, digits[1:])) or '0'}"
    return f"{'-' if sign else ''}{mantissa}E{int(exponent) + len(digits) - 1}"
