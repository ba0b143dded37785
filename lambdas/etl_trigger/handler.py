"""Turns pending files into batches and starts their workflow: on schedule for all datasets, or for one on demand."""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.documents import read
from pipeline_core.layout import CONTRACT_INDEX_KEY
from pipeline_core.plain_text import log_line

from lambdas.etl_trigger.logic import Trigger

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer()


@cache
def _trigger() -> Trigger:
    return settings.load(Trigger)


def _datasets(bucket: str) -> list[str]:
    index = read(bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise RuntimeError(f"s3://{bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    return list(json.loads(index)["datasets"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Tick. `{}` looks at every dataset, `{"dataset": "flights"}` at one. Answers the batches started.

    With `"parts_only": true` only files of a batch that was split are taken; everything else waits for the schedule.

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
            batches = trigger.tick(dataset, parts_only=bool(event.get("parts_only")))
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
