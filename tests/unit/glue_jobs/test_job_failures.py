"""A failure of the storage, of Spark itself and of a worker are told apart, whichever exception says so.

The texts are what py4j shows of a failed call: the message, and the exceptions of the JVM with their frames.
"""

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pipeline_core import known_good
from pipeline_core.contract import Contract
from pipeline_core.job_errors import (
    FileKilledSparkError,
    OverwrittenError,
    SparkDiedError,
    SparkFailedError,
    StorageError,
)
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

from glue_jobs.failures import explained, is_storage
from glue_jobs.raw_to_curated import read_known_good
from glue_jobs.reading import read_batch

ERRORS = "pipeline_core.job_errors"

CUT_OFF = """\
An error occurred while calling o57.parquet.
: java.io.EOFException: s3://raw/awssdk/AccessDenied.csv.gz: Unexpected end of input
\tat org.apache.hadoop.fs.s3a.S3AInputStream.read(S3AInputStream.java:1)
\tat software.amazon.awssdk.core.internal.io.Stream.read(Stream.java:2)
\t... 12 more
"""
REFUSED = """\
An error occurred while calling o31.exists.
: java.nio.file.AccessDeniedException: s3://curated/tables: getFileStatus on s3://curated/tables
\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:1)
Caused by: software.amazon.awssdk.services.s3.model.S3Exception: null (Service: S3, Status Code: 403, Request ID: A1)
"""
TOO_SLOW = """\
An error occurred while calling o31.exists.
: org.apache.hadoop.net.ConnectTimeoutException: getFileStatus on s3://curated/tables: \
software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request
Caused by: java.net.ConnectException: Connection timed out
"""
IN_A_TASK = """\
An error occurred while calling o57.collect.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed 4 times, most recent failure: \
Lost task 0.3 in stage 4.0: org.apache.hadoop.fs.s3a.AWSServiceThrottledException: reading s3://raw/flights/a.csv
\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:1)
"""
LOST_WORKER = """\
An error occurred while calling o57.collect.
: org.apache.spark.SparkException: ResultStage 3 has failed the maximum allowable number of times: 4.
Caused by: java.net.ConnectException: Connection refused: /172.16.0.4:7337
"""


@pytest.mark.parametrize("text", [REFUSED, TOO_SLOW, IN_A_TASK])
def test_a_failure_of_the_storage_is_one(text: str) -> None:
    assert is_storage(Exception(text))


@pytest.mark.parametrize("text", [CUT_OFF, LOST_WORKER])
def test_another_failure_is_none_whatever_it_passed_through(text: str) -> None:
    assert not is_storage(Exception(text))


def chain(*causes: str) -> str:
    """What py4j shows of a task that failed: Spark's own words, the task's trace in them, then the causes again."""
    inner = "\nCaused by: ".join(causes)
    return (
        "An error occurred while calling o57.collect.\n: org.apache.spark.SparkException: Job aborted due to stage "
        f"failure: Task 0 in stage 4.0 failed 4 times, most recent failure: Lost task 0.3 in stage 4.0: {inner}\n\n"
        "Driver stacktrace:\n\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)\n"
        f"\tat java.base/java.lang.Thread.run(Thread.java:840)\nCaused by: {inner}\n"
    )


NO_MEMORY = "java.lang.OutOfMemoryError: Java heap space\n\tat org.apache.parquet.bytes.B.allocate(B.java:1)"
NO_DISK = (
    "java.io.IOException: No space left on device\n\tat java.base/java.io.FileOutputStream.write(F.java)\n"
    "\tat org.apache.spark.storage.DiskBlockObjectWriter.write(DiskBlockObjectWriter.scala:1)"
)
NOISE = (
    "java.io.IOException: FAILED_TO_UNCOMPRESS(5)\n\tat org.xerial.snappy.SnappyNative.throw_error(S.java)\n"
    "\tat org.apache.parquet.bytes.BytesInput.toByteArray(BytesInput.java:286)"
)


def trace(last: str) -> str:
    return (
        'Traceback (most recent call last):\n  File "glue_jobs/reading.py", line 109, in _read\n'
        f'    raise StorageError(f"{{file.uri}}: {{error}}") from error\n{last}\n'
    )


def in_python(last: str) -> str:
    """What Spark says of a task whose Python raised something."""
    frame = "\tat org.apache.spark.api.python.BasePythonRunner.read(PythonRunner.scala:1)"
    return f"org.apache.spark.api.python.PythonException: {trace(last)}\n{frame}"


def raised(last: str) -> PythonException:
    """What PySpark makes of it where nothing lies between."""
    return PythonException(f"\n  An exception was thrown from the Python worker.\n{trace(last)}")


class JavaError(Py4JJavaError):  # type: ignore[misc]  # py4j has no types
    """One whose text is known, without a JVM."""

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)

    @property
    def java_exception(self) -> Any:
        return self

    def getCause(self) -> None:  # noqa: N802  Java's name
        return None

    def toString(self) -> str:  # noqa: N802  Java's name
        return "the innermost cause"

    def __str__(self) -> str:
        return str(self.args[0])


@pytest.mark.parametrize(
    ("error", "known_good_read", "kind"),
    [
        # Published Parquet, which no producer of this batch can put right.
        (JavaError(chain(NOISE)), True, SparkFailedError),
        (JavaError(chain(NO_DISK)), True, SparkFailedError),
        (JavaError(chain(NO_MEMORY)), False, SparkDiedError),
        (JavaError(chain(NO_MEMORY)), True, FileKilledSparkError),
        (JavaError(chain("ExecutorLostFailure (executor 1 exited)")), False, SparkDiedError),
        (JavaError(IN_A_TASK), True, StorageError),
        (JavaError(chain("Job 13 cancelled because SparkContext was shut down")), True, FileKilledSparkError),
        (
            JavaError(chain("org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)")),
            False,
            SparkDiedError,
        ),
        (JavaError(chain(in_python("MemoryError"))), False, SparkDiedError),
        (raised("pyarrow.lib.ArrowMemoryError: malloc of size 64 failed"), True, FileKilledSparkError),
        (raised("ValueError: MemoryError"), True, SparkFailedError),
        (raised(f"{ERRORS}.SparkDiedError: s3://raw/a.csv: a worker ran out of memory: "), False, SparkDiedError),
        (raised(f"{ERRORS}.SparkDiedError: s3://raw/a.csv: a worker ran out of memory: "), True, FileKilledSparkError),
        (raised(f"{ERRORS}.StorageError: s3://raw/a.csv: x"), True, StorageError),
        (JavaError(chain(in_python(f"{ERRORS}.StorageError: s3://raw/SparkDiedError.csv: x"))), True, StorageError),
        (JavaError(chain(in_python(f"{ERRORS}.OverwrittenError: s3://raw/a.csv"))), True, OverwrittenError),
        (Py4JNetworkError("Answer from Java side is empty"), False, SparkDiedError),
        (Py4JNetworkError("Answer from Java side is empty"), True, FileKilledSparkError),
        (ConnectionRefusedError(), True, FileKilledSparkError),
        # What py4j raises where the JVM is killed in the middle of a call, and where a call is wrong.
        (Py4JError("An error occurred while calling o1620.parquet"), False, SparkDiedError),
        (Py4JError("An error occurred while calling o1.x. Trace:\npy4j.Py4JException: no x"), True, SparkFailedError),
    ],
)
def test_each_failure_has_the_class_that_says_what_it_means(
    error: Exception, known_good_read: bool, kind: type[Exception]
) -> None:
    assert type(explained(error, started=True, known_good_read=known_good_read)) is kind


def test_a_worker_that_was_killed_is_said_to_be(spark: SparkSession) -> None:
    def killed(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        os.kill(os.getpid(), signal.SIGKILL)
        return batches

    with pytest.raises(Py4JJavaError) as failure:
        spark.range(1).mapInArrow(killed, "id long").collect()
    error = explained(failure.value, started=True, known_good_read=True)
    assert type(error) is FileKilledSparkError
    assert str(error).startswith("Python worker exited unexpectedly: it ran out of memory, or was killed")


def test_a_spark_that_does_not_start_did_not_die_of_a_file() -> None:
    assert type(explained(ConnectionRefusedError("x"), started=False, known_good_read=False)) is SparkFailedError


def test_a_file_that_cannot_be_opened_is_the_storages_failure_in_a_real_task(
    spark: SparkSession, tmp_path: Path
) -> None:
    gone = ManifestFile(key="k", version="v", uri=f"file://{tmp_path}/gone.csv", size=1, format="csv", landed_at="")
    with pytest.raises(PythonException) as failure:
        read_batch(spark, [gone], known_good.CONTRACT)
    error = explained(failure.value, started=True, known_good_read=False)
    assert type(error) is StorageError
    assert str(error).startswith(f"{gone.uri}: FileNotFoundError: "), "it says which file"


def test_the_known_good_file_is_read_as_a_batch_is(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_bytes(known_good.CONTENT)
    read_known_good(spark, f"file://{tmp_path}/good.csv")
    assert isinstance(known_good.CONTRACT, Contract)
    (tmp_path / "bad.csv").write_bytes(known_good.CONTENT.replace(b",2", b",x"))
    with pytest.raises(RuntimeError, match="has 3 valid rows; 2 were read"):
        read_known_good(spark, f"file://{tmp_path}/bad.csv")
