"""The fate of every record (docs/semantics.md, section 5): the first of a key wins, by file and then by line."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from pipeline_core.contract import Contract
from pyspark.sql import DataFrame, SparkSession

from glue_jobs.deduplicate import decide
from tests.lake import ORDERS

CONTRACT = Contract.from_document({**ORDERS, "primary_key": ["id", "day"]})
COLUMNS = "_file int, _line bigint, _reasons array<string>, id int, day string, name string"
CURATED, QUARANTINED, DUPLICATE = "curated", "quarantined", "duplicate"

Record = tuple[int, int, list[str], int | None, str | None, str]


def record(file: int, line: int, id_: int | None = 1, day: str | None = "d", *reasons: str) -> Record:
    return (file, line, list(reasons), id_, day, f"{file}/{line}")


def published(spark: SparkSession, *keys: tuple[int, str]) -> DataFrame:
    return spark.createDataFrame([(day, id_) for id_, day in keys], "day string, id int")


def fates(spark: SparkSession, records: Sequence[Record], keys: DataFrame | None = None) -> dict[str, str]:
    """The fate of every record, by its file and line; each record comes back once, as it was."""
    decided = decide(spark.createDataFrame(list(records), COLUMNS), keys, CONTRACT)
    assert decided.columns == ["_file", "_line", "_reasons", "id", "day", "name", "_fate"]
    rows = [tuple(row) for row in decided.collect()]
    assert sorted(row[:2] for row in rows) == sorted(one[:2] for one in records), "each record has one fate"
    assert {row[5]: row[:-1] for row in rows} == {one[5]: one for one in records}
    return {row[5]: row[-1] for row in rows}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_first_by_line_within_a_file_wins_in_whatever_order_spark_has_them(
    spark: SparkSession, order: tuple[int, ...]
) -> None:
    # As text, line 10 would come before line 9.
    lines = [record(0, 9), record(0, 10), record(0, 100)]
    assert fates(spark, [lines[place] for place in order]) == {"0/9": CURATED, "0/10": DUPLICATE, "0/100": DUPLICATE}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_earlier_file_wins_before_an_earlier_line(spark: SparkSession, order: tuple[int, ...]) -> None:
    lines = [record(2, 9), record(10, 1), record(10, 2)]
    found = fates(spark, [lines[place] for place in order])
    assert found == {"2/9": CURATED, "10/1": DUPLICATE, "10/2": DUPLICATE}


def test_records_are_duplicates_only_if_all_columns_of_the_key_are_equal(spark: SparkSession) -> None:
    records = [record(0, 1, 1, "d"), record(0, 2, 1, "e"), record(0, 3, 2, "d"), record(0, 4, 2, "d")]
    assert fates(spark, records) == {"0/1": CURATED, "0/2": CURATED, "0/3": CURATED, "0/4": DUPLICATE}


def test_a_record_with_a_reason_competes_with_nobody(spark: SparkSession) -> None:
    records = [
        record(0, 1, 1, "d", "type:price"),
        record(0, 2),
        record(0, 3, 1, "d", "type:price", "enum:name"),
        record(0, 4),
    ]
    assert fates(spark, records) == {"0/1": QUARANTINED, "0/2": CURATED, "0/3": QUARANTINED, "0/4": DUPLICATE}


def test_a_published_key_makes_duplicates_of_all_valid_records_and_of_no_others(spark: SparkSession) -> None:
    records = [record(0, 1), record(0, 2), record(0, 3, 1, "d", "type:price"), record(0, 4, 1, "e")]
    found = fates(spark, records, published(spark, (1, "d"), (2, "e")))
    assert found == {"0/1": DUPLICATE, "0/2": DUPLICATE, "0/3": QUARANTINED, "0/4": CURATED}


def test_a_key_that_was_published_twice_still_makes_one_duplicate_of_one_record(spark: SparkSession) -> None:
    found = fates(spark, [record(0, 1), record(0, 2, 2)], published(spark, (1, "d"), (1, "d")))
    assert found == {"0/1": DUPLICATE, "0/2": CURATED}


@pytest.mark.parametrize("keys", [None, ()])
def test_against_an_empty_table_the_first_wins(spark: SparkSession, keys: tuple[()] | None) -> None:
    table = None if keys is None else published(spark)
    assert fates(spark, [record(0, 2), record(0, 1)], table) == {"0/1": CURATED, "0/2": DUPLICATE}


def test_records_without_a_key_are_quarantined_each_and_none_is_lost(spark: SparkSession) -> None:
    records = [record(file, line, None, None, "required:id") for file, line in ((0, 1), (0, 2), (1, 1))]
    found = fates(spark, records, published(spark, (1, "d")))
    assert found == dict.fromkeys(("0/1", "0/2", "1/1"), QUARANTINED)
