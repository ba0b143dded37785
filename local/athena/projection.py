"""Partition projection: Athena works partitions out from a table's properties, and never asks the catalog for them."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

Json = dict[str, Any]

_PATTERNS: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d"}
_UNITS: Final = {"DAYS": 0, "MONTHS": 1, "YEARS": 12}


class ProjectionError(Exception):
    """A table's properties say no projection that can be worked out; worded as Athena words it."""


def is_projected(table: Json) -> bool:
    """Whether a table's partitions are projected."""
    return str((table.get("Parameters") or {}).get("projection.enabled", "")).strip().lower() == "true"


def project(table: Json, today: datetime.date) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the location and the values of every partition that the properties describe.

    Raises:
        ProjectionError: a property is missing, wrong, or of a kind that the emulator does not project.
    """
    parameters = {str(name): str(value).strip() for name, value in table["Parameters"].items()}
    keys = [key["Name"].lower() for key in table["PartitionKeys"]]
    values = [list(_values(key, parameters, today)) for key in keys]
    root = table["StorageDescriptor"]["Location"].rstrip("/")
    template = parameters.get("storage.location.template") or root + "".join(f"/{key}=${{{key}}}" for key in keys)
    if missing := [key for key in keys if f"${{{key}}}" not in template]:
        raise ProjectionError(
            "INVALID_TABLE_PROPERTY: The 'storage.location.template' table property must contain templates for all "
            f"partition columns! Missing: {missing}"
        )
    for chosen in itertools.product(*values):
        location = template
        for key, value in zip(keys, chosen, strict=True):
            location = location.replace(f"${{{key}}}", value)
        yield location, chosen


def _values(key: str, parameters: dict[str, str], today: datetime.date) -> Iterable[str]:
    def needed(name: str) -> str:
        if value := parameters.get(f"projection.{key}.{name}"):
            return value
        raise ProjectionError(
            f"INVALID_TABLE_PROPERTY: Table is configured for partition projection, but the property "
            f"'projection.{key}.{name}' is missing"
        )

    kind = needed("type").lower()
    if kind == "enum":
        return needed("values").split(",")
    if kind == "date":
        return _dates(key, needed, parameters, today)
    raise ProjectionError(f"NOT_SUPPORTED: the emulator projects enum and date, 'projection.{key}.type' is {kind!r}")


def _dates(key: str, needed: Callable[[str], str], parameters: dict[str, str], today: datetime.date) -> Iterator[str]:
    given, pattern = needed("range").split(","), needed("format")
    form = re.sub("|".join(_PATTERNS), lambda match: _PATTERNS[match[0]], pattern)
    # A range to the day counts in days unless told otherwise, a range to the month in months.
    unit = parameters.get(f"projection.{key}.interval.unit", "DAYS" if "dd" in pattern else "MONTHS").upper()
    step = int(parameters.get(f"projection.{key}.interval", "1"))
    if len(given) != 2 or unit not in _UNITS or step < 1 or re.search("[a-zA-Z]", re.sub("%[Ymd]", "", form)):
        raise ProjectionError(
            f"INVALID_TABLE_PROPERTY: the projection of {key!r} cannot be worked out from range {given}, "
            f"format {pattern!r}, interval {step} {unit}"
        )
    first, last = (_date(text.strip(), form, today) for text in given)
    for count in itertools.count():
        day = _later(first, count * step, unit)
        if day > last:
            return
        yield day.strftime(form)


def _date(text: str, form: str, today: datetime.date) -> datetime.date:
    if text == "NOW":
        return today
    try:
        return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC).date()
    except ValueError as error:
        raise ProjectionError(f"INVALID_TABLE_PROPERTY: {text!r} in a projection's range: {error}") from error


def _later(day: datetime.date, count: int, unit: str) -> datetime.date:
    if unit == "DAYS":
        return day + datetime.timedelta(days=count)
    months = day.month - 1 + count * _UNITS[unit]
    return day.replace(year=day.year + months // 12, month=months % 12 + 1)
