"""Partition values of an Iceberg table: as its metadata has them, and as the texts that folders are named by."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipeline_core.partitions import BUCKET, DAY, HOUR, MONTH, NULL, TRUNCATE, YEAR, PartitionField
from pyiceberg.typedef import Record

EPOCH = date(1970, 1, 1)
CYCLE_YEARS, CYCLE_DAYS = 400, 146_097
"""The calendar repeats. Python's ends with the year 9999, and a moment with an offset may be beyond it in UTC."""


def to_value(field: PartitionField, text: str, kind: str) -> Any:
    """The value in the metadata: time transforms count from 1970, and dates are days; None is null.

    Args:
        field: of the partition.
        text: that names the folder.
        kind: the column's Hive type.
    """
    if text == NULL:
        return None
    if field.transform == YEAR:
        return int(text) - EPOCH.year
    if field.transform == MONTH:
        year, _, month = text.rpartition("-")
        return (int(year) - EPOCH.year) * 12 + int(month) - 1
    if field.transform == DAY:
        return _days(text)
    if field.transform == HOUR:
        day, _, hour = text.rpartition("-")
        return _days(day) * 24 + int(hour)
    if field.transform == BUCKET:
        return int(text)
    if kind == "string":
        return text
    if kind == "date":
        return _days(text)
    return Decimal(text) if kind.startswith("decimal") else int(text)


def to_text(field: PartitionField, value: Any, kind: str) -> str:
    """The text that names the folder of a value in the metadata."""
    if value is None:
        return NULL
    if field.transform == YEAR:
        return f"{EPOCH.year + value:04d}"
    if field.transform == MONTH:
        return f"{EPOCH.year + value // 12:04d}-{value % 12 + 1:02d}"
    if field.transform == DAY or (kind == "date" and field.transform != BUCKET):
        return _day(value)
    if field.transform == HOUR:
        return f"{_day(value // 24)}-{value % 24:02d}"
    return format(value, "f") if isinstance(value, Decimal) and field.transform == TRUNCATE else str(value)


def folder_of(fields: tuple[PartitionField, ...], record: Record, kinds: dict[str, str]) -> str:
    """The folder of a partition, `year=2013/month=1/`."""
    texts = (to_text(field, record[at], kinds[field.column]) for at, field in enumerate(fields))
    return "".join(f"{field.name}={quote(text, safe='')}/" for field, text in zip(fields, texts, strict=True))


def _days(text: str) -> int:
    year, month, day = text.rsplit("-", 2)
    cycles = (int(year) - 1) // CYCLE_YEARS
    return (date(int(year) - cycles * CYCLE_YEARS, int(month), int(day)) - EPOCH).days + cycles * CYCLE_DAYS


def _day(days: int) -> str:
    cycles = (days + CYCLE_DAYS) // CYCLE_DAYS
    found = EPOCH + timedelta(days=days - cycles * CYCLE_DAYS)
    return f"{found.year + cycles * CYCLE_YEARS:04d}-{found.month:02d}-{found.day:02d}"
