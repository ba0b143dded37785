"""Reads the published table, as far as a batch has to know it."""

import re
from collections.abc import Sequence
from functools import reduce
from urllib.parse import unquote

from pipeline_core.contract import Contract
from pipeline_core.layout import source_of
from pipeline_core.manifest import REPLACE, Manifest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

CONFLICT = re.compile(r"CANNOT_MERGE_SCHEMA|Failed merging schema|Failed to merge")
"""What Spark says when the footers of two files cannot be merged."""


def table_exists(spark: SparkSession, manifest: Manifest) -> bool:
    """Whether anything was published to the table."""
    return exists(spark, manifest.table)


def published_keys(spark: SparkSession, checked: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame | None:
    """Primary keys already in the table, read only from the partitions that this batch touches.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count, nor do those that
    the batch replaces. None where there are none, and where the contract keeps every row.
    """
    if not contract.key:
        return None
    paths = [path for path in _touched(checked, manifest, contract) if exists(spark, path)]
    if not paths:
        return None
    rows = read_table(spark, paths, manifest, contract).where(F.col("_batch_id") != manifest.batch_id)
    if manifest.purpose == REPLACE:
        rows = rows.where(~F.col("_source_file").isin(sources(manifest)))
    return rows.select(*[F.col(key).cast(contract.column(key).type).alias(key) for key in contract.key])


def read_table(spark: SparkSession, paths: Sequence[str], manifest: Manifest, contract: Contract) -> DataFrame:
    """Read published files, whatever contract they were written by, as the contract has their columns now.

    A column that a file lacks is null. Spark 3.5 reads no file by a wider type than it was written with, so the
    files are read by the types that they have; a footer costs little beside the rows.
    """
    try:
        groups = [(_reader(spark, manifest).option("mergeSchema", "true").parquet(*paths).schema, list(paths))]
    except (PySparkException, Py4JJavaError) as error:
        if not CONFLICT.search(str(error)):
            raise
        groups = _by_schema(spark, paths, manifest)
    frames = [
        _as_contract(_reader(spark, manifest).schema(schema).parquet(*members), contract) for schema, members in groups
    ]
    return reduce(DataFrame.unionByName, frames)


def _reader(spark: SparkSession, manifest: Manifest) -> DataFrameReader:
    # A new one each time: setting an option or a schema changes the reader itself.
    return spark.read.option("basePath", manifest.table)


def _by_schema(spark: SparkSession, paths: Sequence[str], manifest: Manifest) -> list[tuple[T.StructType, list[str]]]:
    """Files by the schema in their footers, where a type was widened since some were written."""
    found: dict[str, tuple[T.StructType, list[str]]] = {}
    for file in _reader(spark, manifest).schema("_batch_id string").parquet(*paths).inputFiles():
        address = unquote(file)
        schema = _reader(spark, manifest).parquet(address).schema
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


def sources(manifest: Manifest) -> list[str]:
    """The names by which the table knows the files of a batch."""
    return [source_of(file.key, file.version) for file in manifest.files]


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
