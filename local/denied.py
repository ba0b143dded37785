"""Print which requests an emulator has denied: `python -m local.denied <its iam_decisions.jsonl>`."""

import argparse
from pathlib import Path

from plain_console import PlainConsole
from recording.decisions import denials, read_decisions


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each, and how many requests there were."""
    parser = argparse.ArgumentParser(prog="python -m local.denied", description=__doc__)
    parser.add_argument("decisions", type=Path, help="the log of decisions in the emulator's directory")
    path = parser.parse_args(arguments).decisions
    console = PlainConsole(markup=False, highlight=False)
    denied = denials(path)
    for one in denied:
        console.print(f"{one.principal} may not {one.action} on {one.resource}: {one.reason}", soft_wrap=True)
    console.print(f"{len(denied)} of {sum(1 for _ in read_decisions(path))} requests were denied")


if __name__ == "__main__":
    main()
