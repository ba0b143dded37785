"""Stages a batch: the files of one manifest become staged Parquet and a report.

Files are read one after the other, in blocks, and what was decided of a block is handed on at once, so that memory
does not grow with a file's size: see `Limits` and `SeenKeys` for what it is made of.
"""

from collections import Counter
from datetime import datetime

import pyarrow as pa
from pipeline_core import contract as modes
from pipeline_core.contract import Contract
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import ROWS, Manifest
from pipeline_core.report import FileReport, Report

from record_engine.arrow import Array, compute
from record_engine.checks import Checker
from record_engine.latest import KeepsLatest
from record_engine.limits import Limits
from record_engine.live import check_purpose, read_live_files
from record_engine.published import PublishedTable
from record_engine.reading import FileReader
from record_engine.replacing import quarantined_lines
from record_engine.rewriting import KeptWriter
from record_engine.snapshots import IsSnapshot, files_that_count
from record_engine.staging import CuratedWriter, QuarantineWriter
from record_engine.store import Store
from record_engine.transforms import Folders
from record_engine.writing import KeepsFirst, Work, WriteMode


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
        self._limits = limits
        self._checker = Checker(contract)
        self._live = read_live_files(store, manifest) if contract.is_iceberg else LiveFiles()
        table = PublishedTable(store, manifest, contract, self._live)
        self._work = Work(
            manifest=manifest,
            contract=contract,
            store=store,
            live=self._live,
            table=table,
            folders=Folders(contract),
            curated=CuratedWriter(store, f"{location}curated/", manifest, contract, limits),
            kept=KeptWriter(store, table, contract, f"{location}kept/"),
            location=location,
            now=now,
        )
        self._quarantined = QuarantineWriter(store, f"{location}quarantined/", manifest, now, limits)
        self._reasons: Counter[str] = Counter()

    def run(self) -> Report:
        mode = self._mode()
        lines = quarantined_lines(self._store, self._manifest) if self._manifest.purpose == ROWS else None
        read = [
            self._file(position, mode, None if lines is None else lines.get(position, set()))
            for position in range(len(self._manifest.files))
        ]
        outcome = mode.close()
        curated, quarantined = self._work.curated.close(), self._quarantined.close()
        return Report(
            batch_id=self._manifest.batch_id,
            dataset=self._manifest.dataset,
            contract_version=self._contract.version,
            files=tuple(outcome.of(file, position) for position, file in enumerate(read)),
            curated=curated,
            quarantined=quarantined,
            replaced=outcome.replaced,
            reasons=dict(self._reasons),
            nulls=dict(+self._work.curated.nulls),
            columns={column.name: column.type for column in self._contract.columns},
            snapshot=self._live.snapshot,
            tombstones=outcome.tombstones,
            landed_at=outcome.landed_at,
        )

    def _mode(self) -> WriteMode:
        check_purpose(self._manifest, self._contract)
        match self._contract.write_mode:
            case modes.LATEST:
                return KeepsLatest(self._work)
            case modes.SNAPSHOT:
                return IsSnapshot(self._work, files_that_count(self._manifest, self._live, self._has_problem))
            case _:
                return KeepsFirst(self._work)

    def _has_problem(self, position: int) -> bool:
        reader = self._reader(position)
        reader.close()
        return reader.problem is not None

    def _reader(self, position: int) -> FileReader:
        file = self._manifest.files[position]
        return FileReader(
            file, position, self._contract, self._store.open_file, checker=self._checker, limits=self._limits
        )

    def _file(self, position: int, mode: WriteMode, only: set[int] | None) -> FileReport:
        """Read one file; of its records those on certain lines only, where that is asked."""
        file, reader = self._manifest.files[position], self._reader(position)
        chosen = None if only is None else pa.array(sorted(only), pa.int64())
        quarantined = 0
        for records in reader.batches():
            batch = (
                records if chosen is None else records.filter(compute.is_in(records.column("_line"), value_set=chosen))
            )
            if not batch.num_rows:
                continue
            if batch.column("_raw").null_count == batch.num_rows:
                mode.add(batch)
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
            rows_quarantined=quarantined,
            problem=reader.problem,
        )
