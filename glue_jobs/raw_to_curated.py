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
from pipeline_core.contract import Contract
from pipeline_core.layout import split_uri
from pipeline_core.manifest import Manifest
from pipeline_core.report import Report
from pyspark import StorageLevel
from pyspark.sql import SparkSession

from glue_jobs import staging
from glue_jobs.checks import check
from glue_jobs.deduplicate import CURATED, QUARANTINED, decide
from glue_jobs.reading import read_batch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SESSION = {
    "spark.sql.session.timeZone": "UTC",
    # A cast that fails is null, and the record gets its reason, instead of an exception.
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


def session(name: str) -> SparkSession:
    """Return the Spark session with the settings that the semantics rest on."""
    spark = SparkSession.builder.appName(name).getOrCreate()
    for key, value in SESSION.items():
        spark.conf.set(key, value)
    return spark


def run(spark: SparkSession, manifest: Manifest, contract: Contract, attempt: str) -> Report:
    """Stage the batch of a manifest and return its report. `attempt` names this run's own folder."""
    batch = read_batch(spark, manifest.files, contract)
    checked = check(batch.records, contract)
    keys = None
    if staging.table_exists(spark, manifest):
        checked = checked.persist(StorageLevel.MEMORY_AND_DISK)
        keys = staging.published_keys(spark, checked, manifest, contract)
    decided = decide(checked, keys, contract).persist(StorageLevel.MEMORY_AND_DISK)
    counts = staging.count(decided, contract)
    places = {fate: f"{manifest.staging}{attempt}/{fate}/" for fate in (CURATED, QUARANTINED) if counts.of(fate)}
    if CURATED in places:
        staging.write_curated(decided, places[CURATED], manifest, contract)
    if QUARANTINED in places:
        staging.write_quarantined(decided, places[QUARANTINED], manifest, datetime.now(UTC))
    return staging.report(decided, batch, counts, manifest, contract, places)


def main(arguments: Sequence[str]) -> None:
    """Run the job: `--manifest s3://.../manifest.json`; Glue's own arguments are ignored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True, help="S3 address of the batch's manifest")
    options, _ = parser.parse_known_args(arguments)
    s3 = boto3.client("s3")
    manifest = Manifest.from_json(_read(s3, options.manifest))
    contract = Contract.from_json(_read(s3, manifest.contract))
    attempt = uuid.uuid4().hex[:12]
    result = run(session(f"raw_to_curated {manifest.batch_id}"), manifest, contract, attempt)
    bucket, prefix = split_uri(manifest.staging)
    s3.put_object(
        Bucket=bucket,
        Key=f"{prefix}report.json",
        Body=result.to_json().encode(),
        ContentType="application/json",
    )


def _read(s3: "S3Client", location: str) -> bytes:
    bucket, key = split_uri(location)
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


if __name__ == "__main__":
    main(sys.argv[1:])
