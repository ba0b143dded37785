"""What a contract says of its table, as `customProperties`: the format, how rows are written, partitions, history."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline_core.contract import APPEND, FIRST, ICEBERG, LATEST, PARQUET, SNAPSHOT
from pipeline_core.partitions import BUCKET, TIME_TRANSFORMS, TRUNCATE, PartitionField

from contracts.compiler.dialect import Setting, is_whole
from contracts.compiler.names import column_name

FORMATS = (ICEBERG, PARQUET)
WRITE_MODES = (FIRST, APPEND, LATEST, SNAPSHOT)
"""Of rows with one key the first is kept; every row is; the last is; each file is the whole table."""

ONLY_ICEBERG = (LATEST, SNAPSHOT)
MAX_DAYS = 3_650
MAX_CHARACTERS = 64
DAYS = f"allowed: 1 to {MAX_DAYS} (days)"
NAME = "the name of a column is needed"
NAMES = "a list of names of columns is needed"


def _is_days(value: Any) -> bool:
    return is_whole(value, 1, MAX_DAYS)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_name, value))


SETTINGS: dict[str, Setting] = {
    "tableFormat": Setting(
        field="table_format", allows=lambda value: value in FORMATS, allowed=f"allowed: {', '.join(FORMATS)}"
    ),
    "sequence": Setting(field="sequence", allows=_is_name, allowed=NAME),
    "operation": Setting(field="operation", allows=_is_name, allowed=NAME),
    "deleteCodes": Setting(
        field="delete_codes", allows=_are_names, allowed="a list of texts is needed, for example ['D']"
    ),
    "tombstoneDays": Setting(field="tombstone_days", allows=_is_days, allowed=DAYS),
    "historyDays": Setting(field="history_days", allows=_is_days, allowed=DAYS),
    "sortedBy": Setting(field="sorted_by", allows=_are_names, allowed=NAMES),
}
"""Settings of a contract or of a table, by the name of the property."""

TRANSFORM = "partitionTransform"
FORMER_NAMES = "formerNames"
TRANSFORMS = "year, month, day, hour, bucket(N), truncate(N)"
TYPES = {
    **dict.fromkeys(TIME_TRANSFORMS, ("timestamp", "date")),
    "hour": ("timestamp",),
    BUCKET: ("int", "bigint", "string", "date", "timestamp", "decimal"),
    TRUNCATE: ("int", "bigint", "string", "decimal"),
}
"""Types of columns, by transform (Iceberg specification, "Partition Transforms")."""

_WRITTEN = re.compile(r"(year|month|day|hour)|(bucket|truncate)\(([1-9][0-9]{0,5})\)")

COLUMN_SETTINGS = (TRANSFORM, FORMER_NAMES)
"""Properties of a column."""


def said_of(column: Any) -> dict[str, Any]:
    """A column's own settings of the table."""
    return {item.property: item.value for item in column.customProperties or [] if item.property in COLUMN_SETTINGS}


def transform_of(name: str, column: Any) -> str:
    """How the table is partitioned by a column, as the compiled contract has it."""
    written = _WRITTEN.fullmatch(str(said_of(column).get(TRANSFORM, "")))
    if written is None:
        return name
    return str(PartitionField(column=name, transform=written[1] or written[2], width=int(written[3] or 0)))


def column_problems(column: Any, kind: str, table_format: str) -> Iterator[str]:
    """Say what a column's settings of the table say wrongly."""
    said = said_of(column)
    if TRANSFORM in said:
        where = f"customProperties ({TRANSFORM}): {said[TRANSFORM]!r}"
        written = _WRITTEN.fullmatch(str(said[TRANSFORM]))
        if written is None:
            yield f"{where}; allowed: {TRANSFORMS}"
        elif table_format != ICEBERG:
            yield f"{where}; a table of tableFormat {table_format} has folders of whole values: leave it out"
        elif not column.partitioned:
            yield f"{where} without partitioned: true, which it belongs to"
        elif kind.split("(")[0] not in TYPES[written[1] or written[2]]:
            allowed = ", ".join(TYPES[written[1] or written[2]])
            yield f"{where}; a {kind} column has none: it is for {allowed}"
        elif written[2] == TRUNCATE and kind == "string" and int(written[3]) > MAX_CHARACTERS:
            yield f"{where}; of a string: 1 to {MAX_CHARACTERS} characters, which name a folder"
    if FORMER_NAMES in said:
        where = f"customProperties ({FORMER_NAMES}): {said[FORMER_NAMES]!r}"
        if not _are_names(said[FORMER_NAMES]):
            yield f"{where}; {NAMES}"
        elif table_format != ICEBERG:
            yield f"{where}; files of tableFormat {table_format} know columns by their names only: leave it out"


def name_problems(columns: Mapping[str, Any]) -> Iterator[str]:
    """Say which former names of columns are names, or former names, of others; `columns` are by their names."""
    owners: dict[str, str] = {}
    for name, column in columns.items():
        for former in map(column_name, said_of(column).get(FORMER_NAMES) or []):
            if former in columns:
                yield f"customProperties ({FORMER_NAMES}): {former!r} of {name} is the name of a column; files know one"
            elif owners.setdefault(former, name) != name:
                yield f"customProperties ({FORMER_NAMES}): {former!r} is of {owners[former]} and of {name}; of one only"


def column_fields(column: Any) -> dict[str, Any]:
    """The fields of a compiled column that say something of the table."""
    said = said_of(column)
    fields: dict[str, Any] = {}
    if FORMER_NAMES in said:
        fields["former_names"] = [column_name(name) for name in said[FORMER_NAMES]]
    if column.description:
        fields["description"] = " ".join(column.description.split())
    return fields


def table_problems(
    settings: Mapping[str, Any], write_mode: str, columns: Mapping[str, str], keys: Sequence[str]
) -> Iterator[str]:
    """Say which settings of a table cannot stand together, or name no column.

    Args:
        settings: the pipeline's own, of the table or else of its contract. What is not allowed by itself is left out:
            `contract_problems` and `custom_problems` say so.
        write_mode: of the table.
        columns: types, by name.
        keys: columns of the primary key.
    """
    settings = {name: value for name, value in settings.items() if name not in SETTINGS or SETTINGS[name].allows(value)}
    table_format = settings.get("tableFormat", ICEBERG)
    if write_mode in ONLY_ICEBERG and table_format != ICEBERG:
        yield (
            f"customProperties (writeMode): {write_mode} with tableFormat {table_format}: readers would see a part of "
            "each change; use tableFormat iceberg"
        )
    if write_mode in ONLY_ICEBERG and not keys:
        yield f"no primaryKey, but writeMode is {write_mode}: mark the columns that identify a row, or use append"
    for name in ("sequence", "operation", "deleteCodes", "tombstoneDays"):
        if name in settings and write_mode != LATEST:
            yield f"customProperties ({name}): {settings[name]!r} with writeMode {write_mode}; it is for latest"
    for name in ("historyDays", "sortedBy"):
        if name in settings and table_format != ICEBERG:
            yield f"customProperties ({name}): {settings[name]!r} with tableFormat {table_format}; it is for iceberg"
    if "deleteCodes" in settings and "operation" not in settings:
        yield "customProperties (deleteCodes): without operation, which names the column that has them"
    for name in ("sequence", "operation", "sortedBy"):
        said = settings.get(name, [])
        for column in [said] if isinstance(said, str) else said:
            if column_name(column) not in columns:
                yield f"customProperties ({name}): there is no column {column!r}; there are {', '.join(columns)}"
            elif name == "operation" and columns[column_name(column)] != "string":
                yield f"customProperties (operation): {column!r} is no string column"
            elif name == "sequence" and columns[column_name(column)] in ("boolean",):
                yield f"customProperties (sequence): {column!r} is a boolean column, which has no order"
    if settings.get("operation") and column_name(settings["operation"]) in keys:
        yield "customProperties (operation): its column is of the primary key; a change keeps the key"


def compiled(settings: Mapping[str, Any], write_mode: str) -> dict[str, Any]:
    """The fields of the compiled contract that say something of the table."""
    found: dict[str, Any] = {"table_format": ICEBERG}
    for name, setting in SETTINGS.items():
        if name in settings:
            value = settings[name]
            if name in ("sequence", "operation"):
                value = column_name(value)
            elif name == "sortedBy":
                value = [column_name(column) for column in value]
            found[setting.field] = value
    if write_mode == LATEST and "operation" in found:
        found.setdefault("delete_codes", ["D"])
    return found
