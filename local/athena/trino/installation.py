"""What a Trino server is made of: a JDK, its jars from Maven Central, and the classes that it loads, checked once.

The jars lie in the user's repository of Maven; where, the compiled class and the archive of classes are kept in a cache
directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.athena.answers import QueryFailedError
from local.athena.trino import client
from local.athena.trino.process import Process, TrinoError

JAVA: Final = 24
"""The oldest Java that Trino 476 runs on (Trino 476 documentation, "Deploying Trino", 2026-11)."""
MAVEN: Final = "mvn"

_HERE: Final = Path(__file__).resolve().parent
_PLACES: Final = ("/usr/lib/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home", "~/.sdkman/candidates/java/*")
_NOWHERE: Final = ("http://127.0.0.1:9", "us-east-1", "none")
_ARCHIVE_SECONDS: Final = 120


@dataclass(frozen=True)
class Installation:
    """What a server is started with."""

    java: Path
    class_path: str
    archive: Path

    @property
    def options(self) -> list[str]:
        """Options of Java: with its archive, a server starts in less than half of the time."""
        # What Java cannot use of it is no error: it goes on without.
        return [f"-XX:SharedArchiveFile={self.archive}", "-Xlog:cds=off"] if self.archive.exists() else []


def install(cache: Path) -> Installation:
    """Find a JDK; fetch Trino's jars, compile the server and archive its classes, if it was not done before.

    Raises:
        TrinoError: there is no JDK, or Maven, the compiler or the server fails.
    """
    home = find_java()
    sources = [_HERE / "pom.xml", _HERE / "TrinoServer.java"]
    name = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + str(home).encode()).hexdigest()[:12]
    place = cache / f"trino-{name}"
    listed, server = place / "installed", place / "server.jar"
    with _locked(cache / "trino.lock"):
        if listed.exists():
            class_path = listed.read_text(encoding="utf-8")
            if all(Path(jar).exists() for jar in class_path.split(os.pathsep)):
                return Installation(home / "bin" / "java", class_path, place / "classes.jsa")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copy(sources[0], place / "pom.xml")
        jars = place / "jars"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
        _run([MAVEN, "-q", "-B", "-f", str(place / "pom.xml"), goal, f"-Dmdep.outputFile={jars}"])
        class_path = jars.read_text(encoding="utf-8").strip()
        compiler = [str(home / "bin" / "javac"), "--release", str(JAVA), "-proc:none", "-cp", class_path]
        _run([*compiler, "-d", str(place / "classes"), str(sources[1])])
        # Java archives classes only if all that is on the class path is jars.
        _run([str(home / "bin" / "jar"), "--create", f"--file={server}", "-C", str(place / "classes"), "."])
        installation = Installation(
            home / "bin" / "java", os.pathsep.join([str(server), class_path]), place / "classes.jsa"
        )
        _archive(installation)
        part = listed.with_suffix(".part")
        part.write_text(installation.class_path, encoding="utf-8")
        part.replace(listed)
        return installation


def _archive(installation: Installation) -> None:
    """Have a server write, when it ends, the classes that it has loaded; without them, servers start all the same."""
    option = f"-XX:ArchiveClassesAtExit={installation.archive}"
    with tempfile.TemporaryDirectory() as folder:
        server = Process(installation.java, [option], installation.class_path, Path(folder) / "trino.log", _NOWHERE)
        try:
            # Those of a query are among them.
            client.ask(server.url, "SELECT count(*) FROM (VALUES 1, 2) AS t (n) WHERE n > 1", database="none")
        except (QueryFailedError, client.LostError) as error:
            raise TrinoError(f"Trino does not answer a query of constants: {error}") from error
        finally:
            server.stop(_ARCHIVE_SECONDS)


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
