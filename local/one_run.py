"""What has to hold before an emulator is started for a person: a port, Java, room, and a directory of its own.

Each problem is one sentence, said before anything is started.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

JAVA: Final = 17
"""What Spark 3.5 runs on, and Glue 5 has (Spark 3.5 documentation, "Downloading", 2026-11)."""
NEEDED_MEGABYTES: Final = 1_000
"""A demo leaves 350 MB, and Spark writes about as much again on its way."""
LOCK: Final = "lock"
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a run: a person, a supervisor, and a terminal that is closed."""

_LAST_PORT: Final = 65_535


class RefusedError(Exception):
    """A run cannot be started here and now; the message is the one sentence that says why and what to do."""


def port_of(text: str) -> int:
    """Read a port number.

    Raises:
        RefusedError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= _LAST_PORT:
        raise RefusedError(f"--port {text!r} is no port: allowed is a number from 1 to {_LAST_PORT}.")
    return int(text)


def check_port(port: int) -> None:
    """Make sure that a server can listen at a port of the loopback interface.

    Raises:
        RefusedError: somebody listens there, or it is reserved for the system.
    """
    with socket.socket() as probe:
        # As servers do it: what an earlier one left in TIME_WAIT is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            what = "is taken: stop what listens there" if taken else f"cannot be used: {error.strerror}"
            raise RefusedError(f"Port {port} {what}, or choose another by --port.") from None


def check_spark() -> None:
    """Make sure that Spark is installed, and that there is a Java that it runs on.

    Raises:
        RefusedError: there is no Spark, no Java, or another Java.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise RefusedError("Spark is not installed in this environment: `make setup` installs it.")
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    advice = f"install Java {JAVA}, and let JAVA_HOME or the PATH lead to it."
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise RefusedError(f"There is no Java that can be started ({java}), which Spark needs: {advice}") from None
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if found is None or int(found[1]) != JAVA:
        version = f"Java {found[1]}" if found else "no Java"
        raise RefusedError(f"{java} is {version}, and Spark needs Java {JAVA}: {advice}")


def check_room(directory: Path) -> None:
    """Make sure that there is room for a run's files.

    Raises:
        RefusedError: there is not, or the directory cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free // 10**6
    except OSError as error:
        raise RefusedError(f"{directory} cannot be used ({error.strerror}): choose another by --workdir.") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise RefusedError(f"{directory} cannot be written to: choose another by --workdir.")
    if free < NEEDED_MEGABYTES:
        raise RefusedError(f"{NEEDED_MEGABYTES} MB have to be free in {directory}, but {free} MB are: make room first.")


@contextlib.contextmanager
def claimed(directory: Path, endpoint: str) -> Iterator[None]:
    """Have a run's directory for oneself while the block lasts; who has it stands in a file there.

    The lock goes with this process, however it ends.

    Raises:
        RefusedError: another run has it; names its process and its endpoint.
    """
    path = directory / LOCK
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RefusedError(
                f"{directory} is in use by process {_holder(file)}: end that one, or ask for a second run by --port."
            ) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "endpoint": endpoint}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        found = json.loads(file.read())
        return f"{found['pid']} at {found['endpoint']}"
    except (ValueError, KeyError, TypeError):
        # It has the lock, and did not come to write yet.
        return "(another one)"


def is_claimed(directory: Path) -> bool:
    """Whether a run has the directory now."""
    with contextlib.suppress(FileNotFoundError), (directory / LOCK).open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def empty(directory: Path) -> None:
    """Remove what an earlier run left in a directory, but for the lock."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


def ending_signals() -> list[signal.Signals]:
    """The signals that end a run here: one that is ignored, as `nohup` has it, stays ignored."""
    return [signum for signum in ENDING if signal.getsignal(signum) is not signal.SIG_IGN]
