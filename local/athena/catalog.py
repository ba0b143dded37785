"""The emulator's Glue catalog as the analyser of Athena's SQL sees it: tables, views, and tables of metadata."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from athena_sql.errors import SqlError, not_emulated
from athena_sql.scope import Table, Version
from athena_sql.types import BIGINT, VARCHAR, Type, from_hive
from local.athena import access
from local.athena.answers import QueryFailedError
from local.athena.iceberg import IcebergTable, is_iceberg

Json = dict[str, Any]

INFORMATION: Final = "information_schema"
PARTITIONS: Final = "$partitions"
_INFORMATION: Final[dict[str, dict[str, Type]]] = {
    "schemata": {"catalog_name": VARCHAR, "schema_name": VARCHAR},
    "tables": {"table_catalog": VARCHAR, "table_schema": VARCHAR, "table_name": VARCHAR, "table_type": VARCHAR},
    "columns": {
        "table_catalog": VARCHAR,
        "table_schema": VARCHAR,
        "table_name": VARCHAR,
        "column_name": VARCHAR,
        "ordinal_position": BIGINT,
        "column_default": VARCHAR,
        "is_nullable": VARCHAR,
        "data_type": VARCHAR,
    },
    "views": {
        "table_catalog": VARCHAR,
        "table_schema": VARCHAR,
        "table_name": VARCHAR,
        "view_definition": VARCHAR,
    },
}
_CATALOG: Final = "awsdatacatalog"


class GlueCatalog:
    """What a caller may see of the catalog; each table is asked for once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Table | None] = {}
        self.definitions: dict[tuple[str, str], Json] = {}
        self.iceberg: dict[tuple[str, str, Version | None], IcebergTable] = {}

    def has_database(self, database: str) -> bool:
        """Whether there is such a database."""
        return database == INFORMATION or database in access.databases()

    def table(self, database: str, name: str) -> Table | None:
        """The table of that name, or None.

        Raises:
            AccessDeniedError: the caller may not see it.
            SqlError: it is of a kind that is not emulated.
        """
        key = database, name
        if key not in self._found:
            self._found[key] = self._table(database, name)
        return self._found[key]

    def _table(self, database: str, name: str) -> Table | None:
        if database == INFORMATION:
            columns = _INFORMATION.get(name)
            return Table(columns=columns, constant=True) if columns else None
        if name.endswith(PARTITIONS):
            found = self._definition(database, name.removesuffix(PARTITIONS))
            if found is not None and is_iceberg(found):
                raise not_emulated("the partitions of an Iceberg table")
            keys = _columns((found or {}).get("PartitionKeys"))
            return Table(columns=keys, constant=True) if keys else None
        if "$" in name:
            raise not_emulated(f"the table {name!r}")
        found = self._definition(database, name)
        if found is None:
            return None
        if found.get("TableType") == "VIRTUAL_VIEW":
            document = view_document(found)
            columns = {column["name"]: VARCHAR for column in document["columns"]}
            schema = str(document.get("schema") or database)
            return Table(columns=columns, view=document["originalSql"], view_database=schema)
        if is_iceberg(found):
            return self._iceberg(database, name, found, None)
        keys = _columns(found.get("PartitionKeys"))
        columns = {**_columns(found["StorageDescriptor"].get("Columns")), **keys}
        return Table(columns=columns, keys=tuple(keys))

    def table_at(self, database: str, name: str, version: Version, node: Any) -> Table | None:
        """A table of Iceberg's as it was, or None.

        Raises:
            AccessDeniedError: the caller may not see it.
            SqlError: it has no such version, or none at all.
        """
        found = self._definition(database, name)
        if found is None:
            return None
        if not is_iceberg(found):
            raise SqlError("NOT_SUPPORTED", "This connector does not support versioned tables", node)
        return self._iceberg(database, name, found, version)

    def _iceberg(self, database: str, name: str, found: Json, version: Version | None) -> Table:
        table = IcebergTable.load(found, version)
        self.iceberg[database, name, version] = table
        return Table(columns=table.columns())

    def _definition(self, database: str, name: str) -> Json | None:
        try:
            found = access.table(database, name)
        except QueryFailedError:
            return None
        self.definitions[database, name] = found
        return found

    def rows(self, database: str, name: str, current: str) -> list[list[Any]]:
        """The rows of a table of information_schema; `current` is the database of the query."""
        if name == "schemata":
            return [[_CATALOG, each] for each in [*access.databases(), INFORMATION]]
        rows: list[list[Any]] = []
        for each in access.databases():
            for table in access.names(each):
                found = access.table(each, table)
                is_view = found.get("TableType") == "VIRTUAL_VIEW"
                if name == "tables":
                    rows.append([_CATALOG, each, table, "VIEW" if is_view else "BASE TABLE"])
                elif name == "views" and is_view:
                    rows.append([_CATALOG, each, table, view_document(found)["originalSql"]])
                elif name == "columns":
                    rows += [
                        [_CATALOG, each, table, column, place, None, "YES", kind]
                        for place, (column, kind) in enumerate(described(found), 1)
                    ]
        if name == "tables":
            rows += [[_CATALOG, INFORMATION, table, "BASE TABLE"] for table in INFORMATION_TABLES]
        if name == "columns":
            rows += [
                [_CATALOG, INFORMATION, table, column, place, None, "YES", str(kind)]
                for table, columns in _INFORMATION.items()
                for place, (column, kind) in enumerate(columns.items(), 1)
            ]
        return rows


INFORMATION_TABLES: Final = (
    "applicable_roles", "columns", "enabled_roles", "roles", "schemata", "table_privileges", "tables", "views",
)  # fmt: skip


def described(found: Json) -> list[tuple[str, str]]:
    """The columns of a table with the names of their types in Trino."""
    if found.get("TableType") == "VIRTUAL_VIEW":
        return [(column["name"].lower(), column["type"]) for column in view_document(found)["columns"]]
    if is_iceberg(found):
        return [(name, str(kind)) for name, kind in IcebergTable.load(found).columns().items()]
    both = {**_columns(found["StorageDescriptor"].get("Columns")), **_columns(found.get("PartitionKeys"))}
    return [(name, str(kind)) for name, kind in both.items()]


def _columns(found: list[Json] | None) -> dict[str, Type]:
    return {column["Name"].lower(): from_hive(column["Type"]) for column in found or []}


def view_document(found: Json) -> Json:
    """What a view's text in the catalog says, which Trino and Athena write as base64 of JSON.

    Raises:
        SqlError: it is one of Hive's.
    """
    words = str(found.get("ViewOriginalText", "")).split()
    if words[:3] != ["/*", "Presto", "View:"] or len(words) < 4:
        raise not_emulated("a view of Hive's")
    document: Json = json.loads(base64.b64decode(words[3]))
    return document


def view_text(sql: str, database: str, columns: list[tuple[str, str]]) -> str:
    """A view as the catalog keeps it."""
    document = {
        "originalSql": sql,
        "catalog": _CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        # Athena reads a view's tables with the permissions of whoever asks (user guide, "Work with views", 2026-11).
        "runAsInvoker": True,
        "path": [],
    }
    return f"/* Presto View: {base64.b64encode(json.dumps(document).encode()).decode()} */"
