"""Writes every landed object version to the file ledger, or rejects it with its reason.

Reads S3 "Object Created" events that EventBridge put into the arrivals queue.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.ledger import Ledger
from pipeline_core.storage import Contracts

from lambdas.ingestion.logic import landed_file, rejection
from lambdas.ingestion.quarantine import keep_rejected

logger = Logger()
metrics = Metrics()
tracer = Tracer()
processor = BatchProcessor(event_type=EventType.SQS)


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    raw_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str


@cache
def _parts() -> tuple[Settings, Ledger, Contracts]:
    environment = settings.load(Settings)
    return environment, Ledger(environment.ledger_table), Contracts(environment.artifacts_bucket)


@tracer.capture_method(capture_response=False)
def register(record: SQSRecord) -> None:
    """Register the object version of one event; a version that was registered before changes nothing."""
    environment, ledger, contracts = _parts()
    file = landed_file(record.json_body)
    if ledger.file(file.bucket, file.key, file.version) is not None:
        logger.info("file is known already", extra={"key": file.key, "version": file.version})
        return
    contract = contracts.get(file.dataset) if file.dataset else None
    reason = rejection(file, contract)
    if reason is not None:
        # The copy comes first: a rejected file that the ledger knows is always in quarantine.
        keep_rejected(file, reason, environment.quarantine_bucket)
    new = ledger.register(file, rejected=reason)
    name = "FilesRejected" if reason else "FilesRegistered"
    metrics.add_dimension("dataset", file.dataset if contract else "unknown")
    metrics.add_metric(name, MetricUnit.Count, int(new))
    metrics.flush_metrics()
    logger.info(
        "file rejected" if reason else "file registered",
        extra={"key": file.key, "version": file.version, "dataset": file.dataset, "reason": reason, "new": new},
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Register the files of an SQS batch; messages that fail go back to the queue, the others do not."""
    return process_partial_response(event=event, record_handler=register, processor=processor, context=context)
