"""Iceberg tables in moto's S3 and Glue, and batches whose files a test writes as an engine would."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws
from pipeline_core import documents, layout
from pipeline_core.contract import Column, Contract
from pipeline_core.live_files import LiveFiles
from pipeline_core.report import FileReport, ReplacedFile, Report, StagedFile
from pyiceberg.table import Table
from record_engine.values import arrow_type
from table_formats import IcebergTable, TablePlace, Turn

BUCKET, DATABASE, DATASET = "curated-b", "lake", "orders"
Row = Mapping[str, Any]


def contract(**changes: Any) -> Contract:
    """A contract of orders, of which a test says what it is about."""
    columns = (
        Column(name="id", type="int", required=True, description="Number of the order"),
        Column(name="amount", type="decimal(9,2)"),
        Column(name="day", type="date", required=True),
        Column(name="at", type="timestamp"),
    )
    values: dict[str, Any] = {
        "dataset": DATASET,
        "version": "1.0.0",
        "columns": columns,
        "primary_key": ("day", "id"),
        "partition_by": ("day",),
        "quality": (),
        "formats": ("csv",),
        "null_tokens": ("",),
        "delimiter": ",",
        "time_zone": "UTC",
        "max_file_bytes": 1,
        "frequency_hours": None,
        "table_format": "iceberg",
    }
    return Contract(**{**values, **changes})


class Lake:
    """A bucket and a database, and what an engine stages there."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.glue = boto3.client("glue")
        self.published = 0
        self.table = IcebergTable(TablePlace(database=DATABASE, bucket=BUCKET, dataset=DATASET))

    def iceberg(self) -> Table:
        table = self.table.load()
        assert table is not None
        return table

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """What a reader of Iceberg sees, sorted."""
        found = self.iceberg().scan().to_arrow().to_pylist()
        return sorted(tuple(row[name] for name in columns or ("day", "id", "amount")) for row in found)

    def live(self) -> LiveFiles:
        key = layout.table_prefix(DATASET) + layout.LIVE_FILES
        content = documents.read(BUCKET, key)
        return LiveFiles() if content is None else LiveFiles.from_json(content)

    def write(self, key: str, of: Contract, rows: Sequence[Row], batch_id: str, leave_out: Sequence[str] = ()) -> str:
        """Write a staged file; returns its address."""
        kinds = {column.name: column.type for column in of.columns} | of.own_columns
        own = {"_source_file": f"{batch_id}.csv", "_batch_id": batch_id}
        data = [{**own, **row} for row in rows]
        arrays = {
            name: pa.array([row.get(name) for row in data], arrow_type(kind))
            for name, kind in kinds.items()
            if name not in leave_out
        }
        content = io.BytesIO()
        pq.write_table(pa.table(arrays), content, store_schema=False)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
        return layout.uri(BUCKET, key)

    def stage(
        self,
        batch_id: str,
        of: Contract,
        rows: Mapping[str, Sequence[Row]],
        replaced: Mapping[str, Sequence[Row]] | None = None,
        **changes: Any,
    ) -> Report:
        """Stage rows, by the text of their partition; `replaced` are rows that stay, by name of the live file."""
        prefix = f"{layout.staging_prefix(DATASET, batch_id)}run/"
        field = of.partition_fields[0].name if of.partition_fields else ""
        curated = []
        for number, (text, those) in enumerate(rows.items()):
            partition = {field: text} if field else {}
            key = f"{prefix}curated/{layout.partition_path(partition)}part-{number}.parquet"
            uri = self.write(key, of, those, batch_id)
            curated.append(StagedFile(uri=uri, partition=partition, rows=len(those)))
        there = {file.name: file for file in self.live().files}
        gone = []
        for number, (name, stay) in enumerate((replaced or {}).items()):
            folder = there[name].partition
            uri = self.write(f"{prefix}kept/{number}.parquet", of, stay, batch_id) if stay else ""
            gone.append(
                ReplacedFile(
                    key=layout.table_prefix(DATASET) + name,
                    partition=dict(part.split("=", 1) for part in folder.split("/") if part),
                    uri=uri,
                    rows_before=there[name].rows,
                    rows_kept=len(stay),
                )
            )
        count = sum(map(len, rows.values()))
        taken = sum(file.rows_before - file.rows_kept for file in gone)
        return Report(
            batch_id=batch_id,
            dataset=DATASET,
            contract_version=of.version,
            files=(
                FileReport(
                    key=f"orders/{batch_id}.csv", version="v", rows_read=count, rows_curated=count, rows_removed=taken
                ),
            ),
            curated=tuple(curated),
            quarantined=(),
            replaced=tuple(gone),
            **{"snapshot": self.live().snapshot, **changes},
        )

    def publish(self, batch_id: str, of: Contract, rows: Mapping[str, Sequence[Row]], **changes: Any) -> Report:
        """Stage and publish rows."""
        report = self.stage(batch_id, of, rows, **changes)
        self.commit(report, of)
        return report

    def commit(self, report: Report, of: Contract, seen: int | None = None) -> None:
        """Publish a report, as the next of the dataset; its engine has seen all before, or so many."""
        before = self.published if seen is None else seen
        self.table.publish(report, of, Turn(report="report-0", seen=before, number=self.published + 1))
        self.published += 1


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        yield Lake()
