"""The named queries: those that contracts bring, and the shared ones in queries/*.sql."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from components.contracts import CompiledContract

# Comments and texts in quotes.
_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_READS = re.compile(
    r"\b(?:FROM|JOIN)\b(.*?)(?=\b(?:FROM|JOIN|ON|USING|WHERE|GROUP|HAVING|ORDER|LIMIT|UNION|EXCEPT|INTERSECT)\b|[;()]|$)",
    re.IGNORECASE | re.DOTALL,
)
# The last part of a name: what stands before a point is its database.
_NAME = re.compile(r'(?:"?\w+"?\s*\.\s*)*"?(\w+)"?')


class QueryError(Exception):
    """A file in queries/ cannot be a named query."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A named query: what it tells, and its SQL."""

    description: str
    sql: str


def load_queries(
    directory: Path, contracts: Iterable[CompiledContract], withheld: Collection[str] = ()
) -> dict[str, Query]:
    """Collect the queries of `contracts` and of `directory`, by name, but for those that read `withheld` datasets.

    Raises:
        QueryError: naming the file without a description, and the name that is taken twice.

    """
    queries: dict[str, Query] = {}
    for contract in contracts:
        for name, sql in contract.named_queries.items():
            _add(queries, name, Query(description=f"{name}, from the contract of {contract.name}", sql=sql))
    for file in sorted(directory.glob("*.sql")):
        query = _read(file)
        if not tables_of(query.sql) & set(withheld):
            _add(queries, file.stem, query)
    return queries


def tables_of(sql: str) -> set[str]:
    """Find what stands behind FROM and JOIN, in small letters: tables, views of WITH, and functions."""
    code = _NO_CODE.sub(" ", sql)
    lists = [found[1] for found in _READS.finditer(code)]
    names = (_NAME.match(item.strip()) for one in lists for item in one.split(","))
    return {found[1].lower() for found in names if found}


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
