"""Small tables of constants, and the order of rows."""

import json
from collections.abc import Iterable
from typing import Any

from pipeline_core.contract import Contract
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F


def small_frame(spark: SparkSession, rows: Iterable[dict[str, Any]], schema: str) -> DataFrame:
    """A small table of constants, made in the JVM: no Python workers, no job of its own."""
    parsed = F.from_json(F.lit(json.dumps(list(rows))), f"array<struct<{schema}>>")
    return spark.range(1).select(F.inline(parsed))


def order_of(contract: Contract) -> list[Column]:
    """By what rows are sorted in a file: the same as in the record engine."""
    return [F.col(f"`{name}`").asc_nulls_last() for name in contract.sorted_by]
