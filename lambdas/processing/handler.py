"""Audits a batch's report and publishes the batch, quarantines it whole, or asks for another run of the job."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.plain_text import log_line
from pipeline_core.verdict import concerns
from pipeline_core.workflow import PublishRequest

from lambdas.processing.logic import Publisher

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)


@cache
def _publisher() -> Publisher:
    return settings.load(Publisher)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Decide on a batch; see `PublishRequest` for the event and `Verdict` for the answer.

    A batch that was decided on, or has begun to publish, is brought to its end.
    """
    request = PublishRequest.from_event(event)
    logger.append_keys(correlation_id=request.batch_id, dataset=request.dataset)
    publisher = _publisher()
    verdict = publisher.decide(request.dataset, request.batch_id, request.published or 0)
    # Of all datasets together, and only what there is: each name in an hour costs more than all else that a small
    # batch takes (docs/cost.md). What became of the rows of each dataset is in the line below, and in the table `runs`.
    metrics.add_metric("RowsCurated", MetricUnit.Count, verdict.rows_curated)
    for name, count in (("RowsQuarantined", verdict.rows_quarantined), ("RowsDuplicate", verdict.rows_duplicate)):
        if count:
            metrics.add_metric(name, MetricUnit.Count, count)
    if request.dpu_seconds:
        metrics.add_metric("DpuSeconds", MetricUnit.Seconds, request.dpu_seconds)
    for concern in concerns(verdict, publisher.quarantined_percent):
        metrics.add_metric(concern.metric, MetricUnit.Count, 1)
    if verdict.is_late:
        metrics.add_metric("LatencyMissed", MetricUnit.Count, 1)
        seconds, promised = verdict.seconds_to_published, verdict.latency_seconds
        told = {"dataset": request.dataset, "seconds_to_published": seconds, "latency_seconds": promised}
        logger.warning("latency missed", extra=told)
    metrics.flush_metrics()
    answer = verdict.to_document()
    logger.info("verdict", extra={"verdict": answer})
    return answer
