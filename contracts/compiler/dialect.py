"""What a contract says of how its files are written, as `customProperties`, and what is allowed there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KiB = 1024
RECORD_BYTES = (KiB, 64 * KiB * KiB)
"""Bytes that the bound of a record may have: the function `stage` holds a record about ten times."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A property of the contract: where it stands in the compiled one, what it may be, and how that is said."""

    field: str
    allows: Callable[[Any], bool]
    allowed: str


SETTINGS: dict[str, Setting] = {
    "maxRecordBytes": Setting(
        field="max_record_bytes",
        allows=lambda value: _is_whole(value, *RECORD_BYTES),
        allowed=f"allowed: {RECORD_BYTES[0]} to {RECORD_BYTES[1]} (bytes of one record of a text file)",
    ),
}


def compiled(custom: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the compiled contract that `customProperties` say something of."""
    return {setting.field: custom[name] for name, setting in SETTINGS.items() if name in custom}


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
