"""Stages a batch: the files of one manifest become staged Parquet and a report.

Files are read one after the other, in blocks, and what was decided of a block is handed on at once, so that memory
does not grow with a file's size: see `Limits` and `SeenKeys` for what it is made of.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
from pipeline_core.contract import Contract
from pipeline_core.layout import source_of
from pipeline_core.manifest import ROWS, Manifest
from pipeline_core.report import FileReport, Report

from record_engine.arrow import Array, compute
from record_engine.checks import Checker
from record_engine.duplicates import SeenKeys
from record_engine.limits import Limits
from record_engine.published import PublishedKeys
from record_engine.reading import FileReader
from record_engine.replacing import Replaced, quarantined_lines, stage_kept
from record_engine.staging import CuratedWriter, QuarantineWriter
from record_engine.store import Store


def stage(
    manifest: Manifest, contract: Contract, store: Store, attempt: str, now: datetime, limits: Limits | None = None
) -> Report:
    """Stage the batch of a manifest and return its report.

    It reads raw files and published keys, and writes below `{manifest.staging}{attempt}/` only, so that a killed or
    repeated run changes nothing that anybody reads. The report is not written.

    Args:
        manifest: names the files, and what they are read for.
        contract: says what a valid record is.
        store: reads and writes.
        attempt: the name of this run's own folder.
        now: when the refused records are said to have been quarantined; with a time zone.
        limits: how much is held in memory.
    """
    return _Stage(manifest, contract, store, f"{manifest.staging}{attempt}/", now, limits or Limits()).run()


class _Stage:
    """One run over a batch, with what it has counted so far."""

    def __init__(
        self, manifest: Manifest, contract: Contract, store: Store, location: str, now: datetime, limits: Limits
    ) -> None:
        self._manifest, self._contract, self._store = manifest, contract, store
        self._location, self._limits = location, limits
        self._checker = Checker(contract)
        self._seen = SeenKeys(contract)
        self._published = PublishedKeys(store, manifest, contract)
        self._curated = CuratedWriter(store, f"{location}curated/", manifest, contract, limits)
        self._quarantined = QuarantineWriter(store, f"{location}quarantined/", manifest, now, limits)
        self._optional = [column.name for column in contract.columns if not column.required]
        self._nulls: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def run(self) -> Report:
        lines = quarantined_lines(self._store, self._manifest) if self._manifest.purpose == ROWS else None
        files = [
            self._file(position, None if lines is None else lines.get(position, set()))
            for position in range(len(self._manifest.files))
        ]
        curated, quarantined = self._curated.close(), self._quarantined.close()
        replaced = stage_kept(self._store, self._manifest, self._contract, f"{self._location}kept/")
        return Report(
            batch_id=self._manifest.batch_id,
            dataset=self._manifest.dataset,
            contract_version=self._contract.version,
            files=tuple(self._with_replaced(file, replaced) for file in files),
            curated=curated,
            quarantined=quarantined,
            replaced=replaced.files,
            reasons=dict(self._reasons),
            nulls=dict(+self._nulls),
            columns={column.name: column.type for column in self._contract.columns},
        )

    def _with_replaced(self, file: FileReport, replaced: Replaced) -> FileReport:
        return replace(file, rows_replaced=replaced.rows.get(source_of(file.key, file.version), 0))

    def _file(self, position: int, only: set[int] | None) -> FileReport:
        """Stage one file; of its records those on certain lines only, where that is asked."""
        file = self._manifest.files[position]
        reader = FileReader(
            file, position, self._contract, self._store.open_file, checker=self._checker, limits=self._limits
        )
        chosen = None if only is None else pa.array(sorted(only), pa.int64())
        curated = quarantined = duplicates = 0
        for records in reader.batches():
            batch = (
                records if chosen is None else records.filter(compute.is_in(records.column("_line"), value_set=chosen))
            )
            if not batch.num_rows:
                continue
            if batch.column("_raw").null_count == batch.num_rows:
                kept = self._valid(batch)
                curated += kept
                duplicates += batch.num_rows - kept
            else:
                quarantined += batch.num_rows
                self._quarantined.add(batch, position)
                reasons: Array = batch.column("_reasons")
                self._reasons.update(reasons.flatten().to_pylist())
        self._quarantined.end_file(position)
        return FileReport(
            key=file.key,
            version=file.version,
            rows_read=reader.rows_read if only is None else len(only),
            rows_curated=curated,
            rows_quarantined=quarantined,
            rows_duplicate=duplicates,
            problem=reader.problem,
        )

    def _valid(self, batch: pa.RecordBatch) -> int:
        """Keep those of some valid records that are the first of their key; returns how many."""
        folders = self._curated.folders(batch)
        for keys in self._published.of(folders.dictionary.to_pylist()):
            self._seen.add(keys)
        first = self._seen.first(batch)
        if first is not None:
            batch, folders = batch.filter(first), folders.filter(first)
        if batch.num_rows:
            self._curated.add(batch, folders)
            for name in self._optional:
                self._nulls[name] += batch.column(name).null_count
        return batch.num_rows
