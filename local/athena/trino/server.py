"""Start and stop a Trino server that reads an emulator's Glue catalog and S3.

Its jars come from Maven Central into the user's repository of Maven; where they lie, and the compiled class, is kept in
a cache directory. A server that is given by its address is neither started nor stopped here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

JAVA: Final = 24
"""The oldest Java that Trino 476 runs on (Trino 476 documentation, "Deploying Trino", 2026-11)."""
MAVEN: Final = "mvn"
QUICK: Final = "quick"
TRINO: Final = "trino"

_HERE: Final = Path(__file__).resolve().parent
_START_SECONDS: Final = 180
_STOP_SECONDS: Final = 5
_PLACES: Final = ("/usr/lib/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home", "~/.sdkman/candidates/java/*")
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


def find_java() -> Path:
    """Find a JDK that Trino runs on: JAVA_HOME, what JAVA_HOME_TRINO names, or one in the usual places.

    Raises:
        TrinoError: there is none.
    """
    homes = [Path(os.environ[name]) for name in ("JAVA_HOME_TRINO", "JAVA_HOME") if os.environ.get(name)]
    for pattern in _PLACES:
        root = Path(pattern.split("*")[0]).expanduser()
        homes += sorted(root.glob("*" + pattern.split("*", 1)[1])) if root.is_dir() else []
    found = []
    for home in homes:
        version = _version(home)
        if version is not None and version >= JAVA and (home / "bin" / "javac").exists():
            return home
        if version is not None:
            found.append(f"Java {version} in {home}")
    raise TrinoError(
        f"ATHENA=trino needs a JDK of {JAVA} or later; found: {', '.join(found) or 'no Java at all'}. "
        "Install one, and let JAVA_HOME_TRINO or JAVA_HOME lead to it."
    )


def _version(home: Path) -> int | None:
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else None


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


def prepare(cache: Path) -> None:
    """Fetch Trino's jars and compile the server, if it was not done before.

    Raises:
        TrinoError: Maven or the compiler fails.
    """
    _class_path(find_java(), cache)


class Trino:
    """A server of one's own (or, with `address`, somebody else's); it is started when it is first asked for.

    It ends with the process that started it. One that died is started again by the next `address`.
    """

    def __init__(self, directory: Path, cache: Path, endpoint: str, region: str, access_key: str) -> None:
        self._directory, self._cache = directory, cache
        self._endpoint, self._region, self._access_key = endpoint, region, access_key
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def log(self) -> Path:
        """What the server says."""
        return self._directory / "trino.log"

    def address(self) -> str:
        """The URL of the server, which answers; starts it if it is not running.

        Raises:
            TrinoError: it does not start.
        """
        with self._lock:
            if not self.running():
                self._start()
            return f"http://127.0.0.1:{self._port}"

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server; harmless if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        process.kill()
        process.wait()

    def _start(self) -> None:
        self.stop()
        home = find_java()
        class_path = _class_path(home, self._cache)
        self._directory.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = [str(home / "bin" / "java"), *_OPTIONS, f"-Djava.io.tmpdir={self._directory}", "-cp", class_path]
        command += ["TrinoServer", self._endpoint, str(self._port), self._region, self._access_key]
        with self.log.open("ab") as log:
            log_began = log.tell()
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while b"READY\n" not in self.log.read_bytes()[log_began:] or not _answers(f"http://127.0.0.1:{self._port}"):
            if not self.running() or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
                raise TrinoError(f"Trino did not start; its log, {self.log}, ends with:\n{tail}")
            time.sleep(0.2)


class Given:
    """A server that somebody else started, at an address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def address(self) -> str:
        """Its address, as it was given.

        Raises:
            TrinoError: nothing answers there.
        """
        if not _answers(self._url):
            raise TrinoError(f"No Trino answers at {self._url}: start it, or leave its address out.")
        return self._url

    def running(self) -> bool:
        """Whether it answers."""
        return _answers(self._url)

    def stop(self) -> None:
        """Leave it alone: it is somebody else's."""


def choose(athena: str, directory: Path, cache: Path, endpoint: str, region: str, access_key: str) -> Trino | Given:
    """The server that `athena` names: `trino` for one of one's own, or an address."""
    if athena == TRINO:
        return Trino(directory, cache, endpoint, region, access_key)
    return Given(athena)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v1/info", timeout=2) as answer:
            return b'"starting":false' in answer.read()
    except (urllib.error.URLError, OSError):
        return False


def _class_path(home: Path, cache: Path) -> str:
    """Where the jars and the compiled class are; fetched and compiled if they are not there yet.

    Raises:
        TrinoError: Maven or the compiler fails.
    """
    sources = [_HERE / "pom.xml", _HERE / "TrinoServer.java"]
    name = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + str(home).encode()).hexdigest()[:12]
    place = cache / f"trino-{name}"
    with _locked(cache / "trino.lock"):
        listed = place / "class-path"
        if listed.exists():
            jars = listed.read_text(encoding="utf-8")
            if all(Path(jar).exists() for jar in jars.split(os.pathsep)):
                return os.pathsep.join([str(place), jars])
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources[0], place / "pom.xml")
        part = place / "class-path.part"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
        _run([MAVEN, "-q", "-B", "-f", str(place / "pom.xml"), goal, f"-Dmdep.outputFile={part}"])
        jars = part.read_text(encoding="utf-8").strip()
        compiler = [str(home / "bin" / "javac"), "--release", str(JAVA), "-proc:none", "-cp", jars, "-d", str(place)]
        _run([*compiler, str(sources[1])])
        part.replace(listed)
        return os.pathsep.join([str(place), jars])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise TrinoError(
            f"{command[0]} cannot be started: {error.strerror}. Trino's jars are fetched with it."
        ) from None
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise TrinoError(f"{command[0]} failed while Trino was prepared (it fetches from Maven Central):\n{said}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
