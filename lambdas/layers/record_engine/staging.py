"""Writes a batch to staging, and counts again what was written, so that the report rests on files."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import BATCH, LANDED, SOURCE, Contract
from pipeline_core.layout import partition_values
from pipeline_core.manifest import Manifest
from pipeline_core.report import StagedFile

from record_engine.arrow import Array, compute
from record_engine.limits import Limits
from record_engine.published import sources
from record_engine.store import Store
from record_engine.values import arrow_type


def moment_of(text: str) -> datetime:
    """When a file landed, by the text of the manifest, which is in UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_order(rows: pa.Table, contract: Contract) -> pa.Table:
    """Rows as they lie in a file: sorted, nulls last, if the contract says by what."""
    if not contract.sorted_by or not contract.is_iceberg:
        return rows
    return rows.sort_by([(name, "ascending") for name in contract.sorted_by])


def write_parquet(store: Store, uri: str, table: pa.Table) -> None:
    """Write one file of the table's form: Snappy, timestamps in microseconds, nothing that only Arrow knows."""
    with store.open_write(uri) as stream:
        pq.write_table(table, stream, compression="snappy", store_schema=False)


def staged(store: Store, uri: str, partition: dict[str, str]) -> StagedFile:
    """A file that was written, with the rows that its footer says."""
    with store.open_read(uri) as stream:
        return StagedFile(uri=uri, partition=partition, rows=pq.read_metadata(stream).num_rows)


class CuratedWriter:
    """Writes curated rows, each partition to files of its own, whenever enough of them wait.

    `nulls` counts those of the columns that may have them.
    """

    def __init__(self, store: Store, location: str, manifest: Manifest, contract: Contract, limits: Limits) -> None:
        self._store, self._location, self._limits = store, location, limits
        self._contract, self._batch_id = contract, manifest.batch_id
        self._sources = pa.array(sources(manifest), pa.string())
        self._landed = None
        if LANDED in contract.own_columns:
            moments = [moment_of(file.landed_at) for file in manifest.files]
            self._landed = pa.array(moments, arrow_type("timestamp"))
        self._data = list(contract.stored_columns)
        self._optional = [column.name for column in contract.columns if not column.required]
        self._waiting: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        self._bytes = 0
        self._written: list[tuple[str, str]] = []
        self.nulls: Counter[str] = Counter()

    def add(self, rows: pa.RecordBatch, folders: Array) -> None:
        """Take rows, with the folder of each."""
        for name in self._optional:
            self.nulls[name] += rows.column(name).null_count
        for folder, part in _parts(rows.select(["_file", *self._data]), folders):
            self._waiting[folder].append(part)
        self._bytes += rows.nbytes
        if self._bytes >= self._limits.buffered_bytes:
            self._flush()

    def _flush(self) -> None:
        for folder in sorted(self._waiting):
            rows = in_order(pa.Table.from_batches(self._waiting.pop(folder)), self._contract)
            source = pa.chunked_array(
                [pa.DictionaryArray.from_arrays(chunk, self._sources) for chunk in rows["_file"].chunks]
            )
            batch = pa.repeat(pa.scalar(self._batch_id), rows.num_rows)
            table = rows.select(self._data).append_column(SOURCE, source).append_column(BATCH, batch)
            if self._landed is not None:
                table = table.append_column(LANDED, self._landed.take(rows["_file"]))
            uri = f"{self._location}{folder}part-{len(self._written):05d}.snappy.parquet"
            write_parquet(self._store, uri, table)
            self._written.append((uri, folder))
        self._bytes = 0

    def close(self) -> tuple[StagedFile, ...]:
        """Write what waits; returns all files, as they are there."""
        self._flush()
        return tuple(staged(self._store, uri, partition_values(folder)) for uri, folder in sorted(self._written))


def _parts(rows: pa.RecordBatch, folders: Array) -> Iterator[tuple[str, pa.RecordBatch]]:
    names = folders.dictionary.to_pylist()
    if len(names) == 1:
        yield names[0], rows
        return
    order = compute.sort_indices(folders.indices)
    ordered = rows.take(order)
    at = 0
    counts = {item["values"]: item["counts"] for item in compute.value_counts(folders.indices).to_pylist()}
    for index in sorted(counts):
        yield names[index], ordered.slice(at, counts[index])
        at += counts[index]


class QuarantineWriter:
    """Writes refused records as they came; a file of them has records of one source file only."""

    def __init__(self, store: Store, location: str, manifest: Manifest, at: datetime, limits: Limits) -> None:
        self._store, self._location, self._limits = store, location, limits
        self._batch_id, self._at = manifest.batch_id, at
        self._sources = sources(manifest)
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self._written: list[tuple[str, int]] = []

    def add(self, records: pa.RecordBatch, position: int) -> None:
        """Take refused records of a file."""
        self._waiting.append(records.select(["_line", "_raw", "_reasons"]))
        self._bytes += records.nbytes
        if self._bytes >= self._limits.buffered_bytes:
            self.end_file(position)

    def end_file(self, position: int) -> None:
        """Write what waits, all of it of one file."""
        if not self._waiting:
            return
        rows = pa.Table.from_batches(self._waiting)
        moment = pa.scalar(self._at, pa.timestamp("us", tz="UTC"))
        table = pa.table(
            {
                "batch_id": pa.repeat(pa.scalar(self._batch_id), rows.num_rows),
                "source_file": pa.repeat(pa.scalar(self._sources[position]), rows.num_rows),
                "line": rows["_line"],
                "raw_record": rows["_raw"],
                "reasons": rows["_reasons"],
                "quarantined_at": pa.repeat(moment, rows.num_rows),
            }
        )
        uri = f"{self._location}_file={position}/part-{len(self._written):05d}.snappy.parquet"
        write_parquet(self._store, uri, table)
        self._written.append((uri, position))
        self._waiting, self._bytes = [], 0

    def close(self) -> tuple[StagedFile, ...]:
        """All files, as they are there."""
        return tuple(staged(self._store, uri, {"_file": str(position)}) for uri, position in sorted(self._written))
