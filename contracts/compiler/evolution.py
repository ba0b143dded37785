"""How a contract may change once rows are published: compares the deployed contract with the one that is wanted.

Published rows keep the form in which they were written, and every reader sees them together with the new ones.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Contract = Mapping[str, Any]
"""A compiled contract, as contracts/compiler/compile.py makes it."""


def breaking_changes(deployed: Contract, wanted: Contract) -> list[str]:
    """Say what about `wanted` breaks rows that were published under `deployed`, or their readers.

    Returns:
        One line for each: the field, what it was, what it becomes, and what breaks. Nothing is what one hopes for.
    """
    return [*_column_changes(deployed, wanted), *_table_changes(deployed, wanted)]


def refusals(deployed: Contract, wanted: Contract) -> list[str]:
    """Say why `wanted` must not be deployed over `deployed`: a higher MAJOR version allows breaking changes.

    Returns:
        One line for each reason; none if it may be deployed.
    """
    old, new = _version(deployed), _version(wanted)
    was, becomes = deployed["version"], wanted["version"]
    if new < old:
        return [f"version: was {was}, becomes {becomes}: a version never goes back; raise it above {was}"]
    found = [] if new[0] > old[0] else breaking_changes(deployed, wanted)
    if new == old and form(deployed) != form(wanted):
        found.append(f"version: stays {was}, but the form of the rows changes: raise the version")
    return found


def form(contract: Contract) -> dict[str, Any]:
    """Keep of a compiled contract what a later one is compared with: what a row looks like, and what it means.

    Checks of values and thresholds are no part of it.
    """
    kept = {field: contract[field] for field in ("dataset", "version", "primary_key", "partition_by", "time_zone")}
    kept |= {"write_mode": _write_mode(contract), "table_format": _table_format(contract)}
    columns = [{field: column[field] for field in ("name", "type", "required")} for column in contract["columns"]]
    return {**kept, "columns": columns}


def _column_changes(deployed: Contract, wanted: Contract) -> Iterator[str]:
    old, new = _columns(deployed), _columns(wanted)
    renamed = {
        former: column for column in wanted["columns"] for former in column.get("former_names", ()) if former not in new
    }
    for was, column in old.items():
        kind = column["type"]
        name = renamed[was]["name"] if was in renamed and was not in new else was
        if name not in new:
            yield f"{name}: was {kind}, is gone: published rows have it, and queries that name it would fail"
            continue
        becomes = new[name]["type"]
        if kind != becomes and name in deployed["partition_by"]:
            yield f"{name}: was {kind}, becomes {becomes}: published files lie in folders named by the old type's text"
        elif kind != becomes and not is_widened(kind, becomes):
            yield f"{name}: was {kind}, becomes {becomes}: Athena does not read published files so"
        if new[name]["required"] and not column["required"]:
            yield f"{name}: was nullable, becomes required: published rows may be null there"
    for name, column in new.items():
        if name not in old and column["required"]:
            yield f"{name}: is new and required: published rows are null there; add it without 'required'"


def _table_changes(deployed: Contract, wanted: Contract) -> Iterator[str]:
    for field, breaks in (
        ("primary_key", "duplicates of published rows would be told by other columns"),
        ("partition_by", "published files lie in the folders of the old partitions"),
        ("time_zone", "published timestamps were read in the old one and would mean another moment than new ones"),
    ):
        was, becomes = deployed[field], wanted[field]
        if was != becomes:
            yield f"{field}: was {_shown(was)}, becomes {_shown(becomes)}: {breaks}"
    if _write_mode(deployed) != _write_mode(wanted):
        yield (
            f"write_mode: was {_write_mode(deployed)}, becomes {_write_mode(wanted)}: "
            "readers count on keys that are there once, or on every row"
        )
    if (was_format := _table_format(deployed)) != (becomes_format := _table_format(wanted)):
        way = "; turn the table into one first: data-pipeline adopt" if becomes_format == "iceberg" else ""
        yield (
            f"table_format: was {was_format}, becomes {becomes_format}: published files are read by folders, or by "
            f"a list of them{way}"
        )


def is_widened(was: str, becomes: str) -> bool:
    """Whether Athena engine version 3 reads files of type `was` as `becomes`, and every value stays what it is.

    int as bigint, and decimals with more digits before the point. The Spark job reads files by the types that they
    have, and casts.
    """
    old, new = _decimal(was), _decimal(becomes)
    if old is None or new is None:
        return (was, becomes) == ("int", "bigint")
    return old[1] == new[1] and old[0] < new[0]


def _decimal(kind: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
    return None if match is None else (int(match[1]), int(match[2]))


def _write_mode(contract: Contract) -> str:
    """How rows are written; releases that did not say it had no other."""
    return str(contract.get("write_mode", "first"))


def _table_format(contract: Contract) -> str:
    """The format of the table; releases that did not say it had no other."""
    return str(contract.get("table_format", "parquet"))


def _columns(contract: Contract) -> dict[str, Contract]:
    return {column["name"]: column for column in contract["columns"]}


def _version(contract: Contract) -> tuple[int, ...]:
    return tuple(int(part) for part in contract["version"].split("."))


def _shown(value: str | list[str]) -> str:
    return value if isinstance(value, str) else f"({', '.join(value)})"
