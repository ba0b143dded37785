"""Writes every landed object version to the file ledger: as pending, or with the reason why it is not read.

What is pending has a tick armed, which has it claimed together with what lands in the window after it.

Reads S3 "Object Created" events that EventBridge put into the arrivals queue, and requests to replay a file.
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
from pipeline_core.documents import Contracts
from pipeline_core.layout import ignored_because
from pipeline_core.ledger import PENDING, Ledger
from pipeline_core.plain_text import log_line
from pipeline_core.quarantine import DELETED_REASON, quarantine_file
from pipeline_core.ticks import Ticks

from lambdas.ingestion.arrival import Arrival
from lambdas.ingestion.logic import VersionGoneError, is_deleted, rejection, replay_purpose

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)
processor = BatchProcessor(event_type=EventType.SQS)


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    raw_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    ticks_queue_url: str
    window_seconds: int


@cache
def _parts() -> tuple[Settings, Ledger, Contracts]:
    environment = settings.load(Settings)
    return environment, Ledger(environment.ledger_table), Contracts(environment.artifacts_bucket)


@tracer.capture_method(capture_response=False)
def register(record: SQSRecord) -> None:
    """Register the object version of one event; a version that was registered before changes nothing.

    A request to replay makes a known file pending again, where a contract wants it.
    """
    environment, ledger, contracts = _parts()
    arrival = Arrival.from_message(record.body, contracts.places())
    file, replay = arrival.file, arrival.replay
    known = ledger.file(file.bucket, file.key, file.version)
    ticks = Ticks(ledger=ledger, queue_url=environment.ticks_queue_url)
    if known is not None and known.status == PENDING:
        # Its tick may be missing: whoever wrote it down may have died before it was sent.
        ticks.arm(file.dataset, environment.window_seconds)
    if known is not None and replay is None:
        logger.info("file is known already", extra={"key": file.key, "version": file.version})
        return
    contract = contracts.get(file.dataset) if file.dataset else None
    ignored = ignored_because(file.key, file.size)
    if ignored is None and replay is None and is_deleted(file):
        ignored = DELETED_REASON
    rejected = None
    if ignored is None:
        try:
            rejected = rejection(file, contract)
        except VersionGoneError:
            ignored = DELETED_REASON
    reason = ignored or rejected
    if known is not None and replay is not None:
        purpose = replay_purpose(known, replay.what)
        if reason is not None or purpose is None:
            logger.warning("nothing to replay", extra={"key": file.key, "status": known.status, "reason": reason})
            return
        name, new = "FilesReplayed", ledger.replay(known, purpose, replay.replay_id)
    else:
        if rejected is not None:
            # The copy comes first: a rejected file that the ledger knows is always in quarantine.
            quarantine_file(file, rejected, environment.quarantine_bucket)
        name = "FilesIgnored" if ignored else "FilesRejected" if rejected else "FilesRegistered"
        request = replay.replay_id if replay is not None else ""
        new = ledger.register(file, rejected=rejected, ignored=ignored, request=request)
        if new and ignored is not None and contract is not None:
            ledger.count_ignored(file.dataset)
        if new and rejected is not None:
            ledger.count_rejected(file.dataset if contract is not None else "")
    if reason is None:
        ticks.arm(file.dataset, environment.window_seconds)
    else:
        # For all datasets together: it may be of none. Files that are wanted are messages, which SQS counts.
        metrics.add_metric(name, MetricUnit.Count, int(new))
        metrics.flush_metrics()
    logger.info(
        name, extra={"key": file.key, "version": file.version, "dataset": file.dataset, "reason": reason, "new": new}
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Register the files of an SQS batch; messages that fail go back to the queue, the others do not."""
    return process_partial_response(event=event, record_handler=register, processor=processor, context=context)
