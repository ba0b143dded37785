"""The Glue job of all datasets: the files of one manifest become staged Parquet and a report.

It reads raw files and published keys, and writes below this batch's staging prefix only, so that a killed or
repeated run changes nothing that anybody reads. Each run writes to a folder of its own; the report, written
last, names the folder that counts.
"""

import argparse
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from pipeline_core import contract as modes
from pipeline_core import known_good
from pipeline_core.contract import Contract
from pipeline_core.layout import split_uri
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import ROWS, Manifest, ManifestFile
from pipeline_core.report import Report, StagedFile
from py4j.protocol import Py4JError
from pyspark import StorageLevel
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from record_engine import FilesByKey, Limits, check_purpose, listed

from glue_jobs import metrics, staging, table
from glue_jobs.changes import Task, keep_latest, take_snapshot
from glue_jobs.deduplicate import CURATED, QUARANTINED, decide
from glue_jobs.failures import explained
from glue_jobs.live import read_files, read_live_files
from glue_jobs.log import job_log
from glue_jobs.reading import read_batch
from glue_jobs.replay import only_quarantined, stage_kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SESSION = {
    "spark.sql.session.timeZone": "UTC",
    # Spark's default up to 3.5, later another: no cast of a published value depends on it.
    "spark.sql.ansi.enabled": "false",
    # Microseconds as INT64; Spark's default INT96 is deprecated in Parquet.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Dates before 1582 are written as they are; the default refuses them and fails the job.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # A partition value is the text of its folder; inference would make 1 of 01.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.adaptive.enabled": "true",
    # Corrupt or missing input must fail the run, never lose rows.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}

OFTEN_USED = ("functions", "PythonUtils", "SparkSession", "SparkSession$", "org")
"""Names of the JVM that PySpark asks for with each column and each action."""


def session(name: str) -> SparkSession:
    """Return the Spark session with the settings that the semantics rest on."""
    spark = SparkSession.builder.appName(name).getOrCreate()
    for used in OFTEN_USED:
        # Kept with the view: else Py4J looks for it in ten packages, through all jars, each time.
        setattr(spark._jvm, used, getattr(spark._jvm, used))
    # Before the settings: whatever Glue sets, these are what counts.
    metrics.begin(spark)
    for key, value in SESSION.items():
        spark.conf.set(key, value)
    return spark


def run(
    spark: SparkSession, manifest: Manifest, contract: Contract, attempt: str, limits: Limits | None = None
) -> Report:
    """Stage the batch of a manifest and return its report.

    Args:
        spark: the session.
        manifest: names the files, and what they are read for.
        contract: says what a valid record is.
        attempt: the name of this run's own folder.
        limits: what a worker holds in memory.
    """
    batch = read_batch(spark, manifest.files, contract, limits)
    if manifest.purpose == ROWS:
        batch = only_quarantined(spark, batch, manifest)
    check_purpose(manifest, contract)
    live = read_live_files(spark, manifest) if contract.is_iceberg else LiveFiles()
    location, now = f"{manifest.staging}{attempt}/", datetime.now(UTC)
    task = Task(spark=spark, batch=batch, manifest=manifest, contract=contract, live=live, location=location, now=now)
    match contract.write_mode:
        case modes.LATEST:
            decided, changes = keep_latest(task)
        case modes.SNAPSHOT:
            decided, changes = take_snapshot(task)
        case _:
            beside = _rows_beside(spark, batch.records, manifest, contract, live)
            keys = None if beside is None else table.published_keys(beside, manifest, contract)
            decided = decide(batch.records, keys, contract).persist(StorageLevel.MEMORY_AND_DISK)
            changes = stage_kept(spark, manifest, contract, live, f"{location}kept/")
    counts = staging.count(decided, contract)
    curated: tuple[StagedFile, ...] = ()
    if any(map(counts.of, staging.WRITTEN)):
        curated = staging.write_curated(decided, f"{location}{CURATED}/", manifest, contract)
    quarantined = f"{location}{QUARANTINED}/" if counts.of(QUARANTINED) else None
    if quarantined:
        staging.write_quarantined(decided, quarantined, manifest, contract, now)
    return staging.report(decided, batch, counts, manifest, contract, curated, quarantined, changes, live)


def _rows_beside(
    spark: SparkSession, records: DataFrame, manifest: Manifest, contract: Contract, live: LiveFiles
) -> DataFrame | None:
    """The published rows that may have keys of the batch; None if there are none."""
    if not contract.key:
        return None
    if not contract.is_iceberg:
        exists = table.table_exists(spark, manifest)
        return table.rows_beside(spark, records, manifest, contract) if exists else None
    folders = records.where(F.size("_reasons") == 0).select("_folder").distinct().collect()
    files = listed(FilesByKey(live, contract).of(row["_folder"] for row in folders), manifest)
    return read_files(spark, files, contract) if files else None


def read_known_good(spark: SparkSession, uri: str) -> None:
    """Read the file that is known to be good, as the batch's own will be.

    Raises:
        RuntimeError: its rows are not what they are known to be.
    """
    file = ManifestFile(
        key=known_good.NAME, version="", uri=uri, size=len(known_good.CONTENT), format="csv", landed_at=""
    )
    valid = read_batch(spark, [file], known_good.CONTRACT).records.where("size(_reasons) = 0").count()
    if valid != known_good.ROWS:
        raise RuntimeError(f"the known good file {uri} has {known_good.ROWS} valid rows; {valid} were read")


def main(arguments: Sequence[str]) -> None:
    """Run the job: `--manifest s3://.../manifest.json`; Glue's own arguments are ignored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True, help="S3 address of the batch's manifest")
    options, _ = parser.parse_known_args(arguments)
    s3 = boto3.client("s3")
    manifest = Manifest.from_json(_read(s3, options.manifest))
    contract = Contract.from_json(_read(s3, manifest.contract))
    attempt = uuid.uuid4().hex[:12]
    log = job_log(manifest.batch_id, manifest.dataset)
    log.info("staging", extra={"fields": {"attempt": attempt, "files": len(manifest.files)}})
    started = known_good_read = False
    try:
        spark = session(f"raw_to_curated {manifest.batch_id}")
        started = True
        if manifest.known_good:
            read_known_good(spark, manifest.known_good)
            known_good_read = True
            log.info("known good file read", extra={"fields": {"attempt": attempt}})
        result = run(spark, manifest, contract, attempt)
    except (Py4JError, PythonException, ConnectionRefusedError) as error:
        log.exception("failed", extra={"fields": {"attempt": attempt}})
        raise explained(error, started=started, known_good_read=known_good_read) from error
    except Exception:
        log.exception("failed", extra={"fields": {"attempt": attempt}})
        raise
    bucket, prefix = split_uri(manifest.staging)
    s3.put_object(
        Bucket=bucket,
        Key=f"{prefix}report.json",
        Body=result.to_json().encode(),
        ContentType="application/json",
    )
    log.info("staged", extra={"fields": {"attempt": attempt, "rows_read": result.counts.rows_read}})


def _read(s3: "S3Client", location: str) -> bytes:
    bucket, key = split_uri(location)
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


if __name__ == "__main__":
    main(sys.argv[1:])
