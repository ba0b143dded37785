"""Files of an Iceberg table are sorted with Spark's own settings, too, which make partitions of a shuffle anew."""

from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from glue_jobs import staging
from tests.iceberg_lake import MakeIcebergLake, iceberg_lake_of
from tests.local_store import path_of

__all__ = ["iceberg_lake_of"]


@pytest.fixture
def adaptive(spark: SparkSession) -> Iterator[None]:
    spark.conf.set("spark.sql.adaptive.enabled", "true")
    spark.conf.set("spark.sql.shuffle.partitions", "5")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    spark.conf.set("spark.sql.adaptive.enabled", "false")


@pytest.mark.usefixtures("adaptive")
def test_each_file_is_sorted_however_many_a_partition_has(
    iceberg_lake_of: MakeIcebergLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MAX_ROWS_PER_FILE", 40)
    lake = iceberg_lake_of(sorted_by=["name", "id"])
    names = ["b", "", "a", "c"]
    rows = [f"{1 + 37 * n % 300},2024-01-0{1 + n % 3},{names[n % 4]}" for n in range(300)]
    report = lake.stage({"a.csv": ("id,day,name\n" + "\n".join(rows) + "\n").encode()})
    assert sum(file.rows for file in report.curated) == 300
    assert len(report.curated) >= 9
    for file in report.curated:
        table = pq.read_table(path_of(file.uri), partitioning=None)
        assert {str(day) for day in table["day"].to_pylist()} == {file.partition["day"]}
        found = [(row["name"] is None, row["name"] or "", row["id"]) for row in table.to_pylist()]
        assert found == sorted(found)
    lake.publish(report)
    replaced = lake.stage({"a.csv": b"id,day,name\n"}, "replace")
    assert {file.rows_kept for file in replaced.replaced} == {0}
