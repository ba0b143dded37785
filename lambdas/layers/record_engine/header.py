"""Which columns of the contract the columns of a file are, and what is wrong with them."""

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import unquote

from pipeline_core.contract import Contract
from pipeline_core.plain_text import printable

MAX_NAME_CHARACTERS = 100
"""A column name that the contract does not know is quoted up to here in a reason."""

NO_KNOWN_COLUMN = "no_known_column"
"""The problem of a file of which no column is the contract's, where nothing else is wrong with its columns."""


NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark call the folder of rows that have no value."""

UNEXPECTED = "unexpected_column:"
DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that a header is looked at for, where it is a single column that the contract does not know."""
QUOTES = "\"' \t"


class Names:
    """The columns of a contract by what a file calls them: the source name of each, or else its name.

    `key` is that of the file: columns of the contract may stand in its folders (`year=2024/`).
    """

    def __init__(self, contract: Contract, key: str = "") -> None:
        self.sources = [column_name(column.source or column.name) for column in contract.columns]
        """What a file calls the columns of the contract, in their order."""
        self.paths = frozenset(
            ".".join(steps[:count])
            for steps in (source.split(".") for source in self.sources)
            for count in range(1, len(steps))
        )
        """Names of what has columns in it: `customer`, where a column is found at `customer.name`."""
        by_name = {column.name: column.name for column in contract.columns}
        by_source = {
            column_name(column.source): column.name for column in contract.columns if column.source is not None
        }
        # What one column is called in files is no other column, whatever that one's name is.
        self._columns = by_name | by_source
        self.in_path = self._in_path(key)
        """Texts of the columns that are in the path; null where Hive's word for it stands."""
        self._required = [
            column.name for column in contract.columns if column.required and column.name not in self.in_path
        ]
        self._ignores_all = contract.unexpected_columns == "ignore"
        patterns = [_pattern(column_name(pattern)) for pattern in contract.ignored_columns]
        self._ignored = re.compile("|".join(patterns) if patterns else r"(?!)", re.DOTALL)

    def _in_path(self, key: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for folder in key.split("/")[:-1]:
            name, equals, written = folder.partition("=")
            column = self.column(column_name(unquote(name)))
            if equals and column is not None:
                value = unquote(written)
                # A NUL is in no text.
                value = written if "\0" in value else value
                found[column] = None if value == NULL_FOLDER else value
        return found

    @property
    def without_header(self) -> list[str]:
        """The columns of a file that has no header: those of the contract that the path does not have."""
        return [name for name in self.sources if self.column(name) not in self.in_path]

    def column(self, name: str) -> str | None:
        """The column of the table that a column of a file (its `column_name`) is; None if there is none."""
        return self._columns.get(name)

    def is_ignored(self, name: str) -> bool:
        """Whether a column of a file that is none of the contract's is left out."""
        return self._ignores_all or self._ignored.fullmatch(name) is not None

    def columns(self, names: Sequence[str]) -> list[str | None]:
        """The columns of the table that those of a file are, in the order of the file."""
        return [self.column(name) for name in names]

    def problems(self, names: Sequence[str]) -> list[str]:
        """Return why a file with these columns cannot be read by the contract; an empty list if it can."""
        columns = self.columns(names)
        if "" in names and self.column("") is None and not self.is_ignored(""):
            # By their places, since there is nothing else to call them.
            unnamed = [f"{UNEXPECTED}column {place} has no name" for place, name in enumerate(names, 1) if not name]
            others = [name for name in names if name]
            return unnamed + [found for found in self.problems(others) if found != NO_KNOWN_COLUMN]
        unknown = Counter(name for name, column in zip(names, columns, strict=True) if column is None)
        unknown = Counter({name: times for name, times in unknown.items() if not self.is_ignored(name)})
        known = Counter(column for column in columns if column is not None)
        repeated = sorted([name for name in known if known[name] > 1] + [name for name in unknown if unknown[name] > 1])
        found = (
            [f"duplicate_column:{quoted(name)}" for name in repeated]
            + [f"{UNEXPECTED}{quoted(name)}" for name in sorted(unknown)]
            + [f"missing_column:{name}" for name in self._required if name not in known]
        )
        return found if found or known else [NO_KNOWN_COLUMN]

    def other_delimiter(self, names: Sequence[str]) -> list[str]:
        """Say whether another delimiter would make columns of the contract of a header that is one unknown column."""
        if len(names) != 1 or self.column(names[0]) is not None:
            return []
        for mark in DELIMITERS:
            parts = [column_name(part.strip(QUOTES)) for part in names[0].split(mark)]
            if len(parts) > 1 and any(map(self.column, parts)):
                return [f"{UNEXPECTED}one column `{quoted(names[0])}`: is `{printable(mark)}` the delimiter?"]
        return []


def column_name(text: str) -> str:
    """The contract's spelling of a column name in a file: without blanks around it, in lower case."""
    return text.strip(" \t").lower()


def quoted(name: str) -> str:
    """A column name as a reason gives it, fit for a screen."""
    return printable(name[:MAX_NAME_CHARACTERS])


def _pattern(text: str) -> str:
    """The regular expression of a name in which `*` means any text."""
    return ".*".join(map(re.escape, text.split("*")))
