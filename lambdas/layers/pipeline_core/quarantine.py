"""Keeps files that are in quarantine as a whole: a copy of the content, and a document with the reason.

Athena reads the documents as the table `quarantined_files`.
"""

import json
from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from pipeline_core import clients
from pipeline_core.documents import LARGE_COPY, WITHOUT_TAGS, is_gone, write
from pipeline_core.files import LandedFile
from pipeline_core.layout import quarantined_file_keys
from pipeline_core.ledger import now

UNVERSIONED = "etag:"
"""How a version begins that was made up, because the bucket had none; S3 makes its ids of characters for URLs."""

GONE_REASON = "gone: the object version was deleted before it was read; land the file again"

DELETED_REASON = (
    "deleted: the object was deleted before it was registered; land it again, or have a version that is still there "
    "read with: .venv/bin/data-pipeline backfill <dataset> --deleted"
)


def quarantine_file(file: LandedFile, reason: str, bucket: str) -> None:
    """Copy the object version on the server side and write its reason; repeating it changes nothing but the time.

    Of a version that was deleted there is only the reason.
    """
    content_key, reason_key = quarantined_file_keys(file.bucket, file.key, file.version)
    source: Any = {"Bucket": file.bucket, "Key": file.key, **version_argument(file.version)}
    try:
        clients.s3().copy(source, bucket, content_key, ExtraArgs=WITHOUT_TAGS, Config=LARGE_COPY)
    except ClientError as error:
        if not is_gone(error):
            raise
    # One line: the table's SerDe takes every line for a row.
    write(bucket, reason_key, json.dumps({**asdict(file.landed), "reason": reason, "quarantined_at": now()}))


def version_argument(version: str) -> Any:
    """The argument that names the object version in an S3 call; none where the bucket had no versions."""
    return {} if version.startswith(UNVERSIONED) else {"VersionId": version}
