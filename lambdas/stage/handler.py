"""Stages a small batch: what the Glue job does with a large one, in a function."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import clients, settings
from pipeline_core.contract import Contract
from pipeline_core.fields import Fields
from pipeline_core.layout import split_uri
from pipeline_core.manifest import Manifest
from pipeline_core.plain_text import log_line
from pipeline_core.report import STAGE
from record_engine.engine import stage

from lambdas.stage.store import S3Store

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Environment of the function; see `S3Store` for `most_bytes`."""

    most_bytes: int


@cache
def _settings() -> Settings:
    return settings.load(Settings)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stage the batch of a manifest, `{"manifest": "s3://.../manifest.json"}`; answers how many rows were read.

    It reads raw files and the published table, and writes below the batch's staging prefix, each call in a folder of
    its own. The report, written last, names the folder that counts: of two calls, or of a call and a run of the Glue
    job, either report is right.

    Raises:
        OverwrittenError: a file of the manifest was deleted before it was read.
        TooLargeError: there is more to read than `most_bytes`.
    """
    manifest = Manifest.from_json(_read(Fields(event, "the request to stage").text("manifest")))
    contract = Contract.from_json(_read(manifest.contract))
    logger.append_keys(correlation_id=manifest.batch_id, dataset=manifest.dataset)
    attempt = uuid.uuid4().hex[:12]
    store = S3Store(clients.s3(), _settings().most_bytes)
    logger.info("staging", attempt=attempt, files=len(manifest.files))
    report = replace(stage(manifest, contract, store, attempt, datetime.now(UTC)), engine=STAGE)
    bucket, prefix = split_uri(manifest.staging)
    clients.s3().put_object(
        Bucket=bucket, Key=f"{prefix}report.json", Body=report.to_json().encode(), ContentType="application/json"
    )
    logger.info("staged", attempt=attempt, rows_read=report.counts.rows_read)
    return {"rows_read": report.counts.rows_read}


def _read(location: str) -> bytes:
    bucket, key = split_uri(location)
    return clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
