"""Audits a batch's report and publishes the batch, quarantines it whole, or asks for another run of the job."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.plain_text import log_line
from pipeline_core.workflow import PublishRequest

from lambdas.processing.logic import Publisher

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer()


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
    verdict = _publisher().decide(request.dataset, request.batch_id, request.published or 0)
    metrics.add_dimension("dataset", request.dataset)
    for name in ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate", "rows_replaced"):
        metric = "".join(part.capitalize() for part in name.split("_"))
        metrics.add_metric(metric, MetricUnit.Count, getattr(verdict, name))
    read, quarantined = verdict.rows_read, verdict.rows_quarantined
    metrics.add_metric("QuarantinedPercent", MetricUnit.Percent, 100 * quarantined / read if read else 0)
    metrics.add_metric("DpuSeconds", MetricUnit.Seconds, request.dpu_seconds or 0.0)
    metrics.add_metric(f"Batches{verdict.verdict.capitalize()}", MetricUnit.Count, 1)
    if verdict.seconds_to_published is not None:
        metrics.add_metric("SecondsToPublished", MetricUnit.Seconds, verdict.seconds_to_published)
    metrics.flush_metrics()
    if verdict.is_late:
        # Without the dataset: one alarm is for all of them, and the log says which.
        metrics.add_metric("LatencyMissed", MetricUnit.Count, 1)
        metrics.flush_metrics()
        seconds, promised = verdict.seconds_to_published, verdict.latency_seconds
        told = {"dataset": request.dataset, "seconds_to_published": seconds, "latency_seconds": promised}
        logger.warning("latency missed", extra=told)
    answer = verdict.to_document()
    logger.info("verdict", extra={"verdict": answer})
    return answer
