"""Batches of an Iceberg table, from their files in the ledger to their verdict, staged as an engine would do it."""

import datetime as dt
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core import clients, documents, layout
from pipeline_core.batches import Batches
from pipeline_core.contract import Contract
from pipeline_core.files import LandedFile, candidates_to_json
from pipeline_core.ledger import Ledger
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import LANDED, REPLACE, Manifest, ManifestFile
from pipeline_core.report import FileReport, ReplacedFile, Report, StagedFile
from pipeline_core.verdict import Verdict
from pyiceberg.table import Table
from record_engine.values import arrow_type
from table_formats import IcebergTable, TablePlace
from table_formats.maintenance import orphans

from lambdas.maintenance.rollback import RollBack
from lambdas.processing.logic import Publisher

RAW = "raw-b"
DOCUMENT: dict[str, Any] = {
    "version": "1.0.0",
    "columns": [
        {"name": "id", "type": "bigint", "required": True},
        {"name": "part", "type": "int", "required": True},
        {"name": "at", "type": "timestamp", "required": False},
    ],
    "primary_key": ["part", "id"],
    "partition_by": ["part"],
    "quality": [],
    "formats": ["csv"],
    "null_tokens": [""],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 1,
    "frequency_hours": None,
    "table_format": "iceberg",
}
AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_numbers = itertools.count(1)


class Dataset:
    """A dataset of its own whose table is an Iceberg table. Rows have an id and a partition."""

    def __init__(self, publisher: Publisher, **changes: Any) -> None:
        self.name = f"orders_{next(_numbers)}"
        self.contract = Contract.from_document({**DOCUMENT, "dataset": self.name, **changes})
        self.publisher = publisher
        self.ledger = Ledger(publisher.ledger_table)
        self.batches = Batches(self.ledger)
        self.table = IcebergTable(
            TablePlace(database=publisher.database, bucket=publisher.curated_bucket, dataset=self.name)
        )

    def partition(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The partition of a row, as engines write it."""
        return {"part": str(row["part"])}

    def _file(self, name: str, number: int) -> LandedFile:
        key, landed = f"{self.name}/{name}", (AT + dt.timedelta(seconds=number)).isoformat()
        return LandedFile(bucket=RAW, key=key, version="v", size=1, landed_at=landed, dataset=self.name, format="csv")

    def open(self, name: str, purpose: str = LANDED) -> str:
        """Have a batch of one file, which landed or is to be read again; returns its id."""
        batch = self.batches.open(self.name, self.batches.state(self.name), 1_000)
        assert batch is not None
        file = self._file(name, int(batch.batch_id[-6:]))
        if purpose == REPLACE:
            item = self.ledger.file(RAW, file.key, "v")
            assert item is not None
            file = item.landed
            assert self.ledger.replay(item, purpose, batch.batch_id)
        else:
            assert self.ledger.register(file)
        pending = self.ledger.file(RAW, file.key, "v")
        assert pending is not None
        assert self.ledger.claim([file], batch.batch_id) == [True]
        manifest = Manifest(
            batch_id=batch.batch_id,
            dataset=self.name,
            contract="",
            staging=layout.uri(self.publisher.curated_bucket, layout.staging_prefix(self.name, batch.batch_id)),
            table=self.table.place.address(),
            files=(
                ManifestFile(key=file.key, version="v", uri="", size=1, format="csv", landed_at=file.landed_at),
            ),
            purpose=purpose,
        )  # fmt: skip
        for document, text in {
            "manifest": manifest.to_json(),
            "candidates": candidates_to_json([pending.candidate]),
            "contract": json.dumps({**asdict(self.contract)}),
        }.items():
            key = layout.batch_key(self.name, batch.batch_id, document)
            documents.write(self.publisher.artifacts_bucket, key, text)
        return batch.batch_id

    def live(self) -> LiveFiles:
        """What engines are told."""
        key = layout.table_prefix(self.name) + layout.LIVE_FILES
        content = documents.read(self.publisher.curated_bucket, key)
        return LiveFiles() if content is None else LiveFiles.from_json(content)

    def write(self, key: str, rows: Sequence[Mapping[str, Any]], source: str, batch_id: str) -> str:
        """Write a Parquet file of rows; returns its address."""
        kinds = {column.name: column.type for column in self.contract.columns} | self.contract.own_columns
        own = {"_source_file": source, "_batch_id": batch_id}
        arrays = {
            name: pa.array([{**own, **row}.get(name) for row in rows], arrow_type(kind)) for name, kind in kinds.items()
        }
        content = io.BytesIO()
        pq.write_table(pa.table(arrays), content, store_schema=False)
        clients.s3().put_object(Bucket=self.publisher.curated_bucket, Key=key, Body=content.getvalue())
        return layout.uri(self.publisher.curated_bucket, key)

    def stage(
        self, batch_id: str, name: str, rows: Sequence[Sequence[Mapping[str, Any]]], purpose: str = LANDED
    ) -> int:
        """Stage files of rows, each of one partition; returns how many publishes were seen.

        With the purpose REPLACE, rows of the same file go, wherever they are.
        """
        seen = self.batches.state(self.name).published
        live = self.live()
        prefix = layout.staging_prefix(self.name, batch_id)
        source = f"{self.name}/{name}"
        curated = []
        for number, those in enumerate(rows):
            uri = self.write(f"{prefix}run/part-{number}.parquet", those, source, batch_id)
            curated.append(StagedFile(uri=uri, partition=self.partition(those[0]), rows=len(those)))
        replaced = list[ReplacedFile]()
        for file in live.files if purpose == REPLACE else ():
            key = layout.table_prefix(self.name) + file.name
            content = documents.read(self.publisher.curated_bucket, key)
            assert content is not None
            there = pq.read_table(io.BytesIO(content)).to_pylist()
            stay = [row for row in there if row["_source_file"] != source]
            if len(stay) == len(there):
                continue
            kept = self.write(f"{prefix}run/kept-{len(replaced)}.parquet", stay, source, batch_id) if stay else ""
            partition = layout.partition_values(file.partition)
            replaced.append(
                ReplacedFile(key=key, partition=partition, uri=kept, rows_before=len(there), rows_kept=len(stay))
            )
        count = sum(map(len, rows))
        report = Report(
            batch_id=batch_id,
            dataset=self.name,
            contract_version=self.contract.version,
            files=(
                FileReport(
                    key=source,
                    version="v",
                    rows_read=count,
                    rows_curated=count,
                    rows_replaced=sum(file.rows_before - file.rows_kept for file in replaced),
                ),
            ),
            curated=tuple(curated),
            quarantined=(),
            replaced=tuple(replaced),
            snapshot=live.snapshot,
        )
        documents.write(self.publisher.curated_bucket, f"{prefix}report.json", report.to_json())
        return seen

    def landed(self, name: str, *ids: int, part: int = 1) -> tuple[str, int]:
        """Stage a batch of a new file; returns its id, and how many publishes it has seen."""
        batch_id = self.open(name)
        return batch_id, self.stage(batch_id, name, [[{"id": number, "part": part, "at": AT} for number in ids]])

    def again(self, name: str, *ids: int, part: int = 1) -> tuple[str, int]:
        """Stage a batch of a file that is read again, in the place of its own rows; as `landed`."""
        batch_id = self.open(name, REPLACE)
        return batch_id, self.stage(
            batch_id, name, [[{"id": number, "part": part, "at": AT} for number in ids]], REPLACE
        )

    def decide(self, batch_id: str, seen: int) -> Verdict:
        """Call processing."""
        return self.publisher.decide(self.name, batch_id, seen)

    def roll_back(self, batch_id: str) -> list[str]:
        """Call the rollback."""
        return RollBack(ledger=self.ledger, artifacts_bucket=self.publisher.artifacts_bucket).run(self.table, batch_id)

    def iceberg(self) -> Table:
        """The table as it is now."""
        table = self.table.load()
        assert table is not None
        return table

    def lost(self, now: dt.datetime) -> int:
        """How many objects of the table's folder belong to no state of the table."""
        return len(orphans(self.table, self.iceberg(), now))

    def ids(self) -> list[int]:
        """The ids of the table's rows, as a reader of Iceberg sees them."""
        table = self.table.load()
        found: list[Any] = [] if table is None else table.scan().to_arrow()["id"].to_pylist()
        return sorted(found)

    def status(self, name: str) -> str:
        """What the ledger says of a file."""
        item = self.ledger.file(RAW, f"{self.name}/{name}", "v")
        assert item is not None
        return item.status

    def runs(self) -> list[str]:
        """The outcome of each batch in the table of runs, by the number of the batch."""
        s3, bucket = clients.s3(), self.publisher.artifacts_bucket
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"runs/dataset={self.name}/")
        keys = sorted(item["Key"] for page in pages for item in page.get("Contents", []))
        return [json.loads(documents.read(bucket, key) or b"")["outcome"] for key in keys]

    def check_whole(self) -> None:
        """Check that nobody is at it, and what engines are told."""
        state = self.batches.state(self.name)
        assert (state.publishing, set(state.running)) == (None, set())
        self.check_live()

    def check_live(self) -> None:
        """Check that engines are told the files that the table consists of."""
        table, live = self.table.load(), self.live()
        if table is None:
            assert live == LiveFiles()
            return
        assert live.snapshot == str(table.metadata.current_snapshot_id)
        tasks = table.scan().plan_files()
        assert {self.table.place.name_of(task.file.file_path) for task in tasks} == {file.name for file in live.files}


def publisher_of(ticks_queue_url: str, database: str = "lake") -> Publisher:
    """Processing, with the resources that have the usual names."""
    return Publisher(
        curated_bucket="curated-b",
        quarantine_bucket="quarantine-b",
        artifacts_bucket="artifacts-b",
        ledger_table="ledger",
        database=database,
        event_bus_name="bus",
        ticks_queue_url=ticks_queue_url,
        quarantined_percent=1,
    )


def make_resources(database: str = "lake") -> Publisher:
    """Make the resources, where the environment says that AWS is; returns processing with them."""
    s3 = boto3.client("s3")
    for bucket in (RAW, "curated-b", "quarantine-b", "artifacts-b"):
        s3.create_bucket(Bucket=bucket)
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    boto3.client("glue").create_database(DatabaseInput={"Name": database})
    boto3.client("events").create_event_bus(Name="bus")
    return publisher_of(boto3.client("sqs").create_queue(QueueName="ticks")["QueueUrl"], database)
