"""Why Spark failed: whether a task says so itself, the storage failed it, or it died."""

import re
from typing import Any

from pipeline_core.job_errors import (
    FileKilledSparkError,
    OverwrittenError,
    SparkDiedError,
    SparkFailedError,
    StorageError,
)
from py4j.protocol import Py4JJavaError
from pyspark.errors import PythonException

SAID = re.compile(r"^(?:.*PythonException: )?pipeline_core\.job_errors\.(\w+): (.*)$", re.MULTILINE)
"""What a task said itself: the last line of its Python trace, with the class of `pipeline_core.job_errors`."""

STORAGE = re.compile(
    r"Access ?Denied|amazonaws|awssdk|S3Exception|SdkClient|\bAWS\w*Exception|UnknownHost|SocketTimeout", re.IGNORECASE
)
"""What names S3, the S3A connector or the AWS SDK beneath it. The innermost exception often does not: it has no error
code where a HEAD was refused, and a connection just timed out (Hadoop 3.4, "Troubleshooting S3A", 2026-11)."""

WORKER_DIED = "Python worker exited unexpectedly"
"""What Spark says of one that was killed; the innermost cause is the end of its stream."""

DIED = re.compile(
    r"\b(?:OutOfMemoryError|ExecutorLostFailure|ExecutorDeadException)\b|Container killed by YARN"
    rf"|SparkContext was shut down|stopped SparkContext|{WORKER_DIED}|^[\w.]*MemoryError\b",
    re.MULTILINE,
)
"""What names a process that ended, or that had no memory left."""

FRAME = re.compile(r"^\s+at (?:[\w.@-]*/)*[\w.$<>]+\(|^\s+\.\.\. \d+ more")
ADDRESS = re.compile(r"\bs3[an]?://\S+")


def explained(error: Exception, *, started: bool, known_good_read: bool) -> SparkFailedError | OverwrittenError:
    """The exception that says what a failure of Spark means for the files.

    No failure says that the content of a file is bad: the record engine reads whatever there is, and what it cannot
    read is a problem or a reason in the report.

    Args:
        error: what py4j raised, or PySpark of it where a task's Python failed.
        started: whether Spark had started, so that it worked on the files.
        known_good_read: whether this run has read the known good file before.
    """
    if not isinstance(error, Py4JJavaError | PythonException):
        if "Trace:" in str(error):
            # py4j itself answers so, to a call that the JVM does not know.
            return SparkFailedError(str(error))
        died = "Spark's driver ended without a word: it ran out of memory, or was killed"
        return _died(died, known_good_read) if started else SparkFailedError(f"Spark did not start: {error}")
    said = SAID.search(str(error))
    if said is not None:
        match said[1]:
            case "OverwrittenError":
                return OverwrittenError(said[2])
            case "StorageError":
                return StorageError(said[2])
            case "SparkDiedError":
                return _died(said[2], known_good_read)
    # The first line of Spark's own message says which call failed, the last cause why.
    cause = root_cause(error)
    if is_storage(error):
        return StorageError(cause)
    if DIED.search(_without_frames(str(error))):
        worker = f"{WORKER_DIED}: it ran out of memory, or was killed" if WORKER_DIED in str(error) else cause
        return _died(worker, known_good_read)
    return SparkFailedError(cause)


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


def _without_frames(text: str) -> str:
    return "\n".join(ADDRESS.sub("", line) for line in text.splitlines() if not FRAME.match(line))


def root_cause(error: Py4JJavaError | PythonException) -> str:
    """The innermost cause of a failure in the JVM, or in a task's Python, in its own words."""
    if isinstance(error, PythonException):
        return str(error).strip().rpartition("\n")[2]
    cause: Any = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.toString())
