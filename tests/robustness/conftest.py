"""The job on a bench, beside the oracle."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.lake import lake, lake_of
from tests.robustness.bad_files import ZOO
from tests.robustness.compare import Bench, MakeBench
from tests.sparks import spark

__all__ = ["lake", "lake_of", "spark"]


@pytest.fixture
def bench(spark: SparkSession, tmp_path: Path) -> MakeBench:
    """Make a bench that compares the job with the oracle, for the contract of the bad files or one that differs."""
    return lambda **changes: Bench(spark, tmp_path, {**ZOO, **changes})
