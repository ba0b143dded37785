"""The named queries: those that contracts bring, and the shared ones in queries/*.sql."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.contracts import CompiledContract


class QueryError(Exception):
    """A file in queries/ cannot be a named query."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A named query: what it tells, and its SQL."""

    description: str
    sql: str


def load_queries(directory: Path, contracts: Iterable[CompiledContract]) -> dict[str, Query]:
    """Collect the queries of `contracts` and of `directory`, by name.

    Raises:
        QueryError: naming the file without a description, and the name that is taken twice.

    """
    queries: dict[str, Query] = {}
    for contract in contracts:
        for name, sql in contract.named_queries.items():
            _add(queries, name, Query(description=f"{name}, from the contract of {contract.name}", sql=sql))
    for file in sorted(directory.glob("*.sql")):
        _add(queries, file.stem, _read(file))
    return queries


def _add(queries: dict[str, Query], name: str, query: Query) -> None:
    if name in queries:
        raise QueryError(
            f"the named query {name!r} exists twice: {queries[name].description!r} and {query.description!r}"
        )
    queries[name] = query


def _read(file: Path) -> Query:
    first, _, sql = file.read_text(encoding="utf-8").partition("\n")
    if not first.startswith("-- ") or not sql.strip():
        raise QueryError(f"{file.name}: the first line must be '-- <what the query tells>', and SQL must follow it")
    return Query(description=first.removeprefix("-- ").strip(), sql=sql.strip() + "\n")
