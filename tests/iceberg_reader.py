"""Counts the rows of an Iceberg table again and again, by its metadata and by the list of live files.

    python -m tests.iceberg_reader <bucket> <database> <dataset> <column> <file> <reads>

It says so when it has read for the first time, and goes on until the file is there, and it has read so often. Prints
JSON: how often it has read, and for `metadata` and `list` the contents that it saw, each once for as long as it stayed:
rows and sum of the column, by source file.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from pipeline_core import documents, layout
from pipeline_core.live_files import LiveFiles
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from table_formats import IcebergTable, TablePlace

REPOSITORY = Path(__file__).parents[1]
Sums = dict[str, list[int]]


class Reader:
    """Reads the files of a table; no file or manifest is written again, so that one look at each is enough."""

    def __init__(self, place: TablePlace, column: str) -> None:
        self._table, self._column = IcebergTable(place), column
        self._known: dict[str, list[tuple[str, int]]] = {}
        self._manifests: dict[str, list[str]] = {}

    def by_metadata(self) -> Sums:
        """The table as a reader of Iceberg sees it."""
        table = self._table.load()
        snapshot = table.current_snapshot() if table else None
        if table is None or snapshot is None:
            return {}
        return self._sums(
            address for file in snapshot.manifests(table.io) for address in self._addresses(file, table.io)
        )

    def by_list(self) -> Sums:
        """The table as the record engine and the local Athena's sees it."""
        place = self._table.place
        text = documents.read(place.bucket, layout.table_prefix(place.dataset) + layout.LIVE_FILES)
        live = LiveFiles.from_json(text) if text else LiveFiles()
        return self._sums(place.address(file.name) for file in live.files)

    def _sums(self, addresses: Iterable[str]) -> Sums:
        found: Sums = {}
        for address in addresses:
            for source, number in self._rows(address):
                sums = found.setdefault(source, [0, 0])
                sums[0] += 1
                sums[1] += number
        return dict(sorted(found.items()))

    def _addresses(self, manifest: ManifestFile, io: FileIO) -> list[str]:
        if manifest.manifest_path not in self._manifests:
            entries = manifest.fetch_manifest_entry(io, discard_deleted=True)
            self._manifests[manifest.manifest_path] = [entry.data_file.file_path for entry in entries]
        return self._manifests[manifest.manifest_path]

    def _rows(self, address: str) -> list[tuple[str, int]]:
        if address not in self._known:
            content = documents.read(*layout.split_uri(address))
            assert content is not None, f"{address} is missing"
            rows = pq.read_table(io.BytesIO(content), columns=["_source_file", self._column]).to_pylist()
            self._known[address] = [(row["_source_file"], row[self._column]) for row in rows]
        return self._known[address]


@contextmanager
def reader_of(place: TablePlace, column: str, end: Path, reads: int) -> Iterator[subprocess.Popen[str]]:
    """A reader in a process of its own, that shares nothing with processing but the emulator of the environment.

    It has read for the first time when it is given.
    """
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "lambdas" / "layers")])
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.iceberg_reader", place.bucket, place.database, place.dataset),
            *(column, str(end), str(reads)),
        ],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def main(bucket: str, database: str, dataset: str, column: str, file: str, reads: str) -> None:
    """Read, and print what was seen."""
    reader = Reader(TablePlace(database=database, bucket=bucket, dataset=dataset), column)
    ways = {"metadata": reader.by_metadata, "list": reader.by_list}
    seen: dict[str, list[Sums]] = {way: [] for way in ways}
    count, is_over = 0, False
    while count < int(reads) or not is_over:
        # Before it reads, so that it has read what was there in the end.
        is_over = Path(file).exists()
        begun = time.monotonic()
        for way, read in ways.items():
            sums = read()
            count += 1
            if not seen[way] or seen[way][-1] != sums:
                seen[way].append(sums)
        if count == len(ways):
            print("has read", flush=True)
        # Whoever publishes has the machine for as long as the reader had.
        time.sleep(0 if is_over else time.monotonic() - begun)
    print(json.dumps({"reads": count, **seen}))


if __name__ == "__main__":
    main(*sys.argv[1:])
