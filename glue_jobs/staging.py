"""Writes a decided batch to staging and reads back what was written, so that the report rests on files."""

import posixpath
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from pipeline_core.contract import LANDED, SOURCE, Contract
from pipeline_core.layout import partition_values, source_of
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import Manifest
from pipeline_core.report import FATES, FileReport, Report, StagedFile
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from record_engine import moment_of, sources

from glue_jobs.deduplicate import CURATED, QUARANTINED, UPDATED
from glue_jobs.frames import looked_up, order_of, small_frame
from glue_jobs.reading import Batch
from glue_jobs.replay import Changes

MAX_ROWS_PER_FILE = 5_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WRITTEN = (CURATED, UPDATED)
"""The fates of rows that come into the table."""


def write_curated(decided: DataFrame, location: str, manifest: Manifest, contract: Contract) -> tuple[StagedFile, ...]:
    """Write the curated rows, partitioned, with the batch and the source file of each row."""
    spark = decided.sparkSession
    written = decided.where(F.col("_fate").isin(*WRITTEN))
    staged = with_file(written, manifest, contract).withColumn("_batch_id", F.lit(manifest.batch_id))
    if contract.is_iceberg:
        return _write_iceberg(staged, location, contract)
    rows = staged.select(*contract.stored_columns, *contract.own_columns, *contract.partition_by)
    # Adaptive execution makes the shuffle's partitions even: neither tiny files nor one huge one.
    hint = f"REBALANCE({', '.join(contract.partition_by)})" if contract.partition_by else "REBALANCE"
    rows = spark.sql(f"SELECT /*+ {hint} */ * FROM {{rows}}", rows=rows)
    writer = rows.write.option("maxRecordsPerFile", MAX_ROWS_PER_FILE)
    writer.partitionBy(*contract.partition_by).parquet(location)
    return _staged(spark, location, contract.partition_by)


def _write_iceberg(rows: DataFrame, location: str, contract: Contract) -> tuple[StagedFile, ...]:
    """Write rows to files of one partition each, which have all columns; the partition's number is the folder."""
    spark = rows.sparkSession
    folders = sorted(row["_folder"] for row in rows.select("_folder").distinct().collect())
    numbers = small_frame(
        spark,
        ({"_place": place, "_folder": folder} for place, folder in enumerate(folders)),
        "_place int, _folder string",
    )
    placed = rows.join(F.broadcast(numbers), "_folder")
    placed = placed.select(*contract.stored_columns, *contract.own_columns, "_place")
    placed = spark.sql("SELECT /*+ REBALANCE(_place) */ * FROM {rows}", rows=placed)
    if contract.sorted_by:
        placed = placed.sortWithinPartitions("_place", *order_of(contract))
    placed.write.option("maxRecordsPerFile", MAX_ROWS_PER_FILE).partitionBy("_place").parquet(location)
    return tuple(
        replace(file, partition=partition_values(folders[int(file.partition["_place"])]))
        for file in _staged(spark, location, ["_place"])
    )


def write_quarantined(decided: DataFrame, location: str, manifest: Manifest, contract: Contract, at: datetime) -> None:
    """Write the quarantined records as they came, with every reason, the source file and the line.

    Every file that is written holds records of one source file, so that a replay can take them out one by one.
    """
    (
        with_file(decided.where(F.col("_fate") == QUARANTINED), manifest, contract)
        .select(
            F.lit(manifest.batch_id).alias("batch_id"),
            F.col(SOURCE).alias("source_file"),
            F.col("_line").alias("line"),
            F.col("_raw").alias("raw_record"),
            F.col("_reasons").alias("reasons"),
            F.lit(at).cast("timestamp").alias("quarantined_at"),
            "_file",
        )
        .repartition("_file")
        .write.option("maxRecordsPerFile", MAX_ROWS_PER_FILE)
        .partitionBy("_file")
        .parquet(location)
    )


def with_file(records: DataFrame, manifest: Manifest, contract: Contract) -> DataFrame:
    """Records with what the table knows their file by: its name and, where the table says it, when it has landed."""
    known = {SOURCE: looked_up(sources(manifest), "string", "_file")}
    if LANDED in contract.own_columns:
        moments = [(moment_of(file.landed_at) - EPOCH) // timedelta(microseconds=1) for file in manifest.files]
        known[LANDED] = F.timestamp_micros(looked_up(moments, "bigint", "_file"))
    return records.withColumns(known)


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
        if row["_fate"] in WRITTEN:
            for name in optional:
                nulls[name] += row[name]
    return Counts(fates, {name: found for name, found in nulls.items() if found})


def report(
    decided: DataFrame,
    batch: Batch,
    counts: Counts,
    manifest: Manifest,
    contract: Contract,
    curated: tuple[StagedFile, ...],
    quarantined: str | None,
    changes: Changes,
    live: LiveFiles,
) -> Report:
    """Account for every row: what was read, what became of it, and what is really in the staged files.

    `quarantined` says where the files of quarantined records were written, if there are any.
    """
    kept, reasons = _staged_quarantined(decided.sparkSession, quarantined) if quarantined else ((), {})
    files = tuple(
        FileReport(
            key=file.key,
            version=file.version,
            rows_read=batch.rows.get(position, 0),
            **{f"rows_{fate}": counts.fates.get(position, {}).get(fate, 0) for fate in FATES},
            rows_replaced=changes.replaced_rows.get(source_of(file.key, file.version), 0),
            rows_removed=changes.removed.get(position, 0),
            problem=batch.problems.get(position),
        )
        for position, file in enumerate(manifest.files)
    )
    return Report(
        batch_id=manifest.batch_id,
        dataset=manifest.dataset,
        contract_version=contract.version,
        files=files,
        curated=curated,
        quarantined=kept,
        replaced=changes.files,
        reasons=reasons,
        nulls=counts.nulls,
        columns={column.name: column.type for column in contract.columns},
        snapshot=live.snapshot,
        tombstones=changes.tombstones,
        landed_at=changes.landed_at,
    )


def _staged(spark: SparkSession, location: str, partition_by: Sequence[str]) -> tuple[StagedFile, ...]:
    """Every file below a location with its rows, as a reader sees it."""
    # No column of a contract begins with an underscore, so none is taken for these. Rows are counted, and their columns
    # not looked at: to be told of one spares Spark a job that finds out which there are.
    rows = _read(spark, location, "_batch_id string").groupBy("_path", *partition_by).agg(F.count("*").alias("_rows"))
    return _files(rows.collect(), location, partition_by)


def _staged_quarantined(spark: SparkSession, location: str) -> tuple[tuple[StagedFile, ...], dict[str, int]]:
    """Every file of quarantined records below a location with its rows, and how many of them have each reason."""
    # Beside its reasons, each record has none once, by which its file is counted. The driver gets a row for each file
    # and for each reason, not for each of both.
    reasons = F.concat(F.array(F.lit(None).cast("string")), "reasons")
    said = _read(spark, location, "reasons array<string>").select("_path", "_file", F.explode(reasons).alias("_reason"))
    file = [F.when(F.col("_reason").isNull(), F.col(name)).alias(name) for name in ("_path", "_file")]
    rows = said.groupBy(*file, "_reason").agg(F.count("*").alias("_rows")).collect()
    counts = {row["_reason"]: row["_rows"] for row in rows if row["_reason"] is not None}
    return _files([row for row in rows if row["_reason"] is None], location, ["_file"]), counts


def _read(spark: SparkSession, location: str, schema: str) -> DataFrame:
    return spark.read.schema(schema).parquet(location).withColumn("_path", F.col("_metadata.file_path"))


def _files(rows: Sequence[Row], location: str, partition_by: Sequence[str]) -> tuple[StagedFile, ...]:
    files = (
        StagedFile(
            uri=location + _below(row["_path"], location),
            partition={name: str(row[name]) for name in partition_by},
            rows=row["_rows"],
        )
        for row in rows
    )
    return tuple(sorted(files, key=lambda file: file.uri))


def _below(path: str, location: str) -> str:
    marker = posixpath.basename(location.rstrip("/")) + "/"
    return unquote(path[path.rindex(marker) + len(marker) :])
