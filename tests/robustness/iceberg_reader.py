"""Counts the rows of an Iceberg table again and again, by its metadata and by the list of live files.

    python -m tests.robustness.iceberg_reader <bucket> <database> <dataset> <file> <reads>

It goes on until the file is there, and it has read so often. Prints JSON: how often it has read, and for `metadata` and
`list` the contents that it saw, each once for as long as it stayed: rows and sum of the ids, by source file.
"""

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
from pipeline_core import documents, layout
from pipeline_core.live_files import LiveFiles
from table_formats import IcebergTable, TablePlace
from table_formats.iceberg import data_files

Sums = dict[str, list[int]]


class Reader:
    """Reads the files of a table; a file is never written again, so that one look at each is enough."""

    def __init__(self, place: TablePlace) -> None:
        self._table = IcebergTable(place)
        self._known: dict[str, list[tuple[str, int]]] = {}

    def by_metadata(self) -> Sums:
        """The table as a reader of Iceberg sees it."""
        table = self._table.load()
        files = data_files(table, table.current_snapshot()) if table else []
        return self._sums(file.file_path for file in files)

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

    def _rows(self, address: str) -> list[tuple[str, int]]:
        if address not in self._known:
            content = documents.read(*layout.split_uri(address))
            assert content is not None, f"{address} is missing"
            rows = pq.read_table(io.BytesIO(content), columns=["_source_file", "id"]).to_pylist()
            self._known[address] = [(row["_source_file"], row["id"]) for row in rows]
        return self._known[address]


def main(bucket: str, database: str, dataset: str, file: str, reads: str) -> None:
    """Read, and print what was seen."""
    reader = Reader(TablePlace(database=database, bucket=bucket, dataset=dataset))
    ways = {"metadata": reader.by_metadata, "list": reader.by_list}
    seen: dict[str, list[Sums]] = {way: [] for way in ways}
    count, is_over = 0, False
    while count < int(reads) or not is_over:
        # Before it reads, so that it has read what was there in the end.
        is_over = Path(file).exists()
        for way, read in ways.items():
            sums = read()
            count += 1
            if not seen[way] or seen[way][-1] != sums:
                seen[way].append(sums)
    print(json.dumps({"reads": count, **seen}))


if __name__ == "__main__":
    main(*sys.argv[1:])
