"""Who stages a batch: the record engine by itself, or the Spark job. Both have to do the same."""

from collections.abc import Callable
from datetime import UTC, datetime

from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest
from pipeline_core.report import Report
from pyspark.sql import SparkSession
from record_engine import Limits, stage

from tests.local_store import LocalStore

Carrier = Callable[[Manifest, Contract, str], Report]
"""Stages the batch of a manifest into the folder of an attempt."""


def engine(limits: Limits | None = None) -> Carrier:
    return lambda manifest, contract, attempt: stage(
        manifest, contract, LocalStore(), attempt, datetime.now(UTC), limits
    )


def spark_job(spark: SparkSession, limits: Limits | None = None) -> Carrier:
    def run(manifest: Manifest, contract: Contract, attempt: str) -> Report:
        from glue_jobs.raw_to_curated import run

        report = run(spark, manifest, contract, attempt, limits)
        # A run of the job is a process of its own; here its cached frames would stay.
        spark.catalog.clearCache()
        return report

    return run
