"""Audits a batch's report and publishes the batch, quarantines it whole, or asks for another run of the job."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.plain_text import log_line

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
    """Decide on a batch: `{"dataset", "batch_id", "published", "dpu_seconds"}`: what its job's run saw, and took.

    A batch that was decided on, or has begun to publish, is brought to its end; `published` does not matter then.

    Returns:
        The verdict: `verdict` (PUBLISHED, QUARANTINED or CONFLICT), the row accounting, `crawl`, `violations`.
    """
    dataset, batch_id = event["dataset"], event["batch_id"]
    logger.append_keys(correlation_id=batch_id, dataset=dataset)
    verdict = _publisher().decide(dataset, batch_id, int(event.get("published", 0)))
    metrics.add_dimension("dataset", dataset)
    for name in ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate", "rows_replaced"):
        metric = "".join(part.capitalize() for part in name.split("_"))
        metrics.add_metric(metric, MetricUnit.Count, verdict.get(name, 0))
    read, quarantined = verdict.get("rows_read", 0), verdict.get("rows_quarantined", 0)
    metrics.add_metric("QuarantinedPercent", MetricUnit.Percent, 100 * quarantined / read if read else 0)
    metrics.add_metric("DpuSeconds", MetricUnit.Seconds, float(event.get("dpu_seconds", 0)))
    metrics.add_metric(f"Batches{verdict['verdict'].capitalize()}", MetricUnit.Count, 1)
    metrics.flush_metrics()
    logger.info("verdict", extra={"verdict": verdict})
    return verdict
