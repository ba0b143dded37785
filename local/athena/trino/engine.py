"""Trino as the engine of the emulator's Athena; what Athena has besides Trino's SQL is put into Trino's words here."""

from __future__ import annotations

import logging
import re
from typing import Any, Final, Protocol

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from local.athena import access
from local.athena.answers import Answer, CutOffError, QueryFailedError, Request
from local.athena.catalog import view_document
from local.athena.trino import client
from local.athena.trino.process import TrinoError
from local.emulator import ACCESS_KEY
from local.iam import roles
from local.iam.decisions import caller

_log: Final = logging.getLogger(__name__)
_NAME: Final = r'[`"]?(?:(?P<database>\w+)[`"]?\.[`"]?)?(?P<table>\w+)[`"]?'
_SHOW_PARTITIONS: Final = re.compile(rf"SHOW\s+PARTITIONS\s+{_NAME}\s*", re.IGNORECASE)
_REPAIR: Final = re.compile(rf"MSCK\s+REPAIR\s+TABLE\s+{_NAME}\s*", re.IGNORECASE)
_READS_NOTHING: Final = re.compile(r"\s*(SHOW|DESC|DESCRIBE)\b", re.IGNORECASE)
"""They read the catalog only."""
_EXPLAIN: Final = re.compile(r"^\s*EXPLAIN\b(\s+ANALYZE\b(\s+VERBOSE\b)?)?(\s*\([^()]*\))?", re.IGNORECASE)
_WRITES: Final = (exp.Insert, exp.Delete, exp.Update, exp.Merge)
_EXTERNAL: Final = "external_location"
_MOST_VIEWS: Final = 20
_LOST: Final = "GENERIC_INTERNAL_ERROR: Trino ended or no longer answers while the query ran"


class Server(Protocol):
    """Where Trino is, whoever started it."""

    def address(self) -> str:
        """The URL of a server that answers."""

    def running(self) -> bool:
        """Whether it can be asked without starting it."""


class TrinoEngine:
    """Hands statements to a Trino server, when the caller may read what they name."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def check(self, sql: str) -> None:
        """Refuse what Trino cannot parse.

        Raises:
            QueryFailedError: with Trino's words.
        """
        # Starting the server would hold up the emulator.
        if _SHOW_PARTITIONS.fullmatch(sql) or _REPAIR.fullmatch(sql) or not self._server.running():
            return
        try:
            # On a line of its own, the statement keeps its columns.
            client.ask(self._server.address(), f"PREPARE checked FROM\n{sql}", database="default")
        except QueryFailedError as error:
            if str(error).startswith("SYNTAX_ERROR"):
                said = re.sub(r"line (\d+):", lambda found: f"line {int(found[1]) - 1}:", str(error), count=1)
                raise QueryFailedError(said) from error
        except (client.LostError, TrinoError) as error:
            # The query itself ends FAILED, and says so.
            _log.warning("not checked: %s", error)

    def run(self, request: Request) -> Answer:
        """Run one statement.

        Raises:
            QueryFailedError: it is refused, or fails.
            CutOffError: it scanned too much.
        """
        try:
            if found := _SHOW_PARTITIONS.fullmatch(request.sql):
                return self._partitions(found["database"] or request.database, found["table"])
            if found := _REPAIR.fullmatch(request.sql):
                return self._repair(found["database"] or request.database, found["table"])
            _authorize(request)
            return self._ask(request)
        except client.LostError as error:
            raise QueryFailedError(f"{_LOST}: {error}", by_system=True) from error
        except TrinoError as error:
            raise QueryFailedError(f"GENERIC_INTERNAL_ERROR: {error}", by_system=True) from error

    def _ask(self, request: Request) -> Answer:
        def within(scanned: int) -> None:
            if request.limit and scanned > request.limit:
                raise CutOffError(scanned)

        answer = client.ask(
            self._server.address(),
            request.sql,
            database=request.database,
            parameters=request.parameters,
            cancelled=request.cancelled,
            progress=within,
        )
        within(answer.scanned)
        return answer

    def _partitions(self, database: str, table: str) -> Answer:
        keys = access.table(database.lower(), table.lower()).get("PartitionKeys")
        if not keys:
            raise QueryFailedError(f"FAILED: SemanticException [Error 10001]: Table {table} is not a partitioned table")
        sql = f'SELECT * FROM "{table.lower()}$partitions"'
        found = client.ask(self._server.address(), sql, database=database.lower())
        named = [
            "/".join(f"{name}={value}" for name, value in zip(found.columns, row, strict=True)) for row in found.rows
        ]
        return Answer(["partition"], ["varchar"], [[name] for name in sorted(named)])

    def _repair(self, database: str, table: str) -> Answer:
        found = access.table(database.lower(), table.lower())
        access.below(found["StorageDescriptor"]["Location"], "s3:GetObject")
        call = f"CALL system.sync_partition_metadata('{database.lower()}', '{table.lower()}', 'ADD')"
        client.ask(self._server.address(), call, database=database)
        return Answer()


def _authorize(request: Request) -> None:
    """Make sure that the caller may do with the tables that a statement names what it does with them.

    Trino itself asks Glue and S3 as the account's root.

    Raises:
        AccessDeniedError: the caller may not.
    """
    if caller() == ACCESS_KEY or _READS_NOTHING.match(request.sql):
        return
    try:
        statement = parse_one(_EXPLAIN.sub("", request.sql, count=1), read="trino")
    except (SqlglotError, RecursionError) as error:
        raise roles.AccessDeniedError("which tables the statement reads cannot be told in the emulator") from error
    target = _target(statement)
    if isinstance(statement, (exp.Create, exp.Drop)) and target is not None:
        _authorize_definition(statement, target, request.database)
    elif not isinstance(statement, (exp.Query, exp.Subquery, exp.Values, *_WRITES)):
        raise roles.AccessDeniedError("who may run such a statement cannot be told in the emulator")
    _authorize_tables(statement, target, request.database)


def _authorize_definition(statement: Any, target: Any, database: str) -> None:
    """A table or view is made, replaced or dropped."""
    action = "glue:DeleteTable" if isinstance(statement, exp.Drop) else "glue:CreateTable"
    database, name = (target.db or database).lower(), target.name.lower()
    access.may(action, database, name)
    if isinstance(statement, exp.Create) and str(statement.args.get("kind")).upper() == "TABLE":
        locations = [place.this.name for place in statement.find_all(exp.LocationProperty)]
        locations += [each.args["value"].name for each in statement.find_all(exp.Property) if each.name == _EXTERNAL]
        # Without a location the table may lie anywhere.
        for location in locations or [f"s3://*/{name}"]:
            access.below(location, "s3:PutObject")


def _authorize_tables(statement: Any, target: Any, database: str, depth: int = 0) -> None:
    """Every table that a statement reads, and the one that it writes; of a view those behind it, as in Athena."""
    if depth > _MOST_VIEWS:
        # Trino says so.
        return
    known = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    for node in statement.find_all(exp.Table):
        name = node.name.lower().split("$")[0]
        if not name or (not node.db and name in known) or node.db.lower() == "information_schema":
            continue
        if node is target and not isinstance(statement, _WRITES):
            continue
        try:
            found = access.table((node.db or database).lower(), name)
        except QueryFailedError:
            # Trino says so in its own words, and where.
            continue
        if found.get("TableType") == "VIRTUAL_VIEW":
            document = view_document(found)
            behind = parse_one(document["originalSql"], read="trino")
            _authorize_tables(behind, None, str(document.get("schema") or database), depth + 1)
            continue
        if not (location := found.get("StorageDescriptor", {}).get("Location")):
            continue
        access.below(location, "s3:GetObject")
        if node is target:
            access.below(location, "s3:PutObject")


def _target(statement: Any) -> Any:
    """The table that a statement writes or defines."""
    if isinstance(statement, exp.Drop):
        return next(iter(statement.args.get("tables") or []), None)
    target = statement.this if isinstance(statement, (*_WRITES, exp.Create)) else None
    return target.this if isinstance(target, exp.Schema) else target
