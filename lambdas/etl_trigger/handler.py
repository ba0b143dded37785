"""Turns pending files into batches and starts their workflow: of a dataset when a tick is due, of all on schedule."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY
from pipeline_core.plain_text import log_line

from lambdas.etl_trigger.logic import Trigger
from lambdas.etl_trigger.tick import StartedBatches, Tick

logger = Logger(json_serializer=log_line)
tracer = Tracer(patch_modules=settings.TRACED)


@cache
def _trigger() -> Trigger:
    return settings.load(Trigger)


def _datasets(bucket: str) -> tuple[str, ...]:
    index = read(bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise RuntimeError(f"s3://{bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    return Fields.from_json(index, f"s3://{bucket}/{CONTRACT_INDEX_KEY}").texts("datasets")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Tick. `{}` looks at every dataset, `{"dataset": "flights"}` at one, a message of the queue at its own.

    Answers the batches started. A message that fails is an error: there is no other one beside it.

    Raises:
        ValueError: no contract is deployed for the dataset.
        ExceptionGroup: datasets that failed; the others were looked at all the same.
    """
    tick = Tick.from_event(event)
    trigger = _trigger()
    known = _datasets(trigger.artifacts_bucket)
    if tick.due_at_ms is not None and not trigger.wants(tick, known):
        logger.info("tick is superfluous", extra={"dataset": tick.dataset})
        return StartedBatches(batches=(), to_queue=True).to_document()
    if tick.dataset is not None and tick.dataset not in known:
        raise ValueError(f"no contract is deployed for {tick.dataset!r}; there are: {', '.join(known)}")
    started: list[str] = []
    failures: list[Exception] = []
    for dataset in known if tick.dataset is None else [tick.dataset]:
        try:
            batches = trigger.tick(dataset)
        except Exception as error:
            logger.exception("tick failed", extra={"dataset": dataset})
            failures.append(error)
        else:
            started.extend(batches)
    if failures:
        raise ExceptionGroup("datasets failed", failures)
    logger.info("tick done", extra={"batches": started})
    return StartedBatches(batches=tuple(started), to_queue=tick.due_at_ms is not None).to_document()
