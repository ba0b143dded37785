"""The Spark side of a Glue run: the process that runs the job's script, and how many run at a time."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # Spark, which is not installed everywhere.
    from local.glue.jvm import Jvm

_LOOK_SECONDS: Final = 0.1


class Slots:
    """How many Sparks run at a time; the others wait, as a Glue run waits for capacity.

    Each takes gigabytes of memory and two cores. Of those that wait, the one with most to read goes first, so that
    it does not keep everybody waiting at the end.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int]] = []
        self._condition = threading.Condition()
        self._arrivals = itertools.count()

    @contextlib.contextmanager
    def taken(self, size: int, given_up: Callable[[], bool]) -> Iterator[None]:
        """Wait for a slot with `size` bytes to read, or until the run is given up, which takes none."""
        ticket = (-size, next(self._arrivals))
        with self._condition:
            bisect.insort(self._waiting, ticket)
            while not (got := self._free > 0 and self._waiting[0] == ticket) and not given_up():
                self._condition.wait(_LOOK_SECONDS)
            self._waiting.remove(ticket)
            self._free -= got
        try:
            yield
        finally:
            with self._condition:
                self._free += got
                self._condition.notify_all()


@dataclass(frozen=True)
class SparkRun:
    """One run of a job's script: where it works and what it sees."""

    directory: Path
    script: Path
    arguments: dict[str, str]
    libraries: list[Path]
    buckets: frozenset[str]
    environment: dict[str, str]

    def settings(self) -> dict[str, str]:
        """What Spark is set to for this run: `s3://<bucket>/` is the directory `s3/<bucket>`."""
        mounts = {
            f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": (self.directory / "s3" / bucket).as_uri()
            for bucket in sorted(self.buckets)
        }
        # Python functions that Spark calls see what the script sees.
        workers = {f"spark.executorEnv.{name}": value for name, value in self._environment().items()}
        return mounts | workers | {"spark.sql.warehouse.dir": (self.directory / "scratch" / "warehouse").as_uri()}

    def start(self, jvm: Jvm) -> subprocess.Popen[bytes]:
        """Start the process; its output goes to `stdout.log` and `stderr.log` in the directory."""
        scratch = self.directory / "scratch"
        scratch.mkdir(exist_ok=True)
        # For whoever looks for the processes of a run; that of the script works in its directory.
        (self.directory / "jvm.pid").write_text(str(jvm.pid), encoding="utf-8")
        command = [sys.executable, str(self.script)]
        for name, value in self.arguments.items():
            command += [name, value]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (
            (self.directory / "stdout.log").open("wb") as output,
            (self.directory / "stderr.log").open("wb") as errors,
        ):
            return subprocess.Popen(
                command,
                cwd=scratch,
                env=kept | self._environment() | jvm.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )

    def _environment(self) -> dict[str, str]:
        return self.environment | {
            "PYTHONPATH": os.pathsep.join(map(str, self.libraries)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.directory / "scratch"),
        }

    def last_error(self) -> str:
        """The line that says why the script failed, as Glue's ErrorMessage does."""
        text = (self.directory / "stderr.log").read_text(encoding="utf-8", errors="replace")
        _, found, trace = text.rpartition("Traceback (most recent call last):")
        lines = [line for line in (trace if found else text).splitlines() if line.strip()]
        if not found:
            return lines[-1] if lines else ""
        # The message is the first line of the last traceback that is not indented.
        return next((line for line in lines if not line.startswith(" ")), lines[-1])
