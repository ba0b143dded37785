"""Which columns a name can mean, and what the catalog says of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from athena_sql.errors import SqlError
from athena_sql.types import Type


@dataclass(frozen=True)
class Column:
    """A column of a relation: the names it answers to, and its SQL. A hidden one is not part of `*`.

    A column without a name has an empty one. `shown` is the name as the query writes it. `before` are the catalog and
    the database of its table, as far as the query writes them.
    """

    name: str
    type: Type
    sql: str
    qualifier: str = ""
    before: tuple[str, ...] = ()
    hidden: bool = False
    may_be_nan: bool = True
    shown: str = ""

    def is_of(self, table: Sequence[str]) -> bool:
        """Whether the column is of a table that is called so: by its name, and what the query writes before it."""
        own = (*self.before, self.qualifier)
        return len(table) <= len(own) and own[len(own) - len(table) :] == tuple(table)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What the catalog says of a table: columns and partition keys with their types, or the SQL of a view."""

    columns: Mapping[str, Type]
    keys: Sequence[str] = ()
    view: str | None = None
    view_database: str = ""
    constant: bool = False


class Catalog(Protocol):
    """Where tables are looked up."""

    def table(self, database: str, name: str) -> Table | None:
        """The table of that name, or None."""

    def has_database(self, database: str) -> bool:
        """Whether there is such a database."""


@dataclass(frozen=True)
class Version:
    """Which state of a table is read: FOR VERSION (`kind`) AS OF an id or a name, FOR TIMESTAMP AS OF milliseconds.

    `sql` is the value in DuckDB's SQL.
    """

    kind: str
    sql: str


@dataclass
class TableUse:
    """A table as one part of a query reads it: under `alias`, these columns, and only rows that meet `filters`.

    The filters are on partition keys only, in DuckDB's SQL, with the keys as columns of `alias`.
    """

    database: str
    name: str
    alias: str
    touched: set[str] = field(default_factory=set)
    filters: list[str] = field(default_factory=list)
    version: Version | None = None


@dataclass
class Scope:
    """The columns that an expression can name; what is not found is looked for around it."""

    columns: list[Column] = field(default_factory=list)
    parent: Scope | None = None

    def resolve(self, path: Sequence[str], node: Any) -> tuple[Column, bool]:
        """The column of that name, after that of its table, and whether a query around has it.

        Raises:
            SqlError: there is none, or more than one.
        """
        *before, name = path
        found = [column for column in self.columns if column.name == name and column.is_of(before)]
        if len(found) > 1:
            raise SqlError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", node)
        if found:
            return found[0], False
        # What is a column here with a field after it means no column of a query around this one.
        if self.parent is not None and not any(column.name in before for column in self.columns):
            return self.parent.resolve(path, node)[0], True
        raise SqlError("COLUMN_NOT_FOUND", f"Column '{'.'.join(path)}' cannot be resolved", node)


@dataclass
class Result:
    """A query in DuckDB's SQL: its columns' names and types, and whether it looks at columns around it.

    A column without a name has an empty one.
    """

    sql: str
    names: list[str]
    types: list[Type]
    outer: bool = False
