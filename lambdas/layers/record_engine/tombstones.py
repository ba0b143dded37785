"""Remembers the keys of deleted rows, so that an older row does not come back (docs/semantics.md, section 12)."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract

from record_engine.arrow import Array, compute
from record_engine.keys import order_columns
from record_engine.published import name_in
from record_engine.staging import write_parquet
from record_engine.values import arrow_type
from record_engine.writing import Work

LINE, DELETED = "_line", "_deleted_at"


def tombstone_schema(contract: Contract) -> pa.Schema:
    """What is remembered of a deleted key: of the row that deleted it what orders it, and when that was read."""
    kinds = {name: contract.column(name).type for name in contract.key}
    if contract.sequence:
        kinds[contract.sequence] = contract.column(contract.sequence).type
    types = {name: arrow_type(kind) for name, kind in {**kinds, **contract.own_columns}.items() if name != "_batch_id"}
    return pa.schema([*types.items(), (LINE, pa.int64()), (DELETED, arrow_type("timestamp"))])


class Tombstones:
    """The deleted keys of a table that are still remembered."""

    def __init__(self, work: Work) -> None:
        self._work, self._schema = work, tombstone_schema(work.contract)
        self.order = [*order_columns(work.contract), LINE]
        self.rows = self._read()

    def _read(self) -> pa.RecordBatch:
        found = self._schema.empty_table()
        if self._work.live.tombstones:
            with self._work.store.open_read(self._work.manifest.table + self._work.live.tombstones) as stream:
                table = pq.ParquetFile(stream, pre_buffer=False).read()
            columns = [table[self._name_in(table, field.name)].cast(field.type) for field in self._schema]
            found = pa.Table.from_arrays(columns, schema=self._schema)
        forgotten = self._work.now - timedelta(days=self._work.contract.tombstone_days)
        kept = found.filter(compute.greater_equal(found[DELETED], pa.scalar(forgotten, arrow_type("timestamp"))))
        return _one_batch(kept)

    def _name_in(self, table: pa.Table, name: str) -> str:
        """What the file calls a column, which may have been renamed since."""
        is_own = name.startswith("_")
        return name if is_own else name_in(table.column_names, name, self._work.contract) or name

    def write(self, goes: Array, deleted: pa.RecordBatch) -> str:
        """Write the whole set, without those that go and with new ones; returns the address, nothing if none changed.

        Args:
            goes: a mask of the entries that a later row of their key takes out.
            deleted: the rows that have deleted a key.
        """
        if not deleted.num_rows and not compute.any(goes).as_py():
            return ""
        now: Any = pa.scalar(self._work.now, arrow_type("timestamp"))
        moment = pa.repeat(now, deleted.num_rows)
        new = deleted.append_column(DELETED, moment).select(self._schema.names)
        left = self.rows.filter(compute.invert(goes))
        table = pa.Table.from_batches([left, pa.RecordBatch.from_arrays(new.columns, schema=self._schema)])
        address = f"{self._work.location}tombstones.parquet"
        write_parquet(self._work.store, address, table)
        return address


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    found = table.combine_chunks().to_batches()
    return found[0] if found else pa.RecordBatch.from_pylist([], schema=table.schema)
