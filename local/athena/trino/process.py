"""The process of a Trino server."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 180
_OPTIONS: Final = (
    "-Xmx2g",
    # A query takes less than a second here: compiling it again and better would not pay.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    # Each query is classes of its own: what the first compiler has for their code by itself is full after a few dozen.
    "-XX:ReservedCodeCacheSize=512m",
    "-XX:MetaspaceSize=512m",
    "-Xmn1g",
    # Trino measures objects by JOL, which would start further JVMs to look into this one: a fifth of the start's time.
    "-Djol.skipHotspotSAAttach=true",
    "--add-modules=jdk.incubator.vector",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)


class TrinoError(Exception):
    """Trino cannot be started; the message says what is missing and what to do."""


class Process:
    """A server that runs when this returns; it ends with the process that started it.

    Args:
        java: the program.
        options: of Java, beside those that every server has.
        class_path: what the server is made of.
        log: what the server says is added to this file.
        arguments: endpoint and region of the emulator, and the access key.

    Raises:
        TrinoError: it does not start.
    """

    def __init__(
        self, java: Path, options: Sequence[str], class_path: str, log: Path, arguments: Sequence[str]
    ) -> None:
        endpoint, region, access_key = arguments
        log.parent.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [str(java), *_OPTIONS, *options, f"-Djava.io.tmpdir={log.parent}", "-cp", class_path]
        command += ["TrinoServer", endpoint, str(port), region, access_key]
        with log.open("ab") as file:
            log_began = file.tell()
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file)
        deadline = time.monotonic() + _START_SECONDS
        while b"READY\n" not in log.read_bytes()[log_began:] or not answers(self.url):
            if not self.running() or time.monotonic() > deadline:
                self.stop(0)
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
                raise TrinoError(f"Trino did not start; its log, {log}, ends with:\n{tail}")
            time.sleep(0.2)

    def running(self) -> bool:
        """Whether it is alive."""
        return self._process.poll() is None

    def stop(self, seconds: float) -> None:
        """Have it end, and kill it if it has not after so many seconds."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._process.kill()
        self._process.wait()


def answers(url: str) -> bool:
    """Whether a Trino answers at an address, and is ready."""
    try:
        with urllib.request.urlopen(f"{url}/v1/info", timeout=2) as answer:
            return b'"starting":false' in answer.read()
    except (urllib.error.URLError, OSError):
        return False
