"""What the job says when it fails: the class of its exception says whose fault it is. Standard library only.

What is wrong with the content of a file is a problem or a reason in the report, and fails no run. What a failed run
says, it says of the platform: Spark, Glue, S3, the network, a permission; a file is to blame only for the death of a
Spark that reads other files (docs/adr/0024).
"""

import re


class SparkFailedError(Exception):
    """Spark could not do the work, and nobody says that a file is the reason; the message is the innermost cause."""


class StorageError(SparkFailedError):
    """S3, or the way to it, failed Spark."""


class SparkDiedError(SparkFailedError):
    """Spark's JVM or a worker ended, ran out of memory or lost its executors while it worked on the files."""


class FileKilledSparkError(SparkDiedError):
    """So it did on one file alone, after it had read the known good file in the same run."""


class OverwrittenError(Exception):
    """The version of a file that the manifest names was deleted before it was read."""


_CLASSES = {
    kind.__name__: kind
    for kind in (
        SparkFailedError,
        StorageError,
        SparkDiedError,
        FileKilledSparkError,
        OverwrittenError,
    )
}
_NAME = re.compile(rf"\b({'|'.join(_CLASSES)})\b")
_DIED = re.compile(r"exit (?:code|status):? (?:137|143)\b|\bOUT_OF_MEMORY_ERROR\b|OutOfMemoryError|ExecutorLostFailure")
_ADDRESS = re.compile(r"\bs3[an]?://\S+")
"""An S3 address: its key is anybody's text."""


def kind_of(message: str) -> type[Exception] | None:
    """The class that a failed run's message names; None if the job's own code did not come to say one.

    Python and Glue put the class before its message, so the first name counts, whatever a key or a value says later.
    Where the process that would have said it was killed, Glue says so.
    """
    text = _ADDRESS.sub("", message)
    found = _NAME.search(text)
    if found is not None:
        return _CLASSES[found[1]]
    return SparkDiedError if _DIED.search(text) else None
