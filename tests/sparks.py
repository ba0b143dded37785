"""A local Spark session with the job's settings, for every test that needs one."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glue_jobs.raw_to_curated import session

JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:NewSize=400m "
    # What the first compiler has by itself is full after some hundred plans: then code is thrown away and made again.
    "-XX:ReservedCodeCacheSize=256m "
    # Hadoop's local file system starts a chmod for each file and folder that it makes.
    "-Djdk.lang.Process.launchMechanism=VFORK"
)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    repository = Path(__file__).parents[1]
    # Spark's workers would be whatever `python3` the PATH has.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # Python workers import the job's modules, as they do on Glue through --extra-py-files.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(repository), str(repository / "lambdas" / "layers")])
    builder = SparkSession.builder.master("local[1]")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        # For a handful of rows, compiling a plan takes longer than interpreting it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # Records of 16 MB are several copies of themselves on their way, after a thousand stages of other tests.
        "spark.driver.memory": "3g",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        # The text of a plan, which nobody reads here, is made for every action.
        "spark.sql.ui.explainMode": "simple",
        # Else the folders of a table's partitions are listed by a Spark job, when there are many.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        "spark.driver.extraJavaOptions": JAVA_OPTIONS,
    }.items():
        builder = builder.config(key, value)
    builder.getOrCreate()
    spark = session("tests")
    # The same for plans that are made anew after every shuffle; the emulator's runs have both.
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    yield spark
    spark.stop()
