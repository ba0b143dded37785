"""Start the environments of Python functions as forks of one process that has their libraries already.

MiniStack unpacks the code and starts an interpreter for each, and most of a start is the import of boto3, Powertools,
pyarrow and PyIceberg: 0.5 to 3 seconds of CPU (measured in November 2026), for each of the environments that a burst of
files asks for. Here libraries are imported once, and each version of a function's code is unpacked and compiled once;
an environment still imports the function's own modules itself. Nobody writes to the code: on Lambda it is read-only.
"""

from __future__ import annotations

import hashlib
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from multiprocessing import connection, get_context, util
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any, ClassVar, Final, Self

from local.patches import monkeypatch

SUPPORTED: Final = sys.platform == "linux"
"""macOS's own libraries do not survive a fork (Python's documentation of multiprocessing, 2026-11)."""

LIBRARIES: Final = (
    "boto3.dynamodb.conditions",
    "boto3.session",
    "botocore.auth",
    "botocore.client",
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.signers",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.tracing",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.typing",
    "wrapt",
    "pyarrow.compute",
    "pyarrow.csv",
    "pyarrow.json",
    "pyarrow.parquet",
    "pyiceberg.catalog.glue",
    "pyiceberg.io.pyarrow",
    "pyiceberg.table",
    "local.patches.preloaded",
)
"""What functions import, but for what reads the environment while it is imported (the X-Ray SDK); and what follows."""


class Forked:
    """An environment, with as much of `subprocess.Popen` as MiniStack uses."""

    def __init__(self, context: ForkServerContext, script: Path, folder: str, environment: dict[str, str]) -> None:
        ends = [os.pipe() for _ in range(3)]
        given = (ends[0][0], ends[1][1], ends[2][1])
        self._process = context.Process(
            target=_run, args=(str(script), folder, environment, *map(_Passed, given)), daemon=True
        )
        self._lock = threading.Lock()
        try:
            self._process.start()
        finally:
            for descriptor in given:
                os.close(descriptor)
        self.stdin: IO[str] = os.fdopen(ends[0][1], "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(ends[1][0], encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(ends[2][0], encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid or 0

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        with self._lock:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after `timeout` seconds.
        """
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()
        self.wait()


class _Passed:
    """A descriptor that goes to the new process with its arguments."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Any, ...]:
        # Made while the process is started: only then is it known how it gets descriptors.
        return _received, (DupFd(self.descriptor),)


def _received(passed: Any) -> int:
    return int(passed.detach())


def _run(script: str, folder: str, environment: dict[str, str], stdin: int, stdout: int, stderr: int) -> None:
    """Become what `python script` is in a folder and with an environment of its own."""
    for given, own in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(given, own)
        os.close(given)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    # Its own modules are compiled once, where they are unpacked.
    sys.dont_write_bytecode = False
    # Neither the emulator nor the folder that it was started in is the function's to find.
    for name in [name for name in sys.modules if name.partition(".")[0] == "local"]:
        del sys.modules[name]
    here = os.getcwd()
    sys.path[:] = [str(Path(script).parent), *(path for path in sys.path if path not in ("", here))]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")


class SharedZip(zipfile.ZipFile):
    """An archive that is unpacked once: whoever unpacks it again gets a link to the same files."""

    _locks: ClassVar[defaultdict[str, threading.Lock]] = defaultdict(threading.Lock)

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
        """Put the files into an empty folder."""
        assert self.filename
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir(), "unpacked", digest)
        # A burst of files starts many environments of a function at once: all but the first wait for its files.
        with self._locks[digest]:
            if not shared.exists():
                shared.parent.mkdir(exist_ok=True)
                mine = tempfile.mkdtemp(dir=shared.parent)
                super().extractall(mine)
                os.rename(mine, shared)
        os.rmdir(path)
        os.symlink(shared, path)


class _Zipfile:
    """The module `zipfile` as MiniStack's runtime of functions sees it."""

    ZipFile = SharedZip

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)


class _Subprocess:
    """The module `subprocess` as MiniStack's runtime of functions sees it."""

    def __init__(self, context: ForkServerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: list[str], **options: Any) -> Any:  # noqa: N802  the module's name
        """Fork where it is about a Python function, else start as asked."""
        if command[0] == sys.executable and len(command) == 2:
            return Forked(self._context, Path(command[1]), options["cwd"], options["env"])
        return subprocess.Popen(command, **options)


def install() -> None:
    """Unpack code once and, where that is supported, fork functions from now on; libraries are imported meanwhile.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    from ministack.core import lambda_runtime

    for name in ("subprocess", "zipfile"):
        monkeypatch.value(lambda_runtime, name, type(subprocess))
    lambda_runtime.zipfile = _Zipfile()
    if not SUPPORTED:
        return
    # The path of a socket has 107 bytes at most (unix(7)), and this process's own folder may be deeper.
    usual, tempfile.tempdir = tempfile.gettempdir(), "/tmp"
    util.get_temp_dir()
    tempfile.tempdir = usual
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    lambda_runtime.subprocess = _Subprocess(context)
    # The first process waits for the imports; nobody else does.
    threading.Thread(target=_begin, args=(context,), daemon=True).start()


def _begin(context: ForkServerContext) -> None:
    process = context.Process(target=_nothing, daemon=True)
    process.start()
    process.join()


def _nothing() -> None:
    """What the first process does."""
