"""Copies of the repository, as somebody who clones it has one."""

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def copy_repository(directory: Path) -> Path:
    """Copy what git knows of the repository, as it lies here, into a directory."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target)
    return directory


def with_environment(clone: Path) -> Path:
    """Give a copy the virtual environment, and what Spark keeps, of the repository."""
    (clone / ".venv").symlink_to(REPOSITORY / ".venv")
    (cache := REPOSITORY / ".local" / "cache").mkdir(parents=True, exist_ok=True)
    (clone / ".local").mkdir()
    (clone / ".local" / "cache").symlink_to(cache)
    for pins in (clone / "requirements").glob("*.txt"):
        # The environment is there: older than it, the requirements have nobody make it again.
        os.utime(pins, (0, 0))
    return clone
