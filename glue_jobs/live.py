"""Reads the files of an Iceberg table: those of its list, whatever lies beside them. Spark needs no Iceberg for it."""

import re
from collections.abc import Sequence
from functools import reduce

from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.contract import Contract
from pipeline_core.documents import is_gone
from pipeline_core.job_errors import StorageError
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import Manifest
from pipeline_core.partitions import IDENTITY, NULL
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from record_engine import PublishedFile, live_files_address, names_of

from glue_jobs.frames import small_frame
from glue_jobs.reading import storage_of
from glue_jobs.table import by_schema, without_scheme

PATTERN = re.compile(r"[][{}*?\\]")
"""What would make a pattern of an address, for Hadoop's `globStatus`; the name of an adopted file is anybody's."""


def read_live_files(spark: SparkSession, manifest: Manifest) -> LiveFiles:
    """The files of the table now, read once, by the driver; none if there is no table yet.

    Raises:
        StorageError: the list cannot be fetched.
    """
    address = live_files_address(manifest)
    try:
        with storage_of(spark).open_read(address) as stream:
            return LiveFiles.from_json(stream.read())
    except FileNotFoundError:
        return LiveFiles()
    except ClientError as error:
        if is_gone(error):
            return LiveFiles()
        raise StorageError(f"{address}: {error}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageError(f"{address}: {type(error).__name__}: {error}") from error


def read_files(spark: SparkSession, files: Sequence[PublishedFile], contract: Contract) -> DataFrame:
    """The rows of files, as the contract has their columns now, with the table's own columns.

    `_object` says which of the files a row is of. A column that a file lacks is null, but for one that its folder
    says. Spark 3.5 reads no file by a wider type than it was written with, so the files are read by the types that
    they have.
    """
    addresses = [PATTERN.sub(r"\\\g<0>", file.address) for file in files]
    # Files by their names have no partitions: what their folders are called is not read as a column.
    groups = by_schema(lambda: spark.read, addresses, lambda: addresses)
    said = [field.column for field in contract.partition_fields if field.transform == IDENTITY]
    frames = [_as_contract(spark.read.schema(schema).parquet(*members), contract) for schema, members in groups]
    rows = reduce(DataFrame.unionByName, frames)
    # An outer join: a file whose path is not recognised must be seen, not lost.
    marked = rows.join(F.broadcast(_folders(spark, files, said)), "_path", "left")
    columns = [
        F.coalesce(F.col(f"`{name}`"), F.col(f"_folder_{name}").cast(contract.column(name).type)).alias(name)
        if name in said
        else F.col(f"`{name}`")
        for name in (column.name for column in contract.columns)
    ]
    place = F.coalesce("_object", F.raise_error(F.concat(F.lit("no file of the table: "), "_path")).cast("int"))
    return marked.select(*columns, *contract.own_columns, place.alias("_object"))


def _folders(spark: SparkSession, files: Sequence[PublishedFile], said: Sequence[str]) -> DataFrame:
    jvm = spark._jvm
    assert jvm is not None
    rows = []
    for place, file in enumerate(files):
        values = {f"_folder_{name}": file.partition.get(name, NULL) for name in said}
        path = without_scheme(str(jvm.org.apache.hadoop.fs.Path(file.address).toUri().toString()))
        known = {name: value for name, value in values.items() if value != NULL}
        rows.append({"_object": place, "_path": path, **known})
    schema = ", ".join(["_object int", "_path string", *(f"`_folder_{name}` string" for name in said)])
    return small_frame(spark, rows, schema)


def _as_contract(frame: DataFrame, contract: Contract) -> DataFrame:
    wanted = [(column.name, names_of(column.name, contract), column.type) for column in contract.columns]
    wanted += [(name, [name], kind) for name, kind in contract.own_columns.items()]
    columns = [_coalesced(frame, names).cast(kind).alias(name) for name, names, kind in wanted]
    return frame.select(*columns, F.regexp_replace("_metadata.file_path", "^[a-z0-9]+:/+", "").alias("_path"))


def _coalesced(frame: DataFrame, names: Sequence[str]) -> Column:
    """A column by the first of its names that a row's file has; null if it has none."""
    found = [F.col(f"`{name}`") for name in names if name in frame.columns]
    return F.coalesce(*found) if found else F.lit(None)
