"""The compiled contract of a dataset, as the functions and the job read it. Standard library only."""

import json
from dataclasses import dataclass
from typing import Any

from pipeline_core.dialect import DEFAULT, MAX_RECORD_BYTES, Dialect, Written
from pipeline_core.partitions import PartitionField

LISTS = (
    *("primary_key", "partition_by", "formats", "null_tokens", "ignored_columns", "locations"),
    *("sorted_by", "delete_codes"),
)

PARQUET, ICEBERG = "parquet", "iceberg"
"""Formats of a table: Hive-style folders of Parquet files, or an Iceberg table."""

APPEND, FIRST, LATEST, SNAPSHOT = "append", "first", "latest", "snapshot"
"""Write modes: every row is kept; of rows with one key the first; of them the last; each file is the whole table."""

SOURCE, BATCH, LANDED = "_source_file", "_batch_id", "_landed_at"
"""Columns that a table has besides those of its contract: the file and the batch of each row, and, in the mode
`latest`, when its file landed."""


def own_columns(write_mode: str) -> dict[str, str]:
    """The columns that a table of a write mode has besides those of its contract, with their types."""
    own = {SOURCE: "string", BATCH: "string"}
    return {**own, LANDED: "timestamp"} if write_mode == LATEST else own


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the table: its Hive type and what a value must satisfy.

    Bounds and the values of `enum` are text, and are read as a value of the column is.
    """

    name: str
    type: str
    required: bool = False
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] | None = None
    # What a file calls the column, where that is not its name.
    source: str | None = None
    # What the table called it before; the latest of these names first.
    former_names: tuple[str, ...] = ()
    description: str = ""
    # What files have in the place of a null, if not what the contract says of all columns.
    null_tokens: tuple[str, ...] | None = None
    # How texts of the column are written, if not as usual.
    written: Written | None = None


@dataclass(frozen=True, kw_only=True)
class QualityRule:
    """A threshold over a batch: `metric` of `column` (or of the table) compared by `operator` with `value`."""

    name: str
    metric: str
    column: str | None
    operator: str
    value: Any
    unit: str


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a dataset promises; see docs/semantics.md for the meaning of every field."""

    dataset: str
    version: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    partition_by: tuple[str, ...]
    quality: tuple[QualityRule, ...]
    formats: tuple[str, ...]
    null_tokens: tuple[str, ...]
    delimiter: str
    time_zone: str
    max_file_bytes: int
    frequency_hours: float | None
    # Batches that a release without these fields has opened are published by this one.
    crawler: bool = False
    latency_seconds: int | None = None
    write_mode: str = FIRST
    table_format: str = PARQUET
    # "refuse" or "ignore": columns of a file that the contract does not have; those that match a pattern are ignored.
    unexpected_columns: str = "refuse"
    ignored_columns: tuple[str, ...] = ()
    max_record_bytes: int = MAX_RECORD_BYTES
    dialect: Dialect = DEFAULT
    # Prefixes of the dataset's files in the raw bucket; none: its own folder.
    locations: tuple[str, ...] = ()
    # By which rows lie in the files of an Iceberg table.
    sorted_by: tuple[str, ...] = ()
    # In the mode "latest": the column that says which of two rows is later, else when their files landed; the column
    # that says what became of the row, with those of its values that mean it was deleted; and for how long an older
    # row of a deleted key is known to be older.
    sequence: str | None = None
    operation: str | None = None
    delete_codes: tuple[str, ...] = ()
    tombstone_days: int = 30
    # Of an Iceberg table: for how long its earlier states can be asked for and come back to; and for how long rows
    # are kept, by a column of theirs.
    history_days: int = 7
    retention_days: int | None = None
    retention_column: str | None = None

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Contract":
        """Build the contract from its JSON document.

        Raises:
            TypeError: the document has a field that this version does not know, or lacks one.
        """
        columns = []
        for column in document["columns"]:
            names = ("enum", "null_tokens", "former_names")
            lists = {name: tuple(column[name]) for name in names if column.get(name) is not None}
            written = Written.from_document(column["written"]) if column.get("written") else None
            columns.append(Column(**{**column, **lists, "written": written}))
        return cls(
            **{
                **document,
                "columns": tuple(columns),
                "quality": tuple(QualityRule(**rule) for rule in document["quality"]),
                "dialect": Dialect(**document.get("dialect", {})),
                **{name: tuple(document[name]) for name in LISTS if name in document},
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Contract":
        """Parse the JSON text of a compiled contract."""
        return cls.from_document(json.loads(text))

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which rows are told from each other; none where every row is kept."""
        return () if self.write_mode == APPEND else self.primary_key

    @property
    def is_iceberg(self) -> bool:
        """Whether the table is an Iceberg table."""
        return self.table_format == ICEBERG

    @property
    def partition_fields(self) -> tuple[PartitionField, ...]:
        """The fields by which the table is partitioned, in their order."""
        return tuple(map(PartitionField.parse, self.partition_by))

    @property
    def own_columns(self) -> dict[str, str]:
        """The columns that the table has besides those of the contract, with their types."""
        return own_columns(self.write_mode)

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """The contract's columns that are in the files: folders say the partition columns of a Hive-style table."""
        folders = () if self.is_iceberg else self.partition_by
        return tuple(column.name for column in self.columns if column.name not in folders)

    @property
    def places(self) -> tuple[str, ...]:
        """Prefixes of the dataset's files in the raw bucket."""
        return self.locations or (f"{self.dataset}/",)

    def column(self, name: str) -> Column:
        """Return the column of that name; a KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.dataset} has no column {name!r}")
