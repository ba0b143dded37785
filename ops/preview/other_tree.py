"""Record the program of another checkout: `python -m ops.preview.other_tree <checkout> <stack>` writes a snapshot.

What records is this checkout's; `config`, `components` and all else that the program imports is the other one's.
"""

import contextlib
import os
import sys
from pathlib import Path

from config.stack_file import unchecked
from ops.preview.cost import idle_dollars_per_month
from ops.preview.snapshot import Snapshot, take
from recording.program import ROOT, main_program, record

CORE = Path("lambdas") / "layers"


def snapshot(tree: Path, stack: str) -> Snapshot:
    """Take the other checkout's place, for good, and record its program."""
    # What this checkout's recorder has imported already must not be found again by the other one's program.
    for name in [
        name for name in sys.modules if name.partition(".")[0] in ("components", "config", "contracts", "pipeline_core")
    ]:
        del sys.modules[name]
    own = {"", str(ROOT), str(ROOT / CORE)}
    sys.path[:] = [str(tree), str(tree / CORE), *(entry for entry in sys.path if entry not in own)]
    os.chdir(tree)
    declared = record(lambda: main_program(tree), config=unchecked(stack, tree), stack=stack).resources
    return take(stack, declared, idle_dollars_per_month(declared))


def main(tree: str, stack: str) -> None:
    """Write the snapshot as JSON; whatever the program prints goes to the other stream."""
    with contextlib.redirect_stdout(sys.stderr):
        found = snapshot(Path(tree).resolve(), stack)
    print(found.to_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
