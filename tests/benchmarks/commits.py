"""Measures publishes of an Iceberg table against the emulator: what one takes, and whether later ones take more.

    python -m tests.benchmarks.commits [--commits 500] [--most-seconds 0.5] [--most-times 2]

Each publishes one file of one row into one of ten partitions, on one core. Prints the median seconds of all, and the
median CPU of those around the 50th and of the last, of this process alone, which is what a function pays. Fails if a
publish takes more than `--most-seconds`, or a late one more than `--most-times` the CPU of an early one. At last, the
files are merged: one is left of each partition.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

EARLY, AROUND = 50, 20


def main() -> int:
    """Publish, measure, print; answer 1 if it is too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=500)
    parser.add_argument("--most-seconds", type=float, default=0.5)
    parser.add_argument("--most-times", type=float, default=2.0)
    options = parser.parse_args()
    from local.emulator import ACCESS_KEY, Emulator

    with tempfile.TemporaryDirectory() as name, Emulator(Path(name)) as emulator:
        os.environ |= {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_DEFAULT_REGION": emulator.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        }
        return measure(options.commits, options.most_seconds, options.most_times)


def measure(commits: int, most_seconds: float, most_times: float) -> int:
    """Publish so often to a table of the emulator that the environment names."""
    from datetime import UTC, datetime

    from pipeline_core import documents, layout
    from pipeline_core.report import Report
    from table_formats import Turn
    from table_formats.maintenance import maintain

    from tests.iceberg_batches import Dataset, make_resources

    dataset = Dataset(make_resources())
    seconds, cpu = [], []
    for number in range(commits):
        batch, name = f"batch-{number}", f"{number}.csv"
        dataset.stage(batch, name, [[{"id": number, "part": number % 10}]])
        text = documents.read(
            dataset.publisher.curated_bucket, layout.staging_prefix(dataset.name, batch) + "report.json"
        )
        report = Report.from_json(text or b"")
        began, used = time.perf_counter(), time.process_time()
        dataset.table.publish(report, dataset.contract, Turn(report="report-0", seen=number, number=number + 1))
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    early = statistics.median(cpu[EARLY - AROUND : EARLY + AROUND])
    late = statistics.median(cpu[-2 * AROUND :])
    median = statistics.median(seconds)
    print(
        f"{commits} publishes: {median:.2f} s at the median, at most {most_seconds} s; CPU {early:.3f} s around the "
        f"{EARLY}th, {late:.3f} s at the end, {late / early:.1f} times as much, at most {most_times} times"
    )
    began = time.perf_counter()
    merged = maintain(dataset.table, dataset.contract, datetime.now(UTC)).merged_files
    files = len(dataset.live().files)
    print(f"{merged} files merged into {files} in {time.perf_counter() - began:.1f} s")
    is_whole = dataset.ids() == list(range(commits)) and files <= 10
    return int(median > most_seconds or late > most_times * early or not is_whole)


if __name__ == "__main__":
    sys.exit(main())
