"""Writes published files again, without the rows that go (copy-on-write)."""

from collections.abc import Sequence

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

    def write(self, file: PublishedFile, stays: Sequence[Array]) -> ReplacedFile:
        """Write the rows of a published file that stay; where none do, nothing is written.

        Args:
            file: of the table.
            stays: for each batch of its rows, a mask of those that stay.
        """
        columns = self._contract.stored_columns
        rows, kept = 0, []
        for batch, mask in zip(self._table.read(file, columns), stays, strict=True):
            rows += batch.num_rows
            kept.append(batch.filter(mask))
        whole = in_order(pa.Table.from_batches(kept), self._contract)
        uri, written = "", 0
        if whole.num_rows:
            uri = f"{self._location}_object={self._written}/part-00000.snappy.parquet"
            self._written += 1
            write_parquet(self._store, uri, whole)
            written = staged(self._store, uri, {}).rows
        if written != sum(compute.sum(mask).as_py() or 0 for mask in stays):
            raise RuntimeError(f"what stays of published files was not written whole: {file.address}")
        return ReplacedFile(key=file.key, partition=file.partition, uri=uri, rows_before=rows, rows_kept=written)
