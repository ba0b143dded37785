"""Writes published files again, without the rows that go (copy-on-write)."""

import pyarrow as pa
from pipeline_core.contract import Contract
from pipeline_core.report import ReplacedFile

from record_engine.arrow import Array, compute
from record_engine.published import PublishedFile, PublishedTable
from record_engine.staging import in_order, staged, write_parquet
from record_engine.store import Store


class KeptWriter:
    """Writes what stays of published files of which rows go, each to one file, in a folder of its own."""

    def __init__(self, store: Store, table: PublishedTable, contract: Contract, location: str) -> None:
        self._store, self._table, self._contract, self._location = store, table, contract, location
        self._written = 0

    def write(self, file: PublishedFile, stays: Array) -> ReplacedFile:
        """Write the rows of a published file that stay; where none do, nothing is written.

        Args:
            file: of the table.
            stays: a mask of its rows that stay.
        """
        columns = self._contract.stored_columns
        rows, kept = 0, []
        for batch in self._table.read(file, columns):
            # Where the mask was made, batches had other columns, and may have had other sizes.
            kept.append(batch.filter(stays.slice(rows, batch.num_rows)))
            rows += batch.num_rows
        whole = in_order(pa.Table.from_batches(kept), self._contract)
        uri, written = "", 0
        if whole.num_rows:
            uri = f"{self._location}_object={self._written}/part-00000.snappy.parquet"
            self._written += 1
            write_parquet(self._store, uri, whole)
            written = staged(self._store, uri, {}).rows
        if written != (compute.sum(stays).as_py() or 0):
            raise RuntimeError(f"what stays of published files was not written whole: {file.address}")
        return ReplacedFile(key=file.key, partition=file.partition, uri=uri, rows_before=rows, rows_kept=written)
