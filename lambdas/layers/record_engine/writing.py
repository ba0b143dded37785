"""What becomes of the valid rows of a batch: what every write mode works with, and the modes that keep the first."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
from pipeline_core.contract import LANDED, SOURCE, Contract
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import Manifest
from pipeline_core.report import FileReport, ReplacedFile

from record_engine.arrow import Array, compute
from record_engine.duplicates import SeenKeys
from record_engine.published import PublishedFile, PublishedKeys, PublishedTable, sources
from record_engine.replacing import stage_kept
from record_engine.rewriting import KeptWriter
from record_engine.staging import CuratedWriter, moment_of
from record_engine.store import Store
from record_engine.transforms import Folders
from record_engine.values import arrow_type


@dataclass(frozen=True, kw_only=True)
class Work:
    """A batch that is staged: what it reads, and where it writes. `now` is the time of the run."""

    manifest: Manifest
    contract: Contract
    store: Store
    live: LiveFiles
    table: PublishedTable
    folders: Folders
    curated: CuratedWriter
    kept: KeptWriter
    location: str
    now: datetime

    def stage(self, rows: pa.RecordBatch) -> None:
        """Have rows in the table."""
        if rows.num_rows:
            self.curated.add(rows, self.folders.of(rows))

    def known(self, rows: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        """Rows as one batch, with the file of each and when it landed."""
        table = pa.Table.from_batches(rows).combine_chunks()
        [batch] = table.to_batches()
        files = batch.column("_file")
        moments = pa.array([moment_of(file.landed_at) for file in self.manifest.files], arrow_type("timestamp"))
        named = batch.append_column(SOURCE, pa.array(sources(self.manifest), pa.string()).take(files))
        return named.append_column(LANDED, moments.take(files))


@dataclass
class Outcome:
    """What a batch comes to, beside its staged rows.

    `fates` counts what became of the valid rows of each file, by its position, and also `replaced` and `removed`, the
    rows that they take out of the table.
    """

    fates: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    replaced: tuple[ReplacedFile, ...] = ()
    tombstones: str = ""
    landed_at: str = ""

    def of(self, file: FileReport, position: int) -> FileReport:
        """The report of a file with what became of its rows."""
        counts: dict[str, Any] = {f"rows_{fate}": rows for fate, rows in self.fates[position].items()}
        return replace(file, **counts)

    def count(self, fate: str, positions: Array) -> None:
        """Count rows, by the position of the file that each is of."""
        for item in compute.value_counts(positions).to_pylist():
            self.fates[item["values"]][fate] += item["counts"]


class WriteMode(Protocol):
    """Takes the valid rows of a batch, file by file in the order of the manifest."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Take some rows of a file."""

    def close(self) -> Outcome:
        """Stage what is left to be staged; say what became of all rows."""


class KeepsFirst:
    """Of rows with one key the first stays, those of the table before all; without a key every row does."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen = SeenKeys(work.contract)
        self._published = PublishedKeys(work.table, work.manifest, work.contract)
        self._outcome = Outcome()

    def add(self, rows: pa.RecordBatch) -> None:
        """Stage those rows that are the first of their key, at once."""
        folders = self._work.folders.of(rows)
        for keys in self._published.of(folders.dictionary.to_pylist()):
            self._seen.add(keys)
        first = self._seen.first(rows)
        if first is not None:
            self._outcome.count("duplicate", rows.filter(compute.invert(first)).column("_file"))
            rows, folders = rows.filter(first), folders.filter(first)
        if rows.num_rows:
            self._work.curated.add(rows, folders)
            self._outcome.count("curated", rows.column("_file"))

    def close(self) -> Outcome:
        """Also take out the rows that the batch replaces."""
        replaced = stage_kept(self._work.table, self._work.manifest, self._work.kept)
        for position, source in enumerate(sources(self._work.manifest)):
            self._outcome.fates[position]["replaced"] = replaced.rows.get(source, 0)
        self._outcome.replaced = replaced.files
        return self._outcome


@dataclass(frozen=True)
class Scanned:
    """A file of the table, and which of the batch's keys each of its rows has, by number; null if none."""

    file: PublishedFile
    keys: Array

    @classmethod
    def of(cls, file: PublishedFile, keys: Sequence[Array]) -> "Scanned":
        """A file whose rows were read in batches."""
        return cls(file, pa.concat_arrays([pa.array([], pa.int32()), *keys]))


def rewrite(kept: KeptWriter, scanned: Sequence[Scanned], goes: Array) -> tuple[tuple[ReplacedFile, ...], list[Array]]:
    """Write the files again of which rows go; returns them, and of each row that goes the number of its key.

    Args:
        kept: writes.
        scanned: the files.
        goes: by the number of a key, and last for rows of no key, whether their rows go.
    """
    none = pa.scalar(len(goes) - 1, pa.int32())
    files, gone = [], []
    for one in scanned:
        mask = goes.take(compute.fill_null(one.keys, none))
        taken = one.keys.filter(mask)
        if len(taken):
            files.append(kept.write(one.file, compute.invert(mask)))
            gone.append(taken)
    return tuple(files), gone
