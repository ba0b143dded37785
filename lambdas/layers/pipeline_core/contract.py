"""The compiled contract of a dataset, as the functions and the job read it. Standard library only."""

import json
from dataclasses import dataclass
from typing import Any

from pipeline_core.dialect import DEFAULT, MAX_RECORD_BYTES, Dialect, Written

LISTS = ("primary_key", "partition_by", "formats", "null_tokens", "ignored_columns", "locations")


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
    # "first": of rows with one key the first is kept. "append": every row is.
    write_mode: str = "first"
    # "refuse" or "ignore": columns of a file that the contract does not have; those that match a pattern are ignored.
    unexpected_columns: str = "refuse"
    ignored_columns: tuple[str, ...] = ()
    max_record_bytes: int = MAX_RECORD_BYTES
    dialect: Dialect = DEFAULT
    # Prefixes of the dataset's files in the raw bucket; none: its own folder.
    locations: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Contract":
        """Build the contract from its JSON document.

        Raises:
            TypeError: the document has a field that this version does not know, or lacks one.
        """
        columns = []
        for column in document["columns"]:
            lists = {name: tuple(column[name]) for name in ("enum", "null_tokens") if column.get(name) is not None}
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
        """The columns by which duplicates are told; none where every row is kept."""
        return self.primary_key if self.write_mode == "first" else ()

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
