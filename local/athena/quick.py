"""The quick engine: Athena's SQL, translated, on DuckDB. It is there at once, and needs no Java."""

from __future__ import annotations

from typing import Any

import duckdb

from local.athena import access, comparisons, sql
from local.athena.answers import Answer, CutOffError, QueryFailedError, Request
from local.athena.tables import CatalogTable, FileCache, UnreadableError, create_view, location_of, run


class QuickEngine:
    """Runs SELECT and what is like it over copies of the caller's files."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache

    def check(self, text: str) -> None:
        """Refuse what does not parse.

        Raises:
            QueryFailedError: it does not parse.
        """
        try:
            sql.parse(text)
        except sql.SqlError as error:
            raise QueryFailedError(str(error)) from error

    def run(self, request: Request) -> Answer:
        """Run one statement.

        Raises:
            QueryFailedError: it is refused, or fails.
            CutOffError: it would scan too much.
        """
        try:
            return self._run(request)
        except (sql.SqlError, UnreadableError) as error:
            raise QueryFailedError(str(error)) from error
        except duckdb.Error as error:
            raise QueryFailedError(f"{error} (the emulator runs Trino SQL, translated, on DuckDB)") from error

    def _run(self, request: Request) -> Answer:
        statement = sql.parse(request.sql)
        sql.bind(statement, request.parameters)
        uses = sql.tables(statement, request.database)
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'; SET integer_division = true; SET threads = 2")
            relations = {}
            scanned = 0
            for position, use in enumerate(uses):
                view = f"table_{position}"
                relations[use.database, use.name] = view
                scanned += self._view(connection, view, use, statement, alone=len(uses) == 1)
            if request.limit and scanned > request.limit:
                raise CutOffError(scanned)
            query = sql.to_duckdb(statement, relations, uses)
            columns, types, rows = run(connection, query)
        return Answer(columns, types, rows, scanned)

    def _view(
        self, connection: duckdb.DuckDBPyConnection, view: str, use: sql.TableUse, statement: Any, *, alone: bool
    ) -> int:
        found = access.table(use.database, use.name)
        table = CatalogTable.of(found, access.partitions(use.database, use.name))
        comparisons.check(statement, use, {**table.columns, **table.keys}, alone=alone)
        files = []
        for partition in table.left(sql.partition_filter(use, list(table.keys))):
            files += [(self._cache.path(file), partition) for file in access.files(location_of(partition.location))]
        touched = sql.touched_columns(statement, use, table.columns)
        return create_view(connection, view, table, files, touched)
