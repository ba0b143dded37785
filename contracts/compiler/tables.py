"""Makes of an object of a contract's schema what its dataset is: names, types, keys, partitions, write mode.

What the pipeline cannot do is a problem, what it does not enforce a notice; both say where in the contract.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from open_data_contract_standard.model import EnumValue, SchemaObject, SchemaProperty
from pipeline_core.contract import APPEND, FIRST, ICEBERG, LATEST, own_columns

from contracts.compiler import dialect, table_settings
from contracts.compiler.column_types import LOGICAL_TYPES, ColumnType, ColumnTypeError, column_type, with_checks
from contracts.compiler.column_values import PARTITION_TYPES, not_checked, value_problems
from contracts.compiler.names import MAX_COLUMN, MAX_DATASET, column_name, dataset_name

RESERVED_NAMES = ("index", "quarantined_files", "quarantined_rows", "runs")
"""Names that a dataset cannot have: the list of the contracts, and the tables in components/catalog/tables.py."""

OWN_COLUMNS = tuple(own_columns(LATEST))
"""Columns that tables have besides those of their contracts."""

JOB_COLUMNS = (
    *("_address", "_fate", "_file", "_goes", "_line", "_object", "_path", "_published", "_rank", "_raw", "_reasons"),
    *("_keeps", "_rows", "_deleted_at", "_partition"),
)
"""Columns that a batch has besides those of its contract while it is worked on."""


LOGICAL_OF = {kind: logical for logical, kind in LOGICAL_TYPES.items()} | {"int": "integer"}


@dataclass(frozen=True, kw_only=True)
class ColumnPlan:
    """A column of the table: what the contract says of it, and what that means here.

    `source` is what a file calls the column, where that is not its name.
    """

    name: str
    source: str | None
    said: SchemaProperty
    type: ColumnType
    options: dict[str, Any]
    enum: list[EnumValue] | None


@dataclass(kw_only=True)
class TablePlan:
    """A dataset as its contract describes it, with what is wrong and what has to be said."""

    where: str
    said: SchemaObject
    dataset: str
    write_mode: str = APPEND
    table_format: str = ICEBERG
    columns: list[ColumnPlan] = field(default_factory=list)
    primary_key: list[str] = field(default_factory=list)
    partition_by: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notices: list[tuple[str, str, str]] = field(default_factory=list)
    """What is not enforced: the field, the reason, and where it stands."""


def plan(index: int, table: SchemaObject, server: str | None, settings: Mapping[str, Any]) -> TablePlan:
    """Plan the dataset of an object of the schema.

    Args:
        index: where the object stands in `schema`.
        table: the object.
        server: the type of server that physical types are of; None if the contract does not say one.
        settings: the pipeline's own custom properties of the object, or else of its contract.
    """
    where = f"schema.{index}"
    made = TablePlan(where=where, said=table, dataset=dataset_name(table.name or ""))
    made.problems += _dataset_problems(made)
    if not table.properties:
        made.problems.append(f"{where}.properties: no column; a table has at least one")
        return made
    for position, column in enumerate(table.properties):
        _add_column(made, f"{where}.properties.{position} ({column.name})", column, server, settings)
    made.problems += _name_problems(made)
    _set_keys(made, table.properties, settings)
    return made


def _dataset_problems(made: TablePlan) -> Iterator[str]:
    where, name = f"{made.where}.name", made.said.name
    if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{MAX_DATASET - 1}}}", made.dataset) or not (name or "").strip():
        yield (
            f"{where}: {name!r} would be the dataset {made.dataset!r}; "
            f"allowed are a-z, 0-9, _ (a letter first, up to {MAX_DATASET})"
        )
    if made.dataset in RESERVED_NAMES:
        yield f"{where}: {name!r} is the pipeline's own; taken are {', '.join(RESERVED_NAMES)}"


def _add_column(
    made: TablePlan, where: str, column: SchemaProperty, server: str | None, settings: Mapping[str, Any]
) -> None:
    written = column.name or ""
    name = column_name(written)
    if not written.strip() or len(name) > MAX_COLUMN:
        made.problems.append(f"{where}: name {written!r}; give it a name of up to {MAX_COLUMN} characters")
    elif name in (*OWN_COLUMNS, *JOB_COLUMNS):
        taken = ", ".join((*OWN_COLUMNS, *JOB_COLUMNS))
        made.problems.append(
            f"{where}: name {written!r} is the pipeline's own; taken are {taken}: give it another "
            "name, and the one that it has in files as physicalName"
        )
    try:
        found = column_type(column, server)
    except ColumnTypeError as problem:
        made.problems.append(f"{where}: {problem}")
        return
    if found.kind != "string":
        for inner in ("properties", "items", "map"):
            if getattr(column, inner) is not None:
                made.problems.append(
                    f"{where}: {inner}: a {found.kind} column has no values in its values; leave it out"
                )
    enum = column.enum
    if enum is None and found.enum is not None:
        enum = [EnumValue(value=value) for value in found.enum]
    options = with_checks(column, found)
    logical = column.logicalType or ("number" if found.kind.startswith("decimal") else LOGICAL_OF.get(found.kind))
    made.problems += (f"{where}: {problem}" for problem in value_problems(options, enum, found.kind, logical))
    made.problems += (f"{where}: {problem}" for problem in dialect.column_problems(column, found.kind, settings))
    table_format = settings.get("tableFormat", ICEBERG)
    made.problems += (
        f"{where}: {problem}" for problem in table_settings.column_problems(column, found.kind, table_format)
    )
    made.notices += (("type", notice, where) for notice in found.notices)
    for option in not_checked(options, found.kind):
        reason = f"no value of a {found.kind.split('(')[0]} column is checked by it"
        made.notices.append((f"logicalTypeOptions.{option}", reason, where))
    source = column.physicalName if column.physicalName is not None else written
    made.columns.append(
        ColumnPlan(
            name=name,
            source=None if source == name else source,
            said=column,
            type=found,
            options=options,
            enum=enum,
        )
    )


def _name_problems(made: TablePlan) -> Iterator[str]:
    where = f"{made.where}.properties"
    by_name: dict[str, list[str]] = {}
    by_source: dict[str, list[str]] = {}
    for column in made.columns:
        by_name.setdefault(column.name, []).append(column.said.name or "")
        source = (column.source or column.name).strip(" \t").lower()
        by_source.setdefault(source, []).append(column.name)
    for name, written in by_name.items():
        if len(written) > 1:
            same = (
                ""
                if set(written) == {name}
                else f" ({', '.join(map(repr, written))} are one name in the table: give them others, and physicalName)"
            )
            yield f"{where}: column {name!r} is there twice{same}"
    for source, names in by_source.items():
        if len(set(names)) > 1:
            yield f"{where}: physicalName {source!r} is that of {', '.join(names)}; give each its own"


def _set_keys(made: TablePlan, columns: list[SchemaProperty], settings: Mapping[str, Any]) -> None:
    keys = _in_order(columns, "primaryKey", "primaryKeyPosition")
    partitions = _in_order(columns, "partitioned", "partitionKeyPosition")
    made.primary_key = [column_name(column.name or "") for column in keys]
    made.partition_by = [table_settings.transform_of(column_name(column.name or ""), column) for column in partitions]
    made.table_format = str(settings.get("tableFormat", ICEBERG))
    made.write_mode = str(settings.get("writeMode", FIRST if keys else APPEND))
    made.problems += _key_problems(made, columns)
    kinds = {column.name: column.type.kind for column in made.columns}
    where = f"{made.where}.properties"
    if not made.problems:
        made.problems += table_settings.name_problems({column.name: column.said for column in made.columns})
    made.problems += (
        problem if problem.startswith("customProperties") else f"{where}: {problem}"
        for problem in table_settings.table_problems(settings, made.write_mode, kinds, made.primary_key)
    )
    if made.write_mode == APPEND and keys:
        reason = "writeMode is append: every row is kept, also one whose key is there"
        made.notices.append(("primaryKey", reason, f"{made.where}.properties"))


def _key_problems(made: TablePlan, columns: list[SchemaProperty]) -> Iterator[str]:
    where = f"{made.where}.properties"
    if made.write_mode not in table_settings.WRITE_MODES:
        yield (f"customProperties (writeMode): {made.write_mode!r}; allowed: {', '.join(table_settings.WRITE_MODES)}")
    elif made.write_mode == FIRST and not made.primary_key:
        yield f"{where}: no primaryKey, but writeMode is first: mark the columns that identify a row, or use append"
    for flag, position in (("primaryKey", "primaryKeyPosition"), ("partitioned", "partitionKeyPosition")):
        given: dict[int, str] = {}
        for column in columns:
            at = _position(column, position)
            if at is None:
                continue
            if not getattr(column, flag):
                yield f"{where} ({column.name}): {position} without {flag}: true, which it belongs to"
            elif at in given:
                yield f"{where} ({column.name}): {position} {at} is that of {given[at]}, too; number them"
            given.setdefault(at, column.name or "")
    for planned in made.columns:
        if not planned.said.partitioned:
            continue
        said = f"{where} ({planned.said.name})"
        has_transform = table_settings.TRANSFORM in table_settings.said_of(planned.said)
        if planned.type.kind not in PARTITION_TYPES and not has_transform:
            yield f"{said}: partitioned: a {planned.type.kind} column; allowed: {', '.join(PARTITION_TYPES)}"
        if planned.name.startswith("_"):
            yield f"{said}: partitioned: readers skip folders that begin with _; give it another name"
        if made.write_mode == FIRST and made.primary_key and planned.name not in made.primary_key:
            yield (
                f"{said}: partitioned: not in the primary key; with writeMode first a partition column belongs to the "
                "key, so that a duplicate is always found in the same partition; add it to the key, or use append"
            )
    if all(column.partitioned and not table_settings.said_of(column) for column in columns):
        yield f"{where}: every column is a partition column; a table needs at least one other"


def _in_order(columns: list[SchemaProperty], flag: str, position: str) -> list[SchemaProperty]:
    """The columns with a flag: those with a position by it, then the others as they are written."""
    chosen = [column for column in columns if getattr(column, flag)]
    last = len(columns) + max((_position(column, position) or 0 for column in chosen), default=0)
    return sorted(chosen, key=lambda column: last if (at := _position(column, position)) is None else at)


def _position(column: SchemaProperty, position: str) -> int | None:
    # -1 is what the standard says where there is none.
    at = getattr(column, position)
    return None if at in (None, -1) else int(at)
