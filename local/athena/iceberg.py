"""Iceberg tables as the quick engine reads them: the files that a snapshot lists, never what lies in folders.

PyIceberg reads the metadata, with the caller's permissions; DuckDB reads the files.
"""

from __future__ import annotations

import contextvars
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow.parquet as pq

from athena_sql.errors import SqlError, not_emulated
from athena_sql.scope import Version
from athena_sql.types import BIGINT as LONG
from athena_sql.types import BOOLEAN, DATE, DOUBLE, INTEGER, VARBINARY, VARCHAR, ZONED, Type, array, decimal
from athena_sql.types import duckdb as duckdb_name
from local.athena import access
from local.athena.tables import bytes_of, no_rows

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, StaticTable

Json = dict[str, Any]

_SIMPLE: Final = {
    "boolean": BOOLEAN,
    "int": INTEGER,
    "long": LONG,
    "float": Type("real"),
    "double": DOUBLE,
    "date": DATE,
    "timestamp": Type("timestamp", (6,)),
    "timestamptz": Type(ZONED, (6,)),
    "string": VARCHAR,
    "binary": VARBINARY,
}
_FIELD_ID: Final = b"PARQUET:field_id"


def is_iceberg(definition: Json) -> bool:
    """Whether the catalog says that a table is one of Iceberg's."""
    return str((definition.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG"


@dataclass(frozen=True)
class IcebergTable:
    """A table as one of its snapshots has it; a table without a snapshot has no rows.

    Who asks for a version gets the columns of then, also if nothing was written since.
    """

    table: StaticTable
    snapshot: int | None
    is_version: bool

    @classmethod
    def load(cls, definition: Json, version: Version | None = None) -> IcebergTable:
        """Read the metadata of a table that the caller may read.

        Raises:
            AccessDeniedError: the caller may not.
            SqlError: there is no such version.
        """
        try:
            from pyiceberg.catalog.noop import NoopCatalog
            from pyiceberg.serializers import FromInputFile
            from pyiceberg.table import StaticTable
        except ImportError as error:
            raise not_emulated("an Iceberg table where PyIceberg is not installed") from error

        location = str(definition["Parameters"]["metadata_location"])
        files = _file_io(access.read)
        found = StaticTable(
            identifier=("static-table", location),
            metadata_location=location,
            metadata=FromInputFile.table_metadata(files.new_input(location)),
            io=files,
            catalog=NoopCatalog("static-table"),
        )
        current = found.metadata.current_snapshot_id
        return cls(found, current if version is None else _snapshot(found, version), version is not None)

    def columns(self) -> dict[str, Type]:
        """Its columns with their types in Trino.

        Raises:
            SqlError: one is of a type that is not emulated.
        """
        return {field.name.lower(): _type(field.field_type) for field in self._schema().fields}

    def create_view(
        self,
        connection: duckdb.DuckDBPyConnection,
        view: str,
        local: Callable[[str], Path],
        touched: set[str],
    ) -> int:
        """Make the view of the table and return the bytes that a query reads; `local` copies a file.

        Raises:
            SqlError: a file is of a kind that is not emulated.
        """
        types = self.columns()
        tasks = [] if self.snapshot is None else list(self.table.scan(snapshot_id=self.snapshot).plan_files())
        deleted = self._deletes(connection, view, tasks, local)
        scanned, parts = 0, []
        for task in tasks:
            path = local(task.file.file_path)
            metadata = pq.read_metadata(path)
            scanned += bytes_of(metadata, touched)
            columns = self._columns_of(task, metadata, types)
            uri = task.file.file_path.replace("'", "''")
            left = f" WHERE file_row_number NOT IN (SELECT pos FROM {view}_deletes WHERE file_path = '{uri}')"
            parts.append(
                f"SELECT {', '.join(columns)}, '{uri}' AS \"$path\" FROM read_parquet('{path}', file_row_number=true, "
                f"hive_partitioning=false) AS data{left if deleted else ''}"
            )
        if not parts:
            kinds = {**types, "$path": VARCHAR}
            parts.append(no_rows({name: duckdb_name(kind) for name, kind in kinds.items()}))
        connection.execute(f"CREATE TEMP VIEW {view} AS {' UNION ALL '.join(parts)}")
        return scanned

    def _schema(self) -> Any:
        snapshot = self.table.snapshot_by_id(self.snapshot) if self.is_version and self.snapshot is not None else None
        if snapshot is None or snapshot.schema_id is None:
            return self.table.schema()
        return self.table.schemas()[snapshot.schema_id]

    def _deletes(
        self, connection: duckdb.DuckDBPyConnection, view: str, tasks: list[FileScanTask], local: Callable[[str], Path]
    ) -> bool:
        """Put the rows that deletes of positions name into a table; say whether there are any."""
        from pyiceberg.manifest import DataFileContent, FileFormat

        files = {file.file_path: file for task in tasks for file in task.delete_files}
        for file in files.values():
            if file.content != DataFileContent.POSITION_DELETES or file.file_format != FileFormat.PARQUET:
                raise not_emulated("deletes of an Iceberg table other than by positions in Parquet")
        if files:
            listed = ", ".join(f"'{local(path)}'" for path in files)
            connection.execute(
                f"CREATE TEMP TABLE {view}_deletes AS SELECT file_path, pos FROM read_parquet([{listed}])"
            )
        return bool(files)

    def _columns_of(self, task: FileScanTask, metadata: pq.FileMetaData, types: dict[str, Type]) -> list[str]:
        """What the columns of the table are in a file: found by their ids, whatever they were called then."""
        if str(task.file.file_format.value).upper() != "PARQUET":
            raise not_emulated(f"an Iceberg table of {task.file.file_format.value}")
        mapping = self.table.name_mapping()
        by_name = {name: item.field_id for item in (mapping.root if mapping else []) for name in item.names}
        found: dict[int, Any] = {}
        for field in metadata.schema.to_arrow_schema():
            number = (field.metadata or {}).get(_FIELD_ID)
            found[int(number) if number is not None else by_name.get(field.name) or -1] = field
        written = []
        for field in self._schema().fields:
            name, kind = field.name.lower(), types[field.name.lower()]
            if field.field_id in found:
                if kind.name in ("row", "array", "map"):
                    _check_nested(field, found[field.field_id])
                own = found[field.field_id].name.replace('"', '""')
                sql = f'data."{own}"'
            else:
                sql = self._constant(task, field)
            written.append(f'CAST({sql} AS {duckdb_name(kind)}) AS "{name}"')
        return written

    def _constant(self, task: FileScanTask, field: Any) -> str:
        """A column that a file has not: NULL, or the value by which the file is partitioned."""
        if getattr(field, "initial_default", None) is not None:
            raise not_emulated("a column of an Iceberg table with a default")
        spec = self.table.specs()[task.file.spec_id]
        for place, part in enumerate(spec.fields):
            value = task.file.partition[place] if part.source_id == field.field_id else None
            if value is not None and str(part.transform) == "identity":
                text = part.transform.to_human_string(field.field_type, value)
                return "'" + text.replace("'", "''") + "'"
        return "NULL"


def _check_nested(field: Any, stored: Any) -> None:
    """Make sure that a nested value has its fields by the names that it has now."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.schema import Schema

    now = schema_to_pyarrow(Schema(field), include_field_ids=False).field(0).type
    if _names(now) != _names(stored.type):
        raise not_emulated("a nested column of an Iceberg table whose fields have changed")


def _names(kind: Any) -> Any:
    count = kind.num_fields
    is_struct = str(kind).startswith("struct")
    return [(kind.field(place).name if is_struct else "", _names(kind.field(place).type)) for place in range(count)]


def _type(kind: Any) -> Type:
    from pyiceberg.types import DecimalType, ListType, MapType, StructType

    if isinstance(kind, DecimalType):
        return decimal(kind.precision, kind.scale)
    if isinstance(kind, ListType):
        return array(_type(kind.element_type))
    if isinstance(kind, MapType):
        return Type("map", (), (_type(kind.key_type), _type(kind.value_type)))
    if isinstance(kind, StructType):
        inner = tuple(_type(field.field_type) for field in kind.fields)
        return Type("row", (), inner, tuple(field.name.lower() for field in kind.fields))
    if str(kind) not in _SIMPLE:
        raise not_emulated(f"columns of type {kind}")
    return _SIMPLE[str(kind)]


def _snapshot(table: StaticTable, version: Version) -> int:
    """The snapshot that a version means.

    Raises:
        SqlError: there is none.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        [(value, now)] = connection.execute(f"SELECT {version.sql}, epoch_ms(current_timestamp)").fetchall()
    if value is None:
        raise SqlError("INVALID_ARGUMENTS", "Pointer value cannot be NULL")
    if version.kind == "TIMESTAMP":
        if value >= now:
            raise SqlError("INVALID_ARGUMENTS", "Pointer value is not in the past")
        # The history says what was current when; a snapshot that was rolled back may be in it more than once.
        before = [entry.snapshot_id for entry in table.history() if entry.timestamp_ms <= value]
        if not before:
            raise SqlError("INVALID_ARGUMENTS", "No version history table at or before the time that is asked for")
        return before[-1]
    if isinstance(value, str):
        found = table.snapshot_by_name(value)
        if found is None:
            raise SqlError("INVALID_ARGUMENTS", f"Cannot find snapshot with reference name: {value}")
        return found.snapshot_id
    if table.snapshot_by_id(value) is None:
        raise SqlError("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {value}")
    return int(value)


def _file_io(read: Callable[[str], bytes]) -> Any:
    """PyIceberg's access to files, with the permissions of the caller of this thread."""
    from pyiceberg.io import FileIO, InputFile

    # PyIceberg reads manifests in threads of its own.
    context = contextvars.copy_context()

    class Input(InputFile):
        def open(self, seekable: bool = True) -> Any:
            return io.BytesIO(context.copy().run(read, self.location))

        def exists(self) -> bool:
            return True

        def __len__(self) -> int:
            return len(context.copy().run(read, self.location))

    class Files(FileIO):
        def new_input(self, location: str) -> InputFile:
            return Input(location)

        # The quick engine reads; what would write here is a fault of the emulator.
        def new_output(self, location: str) -> Any:
            raise NotImplementedError(f"the quick engine writes no table: {location}")

        def delete(self, location: Any) -> None:
            raise NotImplementedError(f"the quick engine deletes nothing: {location}")

    return Files()
