"""Turns Hive-style folders of Parquet files into an Iceberg table, without rewriting a file, and checks every row."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core import clients, layout
from pipeline_core.contract import Contract
from pipeline_core.partitions import IDENTITY
from pipeline_core.s3_files import S3Files
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from table_formats.data_files import NewFile, new_data_files
from table_formats.history import HistoryError
from table_formats.iceberg import MAINTENANCE, IcebergTable, commit_files, data_files
from table_formats.maintenance import read_files
from table_formats.partition_values import EPOCH

BESIDE = "__adopted"
"""What the table is called, after its dataset's name, until it has been checked."""


class AdoptError(Exception):
    """Files cannot be of the table that the contract describes; says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What became a table."""

    files: int
    rows: int


def adopt(iceberg: IcebergTable, contract: Contract) -> Adopted:
    """Have the Parquet files in a table's folder be an Iceberg table.

    They are committed to a table beside, which is read and compared with the files, and then takes the table's place in
    the catalog. Being repeated after it was interrupted, it begins anew until the table is in place.

    Raises:
        AdoptError: a file is not what the contract describes.
    """
    with_nulls = _contract_of_old_files(contract)
    place = replace(iceberg.place, dataset=f"{contract.dataset}{BESIDE}")
    beside = IcebergTable(place, folder=contract.dataset)
    catalog = iceberg.catalog
    files = list(_hive_files(iceberg, with_nulls))
    if not files:
        raise AdoptError(
            f"{iceberg.place.address()} has no Parquet file below folders of {', '.join(contract.partition_by)}"
        )
    if beside.load() is not None:
        catalog.drop_table((place.database, place.dataset))
    table = beside.create(with_nulls)
    transaction = table.transaction()
    added = new_data_files(table.metadata, with_nulls, place.bucket, files)
    commit_files(transaction, added, [], {MAINTENANCE: "adopt"})
    table = transaction.commit_transaction()
    for file in data_files(table, table.current_snapshot()):
        _compare(table, file, with_nulls)
    # It was never in the catalog, or this was interrupted here before.
    with suppress(NoSuchTableError):
        catalog.drop_table((place.database, contract.dataset))
    catalog.register_table((place.database, contract.dataset), table.metadata_location)
    catalog.drop_table((place.database, place.dataset))
    iceberg.refresh()
    return Adopted(files=len(files), rows=sum(file.rows for file in files))


def check_can_be_adopted(iceberg: IcebergTable, contract: Contract) -> None:
    """Check that the table is not one already, and that folders can hold its partitions.

    Raises:
        HistoryError: it cannot be adopted; says why.
    """
    try:
        there = iceberg.load()
    except RuntimeError:
        there = None
    if there is not None:
        raise HistoryError(f"{contract.dataset}: it is an Iceberg table already")
    other = [str(field) for field in contract.partition_fields if field.transform != IDENTITY]
    if other:
        raise HistoryError(f"{contract.dataset}: folders do not hold {', '.join(other)}; adopt it by whole values")


def _contract_of_old_files(contract: Contract) -> Contract:
    """The contract whose partition columns may be null in files: folders say their values."""
    folders = {field.column for field in contract.partition_fields}
    columns = (replace(column, required=column.required and column.name not in folders) for column in contract.columns)
    return replace(contract, columns=tuple(columns))


def _hive_files(iceberg: IcebergTable, contract: Contract) -> Iterator[NewFile]:
    prefix = layout.table_prefix(contract.dataset)
    store, bucket = S3Files(clients.s3()), iceberg.place.bucket
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            *folders, name = item["Key"].removeprefix(prefix).split("/")
            if name.startswith(("_", ".")) or not item["Size"] or folders[:1] in (["data"], ["metadata"]):
                continue
            partition = {key: unquote(value) for key, _, value in (folder.partition("=") for folder in folders)}
            if list(partition) != [field.name for field in contract.partition_fields]:
                raise AdoptError(f"{item['Key']}: its folders are not {', '.join(contract.partition_by) or 'none'}")
            with store.open_read(layout.uri(bucket, item["Key"])) as stream:
                footer = pq.read_metadata(stream)
            _check_columns(item["Key"], footer.schema.to_arrow_schema(), contract)
            yield NewFile(key=item["Key"], partition=partition, rows=footer.num_rows)


def _check_columns(key: str, there: pa.Schema, contract: Contract) -> None:
    known = {column.name for column in contract.columns} | set(contract.own_columns)
    if unknown := [name for name in there.names if name not in known]:
        raise AdoptError(f"{key}: has columns that the contract has not: {', '.join(unknown)}")
    folders = {field.column for field in contract.partition_fields}
    for column in contract.columns:
        if column.required and column.name not in there.names and column.name not in folders:
            raise AdoptError(f"{key}: has no column {column.name}, which the contract requires")


def _compare(table: Table, file: DataFile, contract: Contract) -> None:
    """Compare the rows of a file as Iceberg reads them with what is in the file and its folders.

    Raises:
        AdoptError: they differ.
    """
    read = read_files(table, [file])
    with S3Files(clients.s3()).open_read(file.file_path) as stream:
        stored = pq.read_table(stream, partitioning=None)
    kinds = schema_to_pyarrow(table.schema(), include_field_ids=False)
    folders = _folders(file, contract)
    for name in read.column_names:
        kind = kinds.field(name).type
        if name in stored.column_names:
            wanted = stored[name].cast(kind)
        else:
            wanted = pa.chunked_array([pa.array([folders.get(name)] * stored.num_rows)]).cast(kind)
        if not read[name].cast(kind).equals(wanted):
            raise AdoptError(f"{file.file_path}: column {name} is read with other values than the file has")


def _folders(file: DataFile, contract: Contract) -> dict[str, Any]:
    """The values that a file's folders say of its partition columns."""
    return {
        field.column: EPOCH + timedelta(days=file.partition[at])
        if contract.column(field.column).type == "date"
        else file.partition[at]
        for at, field in enumerate(contract.partition_fields)
    }
