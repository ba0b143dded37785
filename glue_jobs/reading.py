"""Reads the files of a batch into records: one row a record, every value still the text that was delivered."""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce

from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from pyspark.sql import DataFrame, SparkSession

from glue_jobs.csv_files import read_csv
from glue_jobs.json_files import read_jsonl
from glue_jobs.parquet_files import read_parquet
from glue_jobs.records import Batch, record_schema

READERS = {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}


def read_batch(spark: SparkSession, files: Sequence[ManifestFile], contract: Contract) -> Batch:
    """Read every file of a manifest, whatever its format."""
    nothing = spark.createDataFrame([], record_schema(contract))
    batch = Batch(nothing)
    by_format: dict[str, dict[int, ManifestFile]] = defaultdict(dict)
    for position, file in enumerate(files):
        by_format[file.format][position] = file
    frames = [
        frame for name, members in sorted(by_format.items()) for frame in READERS[name](spark, members, contract, batch)
    ]
    if frames:
        batch.records = reduce(DataFrame.unionByName, frames).select(*nothing.columns)
    return batch
