"""Reads files of earlier batches again: their quarantined rows only, or in the place of their published rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest
from pipeline_core.report import ReplacedFile

from record_engine.arrow import compute
from record_engine.published import BATCH, SOURCE, data_columns, existing, partition_of, read_published, sources
from record_engine.staging import staged, write_parquet
from record_engine.store import Store


@dataclass(frozen=True)
class Replaced:
    """Published rows that the batch takes out of the table: by source file, and by published file."""

    rows: dict[str, int] = field(default_factory=dict)
    files: tuple[ReplacedFile, ...] = ()


def quarantined_lines(store: Store, manifest: Manifest) -> dict[int, set[int]]:
    """The lines of the records that are in quarantine now, by the position of their file."""
    positions = {source: position for position, source in enumerate(sources(manifest))}
    found: dict[int, set[int]] = {}
    for address in {address for file in manifest.files for address in file.quarantined}:
        with store.open_read(address) as stream:
            rows = pq.ParquetFile(stream).read(["source_file", "line"])
        for source, line in zip(rows["source_file"].to_pylist(), rows["line"].to_pylist(), strict=True):
            if source in positions and line is not None:
                found.setdefault(positions[source], set()).add(line)
    return found


def stage_kept(store: Store, manifest: Manifest, contract: Contract, location: str) -> Replaced:
    """Write what stays of the published files that hold rows of this batch's files.

    Each is written to `location` as one file, which takes the published one's place: rows of other files stay as
    they are.
    """
    goes: Counter[str] = Counter()
    files = []
    for number, address in enumerate(existing(store, manifest.replaces)):
        found = _rows_that_go(store, address, contract, sources(manifest))
        taken = sum(found.values())
        if taken:
            rows, kept, uri = _write_kept(store, address, manifest, contract, f"{location}_object={number}/")
            if rows - kept != taken:
                raise RuntimeError(f"what stays of published files was not written whole: {address}")
            goes += found
            files.append(
                ReplacedFile(
                    key=address.partition("://")[2].partition("/")[2],
                    partition=partition_of(address, contract),
                    uri=uri,
                    rows_before=rows,
                    rows_kept=kept,
                )
            )
    return Replaced(dict(goes), tuple(files))


def _rows_that_go(store: Store, address: str, contract: Contract, own: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for batch in read_published(store, address, contract, []):
        found.update(source for source in batch.column(SOURCE).to_pylist() if source is not None)
    return Counter({source: rows for source, rows in found.items() if source in set(own)})


def _write_kept(
    store: Store, address: str, manifest: Manifest, contract: Contract, location: str
) -> tuple[int, int, str]:
    """Write the rows of other files; returns rows before, rows that stay, and where they are (nowhere if none do)."""
    columns = data_columns(contract)
    own = pa.array(sources(manifest), pa.string())
    rows = 0
    stays = []
    for batch in read_published(store, address, contract, columns):
        rows += batch.num_rows
        stays.append(batch.filter(compute.invert(compute.is_in(batch.column(SOURCE), value_set=own))))
    table = pa.Table.from_batches(stays).select([*columns, SOURCE, BATCH])
    if not table.num_rows:
        return rows, 0, ""
    uri = f"{location}part-00000.snappy.parquet"
    write_parquet(store, uri, table)
    return rows, staged(store, uri, {}).rows, uri
