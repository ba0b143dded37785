"""Named queries against the contracts: what Athena would refuse is said before any table exists."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from athena_sql import dialect, queries
from athena_sql.errors import NOT_EMULATED, SqlError
from athena_sql.scope import Table
from athena_sql.types import ZONED, Type, from_hive
from components.catalog import tables
from components.catalog.queries import Query
from contracts.compiler.compile import CompiledContract

_DATABASE = ""
MOMENT = Type(ZONED, (6,))
_GIVEN = re.compile(r"\(parameters?: ([^()]*)\)")


class _ElsewhereError(Exception):
    """A query reads what no contract describes: another database's tables."""


@dataclass(frozen=True, kw_only=True)
class DeclaredTable:
    """A table that there will be: its columns and its partition keys, with the types of the catalog.

    An Iceberg table has no keys of its own: it is partitioned by its columns.
    """

    name: str
    columns: Mapping[str, str]
    keys: Mapping[str, str]
    is_iceberg: bool = False
    storage: tables.StorageFormat = tables.PARQUET
    parameters: Mapping[str, str] = field(default_factory=dict)


def declared(contracts: Sequence[CompiledContract]) -> list[DeclaredTable]:
    """Say which tables there will be: one for each contract, and the pipeline's own."""
    datasets = [contract.name for contract in contracts] or ["none"]
    own = (tables.runs(datasets), tables.quarantined_rows(datasets), tables.quarantined_files())
    return [
        *map(_of_contract, contracts),
        *(
            DeclaredTable(
                name=table.name,
                columns=table.columns,
                keys=dict.fromkeys(table.projection, "string"),
                storage=table.storage,
                parameters=table.parameters(),
            )
            for table in own
        ),
    ]


def _of_contract(contract: CompiledContract) -> DeclaredTable:
    columns, document = contract.table_columns, contract.document
    if contract.is_iceberg:
        return DeclaredTable(name=contract.name, columns=columns, keys={}, is_iceberg=True)
    # A crawler takes the values of folders for text (ADR 3).
    keys = {key: "string" if document["crawler"] else columns[key] for key in document["partition_by"]}
    columns = {name: kind for name, kind in columns.items() if name not in keys}
    return DeclaredTable(name=contract.name, columns=columns, keys=keys)


class ContractCatalog:
    """The tables that there will be, as the analyser sees them."""

    def __init__(self, contracts: Sequence[CompiledContract]) -> None:
        self._tables = {table.name: table for table in declared(contracts)}

    def table(self, database: str, name: str) -> Table | None:
        """The table of that name, or None."""
        if database != _DATABASE:
            raise _ElsewhereError(database)
        found = self._tables.get(name)
        if found is None:
            return None
        both = {**found.columns, **found.keys}
        columns = {column: type_of(found, kind) for column, kind in both.items()}
        return Table(columns=columns, keys=tuple(found.keys))

    def has_database(self, database: str) -> bool:
        """There is the pipeline's own."""
        return database == _DATABASE


def type_of(table: DeclaredTable, kind: str) -> Type:
    """The type of a column, as Trino has it: timestamps of an Iceberg table are moments."""
    return MOMENT if table.is_iceberg and kind == "timestamp" else from_hive(kind)


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
                found.append(at(name, query, error.line, f"{error.name}: {error.what}"))
    return found


def at(name: str, query: Query, line: int, what: str) -> str:
    """A message with its file and line; `line` is that of the query's SQL."""
    return f"queries/{name}.sql:{query.line + line - 1}: {what}"


def question_marks(sql: str) -> int:
    """How many parameters a query takes.

    Raises:
        SqlError: it does not parse.
    """
    return sum(mark.this is None for mark in dialect.parse(sql).find_all(exp.Placeholder))


def _check(query: Query, catalog: ContractCatalog) -> None:
    marks = question_marks(query.sql)
    said = _GIVEN.search(query.description)
    names = [part.strip() for part in said[1].split(",")] if said else []
    if len(names) != marks:
        raise SqlError(
            "INVALID_PARAMETER_USAGE",
            f"the query has {marks} question marks, and its first line names {len(names)} parameters "
            f"({', '.join(names) or 'none'}): name each, like '(parameters: year, month)'",
        )
    queries.analyse(dialect.parse(query.sql), catalog, _DATABASE)


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
