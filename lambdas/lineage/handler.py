"""Tells in OpenLineage's words that a batch has begun, and how it has ended.

S3 says so, by EventBridge: that the batch's manifest is there, and that its run is on record. Whoever ends a batch, the
workflow or what recovers from its failure, writes that record before the batch leaves the running ones, so that every
end is told of; and nothing of the workflow waits for it.
"""

import sys
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from openlineage.client.facet_v2 import set_producer
from pipeline_core import layout, settings
from pipeline_core.batches import Batches
from pipeline_core.contract import Contract
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.ledger import Ledger
from pipeline_core.manifest import Manifest
from pipeline_core.plain_text import log_line
from pipeline_core.report import Report

from lambdas.lineage.delivery import Receiver, keep
from lambdas.lineage.events import Events, Told
from lambdas.lineage.names import Names
from lambdas.lineage.occasion import END, Occasion

logger = Logger(json_serializer=log_line)
tracer = Tracer(patch_modules=settings.TRACED)


@dataclass(frozen=True)
class Settings:
    """Environment of the function. `lineage_url` is empty where events go to S3 only, `lineage_parameter`, the name of
    the parameter with the API key, where none is sent."""

    raw_bucket: str
    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    database: str
    state_machine_arn: str
    glue_version: str
    lineage_url: str
    lineage_endpoint: str
    lineage_parameter: str


@cache
def _settings() -> Settings:
    return settings.load(Settings)


def _told(environment: Settings, occasion: Occasion) -> Told | None:
    """What there is to know of the batch at this moment; None if it had no file left to read."""
    dataset, batch_id = occasion.dataset, occasion.batch_id
    batch = Batches(Ledger(environment.ledger_table)).existing(dataset, batch_id)

    def document(name: str) -> bytes:
        return _read(environment.artifacts_bucket, layout.batch_key(dataset, batch_id, name))

    manifest = Manifest.from_json(document("manifest"))
    if not manifest.files:
        return None
    contract = Contract.from_json(document("contract"))
    if occasion.moment != END:
        return Told(batch=batch, manifest=manifest, contract=contract)
    run = Fields.from_json(_read(environment.artifacts_bucket, occasion.key), "the record of a run")
    report = Report.from_json(document(batch.report)) if batch.verdict is not None else None
    snapshot = run.text("snapshot", "")
    return Told(batch=batch, manifest=manifest, contract=contract, report=report, snapshot=snapshot)


def _read(bucket: str, key: str) -> bytes:
    text = read(bucket, key)
    if text is None:
        raise RuntimeError(f"s3://{bucket}/{key} is missing")
    return text


def _events(environment: Settings) -> Events:
    return Events(
        names=Names(**{field.name: getattr(environment, field.name) for field in fields(Names)}),
        artifacts_bucket=environment.artifacts_bucket,
        glue_version=environment.glue_version,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Keep the event of a batch's moment in S3, and post it where the stack says so. Answers its key and its type.

    It is called at least once: the second time, what the first one kept is posted again.
    """
    occasion = Occasion.from_event(event)
    logger.append_keys(correlation_id=occasion.batch_id, dataset=occasion.dataset)
    environment = _settings()
    told = _told(environment, occasion)
    if told is None:
        logger.info("the batch has no file to read", extra={"moment": occasion.moment})
        return {"key": None, "type": None}
    set_producer(context.invoked_function_arn)
    events = _events(environment)
    said = events.end(told) if occasion.moment == END else events.start(told)
    key = layout.lineage_key(occasion.dataset, occasion.batch_id, told.batch.created_at, occasion.moment)
    kept = keep(environment.artifacts_bucket, key, said)
    if environment.lineage_url:
        Receiver(
            url=environment.lineage_url,
            endpoint=environment.lineage_endpoint,
            api_key_parameter=environment.lineage_parameter,
        ).post(kept)
    logger.info("lineage", extra={"type": kept["eventType"], "key": key, "posted": bool(environment.lineage_url)})
    return {"key": key, "type": kept["eventType"]}
