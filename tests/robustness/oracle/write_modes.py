"""12. Write modes, one key after the other, as docs/semantics.md says it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Values = tuple[Any, ...]
Fates = dict[str, Counter[str]]


@dataclass(frozen=True)
class Landed:
    """A file with its valid rows, by line, in the columns of the contract."""

    source: str
    landed_at: datetime
    rows: Mapping[int, Values]


@dataclass(frozen=True)
class Row:
    """A row, and the file that it is of."""

    values: Values
    file: Landed
    line: int


@dataclass
class LatestTable:
    """A table of the mode `latest`.

    Args:
        key: what the key of a row is.
        sequence: what says which of two rows is later, if the contract has it.
        is_delete: whether a row deletes its key.
    """

    key: Callable[[Values], Any]
    sequence: Callable[[Values], Any] | None
    is_delete: Callable[[Values], bool]
    rows: dict[Any, Row] = field(default_factory=dict)
    dead: dict[Any, Row] = field(default_factory=dict)

    def order(self, row: Row) -> tuple[Any, ...]:
        value = self.sequence(row.values) if self.sequence else None
        return (value is not None, value if value is not None else 0, row.file.landed_at, row.file.source, row.line)

    def batch(self, files: Sequence[Landed]) -> Fates:
        """What becomes of the valid rows of a batch; `removed` are those that they take out."""
        fates: Fates = {file.source: Counter() for file in files}
        by_key: dict[Any, list[Row]] = defaultdict(list)
        for file in files:
            for line, values in file.rows.items():
                by_key[self.key(values)].append(Row(values, file, line))
        for key, rows in by_key.items():
            *others, last = sorted(rows, key=self.order)
            for row in others:
                fates[row.file.source]["superseded"] += 1
            mine = fates[last.file.source]
            there, dead = self.rows.get(key), self.dead.get(key)
            older = self.order(last)[:-1]
            if (dead and self.order(dead) > self.order(last)) or (there and self.order(there)[:-1] > older):
                mine["superseded"] += 1
            elif self.is_delete(last.values):
                mine["deleted"] += 1
                mine["removed"] += self.rows.pop(key, None) is not None
                self.dead[key] = last
            elif there and there.file.source == last.file.source and there.values == last.values:
                mine["unchanged"] += 1
            else:
                mine["updated" if there else "curated"] += 1
                mine["removed"] += there is not None
                self.rows[key] = last
                self.dead.pop(key, None)
        return fates

    def last_of_all(self, files: Sequence[Landed]) -> list[tuple[Values, str]]:
        """The rows of a table to which files came, in whatever order and however often."""
        last: dict[Any, Row] = {}
        for file in files:
            for line, values in file.rows.items():
                row = Row(values, file, line)
                before = last.get(self.key(values))
                if before is None or self.order(before) < self.order(row):
                    last[self.key(values)] = row
        return [(row.values, row.file.source) for row in last.values() if not self.is_delete(row.values)]


@dataclass
class SnapshotTable:
    """A table of the mode `snapshot`."""

    key: Callable[[Values], Any]
    rows: dict[Any, Row] = field(default_factory=dict)
    landed_at: datetime | None = None

    def batch(self, files: Sequence[Landed]) -> Fates:
        """What becomes of the valid rows of a batch, whose files have no problem."""
        fates: Fates = {file.source: Counter() for file in files}
        last = max(files, key=lambda file: (file.landed_at, file.source))
        for file in files:
            if file is not last or (self.landed_at and self.landed_at > file.landed_at):
                fates[file.source]["superseded"] += len(file.rows)
        if self.landed_at and self.landed_at > last.landed_at:
            return fates
        mine, table = fates[last.source], {}
        for line, values in last.rows.items():
            key = self.key(values)
            there = self.rows.get(key)
            if key in table:
                mine["duplicate"] += 1
            elif there and there.values == values:
                mine["unchanged"] += 1
                table[key] = there
            else:
                mine["updated" if there else "curated"] += 1
                table[key] = Row(values, last, line)
        mine["removed"] = sum(table.get(key) is not row for key, row in self.rows.items())
        self.rows, self.landed_at = table, last.landed_at
        return fates
