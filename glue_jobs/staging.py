"""Writes a decided batch to staging and reads back what was written, so that the report rests on files."""

import posixpath
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote

from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import FileReport, Report, StagedFile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs.deduplicate import CURATED, DUPLICATE, QUARANTINED
from glue_jobs.reading import Batch, small_frame

MAX_ROWS_PER_FILE = 5_000_000


def published_keys(spark: SparkSession, decided: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame | None:
    """Primary keys already in the table, read only from the partitions that this batch touches.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count.
    """
    paths = [path for path in _touched(decided, manifest, contract) if _exists(spark, path)]
    if not paths:
        return None
    reader = spark.read.option("basePath", manifest.table).option("mergeSchema", "false")
    rows = reader.parquet(*paths).where(F.col("_batch_id") != manifest.batch_id)
    return rows.select(*[F.col(key).cast(contract.column(key).type).alias(key) for key in contract.primary_key])


def _touched(checked: DataFrame, manifest: Manifest, contract: Contract) -> list[str]:
    if not contract.partition_by:
        return [manifest.table]
    valid = checked.where(F.size("_reasons") == 0)
    values = valid.select(*[F.col(name).cast("string") for name in contract.partition_by]).distinct().collect()
    return [manifest.table + "/".join(f"{name}={row[name]}" for name in contract.partition_by) + "/" for row in values]


def _exists(spark: SparkSession, location: str) -> bool:
    """Whether anything is there, through Hadoop's file system API, which is the same here and on Glue."""
    jvm = spark._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(location)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    return bool(system.exists(path)) and len(system.listStatus(path)) > 0


def write_curated(decided: DataFrame, location: str, manifest: Manifest, contract: Contract) -> None:
    """Write the curated rows, partitioned, with the batch and the source file of each row."""
    spark = decided.sparkSession
    names = _sources(spark, manifest, "_source_file")
    data = [column.name for column in contract.columns if column.name not in contract.partition_by]
    rows = (
        decided.where(F.col("_fate") == CURATED)
        .join(F.broadcast(names), "_file")
        .withColumn("_batch_id", F.lit(manifest.batch_id))
        .select(*data, "_source_file", "_batch_id", *contract.partition_by)
    )
    # Adaptive execution makes the shuffle's partitions even: neither tiny files nor one huge one.
    hint = f"REBALANCE({', '.join(contract.partition_by)})" if contract.partition_by else "REBALANCE"
    rows = spark.sql(f"SELECT /*+ {hint} */ * FROM {{rows}}", rows=rows)
    writer = rows.write.option("maxRecordsPerFile", MAX_ROWS_PER_FILE)
    writer.partitionBy(*contract.partition_by).parquet(location)


def write_quarantined(decided: DataFrame, location: str, manifest: Manifest, at: datetime) -> None:
    """Write the quarantined records as they came, with every reason, the source file and the line."""
    spark = decided.sparkSession
    names = _sources(spark, manifest, "source_file")
    (
        decided.where(F.col("_fate") == QUARANTINED)
        .join(F.broadcast(names), "_file")
        .select(
            F.lit(manifest.batch_id).alias("batch_id"),
            "source_file",
            F.col("_line").alias("line"),
            F.col("_raw").alias("raw_record"),
            F.col("_reasons").alias("reasons"),
            F.lit(at).cast("timestamp").alias("quarantined_at"),
        )
        .coalesce(1)
        .write.option("maxRecordsPerFile", MAX_ROWS_PER_FILE)
        .parquet(location)
    )


def _sources(spark: SparkSession, manifest: Manifest, name: str) -> DataFrame:
    rows = ({"_file": position, name: source_of(file)} for position, file in enumerate(manifest.files))
    return small_frame(spark, rows, f"_file: int, {name}: string")


def source_of(file: ManifestFile) -> str:
    """The name of an object version in the tables: its key and version."""
    return f"{file.key}?versionId={file.version}"


def report(
    decided: DataFrame, batch: Batch, manifest: Manifest, contract: Contract, curated: str, quarantined: str
) -> Report:
    """Account for every row: what was read, what became of it, and what is really in the staged files."""
    spark = decided.sparkSession
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in decided.groupBy("_file", "_fate").count().collect():
        counts[row["_file"]][row["_fate"]] = row["count"]
    files = tuple(
        FileReport(
            key=file.key,
            version=file.version,
            rows_read=batch.rows.get(position, 0),
            rows_curated=counts[position].get(CURATED, 0),
            rows_quarantined=counts[position].get(QUARANTINED, 0),
            rows_duplicate=counts[position].get(DUPLICATE, 0),
            problem=batch.problems.get(position),
        )
        for position, file in enumerate(manifest.files)
    )
    has_curated = any(file.rows_curated for file in files)
    has_quarantined = any(file.rows_quarantined for file in files)
    return Report(
        batch_id=manifest.batch_id,
        dataset=manifest.dataset,
        contract_version=contract.version,
        files=files,
        curated=_staged(spark, curated, contract.partition_by) if has_curated else (),
        quarantined=_staged(spark, quarantined, ()) if has_quarantined else (),
        reasons=_reasons(decided) if has_quarantined else {},
        nulls=_nulls(decided, contract) if has_curated else {},
        columns={column.name: column.type for column in contract.columns},
    )


def _reasons(decided: DataFrame) -> dict[str, int]:
    exploded = decided.where(F.col("_fate") == QUARANTINED).select(F.explode("_reasons").alias("reason"))
    return {row["reason"]: row["count"] for row in exploded.groupBy("reason").count().collect()}


def _nulls(decided: DataFrame, contract: Contract) -> dict[str, int]:
    optional = [column.name for column in contract.columns if not column.required]
    if not optional:
        return {}
    counts = decided.where(F.col("_fate") == CURATED).agg(
        *[F.count_if(F.col(f"`{name}`").isNull()).alias(name) for name in optional]
    )
    return {name: count for name, count in counts.collect()[0].asDict().items() if count}


def _staged(spark: SparkSession, location: str, partition_by: Sequence[str]) -> tuple[StagedFile, ...]:
    """Every file below a location with its rows, as a reader sees it."""
    rows = (
        spark.read.parquet(location)
        .groupBy(F.col("_metadata.file_path").alias("path"), *partition_by)
        .count()
        .collect()
    )
    return tuple(
        sorted(
            (
                StagedFile(
                    uri=location + _below(row["path"], location),
                    partition={name: str(row[name]) for name in partition_by},
                    rows=row["count"],
                )
                for row in rows
            ),
            key=lambda file: file.uri,
        )
    )


def _below(path: str, location: str) -> str:
    marker = posixpath.basename(location.rstrip("/")) + "/"
    return unquote(path[path.rindex(marker) + len(marker) :])
