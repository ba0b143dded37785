"""Answers named queries in Athena, and proves that a published batch answers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.athena import Athena, QueryError, literal
from pipeline_core.plain_text import log_line

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer()

MARGIN_SECONDS = 10


class BatchNotVisibleError(Exception):
    """Athena does not answer all rows of a published batch (yet)."""


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    workgroup: str
    database: str
    allow_free_sql: bool


@cache
def _parts() -> tuple[Settings, Athena]:
    environment = settings.load(Settings)
    return environment, Athena(environment.workgroup, environment.database)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run a query.

    Args:
        event: one of
            `{"query": "flights_rows", "parameters": [...]}`: a named query, its parameters as plain values;
            `{"verify": {"dataset", "batch_id", "rows"}}`: count a batch's rows and compare;
            `{"sql": "...", "parameters": [...]}`: free SQL, where the stack's configuration allows it.
        context: limits the wait to the function's own time.

    Raises:
        BatchNotVisibleError: the count differs.
        QueryError: unknown query, a query that fails, or free SQL that is not allowed.
    """
    environment, athena = _parts()
    timeout = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    if "verify" in event:
        wanted = event["verify"]
        logger.append_keys(correlation_id=wanted["batch_id"])
        sql = athena.named(f"{wanted['dataset']}_batch_rows")
        answer = athena.run(sql, [literal(wanted["batch_id"])], timeout)
        found = int(answer["rows"][0][0] or 0)
        if found != wanted["rows"]:
            raise BatchNotVisibleError(
                f"Athena answers {found} rows of batch {wanted['batch_id']}, {wanted['rows']} were published"
            )
    else:
        parameters = [literal(value) for value in event.get("parameters", [])]
        if "query" in event:
            sql = athena.named(event["query"])
        elif "sql" in event and environment.allow_free_sql:
            sql = event["sql"]
        else:
            raise QueryError(
                "give the name of a named query in 'query'; free SQL in 'sql' is for stacks with athena.allow_free_sql"
            )
        answer = athena.run(sql, parameters, timeout)
    metrics.add_metric("ScannedBytes", MetricUnit.Bytes, answer["scanned_bytes"])
    metrics.flush_metrics()
    told = {name: answer[name] for name in ("query_id", "scanned_bytes", "cost_dollars")}
    logger.info("answered", extra={**told, "rows": len(answer["rows"])})
    return answer
