"""Unpacks every gzip file once before Spark reads it: Spark would not say which one is damaged, nor stop at a bomb."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline_core.layout import MAX_EXPANSION
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from glue_jobs.failures import is_content, is_storage

READERS = 8


def gzip_problems(spark: SparkSession, files: dict[int, ManifestFile]) -> dict[int, str]:
    """Return by position why gzip files cannot be read; files of other formats and sound ones are not in it.

    What is unpacked is thrown away, and no more than MAX_EXPANSION times the file's size is.
    """
    gzipped = {position: file for position, file in files.items() if file.uri.endswith(".gz")}
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda file: _problem(spark, file), gzipped.values())
        return {position: problem for position, problem in zip(gzipped, found, strict=True) if problem is not None}


def _problem(spark: SparkSession, file: ManifestFile) -> str | None:
    most = MAX_EXPANSION * file.size
    try:
        unpacked = unpacked_bytes(spark, file.uri, most + 1)
    except Py4JJavaError as error:
        # An exception that only passes through the decompressors is the storage's.
        if is_storage(error) or not is_content(error):
            raise
        return "unreadable: the gzip file is damaged or cut off"
    return f"gzip_bomb: the content unpacks to more than {MAX_EXPANSION} times its size" if unpacked > most else None


def unpacked_bytes(spark: SparkSession, uri: str, most: int) -> int:
    """Bytes that a file unpacks to, or has, counted up to `most`; in the JVM, with the reader that Spark uses."""
    jvm: Any = spark._jvm
    configuration = spark._jsc.hadoopConfiguration()
    path = jvm.org.apache.hadoop.fs.Path(uri)
    codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(configuration).getCodec(path)
    packed = path.getFileSystem(configuration).open(path)
    # It has InputStream's own skip: Hadoop's counts in 32 bits, and that of commons-io reads into a buffer which all
    # threads share, so that checksums fail.
    stream = jvm.java.io.SequenceInputStream(
        codec.createInputStream(packed) if codec else packed, jvm.java.io.InputStream.nullInputStream()
    )
    try:
        return int(stream.skip(most))
    finally:
        stream.close()
