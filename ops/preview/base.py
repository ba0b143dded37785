"""The program of another revision, recorded by this one's recorder: it may be older than the recorder."""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ops.preview.options import PreviewError
from ops.preview.snapshot import Snapshot
from recording.program import ROOT


class BaseError(Exception):
    """A revision is there, but cannot be compared with; the message says why."""


PINS = Path("requirements") / "program.txt"


def snapshot_of(revision: str, stack: str, root: Path = ROOT) -> Snapshot:
    """Check a revision out into a temporary folder and record its program there, in a process of its own.

    Raises:
        PreviewError: the revision is not there.
        BaseError: its program does not run with what is installed here.

    """
    try:
        commit = _git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except PreviewError as error:
        raise PreviewError(
            f"git has no revision {revision!r} here; allowed for --base is one that it has. "
            "In a shallow clone, fetch it first."
        ) from error
    with tempfile.TemporaryDirectory(prefix="preview-") as folder:
        tree = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", commit))) as archive:
            # As an argument, Python 3.11.4 was the first to take it (PEP 706); Debian 12 has 3.11.2.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(tree)
        if not (tree / f"Pulumi.{stack}.yaml").exists():
            return Snapshot(stack=stack, resources=())
        # The functions are packed from what is installed, which has to be what is pinned: the pins of today.
        (tree / PINS).write_bytes((root / PINS).read_bytes())
        return Snapshot.from_json(_record(tree, revision, stack))


def _record(tree: Path, revision: str, stack: str) -> str:
    command = [sys.executable, "-m", "ops.preview.other_tree", str(tree), stack]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise BaseError(
            f"nothing is compared: the program of {revision} does not run for stack {stack} with what is installed "
            f"here: {reason}. See what changes with its own environment, or against a revision that runs."
        )
    return done.stdout


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise PreviewError(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout
