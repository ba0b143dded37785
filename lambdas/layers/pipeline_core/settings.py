"""Reads a function's settings from its environment, all at once, with an error that names what is missing."""

import os
from dataclasses import fields
from typing import Any, Final, TypeVar

TRACED: Final = ("botocore",)
"""What functions trace: calls of AWS. A trace of an HTTP request has its URL; and to patch all that Powertools knows
doubles the tracer's part of a cold start, since `requests` is imported for it (0.11 and 0.06 s of CPU on a laptop)."""

T = TypeVar("T")


def load(settings: type[T]) -> T:
    """Fill a dataclass of `str`, `int` and `bool` fields from environment variables named in upper case.

    Raises:
        RuntimeError: names every variable that is missing.
    """
    # `type[T]` cannot say that T is a dataclass.
    declared = fields(settings)  # type: ignore[arg-type]
    missing = [field.name.upper() for field in declared if field.name.upper() not in os.environ]
    if missing:
        raise RuntimeError(f"{settings.__name__}: environment variables are not set: {', '.join(missing)}")
    values: dict[str, Any] = {}
    for field in declared:
        text = os.environ[field.name.upper()]
        values[field.name] = int(text) if field.type is int else text == "true" if field.type is bool else text
    return settings(**values)
