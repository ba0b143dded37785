"""Publishes an audited batch: copies staged files into the table, and registers its partitions."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from boto3.s3.transfer import TransferConfig

from pipeline_core import layout
from pipeline_core.report import Report, StagedFile
from pipeline_core.storage import s3_client

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

PARALLEL = 16
COPY = TransferConfig(multipart_threshold=256 * 1024**2, multipart_chunksize=256 * 1024**2)
"""One CopyObject moves up to 5 GB; larger parts than the default 8 MB save requests."""

MAX_KEYS_A_DELETE = 1_000
"""DeleteObjects takes 1,000 keys (Amazon S3 API reference, 2026-11)."""

MAX_PARTITIONS_A_CALL = 100
"""Batch{Create,Update}Partition take 100 partitions, BatchGetPartition 1,000 (AWS Glue API reference, 2026-11)."""

TABLE_INPUT = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters")
"""What UpdateTable takes of what GetTable gives, beside the storage."""


def partition_paths(report: Report) -> list[str]:
    """Paths of the partitions that a batch adds rows to or takes rows from; an unpartitioned table has one, empty."""
    touched = [file.partition for file in report.curated] + [file.partition for file in report.replaced]
    return sorted({layout.partition_path(values) for values in touched})


def table_files(report: Report) -> list[tuple[str, str]]:
    """(staged address, key in the table) of every curated file; the same for the same report."""
    return [
        (file.uri, layout.published_key(report.dataset, file.partition, report.batch_id, number))
        for number, file in enumerate(sorted(report.curated, key=lambda file: file.uri))
    ]


def quarantine_files(report: Report) -> list[tuple[str, str]]:
    """(staged address, key in the quarantine bucket) of every file of quarantined rows."""
    return [(file.uri, key) for file, key in _quarantined(report)]


def quarantined_keys(report: Report, key: str, version: str) -> list[str]:
    """Keys in the quarantine bucket of the rows that a batch quarantined of one source file."""
    position = next(place for place, file in enumerate(report.files) if (file.key, file.version) == (key, version))
    return [target for file, target in _quarantined(report) if file.partition == {"_file": str(position)}]


def _quarantined(report: Report) -> list[tuple[StagedFile, str]]:
    return [
        (file, layout.quarantined_rows_key(report.dataset, report.batch_id, number))
        for number, file in enumerate(sorted(report.quarantined, key=lambda file: file.uri))
    ]


def replace_files(report: Report, bucket: str) -> None:
    """Put what stays of every replaced file in its place; a file of which nothing stays goes."""
    copy_files([(file.uri, file.key) for file in report.replaced if file.uri], bucket)
    delete_objects(bucket, [file.key for file in report.replaced if not file.uri])


def copy_files(files: list[tuple[str, str]], bucket: str) -> None:
    """Copy staged files on the server side; repeating it writes the same objects."""

    def one(item: tuple[str, str]) -> None:
        source_bucket, source_key = layout.split_uri(item[0])
        source: Any = {"Bucket": source_bucket, "Key": source_key}
        s3_client().copy(source, bucket, item[1], Config=COPY)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(one, files))


def delete_objects(bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; deleting them again changes nothing.

    Raises:
        RuntimeError: S3 refused some of them; names the first.
    """
    for start in range(0, len(keys), MAX_KEYS_A_DELETE):
        chunk = keys[start : start + MAX_KEYS_A_DELETE]
        answer = s3_client().delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
        )
        if errors := answer.get("Errors"):
            raise RuntimeError(f"{bucket}: objects were not deleted: {errors[:3]}")


class Catalog:
    """The tables of the pipeline's database."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._glue: GlueClient = boto3.client("glue")

    def table(self, name: str) -> dict[str, Any] | None:
        """Return a table's definition, or None if no crawl has made it yet."""
        try:
            return dict(self._glue.get_table(DatabaseName=self._database, Name=name)["Table"])
        except self._glue.exceptions.EntityNotFoundException:
            return None

    def needs_crawl(self, report: Report) -> bool:
        """Whether the crawler has something to learn: no table yet, or a column that it does not have."""
        table = self.table(report.dataset)
        if table is None:
            return True
        known = {column["Name"] for column in (*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", []))}
        return not known.issuperset(report.columns)

    def widen(self, report: Report) -> bool:
        """Give an existing table the types that the contract has widened: a crawler leaves those that it finds.

        Returns:
            Whether there was something to do.
        """
        table = self.table(report.dataset)
        if table is None or not (columns := _widened(table["StorageDescriptor"], report)):
            return False
        storage = {**table["StorageDescriptor"], "Columns": columns}
        kept = {name: table[name] for name in TABLE_INPUT if name in table}
        # What GetTable answers is what UpdateTable takes, which the stubs cannot know.
        changed: Any = {**kept, "StorageDescriptor": storage}
        self._glue.update_table(DatabaseName=self._database, TableInput=changed)
        return True

    def register_partitions(self, report: Report, bucket: str) -> int:
        """Register the batch's partitions in an existing table; those it has already get widened types, if any.

        Returns:
            How many were new.
        """
        table = self.table(report.dataset)
        partitions = report.partitions()
        if table is None or not partitions or not partitions[0]:
            return 0
        new = 0
        for chunk in _chunks(partitions, MAX_PARTITIONS_A_CALL):
            answer = self._glue.batch_create_partition(
                DatabaseName=self._database,
                TableName=report.dataset,
                PartitionInputList=[self._partition(table, values, report.dataset, bucket) for values in chunk],
            )
            errors = answer.get("Errors", [])
            serious = [error for error in errors if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"]
            if serious:
                raise RuntimeError(f"{report.dataset}: partitions were not registered: {serious[:3]}")
            new += len(chunk) - len(errors)
            self._widen_partitions(report, [error["PartitionValues"] for error in errors])
        return new

    def _widen_partitions(self, report: Report, values: list[list[str]]) -> None:
        """A partition is read by its own types: old ones would not hold the new rows in it."""
        if not values:
            return
        place: Any = {"DatabaseName": self._database, "TableName": report.dataset}
        found = self._glue.batch_get_partition(**place, PartitionsToGet=[{"Values": item} for item in values])
        entries: Any = [
            {
                "PartitionValueList": partition["Values"],
                "PartitionInput": {
                    "Values": partition["Values"],
                    "StorageDescriptor": {**partition["StorageDescriptor"], "Columns": columns},
                },
            }
            for partition in found["Partitions"]
            if (columns := _widened(partition["StorageDescriptor"], report))
        ]
        if not entries:
            return
        if errors := self._glue.batch_update_partition(**place, Entries=entries).get("Errors"):
            raise RuntimeError(f"{report.dataset}: partitions were not updated: {errors[:3]}")

    @staticmethod
    def _partition(table: dict[str, Any], values: dict[str, str], dataset: str, bucket: str) -> Any:
        order = [column["Name"] for column in table["PartitionKeys"]]
        path = layout.table_prefix(dataset) + layout.partition_path(values)
        return {
            "Values": [values[name] for name in order],
            "StorageDescriptor": {**table["StorageDescriptor"], "Location": layout.uri(bucket, path)},
        }


def _widened(storage: Any, report: Report) -> list[dict[str, Any]]:
    """The columns of a table or partition with the contract's types; none if they have them."""
    columns = [{**column, "Type": report.columns.get(column["Name"], column["Type"])} for column in storage["Columns"]]
    return columns if columns != storage["Columns"] else []


def _chunks(items: list[dict[str, str]], size: int) -> Iterator[list[dict[str, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
