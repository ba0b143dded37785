"""A failure of the storage, of Spark itself and of a file's content are told apart, whichever exception says so.

The texts are what py4j shows of a failed call: the message, and the exceptions of the JVM with their frames.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline_core.contract import Contract
from pipeline_core.job_errors import (
    FileKilledSparkError,
    SparkDiedError,
    SparkFailedError,
    StorageError,
    UnreadableFileError,
)
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.sql import SparkSession

from glue_jobs.failures import explained, is_content, is_storage, unreadable_file
from glue_jobs.parquet_files import _footer

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


def test_a_parquet_file_that_is_gone_is_no_damaged_one(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "noise.parquet").write_bytes(b"noise" * 10)
    assert "is not a Parquet file" in str(_footer(spark, str(tmp_path / "noise.parquet")))
    with pytest.raises(Py4JJavaError, match="FileNotFoundException"):
        _footer(spark, str(tmp_path / "gone.parquet"))


def chain(*causes: str) -> str:
    """What py4j shows of a task that failed: Spark's own words, the task's trace in them, then the causes again."""
    inner = "\nCaused by: ".join(causes)
    return (
        "An error occurred while calling o57.collect.\n: org.apache.spark.SparkException: Job aborted due to stage "
        f"failure: Task 0 in stage 4.0 failed 4 times, most recent failure: Lost task 0.3 in stage 4.0: {inner}\n\n"
        "Driver stacktrace:\n\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)\n"
        f"\tat java.base/java.lang.Thread.run(Thread.java:840)\nCaused by: {inner}\n"
    )


READING = (
    "org.apache.spark.SparkException: Encountered error while reading file s3://raw/t/a%20b.parquet. Details:\n"
    "\tat org.apache.spark.sql.errors.QueryExecutionErrors$.cannotReadFilesError(QueryExecutionErrors.scala:863)\n"
    "\t... 20 more"
)
CONTENT = {
    "snappy": "java.io.IOException: FAILED_TO_UNCOMPRESS(5)\n\tat org.xerial.snappy.SnappyNative.throw_error(S.java)",
    "deflate": "java.util.zip.ZipException: invalid block type\n"
    "\tat java.base/java.util.zip.InflaterInputStream.read(InflaterInputStream.java:168)",
    "parquet": "java.io.IOException: could not read page\n"
    "\tat java.base/java.io.DataInputStream.readFully(DataInputStream.java:201)\n"
    "\tat org.apache.parquet.bytes.BytesInput$StreamBytesInput.toByteArray(BytesInput.java:286)",
    "encoding": "java.lang.UnsupportedOperationException: Unsupported encoding: BYTE_STREAM_SPLIT\n"
    "\tat org.apache.spark.sql.execution.datasources.parquet.VectorizedColumnReader.getValuesReader(V.java:1)",
    "codec": "java.lang.ClassNotFoundException: org.apache.hadoop.io.compress.BrotliCodec\n"
    "\tat java.base/java.net.URLClassLoader.findClass(URLClassLoader.java:445)\n"
    "\tat org.apache.parquet.hadoop.CodecFactory.getCodec(CodecFactory.java:248)",
}
NOT_CONTENT = {
    "no memory": "java.lang.OutOfMemoryError: Java heap space\n\tat org.apache.parquet.bytes.B.allocate(B.java:1)",
    "no library": "org.xerial.snappy.SnappyError: [FAILED_TO_LOAD_NATIVE_LIBRARY] null\n"
    "\tat org.xerial.snappy.SnappyLoader.load(SnappyLoader.java:1)",
    "broken class": "java.lang.NoClassDefFoundError: Could not initialize class org.xerial.snappy.Snappy\n"
    "\tat org.apache.parquet.hadoop.codec.SnappyDecompressor.uncompress(SnappyDecompressor.java:30)",
    "the disk": "java.io.IOException: No space left on device\n\tat java.base/java.io.FileOutputStream.write(F.java)\n"
    "\tat org.apache.spark.storage.DiskBlockObjectWriter.write(DiskBlockObjectWriter.scala:1)",
    "the network": "java.net.SocketException: Connection reset\n\tat java.base/sun.nio.ch.NioSocketImpl.read(N.java)\n"
    "\tat org.apache.http.impl.io.SessionInputBufferImpl.fill(S.java:1)\n"
    "\tat org.apache.parquet.hadoop.util.H2SeekableInputStream.read(H2SeekableInputStream.java:1)",
    "the file is gone": "java.io.FileNotFoundException: File s3://raw/t/a b.parquet does not exist\n"
    "\tat org.apache.hadoop.fs.RawLocalFileSystem.open(RawLocalFileSystem.java:1)\n"
    "\tat org.apache.parquet.hadoop.util.HadoopInputFile.newStream(HadoopInputFile.java:1)",
    "no Python": 'java.io.IOException: Cannot run program "python3"\n\tat java.base/java.lang.ProcessBuilder.start(P)'
    "\n\tat org.apache.spark.api.python.PythonWorkerFactory.create(PythonWorkerFactory.scala:1)",
    "nothing": "",
}
FILE = ManifestFile(
    key="t/a b.parquet", version="v", uri="s3://raw/t/a b.parquet", size=1, format="parquet", landed_at=""
)


@pytest.mark.parametrize("cause", [pytest.param(text, id=name) for name, text in CONTENT.items()])
def test_what_a_reader_throws_itself_is_about_the_file_that_spark_names(cause: str) -> None:
    error = Exception(chain(READING, cause))
    assert unreadable_file(error, [FILE]) is FILE
    other = ManifestFile(key="t/b", version="v", uri="s3://raw/t/b.parquet", size=1, format="parquet", landed_at="")
    assert unreadable_file(error, [other]) is None, "a published file, say, which no producer can put right"
    assert unreadable_file(Exception(chain(cause)), [FILE]) is None, "nobody says which file it is"


@pytest.mark.parametrize("cause", [pytest.param(text, id=name) for name, text in NOT_CONTENT.items()])
def test_what_only_passes_through_a_reader_is_not_about_the_file(cause: str) -> None:
    assert not is_content(Exception(chain(READING, cause)))
    assert not is_content(Exception(f"An error occurred while calling o1.open.\n: {cause}\n"))


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
        (JavaError(chain(READING, CONTENT["snappy"])), False, UnreadableFileError),
        (JavaError(chain(READING, CONTENT["snappy"])), True, UnreadableFileError),
        (JavaError(chain(NOT_CONTENT["the disk"])), True, SparkFailedError),
        (JavaError(chain(READING, NOT_CONTENT["no memory"])), False, SparkDiedError),
        (JavaError(chain(READING, NOT_CONTENT["no memory"])), True, FileKilledSparkError),
        (JavaError(chain("ExecutorLostFailure (executor 1 exited)")), False, SparkDiedError),
        (JavaError(IN_A_TASK), True, StorageError),
        (JavaError(chain("Job 13 cancelled because SparkContext was shut down")), True, FileKilledSparkError),
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
    assert type(explained(error, [FILE], started=True, known_good_read=known_good_read)) is kind


def test_a_spark_that_does_not_start_did_not_die_of_a_file() -> None:
    assert (
        type(explained(ConnectionRefusedError("x"), [FILE], started=False, known_good_read=False)) is SparkFailedError
    )


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "none"])
def test_pages_that_are_noise_are_said_to_be_so_by_the_real_reader(
    spark: SparkSession, tmp_path: Path, compression: Any
) -> None:
    path = tmp_path / "a b.parquet"
    pq.write_table(pa.table({"id": list(range(20_000))}), path, compression=compression)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\xff" * 2_000 + whole[2_004:])
    file = ManifestFile(key="k", version="v", uri=f"file://{path}", size=1, format="parquet", landed_at="")
    with pytest.raises(Py4JJavaError) as failure:
        spark.read.parquet(str(path)).collect()
    assert unreadable_file(failure.value, [file]) is file, str(failure.value)


def test_the_known_good_file_is_read_as_a_batch_is(spark: SparkSession, tmp_path: Path) -> None:
    from pipeline_core import known_good

    from glue_jobs.raw_to_curated import read_known_good

    (tmp_path / "good.csv").write_bytes(known_good.CONTENT)
    read_known_good(spark, f"file://{tmp_path}/good.csv")
    assert isinstance(known_good.CONTRACT, Contract)
    (tmp_path / "bad.csv").write_bytes(known_good.CONTENT.replace(b",2", b",x"))
    with pytest.raises(RuntimeError, match="has 3 valid rows; 2 were read"):
        read_known_good(spark, f"file://{tmp_path}/bad.csv")
