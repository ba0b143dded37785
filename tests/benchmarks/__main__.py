"""Measures the record engine and the Spark job beside bare copies of the same files, in one run.

    python -m tests.benchmarks [--write]

Prints a Markdown table; with `--write` it becomes the one of docs/performance.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pyspark

from ops.pages.generate import with_part
from tests.benchmarks.content import DISTINCT, FLIGHTS, MEGABYTE, ROOT, write
from tests.benchmarks.ways import Measure

PAGE = ROOT / "docs" / "performance.md"
RUNS = [
    (FLIGHTS, 1, 1, ("pyarrow copy", "engine")),
    (FLIGHTS, 25, 1, ("pyarrow copy", "engine")),
    (FLIGHTS, 200, 1, ("pyarrow copy", "engine")),
    (DISTINCT, 1, 1, ("pyarrow copy", "engine")),
    (DISTINCT, 25, 1, ("pyarrow copy", "engine")),
    (DISTINCT, 200, 1, ("pyarrow copy", "engine")),
    (FLIGHTS, 200, 4, ("Spark copy", "Spark job")),
]
"""Content, megabytes, files, and the ways: each is compared with the first."""


def measure(way: str, content: str, files: list[Path], folder: Path) -> Measure:
    """Measure a way in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.ways", way, content, str(folder), *map(str, files)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'lambdas' / 'layers'}"}
    run = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Measure(**json.loads(run.stdout.splitlines()[-1]))


def rows() -> Iterator[str]:
    """The rows of the table, as they are measured."""
    yield "| content | MB | files | way | MB/s | seconds | CPU seconds | peak MB | CPU, beside the copy |"
    yield "|---|---:|---:|---|---:|---:|---:|---:|---:|"
    for content, megabytes, count, ways in RUNS:
        with tempfile.TemporaryDirectory() as name:
            files = write(Path(name), content, megabytes, count)
            size = sum(path.stat().st_size for path in files) / MEGABYTE
            copied = None
            for way in ways:
                found = measure(way, content, files, Path(name))
                copied = copied or found
                yield (
                    f"| {content} | {megabytes} | {count} | {way} | {size / found.seconds:.1f} | {found.seconds:.2f} "
                    f"| {found.cpu:.2f} | {found.peak:.0f} | {found.cpu / copied.cpu:.2f} |"
                )


def main() -> None:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    lines = []
    for line in rows():
        print(line, flush=True)
        lines.append(line)
    about = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, pyarrow {pyarrow.__version__}, Spark {pyspark.__version__}."
    )
    if options.write:
        PAGE.write_text(with_part(PAGE.read_text("utf-8"), PAGE.name, "bench", "\n".join([about, "", *lines])), "utf-8")


if __name__ == "__main__":
    main()
