"""Of rows with one key the last stays, and a row may say that its key is no longer (docs/semantics.md, section 12)."""

from collections.abc import Sequence

import pyarrow as pa
from pipeline_core.contract import SOURCE

from record_engine.arrow import Array, compute
from record_engine.keys import all_equal, equal, is_later, key_texts, last_of_each, mask_of, order_columns
from record_engine.tombstones import LINE, Tombstones
from record_engine.writing import Outcome, Scanned, Work, rewrite


class KeepsLatest:
    """Holds the valid rows of the batch, and judges them when all are there."""

    def __init__(self, work: Work) -> None:
        self._work, self._contract = work, work.contract
        self._held: list[pa.RecordBatch] = []

    def add(self, rows: pa.RecordBatch) -> None:
        """Hold some rows."""
        self._held.append(rows.drop_columns(["_raw", "_reasons"]))

    def close(self) -> Outcome:
        """Judge all rows: first against each other, then the last of each key against the table."""
        outcome = Outcome()
        if self._held:
            rows = self._work.known(self._held)
            self._held = []
            coded = key_texts(rows, self._contract).dictionary_encode()
            last = last_of_each(coded.indices, [rows.column(name) for name in (*order_columns(self._contract), LINE)])
            beaten = compute.invert(mask_of(last, rows.num_rows))
            outcome.count("superseded", rows.filter(beaten).column("_file"))
            self._judge(rows.take(last), coded.dictionary, outcome)
        return outcome

    def _judge(self, rows: pa.RecordBatch, keys: Array, outcome: Outcome) -> None:
        """Judge the last row of each key; `keys` are those of the rows, in their order."""
        work, count = self._work, rows.num_rows
        scanned, there = self._scan(rows, keys)
        at = there.column("_key")
        order = order_columns(self._contract)
        later = is_later([there.column(name) for name in order], [rows.column(name).take(at) for name in order])
        tombstones = Tombstones(work, rows, keys)
        lost = compute.or_(mask_of(at.filter(later), count), tombstones.later)
        won = compute.invert(lost)
        deletes = compute.and_(won, self._is_delete(rows))
        same = compute.and_(compute.and_not(won, deletes), self._same(rows, scanned, there, won))
        puts = compute.and_not(compute.and_not(won, deletes), same)
        is_there = mask_of(at, count)
        updates, new = compute.and_(puts, is_there), compute.and_not(puts, is_there)
        fates = {"superseded": lost, "deleted": deletes, "unchanged": same, "updated": updates, "curated": new}
        for fate, mask in fates.items():
            outcome.count(fate, rows.filter(mask).column("_file"))
        work.stage(rows.filter(puts))
        goes = pa.concat_arrays([compute.or_(deletes, updates), pa.array([False])])
        outcome.replaced, gone = rewrite(work.kept, scanned, goes)
        for places in gone:
            outcome.count("removed", rows.column("_file").take(places))
        outcome.tombstones = tombstones.write(won, deletes)

    def _is_delete(self, rows: pa.RecordBatch) -> Array:
        if not self._contract.operation:
            return pa.repeat(pa.scalar(False), rows.num_rows)
        codes = pa.array(self._contract.delete_codes, pa.string())
        return compute.is_in(rows.column(self._contract.operation).cast(pa.string()), value_set=codes)

    def _scan(self, rows: pa.RecordBatch, keys: Array) -> tuple[list[Scanned], pa.Table]:
        """Find the keys in the table: the files, and of each row that has one of them its order and its file."""
        order, contract = order_columns(self._contract), self._contract
        columns = list(dict.fromkeys([*contract.key, *([contract.sequence] if contract.sequence else [])]))
        own = [pa.field("_key", pa.int32()), pa.field("_scanned", pa.int32())]
        schema = pa.schema([*rows.select(order).schema, *own])
        scanned: list[Scanned] = []
        found = []
        for file in self._work.table.with_keys(self._work.folders.of(rows).dictionary.to_pylist()):
            numbers = []
            for batch in self._work.table.read(file, columns):
                key = compute.index_in(key_texts(batch, contract), value_set=keys)
                numbers.append(key)
                part = batch.select(order).append_column("_key", key).filter(compute.is_valid(key))
                place = pa.repeat(pa.scalar(len(scanned), pa.int32()), part.num_rows)
                found.append(pa.RecordBatch.from_arrays([*part.columns, place], schema=schema))
            scanned.append(Scanned.of(file, numbers))
        return scanned, pa.Table.from_batches(found, schema).combine_chunks()

    def _same(self, rows: pa.RecordBatch, scanned: Sequence[Scanned], there: pa.Table, won: Array) -> Array:
        """Which of the rows are in the table as they are: of the same file, with the same content."""
        keyed = there.column("_key")
        of_same_file = compute.and_(equal(there.column(SOURCE), rows.column(SOURCE).take(keyed)), won.take(keyed))
        places = []
        columns = [column.name for column in self._contract.columns]
        for number in compute.unique(there.column("_scanned").filter(of_same_file)).to_pylist():
            one = scanned[number]
            at = 0
            # Batches of other columns may have other sizes.
            for batch in self._work.table.read(one.file, columns):
                key = one.keys.slice(at, batch.num_rows)
                at += batch.num_rows
                is_one = compute.is_valid(key)
                mine, theirs = rows.take(key.filter(is_one)), batch.filter(is_one)
                places.append(key.filter(is_one).filter(all_equal(theirs, mine, [*columns, SOURCE])))
        return mask_of(pa.concat_arrays(places) if places else pa.array([], pa.int32()), rows.num_rows)
