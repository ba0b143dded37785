"""A failure of the storage is told from one of a file, whichever exception of the chain says so.

The texts are what py4j shows of a failed call: the message, and the exceptions of the JVM with their frames.
"""

from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from glue_jobs.failures import is_storage
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
