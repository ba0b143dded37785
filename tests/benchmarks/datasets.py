"""Measures how the program grows with the datasets: CPU seconds and resources at 6 and at 200, in one run.

    python -m tests.benchmarks.datasets [--many 200] [--most 2.5]

Each count is a process of its own, twice, of which the quicker one counts; imports and reading contracts are in it.
Says the ratio, and fails if it is more than `--most`. The same through the real engine is `make engine`.
"""

import argparse
import json
import resource
import subprocess
import sys

FEW, MANY, MOST = 6, 200, 2.5
TIMES = 2


def evaluate(datasets: int) -> dict[str, float]:
    """Record the program of prod with so many datasets in this process."""
    from tests.unit.infrastructure.test_many_datasets import program_of

    resources = len(program_of(datasets - 1, crawler=False).resources)  # beside the canary
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"resources": resources, "seconds": used.ru_utime + used.ru_stime}


def measured(datasets: int) -> dict[str, float]:
    """Evaluate in processes of their own."""
    command = [sys.executable, "-m", "tests.benchmarks.datasets", "--evaluate", str(datasets)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(TIMES)]
    return min(runs, key=lambda run: float(run["seconds"]))


def main() -> int:
    """Print the table; answer 1 if the program grows more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--most", type=float, default=MOST)
    parser.add_argument("--evaluate", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.evaluate is not None:
        print(json.dumps(evaluate(options.evaluate)))
        return 0
    few, many = measured(FEW), measured(options.many)
    for datasets, run in ((FEW, few), (options.many, many)):
        print(f"{datasets:5} datasets: {run['resources']:5.0f} resources, {run['seconds']:5.1f} s of CPU")
    ratio = many["seconds"] / few["seconds"]
    print(f"ratio {ratio:.2f}, at most {options.most}")
    return int(ratio > options.most)


if __name__ == "__main__":
    sys.exit(main())
