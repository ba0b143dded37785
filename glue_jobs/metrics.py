"""Has Glue write a run's metrics to CloudWatch, for the dashboard."""

from importlib.util import find_spec

from pyspark.sql import SparkSession


def begin(spark: SparkSession) -> None:
    """Make the GlueContext without which Glue writes none (AWS re:Post, "job metrics in CloudWatch", 2026-11).

    Nothing else is done with it: the job is plain Spark, and runs where there is no `awsglue` (PyPI has none), too.
    """
    if find_spec("awsglue") is None:
        return
    from awsglue.context import GlueContext

    GlueContext(spark.sparkContext)
