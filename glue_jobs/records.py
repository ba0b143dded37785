"""What the readers of all formats have in common: records, batches, and what is wrong with a file's columns.

A record is `_file` (position in the manifest), `_line` (where it stands in the file, from 1), `_raw` (as it
came), `_reasons` (why it cannot be read, empty if it can) and one text column for each column of the contract.
docs/semantics.md says what a record is in each format.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

MAX_RECORD_CHARACTERS = 16 * 1024 * 1024
"""The longest text record that is parsed: 16 Mi characters."""

MAX_NAME_CHARACTERS = 100
"""A column name that the contract does not know is quoted up to here in a reason."""


@dataclass
class Batch:
    """The records of a batch, with what was found out about its files on the way.

    `rows` counts the records of each file as the reader saw them, before anything was checked; the audit
    compares it with what became of them. `problems` names files that are quarantined as a whole.
    """

    records: DataFrame
    rows: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    problems: dict[int, str] = field(default_factory=dict)


def record_schema(contract: Contract) -> T.StructType:
    """Schema of the records of a contract."""
    schema = (
        T.StructType()
        .add("_file", T.IntegerType())
        .add("_line", T.LongType())
        .add("_raw", T.StringType())
        .add("_reasons", T.ArrayType(T.StringType()))
    )
    return reduce(lambda result, column: result.add(column.name, T.StringType()), contract.columns, schema)


def header_problems(names: Sequence[str], contract: Contract) -> list[str]:
    """Return why a file with these columns cannot be read by the contract; an empty list if it can."""
    known = {column.name for column in contract.columns}
    return (
        [f"duplicate_column:{quoted(name)}" for name in sorted({name for name in names if names.count(name) > 1})]
        + [f"unexpected_column:{quoted(name)}" for name in sorted(set(names) - known)]
        + [
            f"missing_column:{column.name}"
            for column in contract.columns
            if column.required and column.name not in names
        ]
    )


def column_name(text: str) -> str:
    """The contract's spelling of a column name in a file: without blanks around it, in lower case."""
    return text.strip(" \t").lower()


def quoted(name: str) -> str:
    """A column name as a reason gives it."""
    return name[:MAX_NAME_CHARACTERS]


def small_frame(spark: SparkSession, rows: Iterable[dict[str, Any]], schema: str) -> DataFrame:
    """A small table of constants, made in the JVM: no Python workers, no job of its own."""
    parsed = F.from_json(F.lit(json.dumps(list(rows))), f"array<struct<{schema}>>")
    return spark.range(1).select(F.inline(parsed))


def paths(spark: SparkSession, files: dict[int, ManifestFile]) -> DataFrame:
    """Position and path of each file, to tell by a row's path which file it is of."""
    rows = ({"_file": position, "_path": without_scheme(file.uri)} for position, file in files.items())
    return small_frame(spark, rows, "_file: int, _path: string")


def without_scheme(uri: str) -> str:
    """The path of an address, without `s3://` or `file:///`."""
    return uri.partition("://")[2].lstrip("/")


def path_of_row() -> Column:
    """The path of the file that a row came from, as `without_scheme` writes it."""
    return F.regexp_replace("_metadata.file_path", "^[a-z0-9]+:/+", "")


def all_read(read: set[int | None], files: dict[int, ManifestFile], seen: Sequence[str]) -> None:
    """Make sure that every file was read, and no other.

    Raises:
        RuntimeError: names files that were not read, and some paths that were.
    """
    if read != set(files):
        missing = sorted(file.uri for position, file in files.items() if position not in read)
        raise RuntimeError(f"files of the manifest were not read: {missing[:5]}; read: {sorted(set(seen))[:5]}")


def as_array(reason: Column) -> Column:
    """The one reason, or none, as the list that a record has."""
    return F.when(reason.isNull(), F.array().cast("array<string>")).otherwise(F.array(reason))


def values_of(values: Mapping[str, Column], contract: Contract) -> list[Column]:
    """The contract's columns as text, from those that a file has; a column that it lacks is null."""
    return [values.get(column.name, F.lit(None)).cast("string").alias(column.name) for column in contract.columns]
