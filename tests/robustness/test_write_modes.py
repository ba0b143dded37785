"""Generated streams of changes, delivered in any order and more than once, end as the oracle says, key by key.

STREAMS says how many each mode gets.
"""

import os
import random
from operator import itemgetter
from pathlib import Path

import pytest

from tests.carriers import engine
from tests.iceberg_lake import IcebergLake
from tests.robustness.oracle.write_modes import LatestTable, SnapshotTable
from tests.robustness.streams import contract, deliver, deliveries, fates, in_order, rows_of, stream

STREAMS = int(os.environ.get("STREAMS", "1000"))
PARTS = 20


def latest_oracle(document: dict[str, object]) -> LatestTable:
    is_whole = document["primary_key"] == ["id", "part"]
    return LatestTable(
        key=itemgetter(0, 1) if is_whole else itemgetter(0),
        sequence=itemgetter(3) if document["sequence"] else None,
        is_delete=lambda values: values[4] in ("D", "T"),
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_changes_end_as_the_last_of_each_key(tmp_path: Path, part: int) -> None:
    for number in range(part, STREAMS, PARTS):
        seed = random.Random(f"latest {number}")
        document = contract(seed, "latest")
        files = stream(seed, ties=True)
        lake = IcebergLake(engine(), tmp_path / str(number), document)
        oracle = latest_oracle(document)
        for batch in deliveries(seed, files):
            expected = oracle.batch([file.landed for file in batch])
            report = deliver(lake, batch)
            assert fates(report) == {source: +counts for source, counts in expected.items()}, number
            staged = [(row.values, row.file.source) for row in oracle.rows.values()]
            assert rows_of(lake) == in_order(staged), number
        assert rows_of(lake) == in_order(oracle.last_of_all([file.landed for file in files])), number


@pytest.mark.parametrize("part", range(PARTS))
def test_a_table_is_the_snapshot_that_landed_last(tmp_path: Path, part: int) -> None:
    for number in range(part, STREAMS // 2, PARTS):
        seed = random.Random(f"snapshot {number}")
        document = contract(seed, "snapshot")
        files = stream(seed, ties=False)
        lake = IcebergLake(engine(), tmp_path / str(number), document)
        is_whole = document["primary_key"] == ["id", "part"]
        oracle = SnapshotTable(key=itemgetter(0, 1) if is_whole else itemgetter(0))
        for batch in deliveries(seed, files):
            expected = oracle.batch([file.landed for file in batch])
            report = deliver(lake, batch)
            assert fates(report) == {source: +counts for source, counts in expected.items()}, number
            assert rows_of(lake) == in_order([(row.values, row.file.source) for row in oracle.rows.values()]), number
