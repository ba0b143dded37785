"""Classifies a failed batch, undoes what it half did, and gives its files back or marks them FAILED.

Called by the workflow's catch, and by EventBridge for what no catch sees: an execution that was aborted, that
timed out, or that failed outside its states.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings

from lambdas.error_handler.logic import Recovery

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@dataclass(frozen=True)
class Settings:
    """Environment of the function. `max_attempts` is how often a file is tried before it is FAILED."""

    curated_bucket: str
    artifacts_bucket: str
    ledger_table: str
    max_attempts: int
    state_machine_arn: str


@cache
def _recovery() -> Recovery:
    environment = settings.load(Settings)
    return Recovery(
        curated_bucket=environment.curated_bucket,
        artifacts_bucket=environment.artifacts_bucket,
        ledger_table=environment.ledger_table,
        max_attempts=environment.max_attempts,
    )


def _failure(event: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Dataset, batch and error, from the workflow's own input or from EventBridge's event."""
    detail = event.get("detail")
    if detail is None:
        return event["dataset"], event["batch_id"], event["error"]
    request = json.loads(detail["input"])
    cause = detail.get("cause") or f"the execution is {detail['status']}"
    return request["dataset"], request["batch_id"], {"Error": detail.get("error") or detail["status"], "Cause": cause}


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Recover from a failure. Answers `outcome`: RELEASED, FAILED, or what the batch had come to before."""
    dataset, batch_id, error = _failure(event)
    logger.append_keys(correlation_id=batch_id, dataset=dataset)
    outcome = _recovery().recover(dataset, batch_id, error)
    metrics.add_dimension("dataset", dataset)
    metrics.add_metric(f"Batches{outcome.capitalize()}", MetricUnit.Count, 1)
    metrics.flush_metrics()
    logger.warning("batch recovered", extra={"outcome": outcome, "error": error})
    return {"dataset": dataset, "batch_id": batch_id, "outcome": outcome, "error": error}
