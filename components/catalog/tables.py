"""The tables that the pipeline keeps of itself: what was refused, and what became of every batch.

Their schemas are fixed, and their partitions follow from the table's properties, so they need no crawler.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws
from pipeline_core import layout
from pulumi import Input, Output, ResourceOptions

FIRST_MONTH, LAST_MONTH = "2024-01", "2035-12"
MONTHS = tuple(f"{year}-{month:02d}" for year in range(2024, 2036) for month in range(1, 13))
"""Athena projects months as dates, but Trino knows no unit above a day: an enumeration is read by both."""


@dataclass(frozen=True, kw_only=True)
class StorageFormat:
    """How Athena reads the files of a table."""

    classification: str
    input_format: str
    output_format: str
    serializer: str


PARQUET = StorageFormat(
    classification="parquet",
    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    serializer="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)
# One JSON object a line. Of the OpenX library, Athena's guide says that its rows and values "can be
# non-deterministic" and to take this one; accounts must not be.
JSON_LINES = StorageFormat(
    classification="json",
    input_format="org.apache.hadoop.mapred.TextInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    serializer="org.apache.hive.hcatalog.data.JsonSerDe",
)


@dataclass(frozen=True, kw_only=True)
class OwnTable:
    """One table: its columns with Hive types, and how Athena finds its partitions (`<key>=<value>/` folders)."""

    name: str
    description: str
    columns: Mapping[str, str]
    storage: StorageFormat
    # By partition key, its projection properties without the prefix `projection.<key>.`.
    projection: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def parameters(self) -> dict[str, str]:
        """Say the table's properties, partition projection among them."""
        parameters = {"EXTERNAL": "TRUE", "classification": self.storage.classification}
        if self.projection:
            parameters["projection.enabled"] = "true"
        for key, properties in self.projection.items():
            parameters |= {f"projection.{key}.{name}": value for name, value in properties.items()}
        return parameters


def quarantined_rows(datasets: Sequence[str]) -> OwnTable:
    """Rows that broke the contract, as they came, with all reasons."""
    return OwnTable(
        name="quarantined_rows",
        description="Rows that broke their contract, as they came, with every reason",
        columns={
            "batch_id": "string",
            "source_file": "string",
            "line": "bigint",
            "raw_record": "string",
            "reasons": "array<string>",
            "quarantined_at": "timestamp",
        },
        storage=PARQUET,
        projection={"dataset": _one_of(datasets)},
    )


def quarantined_files() -> OwnTable:
    """Files that were refused whole, with the reason."""
    texts = ("bucket", "key", "version", "dataset", "format", "reason", "landed_at", "quarantined_at")
    return OwnTable(
        name="quarantined_files",
        description="Files that were refused whole, with the reason",
        columns={**dict.fromkeys(texts, "string"), "size": "bigint"},
        storage=JSON_LINES,
    )


def runs(datasets: Sequence[str]) -> OwnTable:
    """What became of every batch, with the accounting of its rows."""
    numbers = (
        *("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate", "rows_replaced"),
        *("rows_updated", "rows_unchanged", "rows_superseded", "rows_deleted", "rows_removed"),
    )
    return OwnTable(
        name="runs",
        description="What became of every batch, with the accounting of its rows",
        columns={
            **dict.fromkeys(("batch_id", "outcome", "purpose", "contract_version", "engine"), "string"),
            "files": "int",
            "files_quarantined": "int",
            "bytes": "bigint",
            **dict.fromkeys(numbers, "bigint"),
            "violations": "array<string>",
            "error": "string",
            "seconds_to_published": "bigint",
            "snapshot": "string",
            "created_at": "timestamp",
            "finished_at": "timestamp",
        },
        storage=JSON_LINES,
        projection={
            "dataset": _one_of(datasets),
            "month": _one_of(MONTHS),
        },
    )


def _one_of(values: Sequence[str]) -> dict[str, str]:
    return {"type": "enum", "values": ",".join(sorted(values))}


@dataclass(frozen=True, kw_only=True)
class OwnTablesArgs:
    """The database that the tables are in, the datasets that they tell of, and where their files are."""

    database_name: Input[str]
    datasets: Sequence[str]
    quarantine_bucket: Input[str]
    artifacts_bucket: Input[str]


class OwnTables(pulumi.ComponentResource):
    """The tables `quarantined_rows`, `quarantined_files` and `runs`, beside the curated ones.

    Example:
        OwnTables(
            "tables",
            OwnTablesArgs(
                database_name=database.name,
                datasets=["flights"],
                quarantine_bucket=storage.quarantine.bucket.bucket,
                artifacts_bucket=storage.artifacts.bucket.bucket,
            ),
        )
    """

    def __init__(self, name: str, args: OwnTablesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:OwnTables", name, None, opts)
        self._name, self._database_name = name, args.database_name
        self._table(quarantined_rows(args.datasets), args.quarantine_bucket, layout.ROWS)
        self._table(quarantined_files(), args.quarantine_bucket, layout.REASONS)
        self._table(runs(args.datasets), args.artifacts_bucket, layout.RUNS)
        self.register_outputs({})

    def _table(self, table: OwnTable, bucket: Input[str], folder: str) -> None:
        aws.glue.CatalogTable(
            f"{self._name}-{table.name.replace('_', '-')}",
            name=table.name,
            database_name=self._database_name,
            description=table.description,
            table_type="EXTERNAL_TABLE",
            parameters=table.parameters(),
            # Dates and names alike are strings in a projection.
            partition_keys=[{"name": key, "type": "string"} for key in table.projection],
            storage_descriptor={
                "location": Output.concat("s3://", bucket, "/", folder),
                "columns": [{"name": column, "type": kind} for column, kind in table.columns.items()],
                "input_format": table.storage.input_format,
                "output_format": table.storage.output_format,
                "ser_de_info": {"serialization_library": table.storage.serializer},
            },
            opts=ResourceOptions(parent=self),
        )
