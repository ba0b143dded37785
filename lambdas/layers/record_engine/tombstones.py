"""Remembers the keys of deleted rows, so that an older row does not come back (docs/semantics.md, section 12)."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract

from record_engine.arrow import Array, compute
from record_engine.keys import all_equal, is_later, key_texts, mask_of, order_columns
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
    """The deleted keys of a table that are still remembered, beside the last rows of a batch.

    Args:
        work: the batch.
        rows: the last row of each key.
        keys: the keys of the rows.
    """

    def __init__(self, work: Work, rows: pa.RecordBatch, keys: Array) -> None:
        self._work, self._schema, self._rows = work, tombstone_schema(work.contract), rows
        self._entries = self._read()
        found = compute.index_in(key_texts(self._entries, work.contract), value_set=keys)
        # Where the entries of the rows' keys are, and which rows these are.
        self._at, self._of = compute.indices_nonzero(compute.is_valid(found)), compute.drop_null(found)
        order = [*order_columns(work.contract), LINE]
        dead, mine = self._entries.take(self._at), rows.take(self._of)
        later = is_later([dead.column(name) for name in order], [mine.column(name) for name in order])
        self._is_row = all_equal(dead, mine, order)
        self.later = mask_of(self._of.filter(later), rows.num_rows)
        """Which of the rows are older than the delete of their key."""

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

    def write(self, won: Array, deletes: Array) -> str:
        """Write the whole set as it is now; returns the address, nothing if it did not change.

        Args:
            won: a mask of the rows that end what is remembered of their key.
            deletes: those of them that delete it.
        """
        repeated = compute.and_(self._is_row, deletes.take(self._of))
        ends = self._at.filter(compute.and_(won.take(self._of), compute.invert(repeated)))
        is_new = compute.and_(deletes, compute.invert(mask_of(self._of.filter(repeated), self._rows.num_rows)))
        new = self._rows.filter(is_new)
        if not len(ends) and not new.num_rows:
            return ""
        now: Any = pa.scalar(self._work.now, arrow_type("timestamp"))
        columns = new.append_column(DELETED, pa.repeat(now, new.num_rows)).select(self._schema.names).columns
        left = self._entries.filter(compute.invert(mask_of(ends, self._entries.num_rows)))
        table = pa.Table.from_batches([left, pa.RecordBatch.from_arrays(columns, schema=self._schema)])
        address = f"{self._work.location}tombstones.parquet"
        write_parquet(self._work.store, address, table)
        return address


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    found = table.combine_chunks().to_batches()
    return found[0] if found else pa.RecordBatch.from_pylist([], schema=table.schema)
