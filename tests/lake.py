"""A table that batches, written into the test, are staged for and published to, by the Spark job or by the engine."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pipeline_core.content import hint_of
from pipeline_core.contract import Contract
from pipeline_core.manifest import LANDED, REPLACE, ROWS, Manifest, ManifestFile
from pipeline_core.report import Report

from tests.carriers import Carrier
from tests.local_store import path_of

ORDERS: dict[str, Any] = {
    "dataset": "orders",
    "version": "1.0.0",
    "columns": [
        {"name": "id", "type": "int", "required": True, "minimum": "1"},
        {"name": "day", "type": "date", "required": True},
        {"name": "name", "type": "string", "required": False, "max_length": 10},
        {"name": "price", "type": "decimal(6,2)", "required": False},
        {"name": "at", "type": "timestamp", "required": False},
        {"name": "weight", "type": "double", "required": False, "maximum": "100"},
        {"name": "paid", "type": "boolean", "required": False},
    ],
    "primary_key": ["id", "day"],
    "partition_by": ["day"],
    "quality": [],
    "formats": ["csv", "jsonl", "parquet"],
    "null_tokens": ["", "NA"],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 1000000,
    "frequency_hours": None,
}

GZIP = b"\x1f\x8b"


class Lake:
    """A table that batches are staged for and published to, in a temporary folder."""

    def __init__(self, carrier: Carrier, folder: Path, contract: dict[str, Any]) -> None:
        self.carrier, self.folder = carrier, folder
        self.contract = Contract.from_document(contract)
        self.batches = 0
        self.quarantined: dict[str, tuple[str, ...]] = {}

    def stage(self, files: dict[str, bytes], purpose: str = LANDED) -> Report:
        """Stage one batch of files (name: content); text for a name that ends in .gz is packed."""
        self.batches += 1
        batch_id = f"orders-{self.batches}"
        manifest_files = []
        for name, content in files.items():
            path = self.folder / "raw" / batch_id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pack = name.endswith(".gz") and not content.startswith(GZIP)
            stored = gzip.compress(content) if pack else content
            path.write_bytes(stored)
            manifest_files.append(
                ManifestFile(
                    key=name,
                    version="v1",
                    uri=path.as_uri(),
                    size=len(stored),
                    format=hint_of(name),
                    landed_at="t",
                    quarantined=self.quarantined.get(name, ()) if purpose == ROWS else (),
                )
            )
        self.manifest = Manifest(
            batch_id=batch_id,
            dataset="orders",
            contract="",
            staging=f"{(self.folder / 'staging' / batch_id).as_uri()}/",
            table=f"{(self.folder / 'table').as_uri()}/",
            files=tuple(manifest_files),
            purpose=purpose,
            replaces=tuple(f"file://{path}" for path in self.published()) if purpose == REPLACE else (),
        )
        return self.carrier(self.manifest, self.contract, "run")

    def publish(self, report: Report) -> None:
        """Move the staged files into the table, as processing does."""
        for old in report.replaced:
            target = self.folder / old.key.removeprefix(f"{str(self.folder).lstrip('/')}/")
            target.write_bytes(_content(old.uri)) if old.uri else target.unlink()
        for number, file in enumerate(report.curated):
            path = "".join(f"{name}={value}/" for name, value in file.partition.items())
            target = self.folder / "table" / path / f"{report.batch_id}-{number}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_content(file.uri))
        for position, item in enumerate(report.files):
            staged = [file.uri for file in report.quarantined if file.partition == {"_file": str(position)}]
            self.quarantined[item.key] = tuple(staged)

    def published(self) -> list[Path]:
        """The published files."""
        return sorted((self.folder / "table").rglob("*.parquet"))

    def table(self, *columns: str) -> list[tuple[Any, ...]]:
        """The published rows, sorted."""
        found = []
        for path in self.published():
            partition = dict(part.split("=", 1) for part in path.parts if "=" in part)
            found += [row | partition for row in pq.read_table(path, partitioning=None).to_pylist()]
        return sorted(tuple(self._now(row, name) for name in columns) for row in found)

    def _now(self, row: dict[str, Any], name: str) -> Any:
        """A value as the contract has its column now."""
        value = row.get(name)
        if not isinstance(value, Decimal):
            return value
        scale = int(self.contract.column(name).type.partition(",")[2].rstrip(")"))
        return value.quantize(Decimal(1).scaleb(-scale))

    def rows(self, report: Report, *columns: str) -> list[tuple[Any, ...]]:
        """The staged curated rows of a report, sorted; partition columns are text."""
        found = []
        for file in report.curated:
            rows = pq.read_table(path_of(file.uri), partitioning=None).to_pylist()
            found += [row | file.partition for row in rows]
        chosen = [tuple(row[name] for name in columns) for row in found]
        return sorted(chosen, key=lambda row: [(value is not None, value) for value in row])

    def quarantine(self) -> list[tuple[Any, ...]]:
        """The quarantined records of the last batch: file, line, record, reasons."""
        rows = []
        for path in sorted(path_of(f"{self.manifest.staging}run/quarantined/").rglob("*.parquet")):
            rows += pq.read_table(path, partitioning=None).to_pylist()
        return sorted(
            (row["source_file"].partition("?")[0], row["line"], row["raw_record"], sorted(row["reasons"]))
            for row in rows
        )


def _content(uri: str) -> bytes:
    return path_of(uri).read_bytes()


@pytest.fixture
def lake(carrier: Carrier, tmp_path: Path) -> Lake:
    return Lake(carrier, tmp_path, ORDERS)


@pytest.fixture
def lake_of(carrier: Carrier, tmp_path: Path) -> Callable[..., Lake]:
    """Make a lake whose contract differs."""
    return lambda **changes: Lake(carrier, tmp_path, {**ORDERS, **changes})
