"""From files to a table: what a batch has read, and which state of the table it has made."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
from pipeline_core import clients
from pipeline_core.documents import is_gone
from pipeline_core.layout import batch_key, partition_path, split_uri
from pipeline_core.ledger import ROLLED_BACK
from pipeline_core.manifest import Manifest
from pipeline_core.report import Report

from ops.page.facts import ReadFile, Run
from ops.rollbacks import was_rolled_back

FILES = 20
"""So many files of a batch are shown."""
PARTITIONS = 10
MAX_BYTES = 2_000_000
"""Longer documents are of batches of thousands of files: they are not read for a page."""

BATCH = "data-pipeline.batch-id"
"""Property of a snapshot: the batch that made it. `table_formats.iceberg` writes it."""


def with_files(run: Run, bucket: str) -> Run:
    """Add what a batch has read, and the reasons for which it has refused rows.

    Raises:
        DocumentError: a document of the batch is of another release.
    """
    manifest = document(bucket, batch_key(run.dataset, run.batch_id, "manifest"))
    if manifest is None:
        return run
    text = document(bucket, batch_key(run.dataset, run.batch_id, run.report)) if run.report else None
    report = Report.from_json(text) if text else None
    reported = {(file.key, file.version): file for file in report.files} if report else {}
    files = []
    read = Manifest.from_json(manifest).files
    # What was refused first: of many files, these are the ones to look at.
    order = sorted(read, key=lambda file: not getattr(reported.get((file.key, file.version)), "rows_quarantined", 0))
    for file in order[:FILES]:
        known = reported.get((file.key, file.version))
        files.append(
            ReadFile(
                key=file.key,
                version=file.version,
                size=file.size,
                landed_at=file.landed_at,
                rows_read=known.rows_read if known else None,
                rows_in_table=known.rows_written if known else None,
                rows_quarantined=known.rows_quarantined if known else None,
                problem=(known and known.problem) or "",
            )
        )
    partitions = [partition_path(values).rstrip("/") for values in report.partitions()] if report else []
    return replace(
        run,
        has_lineage=True,
        files=run.files or len(read),
        files_read=tuple(files),
        partitions=tuple(partitions[:PARTITIONS]),
        reasons=dict(report.reasons) if report else {},
    )


def rolled_back(run: Run, bucket: str) -> Run:
    """The batch, with the status that a rollback gave it."""
    gone = was_rolled_back(bucket, run.dataset, run.batch_id, run.created_at.isoformat())
    return replace(run, status=ROLLED_BACK) if gone else run


def document(bucket: str, key: str) -> bytes | None:
    """An object's content; None if there is none, or if it is too long for a page."""
    try:
        answer = clients.s3().get_object(Bucket=bucket, Key=key)
    except clients.s3().exceptions.ClientError as error:
        if is_gone(error):
            return None
        raise
    with answer["Body"] as body:
        return body.read() if answer["ContentLength"] <= MAX_BYTES else None


def snapshots(database: str, table: str) -> Mapping[str, str]:
    """The snapshots of an Iceberg table by the batches that made them: the current metadata file says so."""
    glue = boto3.client("glue")
    try:
        found = glue.get_table(DatabaseName=database, Name=table)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return {}
    location = found.get("Parameters", {}).get("metadata_location")
    if not location:
        return {}
    text = document(*split_uri(location))
    if text is None:
        return {}
    metadata: Mapping[str, Any] = json.loads(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
    return {
        snapshot["summary"][BATCH]: str(snapshot["snapshot-id"])
        for snapshot in metadata.get("snapshots", [])
        if BATCH in snapshot.get("summary", {})
    }
