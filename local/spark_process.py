"""The Spark side of a Glue run: settings and the process that runs the job's script."""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

SETTINGS: Final = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "2",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.LocalFileSystem",
}
"""Local settings only; what a job's meaning depends on, the job sets itself."""

# Start-up counts more than throughput here: the first compiler only, a collector without threads of its own.
_JVM: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
_SETTLED_SECONDS: Final = 3
_LOOK_SECONDS: Final = 0.1

_LOGGING: Final = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.utils.name = org.apache.spark.util.Utils
logger.utils.level = error
"""


class ClassArchive:
    """Spark's classes, loaded and checked once for all runs: it takes a third off a small job's time.

    The first JVM writes the archive when it ends; later ones map it. An archive of another Java or Spark has
    another name, and Java ignores one that does not fit.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        java = Path(os.path.realpath(shutil.which("java") or "java")).as_posix()
        digest = hashlib.sha256(f"{java} {sys.executable}".encode()).hexdigest()[:12]
        self._archive = directory / f"spark-{version('pyspark')}-{digest}.jsa"
        self._part = self._archive.with_suffix(f".{os.getpid()}.part")
        self._claimed = False
        for left_over in directory.glob("*.part"):
            # Of an emulator that was stopped while Java wrote, or that is writing now: then it takes a little longer.
            left_over.unlink(missing_ok=True)

    def option(self) -> str:
        """The JVM option for the next run: use the archive, write it, or nothing while another run writes it."""
        if not self._archive.exists() and self._settled():
            self._part.replace(self._archive)
        if self._archive.exists():
            return f"-XX:SharedArchiveFile={self._archive}"
        if self._claimed:
            return ""
        self._claimed = True
        return f"-XX:ArchiveClassesAtExit={self._part}"

    def _settled(self) -> bool:
        return self._part.exists() and time.time() - self._part.stat().st_mtime > _SETTLED_SECONDS


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
    archive: ClassArchive

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process; its output goes to `stdout.log` and `stderr.log` in the directory."""
        scratch = self.directory / "scratch"
        # Java archives classes only if no directory with files is on the class path, and Spark puts this one there.
        configuration = self.directory / "conf"
        for made in (scratch, configuration):
            made.mkdir(exist_ok=True)
        logging = self.directory / "log4j2.properties"
        logging.write_text(_LOGGING, encoding="utf-8")
        java = (
            f"{_JVM} {self.archive.option()} -Xlog:disable -Xlog:all=error:stderr -Dlog4j2.configurationFile={logging}"
        )
        properties = self.directory / "spark.conf"
        properties.write_text(spark_defaults(self.directory / "s3", self.buckets, scratch, java), encoding="utf-8")
        command = [sys.executable, str(self.script)]
        for name, value in self.arguments.items():
            command += [name, value]
        with (
            (self.directory / "stdout.log").open("wb") as output,
            (self.directory / "stderr.log").open("wb") as errors,
        ):
            return subprocess.Popen(
                command,
                cwd=scratch,
                env=self._environment(configuration, properties, scratch),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )

    def _environment(self, configuration: Path, properties: Path, scratch: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JAVA_HOME") if name in os.environ}
        return (
            kept
            | self.environment
            | {
                "PYTHONPATH": os.pathsep.join(map(str, self.libraries)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYSPARK_PYTHON": sys.executable,
                "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(properties))} pyspark-shell",
                "SPARK_LAUNCHER_OPTS": _JVM,
                "PYSPARK_DRIVER_PYTHON": sys.executable,
                "SPARK_CONF_DIR": str(configuration),
                "SPARK_LOCAL_DIRS": str(scratch),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "TMPDIR": str(scratch),
            }
        )

    def last_error(self) -> str:
        """The line that says why the script failed, as Glue's ErrorMessage does."""
        text = (self.directory / "stderr.log").read_text(encoding="utf-8", errors="replace")
        _, found, trace = text.rpartition("Traceback (most recent call last):")
        lines = [line for line in (trace if found else text).splitlines() if line.strip()]
        if not found:
            return lines[-1] if lines else ""
        # The message is the first line of the last traceback that is not indented.
        return next((line for line in lines if not line.startswith(" ")), lines[-1])


def spark_defaults(mirror: Path, buckets: Iterable[str], scratch: Path, java: str) -> str:
    """The text of a properties file for Spark: `s3://<bucket>/` is the directory `<mirror>/<bucket>`."""
    mounts = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": (mirror / bucket).as_uri()
        for bucket in sorted(buckets)
    }
    places = {"spark.sql.warehouse.dir": (scratch / "warehouse").as_uri()}
    places["spark.driver.extraJavaOptions"] = java
    return "".join(f"{name} {value}\n" for name, value in (SETTINGS | mounts | places).items())
