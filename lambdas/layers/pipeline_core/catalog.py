"""The tables in the Glue Data Catalog, as far as publishing changes them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3

from pipeline_core import layout
from pipeline_core.report import Report

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient


MAX_PARTITIONS_A_CALL = 100
"""Batch{Create,Update}Partition take 100 partitions, BatchGetPartition 1,000 (AWS Glue API reference, 2026-11)."""


TABLE_INPUT = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters")
"""What UpdateTable takes of what GetTable gives, beside the storage."""


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
        unchanged = {name: table[name] for name in TABLE_INPUT if name in table}
        # What GetTable answers is what UpdateTable takes, which the stubs cannot know.
        changed: Any = {**unchanged, "StorageDescriptor": storage}
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
        names: Any = {"DatabaseName": self._database, "TableName": report.dataset}
        found = self._glue.batch_get_partition(**names, PartitionsToGet=[{"Values": item} for item in values])
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
        if errors := self._glue.batch_update_partition(**names, Entries=entries).get("Errors"):
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
