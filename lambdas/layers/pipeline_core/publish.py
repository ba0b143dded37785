"""Publishes an audited batch: copies staged files into the table, and registers its partitions."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.s3.transfer import TransferConfig

from pipeline_core import clients, layout
from pipeline_core.report import Report, StagedFile

PARALLEL = 16
COPY = TransferConfig(multipart_threshold=256 * 1024**2, multipart_chunksize=256 * 1024**2)
"""One CopyObject moves up to 5 GB; larger parts than the default 8 MB save requests."""

MAX_KEYS_A_DELETE = 1_000
"""DeleteObjects takes 1,000 keys (Amazon S3 API reference, 2026-11)."""


def partition_paths(report: Report) -> list[str]:
    """Paths of the partitions that a batch adds rows to or takes rows from; an unpartitioned table has one, empty."""
    touched = [file.partition for file in report.curated] + [file.partition for file in report.replaced]
    return sorted({layout.partition_path(values) for values in touched})


def table_files(report: Report) -> list[tuple[str, str]]:
    """(staged address, key in the table) of every curated file; the same for the same report."""
    return [
        (file.uri, layout.published_key(report.dataset, file.partition, report.batch_id, number))
        for number, file in enumerate(sorted(report.curated, key=lambda file: file.uri))
    ]


def quarantine_files(report: Report) -> list[tuple[str, str]]:
    """(staged address, key in the quarantine bucket) of every file of quarantined rows."""
    return [(file.uri, key) for file, key in _quarantined(report)]


def quarantined_keys(report: Report, key: str, version: str) -> list[str]:
    """Keys in the quarantine bucket of the rows that a batch quarantined of one source file."""
    position = next(number for number, file in enumerate(report.files) if (file.key, file.version) == (key, version))
    return [target for file, target in _quarantined(report) if file.partition == {"_file": str(position)}]


def _quarantined(report: Report) -> list[tuple[StagedFile, str]]:
    return [
        (file, layout.quarantined_rows_key(report.dataset, report.batch_id, number))
        for number, file in enumerate(sorted(report.quarantined, key=lambda file: file.uri))
    ]


def replace_files(report: Report, bucket: str) -> None:
    """Put what stays of every replaced file in its place; a file of which nothing stays goes."""
    copy_files([(file.uri, file.key) for file in report.replaced if file.uri], bucket)
    delete_objects(bucket, [file.key for file in report.replaced if not file.uri])


def copy_files(files: list[tuple[str, str]], bucket: str) -> None:
    """Copy staged files on the server side; repeating it writes the same objects."""

    def one(item: tuple[str, str]) -> None:
        source_bucket, source_key = layout.split_uri(item[0])
        source: Any = {"Bucket": source_bucket, "Key": source_key}
        clients.s3().copy(source, bucket, item[1], Config=COPY)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(one, files))


def delete_objects(bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; deleting them again changes nothing.

    Raises:
        RuntimeError: S3 refused some of them; names the first.
    """
    for start in range(0, len(keys), MAX_KEYS_A_DELETE):
        chunk = keys[start : start + MAX_KEYS_A_DELETE]
        answer = clients.s3().delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
        )
        if errors := answer.get("Errors"):
            raise RuntimeError(f"{bucket}: objects were not deleted: {errors[:3]}")
