"""Start and stop a Trino server that reads an emulator's Glue catalog and S3.

A server that is given by its address is neither started nor stopped here.
"""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path
from typing import Final

from local.athena.trino.installation import MAVEN, find_java, install
from local.athena.trino.process import Process, TrinoError, answers

QUICK: Final = "quick"
TRINO: Final = "trino"
_STOP_SECONDS: Final = 5


def check(athena: str) -> None:
    """Make sure that the engine `athena` can be had: quick, trino (a JDK, and Maven for the jars), or an address.

    Raises:
        TrinoError: something is missing, or it is none of them.
    """
    if athena == QUICK:
        return
    if athena != TRINO:
        if not re.match(r"https?://[^/]+", athena):
            raise TrinoError(f"ATHENA={athena!r} is no engine: allowed are quick, trino, and http://<host>:<port>.")
        Given(athena).address()
        return
    find_java()
    if shutil.which(MAVEN) is None:
        raise TrinoError("ATHENA=trino needs Maven (mvn) for Trino's jars: install it, and let the PATH lead to it.")


class Trino:
    """A server of one's own; it is started when it is first asked for.

    It ends with the process that started it. One that died is started again by the next `address`.
    """

    def __init__(self, directory: Path, cache: Path, endpoint: str, region: str, access_key: str) -> None:
        self._cache, self._arguments = cache, (endpoint, region, access_key)
        self.log = directory / "trino.log"
        """What the server says."""
        self._lock = threading.Lock()
        self._process: Process | None = None

    def address(self) -> str:
        """The URL of the server, which answers; starts it if it is not running.

        Raises:
            TrinoError: it does not start.
        """
        with self._lock:
            if self._process is None or not self._process.running():
                self.stop()
                found = install(self._cache)
                self._process = Process(found.java, found.options, found.class_path, self.log, self._arguments)
            return self._process.url

    def running(self) -> bool:
        """Whether the process is alive."""
        process = self._process
        return process is not None and process.running()

    def stop(self) -> None:
        """Stop the server; harmless if it is not running."""
        process, self._process = self._process, None
        if process is not None:
            process.stop(_STOP_SECONDS)


class Given:
    """A server that somebody else started, at an address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def address(self) -> str:
        """Its address, as it was given.

        Raises:
            TrinoError: nothing answers there.
        """
        if not answers(self._url):
            raise TrinoError(f"No Trino answers at {self._url}: start it, or leave its address out.")
        return self._url

    def running(self) -> bool:
        """Whether it answers."""
        return answers(self._url)

    def stop(self) -> None:
        """Leave it alone: it is somebody else's."""


def choose(athena: str, directory: Path, cache: Path, endpoint: str, region: str, access_key: str) -> Trino | Given:
    """The server that `athena` names: `trino` for one of one's own, or an address."""
    if athena == TRINO:
        return Trino(directory, cache, endpoint, region, access_key)
    return Given(athena)
