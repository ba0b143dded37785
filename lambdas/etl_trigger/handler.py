"""Turns pending files into batches and starts their workflow: on schedule for all datasets, or for one on demand."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.layout import CONTRACT_INDEX_KEY
from pipeline_core.storage import read

from lambdas.etl_trigger.logic import Trigger

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@dataclass(frozen=True)
class Settings:
    """Environment of the function. `max_concurrent_batches` is per dataset."""

    raw_bucket: str
    curated_bucket: str
    artifacts_bucket: str
    ledger_table: str
    state_machine_arn: str
    max_concurrent_batches: int
    max_files_per_batch: int
    max_workers: int


@cache
def _trigger() -> Trigger:
    environment = settings.load(Settings)
    return Trigger(
        raw_bucket=environment.raw_bucket,
        curated_bucket=environment.curated_bucket,
        artifacts_bucket=environment.artifacts_bucket,
        ledger_table=environment.ledger_table,
        state_machine_arn=environment.state_machine_arn,
        max_concurrent_batches=environment.max_concurrent_batches,
        max_files_per_batch=environment.max_files_per_batch,
        max_workers=environment.max_workers,
    )


def _datasets(bucket: str) -> list[str]:
    index = read(bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise RuntimeError(f"s3://{bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    return list(json.loads(index)["datasets"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Tick. `{}` looks at every dataset, `{"dataset": "flights"}` at one. Answers the batches started.

    Raises:
        ValueError: no contract is deployed for the dataset.
        ExceptionGroup: datasets that failed; the others were looked at all the same.
    """
    trigger = _trigger()
    known = _datasets(trigger.artifacts_bucket)
    wanted = event.get("dataset")
    if wanted is not None and wanted not in known:
        raise ValueError(f"no contract is deployed for {wanted!r}; there are: {', '.join(known)}")
    started: list[str] = []
    failures: list[Exception] = []
    for dataset in known if wanted is None else [wanted]:
        try:
            batches = trigger.tick(dataset)
        except Exception as error:
            logger.exception("tick failed", extra={"dataset": dataset})
            failures.append(error)
        else:
            started.extend(batches)
    metrics.add_metric("BatchesStarted", MetricUnit.Count, len(started))
    metrics.flush_metrics()
    if failures:
        raise ExceptionGroup("datasets failed", failures)
    logger.info("tick done", extra={"batches": started})
    return {"batches": started}
