"""Spark 3.5 reads old files as the types that contracts may be widened to, and fails on those that are refused."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from components.evolution import is_widened


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    running = SparkSession.getActiveSession()
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    found = running or builder.getOrCreate()
    found.sparkContext.setLogLevel("OFF")
    yield found
    if running is None:
        found.stop()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("decimal(6,2)", "decimal(9,2)"), ("decimal(10,2)", "decimal(18,2)"), ("decimal(19,2)", "decimal(38,2)")],
)
def test_what_may_be_widened_is_read(spark: SparkSession, tmp_path: Path, was: str, becomes: str) -> None:
    assert is_widened(was, becomes)
    assert read(spark, tmp_path, was, becomes) == Decimal("1234.56")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("int", "bigint"), ("decimal(6,2)", "decimal(12,2)"), ("decimal(6,2)", "decimal(9,4)"), ("int", "double")],
)
def test_what_may_not_is_an_error(spark: SparkSession, tmp_path: Path, was: str, becomes: str) -> None:
    assert not is_widened(was, becomes)
    with pytest.raises(Py4JJavaError, match="SchemaColumnConvertNotSupportedException"):
        read(spark, tmp_path, was, becomes)


def read(spark: SparkSession, tmp_path: Path, was: str, becomes: str) -> Any:
    spark.sql(f"SELECT CAST(1234.56 AS {was}) AS value").write.parquet(f"{tmp_path}/file")
    return spark.read.schema(f"value {becomes}").parquet(f"{tmp_path}/file").collect()[0][0]
