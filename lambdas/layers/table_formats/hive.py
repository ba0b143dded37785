"""A Hive-style table: folders of Parquet files, of which readers may see a part while a batch is published."""

from dataclasses import dataclass

from pipeline_core import publish
from pipeline_core.catalog import Catalog
from pipeline_core.contract import Contract
from pipeline_core.report import Report

from table_formats.base import TablePlace, Turn


@dataclass(frozen=True)
class HiveTable:
    """The files of a table's folders, and its definition and partitions in the catalog."""

    place: TablePlace

    def publish(self, report: Report, contract: Contract, turn: Turn) -> None:
        """Put the batch's files into the folders of their partitions."""
        # What goes goes first: a reader may miss replaced rows for a moment, and never sees them twice.
        publish.replace_files(report, self.place.bucket)
        publish.copy_files(publish.table_files(report), self.place.bucket)

    def finish(self, report: Report, contract: Contract) -> bool:
        """Keep the table's columns and partitions in the catalog."""
        if not report.counts.rows_curated:
            return False
        changed = Catalog(self.place.database, self.place.bucket).keep(report, contract)
        return changed and contract.crawler

    def snapshot_of(self, batch_id: str) -> str:
        """Folders have no snapshots."""
        return ""

    def refresh(self) -> None:
        """Engines list the folders themselves."""
