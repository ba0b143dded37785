"""Why Spark failed, and whether it was the storage: then no file is to blame."""

import re

from py4j.protocol import Py4JJavaError

STORAGE = re.compile(
    r"Access ?Denied|amazonaws|awssdk|S3Exception|SdkClient|\bAWS\w*Exception|UnknownHost|SocketTimeout", re.IGNORECASE
)
"""What names S3, the S3A connector or the AWS SDK beneath it. The innermost exception often does not: it has no error
code where a HEAD was refused, and a connection just timed out (Hadoop 3.4, "Troubleshooting S3A", 2026-11)."""

FRAME = re.compile(r"^\s+(?:at |\.\.\. )")
ADDRESS = re.compile(r"\bs3[an]?://\S+")


class SparkFailedError(Exception):
    """Spark could not do the work; the message is the innermost cause."""


class StorageError(SparkFailedError):
    """S3, or the way to it, failed Spark; the message is the innermost cause."""


def is_storage(error: Py4JJavaError) -> bool:
    """Whether any exception of a failure's chain is the storage's.

    Stack frames are not looked at, for whatever is read passes through the connector's code; nor are S3 addresses,
    whose keys are anybody's.
    """
    said = (line for line in str(error).splitlines() if not FRAME.match(line))
    return any(STORAGE.search(ADDRESS.sub("", line)) for line in said)


def root_cause(error: Py4JJavaError) -> str:
    """The innermost cause of a failure in the JVM, in its own words."""
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.toString())
