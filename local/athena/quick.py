"""The quick engine: Athena's SQL, analysed and written anew, on DuckDB. It is there at once, and needs no Java."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any, Final

import duckdb
from sqlglot import exp

from athena_sql import dialect, queries
from athena_sql.errors import ADVICE, SqlError
from athena_sql.scope import TableUse
from local.athena import access, metadata, parameters, printing
from local.athena.answers import Answer, CutOffError, QueryFailedError, Request
from local.athena.catalog import INFORMATION, PARTITIONS, GlueCatalog
from local.athena.tables import CatalogTable, FileCache, UnreadableError, create_view, location_of

LONGEST_SECONDS: Final = 600
_ERROR: Final = re.compile(r"\b([A-Z][A-Z_]{5,}): (.*)", re.DOTALL)
_OUT_OF_RANGE: Final = ("Out of Range Error", "Overflow")


class QuickEngine:
    """Runs SELECT and what is like it over copies of the caller's files."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache

    def check(self, sql: str) -> None:
        """Refuse what does not parse.

        Raises:
            QueryFailedError: it does not parse.
        """
        if metadata.statement(sql) is not None:
            return
        try:
            dialect.parse(sql)
        except SqlError as error:
            if error.name == "SYNTAX_ERROR":
                raise QueryFailedError(str(error)) from error

    def run(self, request: Request) -> Answer:
        """Run one statement.

        Raises:
            QueryFailedError: it is refused, or fails.
            CutOffError: it would scan too much.
        """
        try:
            known = metadata.statement(request.sql)
            if known is not None:
                return metadata.answer(known, request.database)
            return self._run(request)
        except (SqlError, UnreadableError) as error:
            raise QueryFailedError(str(error)) from error
        except duckdb.InterruptException as error:
            raise QueryFailedError("QUERY_EXCEEDED_TIME_LIMIT: the query was stopped") from error
        except duckdb.Error as error:
            raise QueryFailedError(_worded(str(error))) from error

    def _run(self, request: Request) -> Answer:
        tree = dialect.parse(request.sql)
        tree = parameters.bind(tree, request.parameters)
        catalog = GlueCatalog()
        if isinstance(tree, exp.Create):
            return metadata.create_view(tree, catalog, request)
        found = queries.analyse(tree, catalog, request.database)
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'; SET threads = 2; SET max_expression_depth = 10000")
            scanned = 0
            relations = {}
            for use in found.uses:
                relations[use.alias] = f"table_{use.alias}"
                scanned += self._view(connection, use, catalog, request.database)
            if request.limit and scanned > request.limit:
                raise CutOffError(scanned)
            sql = re.sub(r"\{(r\d+)\}", lambda match: relations[match[1]], found.sql)
            rows = _fetched(connection, printing.printable(sql, found.types), request)
        printers = [printing.printer(kind) for kind in found.types]
        texts = [[show(value) for show, value in zip(printers, row, strict=True)] for row in rows]
        return Answer(found.names, [str(kind) for kind in found.types], texts, scanned)

    def _view(self, connection: duckdb.DuckDBPyConnection, use: TableUse, catalog: GlueCatalog, current: str) -> int:
        view = f"table_{use.alias}"
        if (iceberg := catalog.iceberg.get((use.database, use.name, use.version))) is not None:
            return iceberg.create_view(connection, view, lambda uri: self._cache.path(access.file(uri)), use.touched)
        known = catalog.table(use.database, use.name)
        assert known is not None
        if use.database == INFORMATION:
            _constant(connection, view, list(known.columns), catalog.rows(use.database, use.name, current))
            return 0
        name = use.name.removesuffix(PARTITIONS)
        table = CatalogTable.of(catalog.definitions[use.database, name], access.partitions(use.database, name))
        if name != use.name:
            _constant(connection, view, list(known.columns), [list(part.values) for part in table.partitions])
            return 0
        files = []
        for partition in table.left(connection, " AND ".join(use.filters) or None, use.alias):
            files += [
                (self._cache.path(file), partition, file.uri) for file in access.files(location_of(partition.location))
            ]
        return create_view(connection, view, table, files, use.touched)


def _constant(connection: duckdb.DuckDBPyConnection, view: str, names: Sequence[str], rows: list[list[Any]]) -> None:
    columns = ", ".join(f'"{name}" {"BIGINT" if name == "ordinal_position" else "VARCHAR"}' for name in names)
    connection.execute(f"CREATE TEMP TABLE {view} ({columns})")
    if rows:
        connection.executemany(f"INSERT INTO {view} VALUES ({', '.join('?' * len(names))})", rows)


def _fetched(connection: duckdb.DuckDBPyConnection, sql: str, request: Request) -> list[tuple[Any, ...]]:
    """The rows of a query, unless somebody stops it or it takes too long."""
    done = threading.Event()

    def watch() -> None:
        waited = 0.0
        while not done.wait(0.2):
            waited += 0.2
            if request.cancelled() or waited > LONGEST_SECONDS:
                connection.interrupt()

    threading.Thread(target=watch, daemon=True).start()
    try:
        return connection.execute(sql).fetchall()
    finally:
        done.set()


def _worded(said: str) -> str:
    """DuckDB's error in Athena's form: by the name that our SQL gives it, else by what Trino would most likely say."""
    first = said.splitlines()[0] if said else ""
    if found := _ERROR.search(said.split("Error: ", 1)[-1]):
        return f"{found[1]}: {found[2].splitlines()[0]}"
    if "out of range for the destination" in first:
        return f"NUMERIC_VALUE_OUT_OF_RANGE: {first.partition(': ')[2]}"
    if first.startswith("Conversion Error") or "Could not convert" in first or "parse" in first:
        return f"INVALID_CAST_ARGUMENT: {first.partition(': ')[2]}"
    if any(word in first for word in _OUT_OF_RANGE):
        return f"NUMERIC_VALUE_OUT_OF_RANGE: {first.partition(': ')[2]}"
    if "More than one row" in first:
        return "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"
    return f"NOT_EMULATED: line 1:1: DuckDB says {first!r}: {ADVICE}"
