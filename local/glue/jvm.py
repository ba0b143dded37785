"""JVMs that run Spark for one script after another.

A fresh JVM spends most of a small job's time on loading and compiling Spark. A script's session is its own all the
same: its settings are set before it and taken back after it, its context is stopped, its file systems are closed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyspark
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.protocol import Py4JError

SETTINGS: Final = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "2",
    # The text of a plan is made for every action; "formatted" takes much longer to make than this.
    "spark.sql.ui.explainMode": "simple",
    # Else the folders of a table's partitions are listed by a Spark job, when there are many.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.LocalFileSystem",
}
"""Local settings only; what a job's meaning depends on, the job sets itself."""

# Start-up counts more than throughput here: the first compiler only, a collector without threads of its own.
# Hadoop's local file system starts a chmod for each file and folder that it makes, which is quicker with VFORK.
_JVM: Final = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -XX:ReservedCodeCacheSize=128m "
    "-Djdk.lang.Process.launchMechanism=VFORK"
)
_SETTLED_SECONDS: Final = 3
_START_SECONDS: Final = 60
_LOOK_SECONDS: Final = 0.05
_INTERPRETER: Final = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
"""Spark's workers would be whatever `python3` the PATH has."""
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "JAVA_HOME")

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


class JvmError(OSError):
    """A JVM did not start; the message ends with what it said."""


class ClassArchive:
    """Spark's classes, loaded and checked once for all JVMs: it takes a third off a small job's time in a new one.

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
        """The option for the next JVM: use the archive, write it, or nothing while another JVM writes it."""
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


class Jvm:
    """A JVM that waits for scripts, `runs` at most, in a directory of its own; starts at once.

    Raises:
        JvmError: if it ends, or does not answer within a minute.
    """

    def __init__(self, directory: Path, archive: str, runs: int) -> None:
        # Java writes the archive when it ends, so the one that writes it ends after its first run.
        self._writes_archive = "ArchiveClassesAtExit" in archive
        self._runs_left = 1 if self._writes_archive else runs
        self._settings: Mapping[str, str] = {}
        self.ended = False
        self.log = directory / "spark.log"
        # Java archives classes only if no directory with files is on the class path, and Spark puts this one there.
        configuration = directory / "conf"
        self._scratch = directory / "scratch"
        for made in (directory, configuration, self._scratch):
            made.mkdir(parents=True)
        logging, properties = directory / "log4j2.properties", directory / "spark.conf"
        logging.write_text(_LOGGING, encoding="utf-8")
        options = f"{_JVM} {archive} -Xlog:disable -Xlog:all=error:stderr -Dlog4j2.configurationFile={logging}"
        settings = SETTINGS | {"spark.driver.extraJavaOptions": options}
        properties.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
        address = directory / "address"
        spark = Path(pyspark.__file__).parent
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [spark / "bin" / "spark-submit", "--properties-file", properties, "pyspark-shell"],
                cwd=directory,
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
                | {
                    "SPARK_HOME": str(spark),
                    "SPARK_CONF_DIR": str(configuration),
                    "SPARK_LOCAL_DIRS": str(self._scratch),
                    "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_LAUNCHER_OPTS": _JVM,
                    **_INTERPRETER,
                    "_PYSPARK_DRIVER_CONN_INFO_PATH": str(address),
                },
                # It ends when this pipe closes: with the emulator, however that ends.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._port, self._secret = self._answer(address)
        except JvmError:
            self.close()
            raise
        self._gateway = ClientServer(
            java_parameters=JavaParameters(port=self._port, auth_token=self._secret, auto_convert=True),
            python_parameters=PythonParameters(port=0, eager_load=False),
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def _answer(self, address: Path) -> tuple[int, str]:
        deadline = time.monotonic() + _START_SECONDS
        while not address.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise JvmError(f"Spark's JVM did not start: {self._last_words()}")
            time.sleep(_LOOK_SECONDS)
        content = address.read_bytes()
        port, length = struct.unpack_from("!ii", content)
        return port, content[8 : 8 + length].decode()

    def _last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-1000:]

    def environment(self) -> dict[str, str]:
        """What makes PySpark use this JVM instead of starting one, and this Python for its workers."""
        return {"PYSPARK_GATEWAY_PORT": str(self._port), "PYSPARK_GATEWAY_SECRET": self._secret} | _INTERPRETER

    def set_up(self, settings: Mapping[str, str]) -> None:
        """Set what the next script's Spark shall have, over what every script's has.

        Raises:
            JvmError: if the JVM is not there any more.
        """
        self._settings, self.ended = settings, False
        try:
            for name, value in settings.items():
                self._gateway.jvm.java.lang.System.setProperty(name, value)
        except (Py4JError, OSError) as error:
            self.close()
            raise JvmError(f"Spark's JVM has ended: {self._last_words()}") from error

    def clear(self) -> bool:
        """Take away what a script left; returns whether the JVM can be used again."""
        self._runs_left -= 1
        # A script that was killed may have left anything.
        if self._runs_left <= 0 or not self.ended:
            return False
        try:
            spark = self._gateway.jvm.org.apache.spark
            self._stop_context()
            spark.sql.SparkSession.clearActiveSession()
            spark.sql.SparkSession.clearDefaultSession()
            # They remember the mounts that they were opened with.
            self._gateway.jvm.org.apache.hadoop.fs.FileSystem.closeAll()
            for name in self._settings:
                self._gateway.jvm.java.lang.System.clearProperty(name)
        except (Py4JError, OSError):
            return False
        return True

    def _stop_context(self) -> None:
        # A script that does not stop it leaves it to the end of its JVM.
        companion: Any = getattr(self._gateway.jvm.org.apache.spark, "SparkContext$")
        active = getattr(companion, "MODULE$").getActive()
        if active.isDefined():
            active.get().stop()

    def close(self) -> None:
        """End the JVM; one that writes the class archive takes its time."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not self._writes_archive:
            self._process.kill()
            self._process.wait()
            # One that is killed leaves what it spilled.
            shutil.rmtree(self._scratch, ignore_errors=True)


class Jvms:
    """The JVMs of an emulator: as many as there are scripts at a time, each for `runs` scripts at most."""

    def __init__(self, directory: Path, archive: ClassArchive, runs: int) -> None:
        self._directory, self._archive, self._runs = directory, archive, runs
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._idle: list[Jvm] = []

    @contextlib.contextmanager
    def taken(self, settings: Mapping[str, str], log: Path) -> Iterator[Jvm]:
        """Lend a JVM that is set up for a script; what it says meanwhile is written to `log`.

        It is used again only if `ended`, that the script came to an end of its own, is set by then.

        Raises:
            JvmError: if none could be started.
        """
        jvm = self._ready(settings)
        before = jvm.log.stat().st_size
        try:
            yield jvm
        finally:
            with jvm.log.open("rb") as said:
                said.seek(before)
                log.write_bytes(said.read())
            if jvm.clear():
                with self._lock:
                    self._idle.append(jvm)
            else:
                jvm.close()

    def _ready(self, settings: Mapping[str, str]) -> Jvm:
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        if idle is not None:
            # It may have died since, and there are more.
            with contextlib.suppress(JvmError):
                idle.set_up(settings)
                return idle
        with self._lock:
            # An emulator that used the same directory before left its own.
            places = (self._directory / f"jvm-{number}" for number in self._numbers)
            directory, option = next(place for place in places if not place.exists()), self._archive.option()
        fresh = Jvm(directory, option, self._runs)
        fresh.set_up(settings)
        return fresh
