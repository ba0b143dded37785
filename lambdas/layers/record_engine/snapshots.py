"""Each file is the whole table: of a batch, the one that landed last counts (docs/semantics.md, section 12)."""

from collections.abc import Callable

import pyarrow as pa
from pipeline_core.layout import source_of
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import ROWS, Manifest

from record_engine.arrow import Array, compute
from record_engine.batches import record_schema
from record_engine.duplicates import SeenKeys
from record_engine.keys import all_equal, key_texts, mask_of
from record_engine.staging import moment_of
from record_engine.writing import Outcome, Scanned, Work, rewrite


def files_that_count(manifest: Manifest, live: LiveFiles, has_problem: Callable[[int], bool]) -> tuple[int, ...]:
    """The positions of the files whose rows the table is to have; those of the others are superseded.

    Args:
        manifest: of the batch.
        live: says of when the table is.
        has_problem: whether the file of a position is quarantined as a whole.
    """
    of_table = moment_of(live.landed_at) if live.landed_at else None
    landed = [moment_of(file.landed_at) for file in manifest.files]
    if manifest.purpose == ROWS:
        return tuple(position for position, moment in enumerate(landed) if moment == of_table)
    sources = [source_of(file.key, file.version) for file in manifest.files]
    for position in sorted(
        range(len(landed)), key=lambda position: (landed[position], sources[position]), reverse=True
    ):
        if not has_problem(position):
            return () if of_table and of_table > landed[position] else (position,)
    return ()


class IsSnapshot:
    """Holds the rows of the file that counts, and compares them with the table when all are there."""

    def __init__(self, work: Work, counting: tuple[int, ...]) -> None:
        self._work, self._counting = work, counting
        self._columns = [column.name for column in work.contract.columns]
        self._seen = SeenKeys(work.contract)
        self._held: list[pa.RecordBatch] = []
        self._outcome = Outcome(landed_at=work.live.landed_at)

    def add(self, rows: pa.RecordBatch) -> None:
        """Hold those rows that are the first of their key in the file that counts."""
        if rows.column("_file")[0].as_py() not in self._counting:
            self._outcome.count("superseded", rows.column("_file"))
            return
        first = self._seen.first(rows)
        if first is not None:
            self._outcome.count("duplicate", rows.filter(compute.invert(first)).column("_file"))
            rows = rows.filter(first)
        self._held.append(rows.select(["_file", *self._columns]))

    def close(self) -> Outcome:
        """Have the table be the file: of what it has already, nothing is written again but beside what goes."""
        outcome, work = self._outcome, self._work
        is_whole = work.manifest.purpose != ROWS
        if not self._counting:
            return outcome
        rows = self._rows()
        keys = key_texts(rows, work.contract)
        scanned, there, same = self._compare(rows, keys)
        counts = compute.value_counts(there)
        once = counts.field("values").filter(compute.equal(counts.field("counts"), 1))
        is_there = mask_of(there, rows.num_rows)
        # A key that the table has more than once, as an adopted one may, is written anew.
        stays = compute.and_(mask_of(same, rows.num_rows), mask_of(once, rows.num_rows))
        updates = compute.and_(is_there, compute.invert(stays))
        fates = {"unchanged": stays, "updated": updates, "curated": compute.invert(is_there)}
        for fate, mask in fates.items():
            outcome.count(fate, rows.filter(mask).column("_file"))
        work.stage(rows.filter(compute.invert(stays)))
        goes = pa.concat_arrays([compute.invert(stays), pa.array([is_whole])])
        outcome.replaced, gone = rewrite(work.kept, scanned, goes)
        if is_whole:
            [position] = self._counting
            outcome.fates[position]["removed"] = sum(map(len, gone))
            outcome.landed_at = work.manifest.files[position].landed_at
        else:
            for places in gone:
                outcome.count("removed", rows.column("_file").take(places))
        return outcome

    def _rows(self) -> pa.RecordBatch:
        held, self._held = self._held, []
        schema = record_schema(self._work.contract)
        schema = pa.schema([schema.field(name) for name in ("_file", *self._columns)])
        found = pa.Table.from_batches(held, schema).combine_chunks().to_batches()
        return found[0] if found else pa.RecordBatch.from_pylist([], schema=schema)

    def _compare(self, rows: pa.RecordBatch, keys: Array) -> tuple[list[Scanned], Array, Array]:
        """The files of the table, the keys that they have, as often as they do, and which of them with the same row."""
        scanned, there, same = [], [pa.array([], pa.int32())], [pa.array([], pa.int32())]
        for file in self._work.table.all():
            numbers = []
            for batch in self._work.table.read(file, self._columns):
                key = compute.index_in(key_texts(batch, self._work.contract), value_set=keys)
                numbers.append(key)
                is_one = compute.is_valid(key)
                known = key.filter(is_one)
                there.append(known)
                same.append(known.filter(all_equal(batch.filter(is_one), rows.take(known), self._columns)))
            scanned.append(Scanned.of(file, numbers))
        return scanned, pa.concat_arrays(there), pa.concat_arrays(same)
