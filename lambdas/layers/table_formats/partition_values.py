"""Partition values of an Iceberg table: as its metadata has them, and as the texts that folders are named by."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipeline_core.partitions import IDENTITY, PartitionField
from pyiceberg.typedef import Record

EPOCH = date(1970, 1, 1)
MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def to_value(field: PartitionField, text: str, kind: str) -> Any:
    """The value in the metadata: time transforms count from 1970, dates are days, timestamps microseconds.

    Args:
        field: of the partition.
        text: that names the folder.
        kind: the column's Hive type.
    """
    match field.transform:
        case "year":
            return int(text) - EPOCH.year
        case "month":
            year, _, month = text.rpartition("-")
            return (int(year) - EPOCH.year) * 12 + int(month) - 1
        case "day":
            return (date.fromisoformat(text) - EPOCH).days
        case "hour":
            day, _, hour = text.rpartition("-")
            return (date.fromisoformat(day) - EPOCH).days * 24 + int(hour)
        case "bucket":
            return int(text)
    return _typed(text, kind)


def to_text(field: PartitionField, value: Any, kind: str) -> str:
    """The text that names the folder of a value in the metadata."""
    match field.transform:
        case "year":
            return f"{EPOCH.year + value:04d}"
        case "month":
            return f"{EPOCH.year + value // 12:04d}-{value % 12 + 1:02d}"
        case "day":
            return (EPOCH + timedelta(days=value)).isoformat()
        case "hour":
            return f"{(EPOCH + timedelta(days=value // 24)).isoformat()}-{value % 24:02d}"
    if kind == "date" and field.transform == IDENTITY:
        return (EPOCH + timedelta(days=value)).isoformat()
    return str(value)


def folder_of(fields: tuple[PartitionField, ...], record: Record, kinds: dict[str, str]) -> str:
    """The folder of a partition, `year=2013/month=1/`."""
    texts = (to_text(field, record[at], kinds[field.column]) for at, field in enumerate(fields))
    return "".join(f"{field.name}={quote(text, safe='')}/" for field, text in zip(fields, texts, strict=True))


def _typed(text: str, kind: str) -> Any:
    if kind in ("int", "bigint"):
        return int(text)
    if kind == "date":
        return (date.fromisoformat(text) - EPOCH).days
    if kind.startswith("decimal"):
        return Decimal(text)
    return text
