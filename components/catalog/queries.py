"""The named queries: the files in queries/*.sql."""

import re
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot.errors import SqlglotError

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
MAX_SQL_BYTES = 262_144
MAX_DESCRIPTION = 1_024
"""What Athena takes of a named query (API reference, CreateNamedQuery, read 2026-11)."""


class QueryError(Exception):
    """Files in queries/ cannot be named queries; the message lists every problem with its file."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A named query: what it tells, and its SQL."""

    description: str
    sql: str
    line: int = 2
    """Where in its file the SQL begins."""


def load_queries(directory: Path) -> dict[str, Query]:
    """Collect the queries of `directory`, by name.

    Raises:
        QueryError: naming each file that is no query.
    """
    queries = dict[str, Query]()
    problems = []
    for file in sorted(directory.glob("*.sql")):
        try:
            queries[file.stem] = _read(file)
        except QueryError as error:
            problems.append(str(error))
    if problems:
        raise QueryError("\n".join(problems))
    return queries


def _read(file: Path) -> Query:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{file.name}: cannot be read as text in UTF-8: {error}") from error
    if not NAME.fullmatch(file.stem):
        raise QueryError(
            f"{file.name}: the name of a query has up to 100 small letters, digits and _, a letter first, before .sql"
        )
    first, _, sql = text.partition("\n")
    if not first.startswith("-- ") or not first.removeprefix("-- ").strip() or not sql.strip():
        raise QueryError(f"{file.name}: the first line must be '-- <what the query tells>', and SQL must follow it")
    if len(first) > MAX_DESCRIPTION:
        raise QueryError(f"{file.name}: the first line has {len(first)} characters; Athena takes {MAX_DESCRIPTION}")
    if (size := len(sql.encode())) > MAX_SQL_BYTES:
        raise QueryError(f"{file.name}: {size} bytes of SQL; Athena takes {MAX_SQL_BYTES}")
    try:
        sqlglot.parse_one(sql, read="athena")
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        raise QueryError(f"{file.name}: not one statement of SQL as Athena reads it: {said}") from error
    line = 2 + len(sql[: len(sql) - len(sql.lstrip())].splitlines())
    return Query(description=first.removeprefix("-- ").strip(), sql=sql.strip() + "\n", line=line)
