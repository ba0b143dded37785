"""The tables in the Glue Data Catalog: made of the contract, widened with it, and given the partitions of a batch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from pipeline_core import clients, layout
from pipeline_core.contract import Contract
from pipeline_core.report import Report

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient


MAX_PARTITIONS_A_CALL = 100
"""Batch{Create,Update}Partition take 100 partitions, BatchGetPartition 1,000 (AWS Glue API reference, 2026-11)."""

MAX_TRIES = 5
"""How often a table is read again that somebody else changed, or made, since it was read."""

TABLE_INPUT = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters")
"""What UpdateTable takes of what GetTable gives, beside the storage."""

VERSION, MADE_BY, CHANGED_BY = "contract_version", "made_by_batch", "changed_by_batch"
"""Parameters of a table: the contract that it follows, the batch that made it, and the one that changed it last. A call
that is repeated sees by them what it has done itself, and a late batch that the table is ahead of it."""

PARQUET: dict[str, Any] = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


class Catalog:
    """The tables of the pipeline's database, whose files are in the curated bucket."""

    def __init__(self, database: str, bucket: str) -> None:
        self._database = database
        self._bucket = bucket
        self._glue: GlueClient = clients.glue()

    def table(self, name: str) -> dict[str, Any] | None:
        """Return a table's definition, or None if there is none."""
        try:
            return dict(self._glue.get_table(DatabaseName=self._database, Name=name)["Table"])
        except self._glue.exceptions.EntityNotFoundException:
            return None

    def keep(self, report: Report, contract: Contract) -> bool:
        """Have the table answer a published batch: with its contract's columns and types, and its partitions.

        Repeating it changes nothing. A batch of an older contract than the table's adds its partitions only.

        Returns:
            Whether this batch made the table, or gave it other columns or types.

        Raises:
            RuntimeError: the table has other partition columns, is changed by others again and again, or Glue refused
                partitions; names them.
        """
        table = self._shaped(report, contract)
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if keys != (wanted := list(contract.partition_by)):
            raise RuntimeError(
                f"{report.dataset}: the table is partitioned by {keys}, its contract says {wanted}; delete the table "
                "in the catalog, which leaves its files, and it is made anew"
            )
        made = _parameter(table, MADE_BY) == report.batch_id
        # A table that was dropped has rows of earlier batches, too.
        partitions = self._partitions_in_s3(report.dataset) if made else report.partitions()
        self._register(table, report.dataset, partitions)
        return made or _parameter(table, CHANGED_BY) == report.batch_id

    def _shaped(self, report: Report, contract: Contract) -> dict[str, Any]:
        """Return the table as the contract wants it; it is made, or changed, if it is not so."""
        for _ in range(MAX_TRIES):
            table = self.table(report.dataset)
            try:
                if table is None:
                    self._glue.create_table(DatabaseName=self._database, TableInput=self._new_table(report, contract))
                elif (columns := _columns(table, contract)) != table["StorageDescriptor"]["Columns"]:
                    self._change(table, columns, {VERSION: contract.version, CHANGED_BY: report.batch_id})
                else:
                    return table
            except ClientError as error:
                # Two batches of a dataset may come here at once; whoever is second sees what the first has made.
                if error.response["Error"]["Code"] not in ("AlreadyExistsException", "ConcurrentModificationException"):
                    raise
        raise RuntimeError(f"{report.dataset}: the table was changed by others {MAX_TRIES} times while it was changed")

    def _new_table(self, report: Report, contract: Contract) -> Any:
        columns = _wanted(contract)
        keys = {name: columns.pop(name) for name in contract.partition_by}
        return {
            "Name": report.dataset,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                VERSION: contract.version,
                MADE_BY: report.batch_id,
            },
            "PartitionKeys": _described(keys),
            "StorageDescriptor": {
                **PARQUET,
                "Columns": _described(columns),
                "Location": layout.uri(self._bucket, layout.table_prefix(report.dataset)),
            },
        }

    def _change(self, table: dict[str, Any], columns: list[dict[str, Any]], parameters: dict[str, str]) -> None:
        # What GetTable answers is what UpdateTable takes, which the stubs cannot know.
        changed: Any = {
            **{name: table[name] for name in TABLE_INPUT if name in table},
            "Parameters": {**table.get("Parameters", {}), **parameters},
            "StorageDescriptor": {**table["StorageDescriptor"], "Columns": columns},
        }
        # With the version, Glue refuses a change of a table that is not the one that was read.
        version: Any = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
        self._glue.update_table(DatabaseName=self._database, TableInput=changed, **version)

    def _partitions_in_s3(self, dataset: str) -> list[dict[str, str]]:
        """Partitions that have files, whoever has put them there, without repetition, sorted."""
        prefix = layout.table_prefix(dataset)
        pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        keys = (item["Key"] for page in pages for item in page.get("Contents", []))
        folders = {key.removeprefix(prefix).rpartition("/")[0] for key in keys}
        found = []
        for folder in sorted(folders):
            pairs = [part.partition("=") for part in folder.split("/")]
            found.append({name: unquote(value) for name, _, value in pairs if name})
        return found

    def _register(self, table: dict[str, Any], dataset: str, partitions: list[dict[str, str]]) -> None:
        """Register partitions; those that are there get the table's columns, by which their new rows are read."""
        order = [key["Name"] for key in table.get("PartitionKeys", [])]
        listed = [values for values in partitions if order and list(values) == order]
        names: Any = {"DatabaseName": self._database, "TableName": dataset}
        for chunk in _chunks(listed, MAX_PARTITIONS_A_CALL):
            answer = self._glue.batch_create_partition(
                **names, PartitionInputList=[self._partition(table, values, dataset) for values in chunk]
            )
            errors = answer.get("Errors", [])
            serious = [error for error in errors if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"]
            if serious:
                raise RuntimeError(f"{dataset}: partitions were not registered: {serious[:3]}")
            self._reshape(table, names, [error["PartitionValues"] for error in errors])

    def _reshape(self, table: dict[str, Any], names: Any, values: list[list[str]]) -> None:
        """A partition is read by its own columns: old ones would not hold the new rows in it."""
        if not values:
            return
        columns = table["StorageDescriptor"]["Columns"]
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
            if partition["StorageDescriptor"].get("Columns") != columns
        ]
        if entries and (errors := self._glue.batch_update_partition(**names, Entries=entries).get("Errors")):
            raise RuntimeError(f"{names['TableName']}: partitions were not updated: {errors[:3]}")

    def _partition(self, table: dict[str, Any], values: dict[str, str], dataset: str) -> Any:
        path = layout.table_prefix(dataset) + layout.partition_path(values)
        return {
            "Values": [values[key["Name"]] for key in table["PartitionKeys"]],
            "StorageDescriptor": {**table["StorageDescriptor"], "Location": layout.uri(self._bucket, path)},
        }


def _columns(table: dict[str, Any], contract: Contract) -> list[dict[str, Any]]:
    """The columns that the table should have: its own with the contract's types, then those that it lacks.

    Partition columns keep their types: their values are the names of folders.
    """
    known: list[dict[str, Any]] = table["StorageDescriptor"]["Columns"]
    if _version(_parameter(table, VERSION)) > _version(contract.version):
        return known
    keys = {key["Name"] for key in table.get("PartitionKeys", [])}
    wanted = {name: kind for name, kind in _wanted(contract).items() if name not in keys}
    kept = [{**column, "Type": wanted.pop(column["Name"], column["Type"])} for column in known]
    return [*kept, *_described(wanted)]


def _wanted(contract: Contract) -> dict[str, str]:
    return {**{column.name: column.type for column in contract.columns}, **contract.own_columns}


def _described(columns: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Type": kind} for name, kind in columns.items()]


def _parameter(table: dict[str, Any], name: str) -> str:
    return str((table.get("Parameters") or {}).get(name, ""))


def _version(text: str) -> tuple[int, ...]:
    """A contract's version for comparison; a table of an earlier release, or of a crawler, has none."""
    return tuple(int(part) for part in text.split(".") if part)


def _chunks(items: list[dict[str, str]], size: int) -> Iterator[list[dict[str, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
