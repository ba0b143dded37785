"""An Iceberg table that batches are staged for and published to: a stand-in for processing that keeps the list."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pipeline_core.layout import LIVE_FILES, data_file_key, partition_path, partition_values, table_prefix
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.report import Report, reconcile

from tests.carriers import Carrier
from tests.lake import ORDERS, Lake
from tests.local_store import path_of

DATASET = "orders"


class IcebergLake(Lake):
    """Publishes as processing does: files of a batch get names of their own, and one list says what the table is."""

    live = LiveFiles()

    def publish(self, report: Report) -> None:
        """Audit a batch, copy its files to the table's folder, and make the list of live files anew."""
        reconcile(report, [(file.key, file.version) for file in self.manifest.files])
        assert report.snapshot == self.live.snapshot, "the engine has seen the table as it is"
        files = {file.name: file for file in self.live.files}
        root = f"{str(self.folder).lstrip('/')}/table/"
        staged = [(file.uri, file.partition, file.rows) for file in report.curated]
        for old in report.replaced:
            gone = files.pop(old.key.removeprefix(root))
            assert (gone.rows, gone.partition) == (old.rows_before, partition_path(old.partition))
            if old.uri:
                staged.append((old.uri, old.partition, old.rows_kept))
        for number, (uri, partition, rows) in enumerate(staged):
            key = data_file_key(DATASET, partition_path(partition), report.batch_id, "report-1", number)
            self.put(files, key.removeprefix(table_prefix(DATASET)), partition_path(partition), uri, rows)
        tombstones = self.live.tombstones
        if report.tombstones:
            tombstones = f"metadata/{report.batch_id}-tombstones.parquet"
            self.write(tombstones, path_of(report.tombstones).read_bytes())
        self.commit(replace(self.live, files=tuple(files.values()), tombstones=tombstones, landed_at=report.landed_at))
        for position, item in enumerate(report.files):
            found = [file.uri for file in report.quarantined if file.partition == {"_file": str(position)}]
            self.quarantined[item.key] = tuple(found)

    def put(self, files: dict[str, LiveFile], name: str, partition: str, uri: str, rows: int) -> None:
        """Have a file in the table's folder and among the live ones."""
        content = path_of(uri).read_bytes()
        self.write(name, content)
        files[name] = LiveFile(name=name, partition=partition, rows=rows, bytes=len(content))

    def write(self, name: str, content: bytes) -> Path:
        """Write an object below the table's folder."""
        path = self.folder / "table" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def commit(self, live: LiveFiles) -> None:
        """Make a list of live files the table."""
        self.live = replace(live, snapshot=uuid.uuid4().hex)
        self.write(LIVE_FILES, self.live.to_json().encode())

    def published(self) -> list[Path]:
        """The live files."""
        return sorted(self.folder / "table" / file.name for file in self.live.files)

    def table(self, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of the live files, sorted; folders say what a file does not."""
        found: list[dict[str, Any]] = []
        for file in self.live.files:
            rows = pq.read_table(self.folder / "table" / file.name, partitioning=None).to_pylist()
            assert len(rows) == file.rows
            found += [partition_values(file.partition) | row for row in rows]
        chosen = [tuple(self._now(row, name) for name in columns) for row in found]
        return sorted(chosen, key=lambda row: [(value is not None, value) for value in row])

    def live_rows(self) -> dict[str, list[Any]]:
        """The ids in each live file."""
        paths = {file.name: self.folder / "table" / file.name for file in self.live.files}
        return {
            name: [*pq.read_table(path, partitioning=None).sort_by("id")["id"].to_pylist()]
            for name, path in paths.items()
        }


MakeIcebergLake = Callable[..., IcebergLake]


@pytest.fixture
def iceberg_lake_of(carrier: Carrier, tmp_path: Path) -> MakeIcebergLake:
    """Make a lake of an Iceberg table whose contract differs from that of the orders."""
    return lambda **changes: IcebergLake(carrier, tmp_path, {**ORDERS, "table_format": "iceberg", **changes})
