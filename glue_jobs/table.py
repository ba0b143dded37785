"""Reads the published table, as far as a batch has to know it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from urllib.parse import unquote

from pipeline_core.contract import Contract
from pipeline_core.manifest import REPLACE, Manifest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from record_engine import sources

CONFLICT = re.compile(r"CANNOT_MERGE_SCHEMA|Failed merging schema|Failed to merge")
"""What Spark says when the footers of two files cannot be merged."""


def table_exists(spark: SparkSession, manifest: Manifest) -> bool:
    """Whether anything was published to the table."""
    return exists(spark, manifest.table)


def rows_beside(spark: SparkSession, checked: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame | None:
    """Published rows, read only from the partitions that this batch touches; None where there are none."""
    paths = [path for path in _touched(checked, manifest, contract) if exists(spark, path)]
    return read_table(spark, paths, manifest, contract) if paths else None


def published_keys(rows: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame:
    """Primary keys of published rows.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count, nor do those that
    the batch replaces.
    """
    rows = rows.where(~F.col("_batch_id").eqNullSafe(manifest.batch_id))
    if manifest.purpose == REPLACE:
        rows = rows.where(F.coalesce(~F.col("_source_file").isin(sources(manifest)), F.lit(True)))
    return rows.select(*[F.col(key).cast(contract.column(key).type).alias(key) for key in contract.key])


def read_table(spark: SparkSession, paths: Sequence[str], manifest: Manifest, contract: Contract) -> DataFrame:
    """Read published files, whatever contract they were written by, as the contract has their columns now.

    A column that a file lacks is null. Spark 3.5 reads no file by a wider type than it was written with, so the
    files are read by the types that they have; a footer costs little beside the rows.
    """

    def reader() -> DataFrameReader:
        return spark.read.option("basePath", manifest.table)

    def files() -> Iterator[str]:
        return map(unquote, reader().schema("_batch_id string").parquet(*paths).inputFiles())

    groups = by_schema(reader, paths, files)
    frames = [_as_contract(reader().schema(schema).parquet(*members), contract) for schema, members in groups]
    return reduce(DataFrame.unionByName, frames)


def by_schema(
    reader: Callable[[], DataFrameReader], paths: Sequence[str], files: Callable[[], Iterable[str]]
) -> list[tuple[T.StructType, list[str]]]:
    """Paths by the schema of what is there: one of all; where a type was widened since some files were written, files.

    Args:
        reader: makes a new one each time, since setting an option or a schema changes the reader itself.
        paths: what is to be read.
        files: finds the files of the paths.
    """
    try:
        return [(reader().option("mergeSchema", "true").parquet(*paths).schema, list(paths))]
    except (PySparkException, Py4JJavaError) as error:
        if not CONFLICT.search(str(error)):
            raise
    found: dict[str, tuple[T.StructType, list[str]]] = {}
    for address in files():
        schema = reader().parquet(address).schema
        found.setdefault(schema.json(), (schema, []))[1].append(address)
    return list(found.values())


def _as_contract(frame: DataFrame, contract: Contract) -> DataFrame:
    columns = [
        (F.col(f"`{column.name}`") if column.name in frame.columns else F.lit(None))
        .cast("string" if column.name in contract.partition_by else column.type)
        .alias(column.name)
        for column in contract.columns
    ]
    # The path is needed to tell files apart; a select would lose it.
    return frame.select(*columns, "_source_file", "_batch_id", F.col("_metadata.file_path").alias("_address"))


def without_scheme(address: str) -> str:
    """The path of an address, without `s3://` or `file:///`."""
    return re.sub("^[a-z0-9]+:/+", "", address)


def _touched(checked: DataFrame, manifest: Manifest, contract: Contract) -> list[str]:
    if not contract.partition_by:
        return [manifest.table]
    valid = checked.where(F.size("_reasons") == 0)
    values = valid.select(*[F.col(name).cast("string") for name in contract.partition_by]).distinct().collect()
    return [manifest.table + "/".join(f"{name}={row[name]}" for name in contract.partition_by) + "/" for row in values]


def exists(spark: SparkSession, location: str) -> bool:
    """Whether anything is there, through Hadoop's file system API, which is the same here and on Glue."""
    jvm = spark._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(location)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    return bool(system.exists(path)) and len(system.listStatus(path)) > 0
