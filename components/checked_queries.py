"""Named queries against the contracts: what Athena would refuse is said before any table exists."""

import re
from collections.abc import Mapping, Sequence

from sqlglot import exp

from athena_sql import dialect, queries
from athena_sql.errors import NOT_EMULATED, SqlError
from athena_sql.scope import Table
from athena_sql.types import VARCHAR, Type, from_hive
from components.catalog import tables
from components.catalog.queries import Query
from contracts.compiler.compile import CompiledContract
from contracts.compiler.tables import OWN_COLUMNS

_DATABASE = ""
_GIVEN = re.compile(r"\(parameters?: ([^()]*)\)")


class _ElsewhereError(Exception):
    """A query reads what no contract describes: another database's tables."""


class ContractCatalog:
    """The tables that there will be: one for each contract, and the pipeline's own."""

    def __init__(self, contracts: Sequence[CompiledContract]) -> None:
        self._tables = {contract.name: _of_contract(contract) for contract in contracts}
        datasets = [contract.name for contract in contracts] or ["none"]
        for own in (tables.runs(datasets), tables.quarantined_rows(datasets), tables.quarantined_files()):
            columns = {
                **{name: from_hive(kind) for name, kind in own.columns.items()},
                **dict.fromkeys(own.projection, VARCHAR),
            }
            self._tables[own.name] = Table(columns=columns, keys=tuple(own.projection))

    def table(self, database: str, name: str) -> Table | None:
        """The table of that name, or None."""
        if database != _DATABASE:
            raise _ElsewhereError(database)
        return self._tables.get(name)

    def has_database(self, database: str) -> bool:
        """There is the pipeline's own."""
        return database == _DATABASE


def _of_contract(contract: CompiledContract) -> Table:
    keys = contract.document["partition_by"]
    columns: dict[str, Type] = dict.fromkeys(OWN_COLUMNS, VARCHAR)
    for column in contract.document["columns"]:
        # A crawler takes the values of folders for text (ADR 3).
        crawled = column["name"] in keys and contract.document["crawler"]
        columns[column["name"].lower()] = VARCHAR if crawled else from_hive(column["type"])
    return Table(columns=columns, keys=tuple(keys))


def problems(named: Mapping[str, Query], contracts: Sequence[CompiledContract]) -> list[str]:
    """Say what is wrong with each query: one message with its file and line.

    What only the real engine knows is no problem here.
    """
    catalog = ContractCatalog(contracts)
    found = []
    for name, query in sorted(named.items()):
        try:
            _check(query, catalog)
        except _ElsewhereError:
            continue
        except SqlError as error:
            if error.name != NOT_EMULATED:
                found.append(f"queries/{name}.sql:{query.line + error.line - 1}: {error.name}: {error.what}")
    return found


def _check(query: Query, catalog: ContractCatalog) -> None:
    tree = dialect.parse(query.sql)
    marks = [mark for mark in tree.find_all(exp.Placeholder) if mark.this is None]
    said = _GIVEN.search(query.description)
    names = [part.strip() for part in said[1].split(",")] if said else []
    if len(names) != len(marks):
        raise SqlError(
            "INVALID_PARAMETER_USAGE",
            f"the query has {len(marks)} question marks, and its first line names {len(names)} parameters "
            f"({', '.join(names) or 'none'}): name each, like '(parameters: year, month)'",
        )
    queries.analyse(tree, catalog, _DATABASE)


def reads(sql: str, contracts: Sequence[CompiledContract]) -> dict[str, set[str]]:
    """Which tables a query reads, and which columns of each; no columns where the query cannot be analysed here."""
    try:
        tree = dialect.parse(sql)
    except SqlError:
        return {}
    try:
        uses = queries.analyse(tree, ContractCatalog(contracts), _DATABASE).uses
    except (SqlError, _ElsewhereError):
        return {node.name.lower(): set() for node in tree.find_all(exp.Table) if not node.db}
    found: dict[str, set[str]] = {}
    for use in uses:
        found.setdefault(use.name, set()).update(use.touched)
    return found
