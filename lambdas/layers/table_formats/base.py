"""What is asked of a table, whatever its format."""

from dataclasses import dataclass
from typing import Protocol

from pipeline_core import layout
from pipeline_core.contract import Contract
from pipeline_core.report import Report


class StaleTableError(Exception):
    """The table is not the one that the engine read: somebody else changed it since. The batch is staged again."""


@dataclass(frozen=True, kw_only=True)
class TablePlace:
    """Where the table of a dataset is: its database in the Glue Data Catalog, and its bucket."""

    database: str
    bucket: str
    dataset: str

    def address(self, name: str = "") -> str:
        """The address of an object of the table, by its name below the table's folder."""
        return layout.uri(self.bucket, layout.table_prefix(self.dataset) + name)

    def name_of(self, address: str) -> str:
        """The name below the table's folder of an object, by its address."""
        return address.removeprefix(self.address())


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Where a batch's publish stands among those of its dataset.

    Args:
        report: the name of the report, among those of the batch.
        seen: how many publishes there had been when the engine began to read the table.
        number: of this publish.
    """

    report: str
    seen: int
    number: int


class TableFormat(Protocol):
    """A published table. Each call can be repeated, with the same effect."""

    def publish(self, report: Report, contract: Contract, turn: "Turn") -> None:
        """Have the table hold a batch's rows, and no longer those that it replaces.

        Args:
            report: of the batch, whose staged files are complete.
            contract: of the batch.
            turn: of the batch, among those of the dataset.

        Raises:
            StaleTableError: the table was changed by somebody else since the engine read it.
            ReconciliationError: the table would not have the rows that the report says.
        """

    def finish(self, report: Report, contract: Contract) -> bool:
        """Have the catalog answer the batch; returns whether the table's crawler has something to look at."""

    def snapshot_of(self, batch_id: str) -> str:
        """The snapshot that a batch has made; empty where a table has none, or it has expired."""

    def refresh(self) -> None:
        """Have the engines see the table as it is now, whoever changed it."""
