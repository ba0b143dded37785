"""Measures an upsert into an Iceberg table: 100,000 changes to 1,000,000 rows in ten partitions, on one core.

    python -m tests.benchmarks.upserts [--rows 1000000] [--changes 100000] [--most 20]

Nine of ten changes are of rows of the table, which lie in all partitions, so that every file is written again; this is
the worst there is. Prints the seconds and the peak of memory, and fails if it takes more than `--most` seconds.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tests.carriers import engine
from tests.iceberg_lake import IcebergLake
from tests.lake import ORDERS

ROWS, CHANGES, MOST = 1_000_000, 100_000, 20.0
PARTITIONS = 10
DOCUMENT = {
    **ORDERS,
    "table_format": "iceberg",
    "write_mode": "latest",
    "sequence": "weight",
    "primary_key": ["id"],
    "partition_by": ["day"],
}
HEADER = "id,day,name,price,at,weight,paid"


def rows(ids: Iterator[int], sequence: int) -> bytes:
    """Rows of the dataset `orders`; the day follows from the id."""
    lines = [
        f"{id_},2024-01-{1 + id_ % PARTITIONS:02d},n{id_ % 9973},{id_ % 1000}.25,2024-01-01 10:00:{id_ % 60:02d},"
        f"{sequence},true"
        for id_ in ids
    ]
    return "\n".join([HEADER, *lines]).encode() + b"\n"


def main() -> int:
    """Make the table, measure the upsert; answer 1 if it takes too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--most", type=float, default=MOST)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    changed = random.Random("upserts").sample(range(1, options.rows + options.changes // 9), options.changes)
    with tempfile.TemporaryDirectory() as name:
        lake = IcebergLake(engine(), Path(name), DOCUMENT)
        lake.publish(lake.stage({"table.csv": rows(iter(range(1, options.rows + 1)), 1)}))
        content = rows(iter(changed), 2)
        began, used = time.perf_counter(), time.process_time()
        report = lake.stage({"changes.csv": content})
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        lake.publish(report)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = report.counts
    print(
        f"{counts.rows_updated} of {options.rows} rows updated, {counts.rows_curated} new, {len(report.replaced)} "
        f"files written again: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MB; at most {options.most} s"
    )
    return int(seconds > options.most)


if __name__ == "__main__":
    sys.exit(main())
