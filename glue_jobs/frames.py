"""Constants for rows to be looked up in, and the order of rows."""

import json
from collections.abc import Iterable
from typing import Any

from pipeline_core.contract import Contract
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F


def small_frame(spark: SparkSession, rows: Iterable[dict[str, Any]], schema: str) -> DataFrame:
    """A small table of constants, made in the JVM: no Python workers, no job of its own."""
    return spark.range(1).select(F.inline(_constants(rows, f"struct<{schema}>")))


def looked_up(values: Iterable[str | int], kind: str, position: str) -> Column:
    """The one of some constants of a type that is at the position, from 0, which a column has: no join, no job."""
    return F.get(_constants(values, kind), position)


def _constants(values: Iterable[Any], kind: str) -> Column:
    return F.from_json(F.lit(json.dumps(list(values))), f"array<{kind}>")


def order_of(contract: Contract) -> list[Column]:
    """By what rows are sorted in a file: the same as in the record engine."""
    return [F.col(f"`{name}`").asc_nulls_last() for name in contract.sorted_by]
