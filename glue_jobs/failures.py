"""Why Spark failed: whether its reader says so of a file, the storage failed it, or it died."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from pipeline_core.job_errors import (
    FileKilledSparkError,
    SparkDiedError,
    SparkFailedError,
    StorageError,
    UnreadableFileError,
)
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JJavaError

from glue_jobs.records import without_scheme

STORAGE = re.compile(
    r"Access ?Denied|amazonaws|awssdk|S3Exception|SdkClient|\bAWS\w*Exception|UnknownHost|SocketTimeout", re.IGNORECASE
)
"""What names S3, the S3A connector or the AWS SDK beneath it. The innermost exception often does not: it has no error
code where a HEAD was refused, and a connection just timed out (Hadoop 3.4, "Troubleshooting S3A", 2026-11)."""

DIED = re.compile(
    r"\b(?:OutOfMemoryError|ExecutorLostFailure|ExecutorDeadException)\b|Container killed by YARN"
    r"|SparkContext was shut down|stopped SparkContext"
)
"""What names a process that ended, or that had no memory left."""

FRAME = re.compile(r"^\s+at (?:[\w.@-]*/)*(?P<place>[\w.$<>]+)\(")
MORE = re.compile(r"^\s+\.\.\. \d+ more")
ADDRESS = re.compile(r"\bs3[an]?://\S+")
DRIVER = "Driver stacktrace:"
"""What Spark writes before the frames of its scheduler, which say nothing about the task that failed."""

ANYBODYS = re.compile(
    r"(?!java\.net\.(?!URLClassLoader)|java\.nio\.channels\.|java\.io\.(?:File|RandomAccess)|sun\.nio\.|sun\.security\.|javax\.net\.)"
    r"(?:java|javax|jdk|sun|scala)\."
)
"""Library code that throws for whoever calls it; what is left out throws for the network and the disk."""

READERS = re.compile(
    r"java\.util\.zip\.|org\.apache\.parquet\.|shaded\.parquet\.|org\.apache\.hadoop\.io\.compress\.|org\.xerial\.snappy\."
    r"|com\.github\.luben\.zstd\.|net\.jpountz\.|io\.airlift\.compress\."
    r"|org\.apache\.spark\.sql\.execution\.datasources\.parquet\."
)
"""Code that unpacks and decodes what was read: what it throws itself is about the content."""

BROKEN_CODE = re.compile(r"^(?:Caused by: |: )?[\w.$]+Error(?::|$)")
"""Java's Errors: no memory, a class or a native library that is not there. None is about a file."""

READING = re.compile(r"Encountered error while reading file (\S+)\. Details:")
"""How Spark 3.5 names the file that a task was reading (QueryExecutionErrors.cannotReadFilesError)."""


def explained(
    error: Exception, files: Sequence[ManifestFile], *, started: bool, known_good_read: bool
) -> SparkFailedError:
    """The exception that says what a failure of Spark means for the files.

    Args:
        error: what py4j raised.
        files: of the batch.
        started: whether Spark had started, so that it worked on the files.
        known_good_read: whether this run has read the known good file before.
    """
    if not isinstance(error, Py4JJavaError):
        if "Trace:" in str(error):
            # py4j itself answers so, to a call that the JVM does not know.
            return SparkFailedError(str(error))
        died = "Spark's driver ended without a word: it ran out of memory, or was killed"
        return _died(died, known_good_read) if started else SparkFailedError(f"Spark did not start: {error}")
    # The first line of Spark's own message says which call failed, the last cause why.
    cause = root_cause(error)
    if is_storage(error):
        return StorageError(cause)
    if DIED.search(_without_frames(str(error))):
        return _died(cause, known_good_read)
    file = unreadable_file(error, files)
    return SparkFailedError(cause) if file is None else UnreadableFileError(f"{cause} (in {file.key})")


def _died(message: str, known_good_read: bool) -> SparkDiedError:
    if known_good_read:
        return FileKilledSparkError(f"{message}; the known good file was read in the same run")
    return SparkDiedError(message)


def is_storage(error: Exception) -> bool:
    """Whether any exception of a failure's chain is the storage's.

    Stack frames are not looked at, for whatever is read passes through the connector's code; nor are S3 addresses,
    whose keys are anybody's.
    """
    return bool(STORAGE.search(_without_frames(str(error))))


def unreadable_file(error: Exception, files: Sequence[ManifestFile]) -> ManifestFile | None:
    """The file of which Spark's reader says that it cannot be read; None if no reader says so, or of another file."""
    if not is_content(error):
        return None
    named = {without_scheme(unquote(path)) for path in READING.findall(str(error))}
    found = [file for file in files if without_scheme(file.uri) in named]
    return found[0] if len(found) == 1 else None


def is_content(error: Exception) -> bool:
    """Whether code that unpacks or decodes threw a failure's innermost exception itself, and not a broken runtime."""
    header, places = _innermost(str(error))
    own = next((place for place in places if READERS.match(place) or not ANYBODYS.match(place)), "")
    return bool(READERS.match(own)) and not BROKEN_CODE.search(header)


def _innermost(text: str) -> tuple[str, list[str]]:
    """The first line and the frames of the exception that was thrown first: the last one of the text."""
    found: list[tuple[str, list[str]]] = [("", [])]
    in_frames = False
    for line in text.splitlines():
        if frame := FRAME.match(line):
            found[-1][1].append(frame["place"])
            in_frames = True
        elif not MORE.match(line) and line.strip():
            if in_frames or line == DRIVER or line.startswith(("Caused by: ", ": ")) or not found[-1][0]:
                found.append((line, []))
            in_frames = False
    return next(((line, places) for line, places in reversed(found) if places and line != DRIVER), ("", []))


def _without_frames(text: str) -> str:
    said = (line for line in text.splitlines() if not FRAME.match(line) and not MORE.match(line))
    return "\n".join(ADDRESS.sub("", line) for line in said)


def root_cause(error: Py4JJavaError) -> str:
    """The innermost cause of a failure in the JVM, in its own words."""
    cause: Any = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.toString())
