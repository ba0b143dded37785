"""Classifies a failed batch and brings it to an end: its files are given back, split, quarantined or FAILED.

Called by the workflow's catch, by EventBridge for what no catch sees (an execution that was aborted, that timed
out, or that failed outside its states), and by the trigger for a batch that all of these have missed. EventBridge also
tells of runs and crawls that failed: these are only counted, since the workflow knows what to do about them.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.ledger import FAILED
from pipeline_core.plain_text import log_line
from pipeline_core.workflow import RecoveryRequest, RecoveryResult

from lambdas.error_handler.glue_events import GlueFailure, glue_failure
from lambdas.error_handler.logic import Recovery

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)


@cache
def _recovery() -> Recovery:
    return settings.load(Recovery)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Recover from a failure. Answers `outcome`: what the batch came to, see `Recovery.recover`.

    A run or a crawl that failed is counted; that is answered as `counted`.
    """
    if (of_glue := glue_failure(event)) is not None:
        return _count(of_glue)
    request = RecoveryRequest.from_event(event)
    logger.append_keys(correlation_id=request.batch_id, dataset=request.dataset)
    # Counted before the recovery, which may fail too, and without the dataset: one alarm is for all of them.
    metrics.add_metric("ReconciliationErrors", MetricUnit.Count, int(request.error.error == "ReconciliationError"))
    metrics.flush_metrics()
    outcome = _recovery().recover(request)
    metrics.add_metric("BatchesGivenUp", MetricUnit.Count, int(outcome == FAILED))
    metrics.flush_metrics()
    result = RecoveryResult(dataset=request.dataset, batch_id=request.batch_id, outcome=outcome, error=request.error)
    logger.warning("batch recovered", extra={"outcome": outcome, "error": request.error.to_document()})
    return result.to_document()


def _count(failure: GlueFailure) -> dict[str, Any]:
    # An event that comes twice counts twice: its alarm asks only whether there was one.
    metrics.add_metric(failure.metric, MetricUnit.Count, 1)
    metrics.flush_metrics()
    logger.error("Glue failed", extra=failure.description)
    return {"counted": failure.metric}
