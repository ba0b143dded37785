"""Keeps a rejected file: a copy in the quarantine bucket, and beside it what it was and why."""

import json
from dataclasses import asdict
from typing import Any

from boto3.s3.transfer import TransferConfig
from pipeline_core.layout import rejected_file_prefix
from pipeline_core.ledger import LandedFile
from pipeline_core.storage import WITHOUT_TAGS, s3_client, write

from lambdas.ingestion.logic import version_argument

COPY = TransferConfig(multipart_threshold=1024**3, multipart_chunksize=512 * 1024**2)


def keep_rejected(file: LandedFile, reason: str, bucket: str) -> None:
    """Copy the object version on the server side and write its reason; repeating it changes nothing."""
    prefix = rejected_file_prefix(file.bucket, file.key, file.version)
    source: Any = {"Bucket": file.bucket, "Key": file.key, **version_argument(file)}
    s3_client().copy(source, bucket, f"{prefix}file", ExtraArgs=WITHOUT_TAGS, Config=COPY)
    write(bucket, f"{prefix}reason.json", json.dumps({"reason": reason, **asdict(file)}, indent=1))
