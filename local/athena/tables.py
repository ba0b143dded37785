"""The catalog's tables as DuckDB views over local copies of the caller's files, with the bytes a query would scan."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from athena_sql.errors import SqlError, not_emulated
from athena_sql.types import Type, field_names, field_of, from_hive
from athena_sql.types import duckdb as duckdb_name
from local.athena import json_files, projection
from local.glue.hive_types import hive_type
from local.glue.mirror import Location

Json = dict[str, Any]

_READABLE: Final = {
    # What Athena reads although the file says otherwise.
    ("int", "bigint"),
    ("smallint", "int"),
    ("smallint", "bigint"),
    ("tinyint", "smallint"),
    ("tinyint", "int"),
    ("tinyint", "bigint"),
    ("float", "double"),
    ("binary", "string"),
}

_JSON_LIBRARY: Final = "org.apache.hive.hcatalog.data.JsonSerDe"


class UnreadableError(Exception):
    """A table cannot be read; the message is worded as Athena words it."""


@dataclass(frozen=True)
class Partition:
    """Where rows lie, and the values of the partition keys there."""

    location: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class StoredFile:
    """An object of a table: its URI, and how to get its bytes."""

    uri: str
    etag: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class CatalogTable:
    """A table of the catalog: its columns and partition keys with Hive types, its partitions, its files' format."""

    columns: dict[str, str]
    keys: dict[str, str]
    partitions: list[Partition]
    json: bool = False

    @classmethod
    def of(cls, table: Json, partitions: Iterable[Json]) -> CatalogTable:
        """Read what the catalog says.

        Raises:
            UnreadableError: if the table is neither Parquet nor JSON, or its partitions cannot be worked out.
        """
        storage = table.get("StorageDescriptor") or {}
        library = (storage.get("SerdeInfo") or {}).get("SerializationLibrary", "")
        if "parquet" not in library.lower() and library != _JSON_LIBRARY:
            raise UnreadableError(
                f"NOT_SUPPORTED: the emulator reads Parquet and Hive JSON tables only, {table['Name']} has {library!r}"
            )
        keys = {key["Name"].lower(): key["Type"] for key in table.get("PartitionKeys") or []}
        if projection.is_projected(table):
            today = datetime.datetime.now(datetime.UTC).date()
            try:
                parts = [Partition(*found) for found in projection.project(table, today)]
            except projection.ProjectionError as error:
                raise UnreadableError(str(error)) from error
        else:
            # Athena sees the partitions that the catalog lists, whatever else lies in S3.
            parts = [
                Partition(part["StorageDescriptor"]["Location"], tuple(map(str, part["Values"]))) for part in partitions
            ]
        return cls(
            {column["Name"].lower(): column["Type"] for column in storage.get("Columns") or []},
            keys,
            parts if keys else [Partition(storage["Location"], ())],
            library == _JSON_LIBRARY,
        )

    def left(self, connection: duckdb.DuckDBPyConnection, condition: str | None, alias: str) -> list[Partition]:
        """The partitions that a condition on the keys, which are columns of `alias`, leaves."""
        if condition is None or not self.keys or not self.partitions:
            return self.partitions
        names = ", ".join(f'"{key}" {duckdb_type(kind)}' for key, kind in self.keys.items())
        table = f"partitions_{alias}"
        connection.execute(f"CREATE TEMP TABLE {table} (position INTEGER, {names})")
        rows = [[position, *part.values] for position, part in enumerate(self.partitions)]
        marks = ", ".join("?" * (len(self.keys) + 1))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        query = f"SELECT position FROM {table} AS {alias} WHERE {condition} ORDER BY position"
        return [self.partitions[position] for (position,) in connection.execute(query).fetchall()]


class FileCache:
    """Local copies of objects, so that a table that is asked twice is copied once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, file: StoredFile) -> Path:
        """The local copy of an object."""
        name = hashlib.sha256(f"{file.uri} {file.etag}".encode()).hexdigest()
        path = self._directory / f"{name}.copy"
        if not path.exists():
            # Two queries may fetch the same object at the same time.
            part = path.with_suffix(f".{id(file):x}")
            part.write_bytes(file.read())
            part.replace(path)
        return path


def create_view(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: CatalogTable,
    files: list[tuple[Path, Partition, str]],
    touched: set[str],
) -> int:
    """Make the view of a table over its files and return the bytes that a query reads.

    Of Parquet these are the column chunks that it touches, of JSON the whole files.

    Raises:
        UnreadableError: if a file is of another format, or contradicts the catalog.
    """
    if table.json:
        try:
            rows = json_files.read([path for path, *_ in files], table.columns)
        except json_files.JsonError as error:
            raise UnreadableError(str(error)) from error
        connection.register(f"{view}_rows", rows)
        connection.execute(_view_sql(connection, view, table, files, set(table.columns)))
        return sum(path.stat().st_size for path, *_ in files)
    present: set[str] = set()
    scanned = 0
    for path, partition, _ in files:
        try:
            metadata = pq.read_metadata(path)
        except OSError as error:
            raise UnreadableError(
                f"HIVE_BAD_DATA: {partition.location} holds a file that is not Parquet: {error}"
            ) from error
        present |= _checked_columns(metadata, table, partition.location)
        scanned += bytes_of(metadata, touched)
    connection.execute(_view_sql(connection, view, table, files, present))
    return scanned


def bytes_of(metadata: pq.FileMetaData, touched: set[str]) -> int:
    """The bytes that the chunks of the columns that a query touches have in a file."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    chunks = (group.column(number) for group in groups for number in range(group.num_columns))
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0].lower() in touched)


def no_rows(kinds: Mapping[str, str]) -> str:
    """A query that has columns of DuckDB's types, and no rows."""
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in kinds.items())
    return f"SELECT {columns} WHERE false"


def _checked_columns(metadata: pq.FileMetaData, table: CatalogTable, location: str) -> set[str]:
    found = {field.name.lower(): hive_type(field.type) for field in metadata.schema.to_arrow_schema()}
    for name, kind in found.items():
        expected = table.columns.get(name)
        if expected is not None and expected != kind and not _is_readable(kind, expected):
            if "<" in kind and "<" in expected:
                # Trino finds fields by their names, and each may have become wider.
                raise UnreadableError(str(not_emulated(f"a file's {kind} as the table's {expected}")))
            raise UnreadableError(
                f"HIVE_BAD_DATA: Field {name}'s type {kind} in parquet file {location} is incompatible with "
                f"type {expected} defined in table schema"
            )
    return set(found)


def _is_readable(kind: str, expected: str) -> bool:
    if (kind, expected) in _READABLE:
        return True
    # Trino rescales decimals, and fails on a value that does not fit; so does DuckDB's cast.
    old, new = (re.fullmatch(r"decimal\((\d+),(\d+)\)", each) for each in (kind, expected))
    return old is not None and new is not None and int(old[2]) <= int(new[2])


def _view_sql(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: CatalogTable,
    files: list[tuple[Path, Partition, str]],
    present: set[str],
) -> str:
    columns = [
        f'{_read(name, kind)} AS "{name}"' if name in present else f'CAST(NULL AS {duckdb_type(kind)}) AS "{name}"'
        for name, kind in table.columns.items()
    ]
    keys = [f'CAST(place."{name}" AS {duckdb_type(kind)}) AS "{name}"' for name, kind in table.keys.items()]
    keys.append('place.uri AS "$path"')
    if not files:
        kinds = {**table.columns, **table.keys, "$path": "string"}
        return f"CREATE TEMP VIEW {view} AS {no_rows({name: duckdb_type(kind) for name, kind in kinds.items()})}"
    names = "".join(f', "{name}" VARCHAR' for name in table.keys)
    connection.execute(f"CREATE TEMP TABLE {view}_places (file VARCHAR, uri VARCHAR{names})")
    marks = ", ".join("?" * (len(table.keys) + 2))
    rows = [[str(path), uri, *partition.values] for path, partition, uri in files]
    connection.executemany(f"INSERT INTO {view}_places VALUES ({marks})", rows)
    listed = ", ".join(f"'{path}'" for path, *_ in files)
    parquet = f"read_parquet([{listed}], union_by_name=true, filename='file__', hive_partitioning=false)"
    return (
        f"CREATE TEMP VIEW {view} AS SELECT {', '.join(columns + keys)} "
        f"FROM {f'{view}_rows' if table.json else parquet} AS data "
        f"JOIN {view}_places AS place ON data.file__ = place.file"
    )


def _read(name: str, kind: str) -> str:
    """A column of a file."""
    column = f'data."{name}"'
    if "timestamp" in kind:
        return _in_milliseconds(column, from_hive(kind))
    return f"CAST({column} AS {duckdb_type(kind)})"


def _in_milliseconds(sql: str, kind: Type) -> str:
    """A value of a file with its timestamps as Athena reads them: in milliseconds, rounded."""
    if kind.name == "timestamp":
        return f"make_timestamp(((epoch_us({sql}) + 500) // 1000) * 1000)"
    if kind.name == "array":
        return f"list_transform({sql}, lambda x: {_in_milliseconds('x', kind.inner[0])})"
    if kind.name == "map":
        key, value = (
            _in_milliseconds(f"x.{part}", each) for part, each in zip(("key", "value"), kind.inner, strict=True)
        )
        return f"map_from_entries(list_transform(map_entries({sql}), lambda x: {{'key': {key}, 'value': {value}}}))"
    if kind.name == "row":
        fields = ", ".join(
            f"'{name}': {_in_milliseconds(field_of(sql, kind, place), each)}"
            for place, (name, each) in enumerate(zip(field_names(kind), kind.inner, strict=True))
        )
        return f"CASE WHEN {sql} IS NOT NULL THEN {{{fields}}} END"
    return f"CAST({sql} AS {duckdb_name(kind)})"


def duckdb_type(hive: str) -> str:
    """DuckDB's name of a Hive type.

    Raises:
        UnreadableError: if the emulator does not know it.
    """
    try:
        return duckdb_name(from_hive(hive))
    except SqlError as error:
        raise UnreadableError(f"NOT_SUPPORTED: the emulator does not read columns of type {hive}") from error


def location_of(uri: str) -> Location:
    """A table's or partition's location as a prefix."""
    return Location.parse(uri.rstrip("/") + "/")
