"""Classifies a failed batch and brings it to an end: its files are given back, split, quarantined or FAILED.

Called by the workflow's catch, by EventBridge for what no catch sees (an execution that was aborted, that timed
out, or that failed outside its states), and by the trigger for a batch that all of these have missed. EventBridge also
tells of runs and crawls that failed: these are only counted, since the workflow knows what to do about them.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.ledger import FAILED
from pipeline_core.plain_text import log_line

from lambdas.error_handler.glue_events import GlueFailure, glue_failure
from lambdas.error_handler.logic import EVENT, LEFT, WORKFLOW, Recovery

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer()


@cache
def _recovery() -> Recovery:
    return settings.load(Recovery)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a call is about; see `Recovery.recover`."""

    dataset: str
    batch_id: str
    error: dict[str, str]
    job: bool
    caller: str


def failure(event: dict[str, Any]) -> Failure:
    """Read the workflow's own input, the trigger's request for a batch that was left, or EventBridge's event."""
    detail = event.get("detail")
    if detail is None:
        return Failure(
            dataset=event["dataset"],
            batch_id=event["batch_id"],
            error=event["error"],
            job=event.get("stage") == "Stage",
            caller=LEFT if event.get("left") else WORKFLOW,
        )
    request = json.loads(detail["input"])
    cause = detail.get("cause") or f"the execution is {detail['status']}"
    return Failure(
        dataset=request["dataset"],
        batch_id=request["batch_id"],
        error={"Error": detail.get("error") or detail["status"], "Cause": cause},
        job=False,
        caller=EVENT,
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Recover from a failure. Answers `outcome`: what the batch came to, see `Recovery.recover`.

    A run or a crawl that failed is counted; that is answered as `counted`.
    """
    if (of_glue := glue_failure(event)) is not None:
        return _count(of_glue)
    found = failure(event)
    logger.append_keys(correlation_id=found.batch_id, dataset=found.dataset)
    # Counted before the recovery, which may fail too, and without the dataset: one alarm is for all of them.
    metrics.add_metric("ReconciliationErrors", MetricUnit.Count, int(found.error.get("Error") == "ReconciliationError"))
    metrics.flush_metrics()
    outcome = _recovery().recover(**asdict(found))
    metrics.add_metric("BatchesGivenUp", MetricUnit.Count, int(outcome == FAILED))
    metrics.flush_metrics()
    metrics.add_dimension("dataset", found.dataset)
    metrics.add_metric(f"Batches{outcome.capitalize()}", MetricUnit.Count, 1)
    metrics.flush_metrics()
    logger.warning("batch recovered", extra={"outcome": outcome, "error": found.error})
    return {"dataset": found.dataset, "batch_id": found.batch_id, "outcome": outcome, "error": found.error}


def _count(found: GlueFailure) -> dict[str, Any]:
    # An event that comes twice counts twice: its alarm asks only whether there was one.
    metrics.add_metric(found.metric, MetricUnit.Count, 1)
    metrics.flush_metrics()
    logger.error("Glue failed", extra=found.told)
    return {"counted": found.metric}
