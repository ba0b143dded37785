"""Statements about the catalog: SHOW, DESCRIBE, and views, as Trino answers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import glue

from athena_sql import queries
from athena_sql.errors import SqlError, not_emulated
from local.athena import access, catalog
from local.athena.answers import Answer, QueryFailedError, Request
from local.athena.tables import CatalogTable

_NAME: Final = r'[`"]?(?:(?:awsdatacatalog[`"]?\.[`"]?)?(?P<database>\w+)[`"]?\.[`"]?)?(?P<table>\w+)[`"]?'
_LIKE: Final = r"(?:\s+LIKE\s+'(?P<like>[^']*)')?"
_STATEMENTS: Final[Mapping[str, str]] = {
    "tables": rf"SHOW\s+TABLES(?:\s+(?:FROM|IN)\s+[`\"]?(?P<database>\w+)[`\"]?)?{_LIKE}",
    "schemas": rf"SHOW\s+(?:SCHEMAS|DATABASES)(?:\s+(?:FROM|IN)\s+awsdatacatalog)?{_LIKE}",
    "columns": rf"(?:SHOW\s+COLUMNS\s+(?:FROM|IN)|DESCRIBE|DESC)\s+{_NAME}",
    "partitions": rf"SHOW\s+PARTITIONS\s+{_NAME}",
    "drop_view": rf"DROP\s+VIEW\s+(?P<exists>IF\s+EXISTS\s+)?{_NAME}",
}
_COMPILED: Final = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _STATEMENTS.items()}

Known = tuple[str, dict[str, str | None]]


def statement(sql: str) -> Known | None:
    """What a statement asks of the catalog, or None if it is of another kind."""
    text = re.sub(r"^(\s|--[^\n]*\n|/\*.*?\*/)+", "", sql[:2_000], flags=re.DOTALL).strip()
    for kind, pattern in _COMPILED.items():
        if found := pattern.fullmatch(text):
            return kind, found.groupdict()
    return None


def answer(known: Known, database: str) -> Answer:
    """Answer it.

    Raises:
        QueryFailedError: there is no such table or database.
    """
    kind, said = known
    place = (said.get("database") or database).lower()
    return _ANSWERS[kind](said, place)


def _like(names: list[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return names
    wanted = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return [name for name in names if re.fullmatch(wanted, name)]


def _tables(said: Mapping[str, str | None], database: str) -> Answer:
    if database not in access.databases():
        raise QueryFailedError(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
    return Answer(["Table"], ["varchar"], [[name] for name in _like(access.names(database), said["like"])])


def _schemas(said: Mapping[str, str | None], database: str) -> Answer:
    names = sorted([*access.databases(), catalog.INFORMATION])
    return Answer(["Schema"], ["varchar"], [[name] for name in _like(names, said["like"])])


def _columns(said: Mapping[str, str | None], database: str) -> Answer:
    found = access.table(database, str(said["table"]).lower())
    keys = {key["Name"].lower() for key in found.get("PartitionKeys") or []}
    rows: list[list[str | None]] = [
        [name, kind, "partition key" if name in keys else "", _comment(found, name)]
        for name, kind in catalog.described(found)
    ]
    return Answer(["Column", "Type", "Extra", "Comment"], ["varchar"] * 4, rows)


def _comment(found: Mapping[str, Any], name: str) -> str:
    columns = [*(found["StorageDescriptor"].get("Columns") or []), *(found.get("PartitionKeys") or [])]
    return next((str(column.get("Comment") or "") for column in columns if column["Name"].lower() == name), "")


def _partitions(said: Mapping[str, str | None], database: str) -> Answer:
    name = str(said["table"]).lower()
    found = access.table(database, name)
    table = CatalogTable.of(found, access.partitions(database, name))
    if not table.keys:
        raise QueryFailedError(f"FAILED: SemanticException [Error 10001]: Table {name} is not a partitioned table")
    paths = sorted(
        "/".join(f"{key}={value}" for key, value in zip(table.keys, part.values, strict=True))
        for part in table.partitions
    )
    return Answer(["partition"], ["varchar"], [[path] for path in paths])


def _drop_view(said: Mapping[str, str | None], database: str) -> Answer:
    name = str(said["table"]).lower()
    try:
        found = access.table(database, name)
    except QueryFailedError:
        if said["exists"]:
            return Answer()
        raise QueryFailedError(
            f"TABLE_NOT_FOUND: line 1:1: View 'awsdatacatalog.{database}.{name}' does not exist"
        ) from None
    if found.get("TableType") != "VIRTUAL_VIEW":
        raise QueryFailedError(f"TABLE_NOT_FOUND: line 1:1: '{database}.{name}' is a table, not a view. Use DROP TABLE")
    access.may("glue:DeleteTable", database, name)
    glue._delete_table({"DatabaseName": database, "Name": name})
    return Answer()


_ANSWERS: Final[Mapping[str, Callable[[Mapping[str, str | None], str], Answer]]] = {
    "tables": _tables,
    "schemas": _schemas,
    "columns": _columns,
    "partitions": _partitions,
    "drop_view": _drop_view,
}


def create_view(tree: Any, known: catalog.GlueCatalog, request: Request) -> Answer:
    """CREATE [OR REPLACE] VIEW, kept in the catalog as Trino and Athena keep it.

    Raises:
        QueryFailedError: there is a table of that name.
        SqlError: its query is refused, or it is another CREATE.
    """
    others = {key for key, value in tree.args.items() if value} - {"this", "kind", "replace", "expression"}
    if str(tree.args.get("kind")).upper() != "VIEW" or others or request.parameters:
        raise not_emulated("CREATE of this form", tree)
    target = tree.this
    database, name = (target.db or request.database).lower(), target.name.lower()
    text = request.sql[_query_start(request.sql) :].strip()
    found = queries.analyse(tree.expression, known, request.database)
    if found.nameless:
        place = found.nameless[0] + 1
        raise SqlError("MISSING_COLUMN_NAME", f"Column name not specified at position {place}", None)
    if len({column.lower() for column in found.names}) != len(found.names):
        raise SqlError("DUPLICATE_COLUMN_NAME", "Column name specified more than once", tree)
    key = f"{database}/{name}"
    existing = glue._tables.get(key)
    if existing is not None and (not tree.args.get("replace") or existing.get("TableType") != "VIRTUAL_VIEW"):
        raise QueryFailedError(f"TABLE_ALREADY_EXISTS: line 1:1: '{database}.{name}' already exists")
    access.may("glue:UpdateTable" if existing else "glue:CreateTable", database, name)
    columns = [(column, str(kind)) for column, kind in zip(found.names, found.types, strict=True)]
    table = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": catalog.view_text(text, request.database, columns),
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": "dummy", "Type": "string"}],
            "Location": "",
            "SerdeInfo": {},
        },
    }
    write = glue._update_table if existing else glue._create_table
    status = write({"DatabaseName": database, "TableInput": table})[0]
    if status >= 300:
        raise QueryFailedError(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
    return Answer()


def _query_start(sql: str) -> int:
    found = re.search(r"\bVIEW\b.*?\bAS\b", sql, re.IGNORECASE | re.DOTALL)
    return found.end() if found else 0
