"""What was staged of the quarantine is counted by file and by reason, with no more rows for the driver than these."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from glue_jobs import staging


def test_files_and_reasons_are_counted_by_themselves(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [(file, [f"reason {number}" for number in range(3)]) for file in range(4) for _ in range(2)]
    location = f"{(tmp_path / 'quarantined').as_uri()}/"
    frame = spark.createDataFrame([*records, (0, ["reason 1"])], "_file int, reasons array<string>").coalesce(1)
    frame.write.partitionBy("_file").parquet(location)
    collected: list[int] = []
    collect = DataFrame.collect

    def counting(frame: DataFrame) -> list[object]:
        rows = collect(frame)
        collected.append(len(rows))
        return list(rows)

    monkeypatch.setattr(DataFrame, "collect", counting)
    files, reasons = staging._staged_quarantined(spark, location)
    assert [(file.partition["_file"], file.rows) for file in files] == [("0", 3), ("1", 2), ("2", 2), ("3", 2)]
    assert reasons == {"reason 0": 8, "reason 1": 9, "reason 2": 8}
    assert collected == [4 + 3]
