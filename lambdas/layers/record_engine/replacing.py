"""Reads files of earlier batches again: their quarantined rows only, or in the place of their published rows."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import SOURCE
from pipeline_core.manifest import Manifest
from pipeline_core.report import ReplacedFile

from record_engine.arrow import compute
from record_engine.published import PublishedTable, sources
from record_engine.rewriting import KeptWriter
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


def stage_kept(table: PublishedTable, manifest: Manifest, writer: KeptWriter) -> Replaced:
    """Write what stays of the published files that hold rows of this batch's files.

    Each is written as one file, which takes the published one's place: rows of other files stay as they are.
    """
    own = pa.array(sources(manifest), pa.string())
    goes: Counter[str] = Counter()
    files = []
    for file in table.replaced():
        stays, found = [], Counter[str]()
        for batch in table.read(file, []):
            is_own = compute.is_in(batch.column(SOURCE), value_set=own)
            found.update(map(str, batch.column(SOURCE).filter(is_own).to_pylist()))
            stays.append(compute.invert(is_own))
        if found:
            goes += found
            files.append(writer.write(file, pa.concat_arrays(stays)))
    return Replaced(dict(goes), tuple(files))
