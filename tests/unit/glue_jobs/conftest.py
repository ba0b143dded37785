"""Spark, and a table to work on."""

import pytest
from pyspark.sql import SparkSession

from tests.carriers import Carrier, spark_job
from tests.lake import lake, lake_of
from tests.sparks import spark

__all__ = ["lake", "lake_of", "spark"]


@pytest.fixture
def carrier(spark: SparkSession) -> Carrier:
    return spark_job(spark)
