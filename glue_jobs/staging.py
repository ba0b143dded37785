"""Writes a decided batch to staging and reads back what was written, so that the report rests on files."""

import posixpath
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
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


def table_exists(spark: SparkSession, manifest: Manifest) -> bool:
    """Whether anything was published to the table."""
    return _exists(spark, manifest.table)


def published_keys(spark: SparkSession, checked: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame | None:
    """Primary keys already in the table, read only from the partitions that this batch touches.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count.
    """
    paths = [path for path in _touched(checked, manifest, contract) if _exists(spark, path)]
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


@dataclass(frozen=True)
class Counts:
    """How many records of each file (position) had which fate, and nulls of the curated rows by column."""

    fates: dict[int, dict[str, int]]
    nulls: dict[str, int]

    def of(self, fate: str) -> int:
        """Records of all files with a fate."""
        return sum(counts.get(fate, 0) for counts in self.fates.values())


def count(decided: DataFrame, contract: Contract) -> Counts:
    """Count in one pass."""
    optional = [column.name for column in contract.columns if not column.required]
    rows = (
        decided.groupBy("_file", "_fate")
        .agg(F.count("*").alias("_rows"), *[F.count_if(F.col(f"`{name}`").isNull()).alias(name) for name in optional])
        .collect()
    )
    fates: dict[int, dict[str, int]] = defaultdict(dict)
    nulls: dict[str, int] = defaultdict(int)
    for row in rows:
        fates[row["_file"]][row["_fate"]] = row["_rows"]
        if row["_fate"] == CURATED:
            for name in optional:
                nulls[name] += row[name]
    return Counts(fates, {name: found for name, found in nulls.items() if found})


def report(
    decided: DataFrame, batch: Batch, counts: Counts, manifest: Manifest, contract: Contract, places: dict[str, str]
) -> Report:
    """Account for every row: what was read, what became of it, and what is really in the staged files.

    `places` says where the files of a fate were written; a fate without records has none.
    """
    spark = decided.sparkSession
    files = tuple(
        FileReport(
            key=file.key,
            version=file.version,
            rows_read=batch.rows.get(position, 0),
            rows_curated=counts.fates.get(position, {}).get(CURATED, 0),
            rows_quarantined=counts.fates.get(position, {}).get(QUARANTINED, 0),
            rows_duplicate=counts.fates.get(position, {}).get(DUPLICATE, 0),
            problem=batch.problems.get(position),
        )
        for position, file in enumerate(manifest.files)
    )
    return Report(
        batch_id=manifest.batch_id,
        dataset=manifest.dataset,
        contract_version=contract.version,
        files=files,
        curated=_staged(spark, places[CURATED], contract.partition_by) if CURATED in places else (),
        quarantined=_staged(spark, places[QUARANTINED], ()) if QUARANTINED in places else (),
        reasons=_reasons(decided) if QUARANTINED in places else {},
        nulls=counts.nulls,
        columns={column.name: column.type for column in contract.columns},
    )


def _reasons(decided: DataFrame) -> dict[str, int]:
    exploded = decided.where(F.col("_fate") == QUARANTINED).select(F.explode("_reasons").alias("reason"))
    return {row["reason"]: row["count"] for row in exploded.groupBy("reason").count().collect()}


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
