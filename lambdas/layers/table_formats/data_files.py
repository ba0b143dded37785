"""Data files of an Iceberg table, as its metadata describes them: by their footers, and by their folders."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow.parquet as pq
from pipeline_core import clients, layout
from pipeline_core.contract import Contract
from pipeline_core.publish import PARALLEL
from pipeline_core.report import ReconciliationError
from pipeline_core.s3_files import S3Files
from pyiceberg.io.pyarrow import compute_statistics_plan, data_file_statistics_from_parquet_metadata
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.name_mapping import parse_mapping_from_json
from pyiceberg.typedef import Record

from table_formats.iceberg_schema import NAME_MAPPING
from table_formats.partition_values import to_value


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A Parquet file for the table: its key, its partition's values as text, and the rows that it should have."""

    key: str
    partition: dict[str, str]
    rows: int


def new_data_files(
    metadata: TableMetadata, contract: Contract, bucket: str, files: Sequence[NewFile]
) -> list[DataFile]:
    """Describe files by their footers.

    The values of partitions are those of the report. PyIceberg would take them from statistics of the columns, and
    nulls where a file has no such column.

    Raises:
        ReconciliationError: a file has other rows than it should have.
    """
    store = S3Files(clients.s3())
    schema = metadata.schema()
    plan = compute_statistics_plan(schema, metadata.properties)
    mapping = parse_mapping_from_json(metadata.properties[NAME_MAPPING])
    ids = {name: field.field_id for field in mapping.root for name in field.names if field.field_id is not None}
    kinds = {column.name: column.type for column in contract.columns}
    fields = contract.partition_fields

    def describe(file: NewFile) -> DataFile:
        address = layout.uri(bucket, file.key)
        with store.open_read(address) as stream:
            size = stream.seek(0, 2)
            footer = pq.read_metadata(stream)
        if footer.num_rows != file.rows:
            raise ReconciliationError(f"{address} has {footer.num_rows} rows; the report says {file.rows}")
        statistics = data_file_statistics_from_parquet_metadata(footer, plan, ids)
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=address,
            file_format=FileFormat.PARQUET,
            partition=Record(*(to_value(field, file.partition[field.name], kinds[field.column]) for field in fields)),
            file_size_in_bytes=size,
            sort_order_id=metadata.default_sort_order_id or None,
            spec_id=metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(describe, files))
