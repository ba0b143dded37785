"""Answers named queries in Athena, and proves that a published batch answers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.athena import Athena, QueryError, literal
from pipeline_core.plain_text import log_line

from lambdas.query.of_datasets import batch_rows, sql_of
from lambdas.query.request import NOT_ALLOWED, DatasetQuery, NamedQuery, Verification, request_from_event

logger = Logger(json_serializer=log_line)
tracer = Tracer(patch_modules=settings.TRACED)

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
            `{"query": "recent_runs", "parameters": [...]}`: a named query, its parameters as plain values;
            `{"query": "rows", "dataset": "flights"}`: one that there is for every dataset, see `of_datasets`;
            `{"verify": {"dataset", "batch_id", "rows"}}`: count a batch's rows and compare;
            `{"sql": "...", "parameters": [...]}`: free SQL, where the stack's configuration allows it.
        context: limits the wait to the function's own time.

    Raises:
        BatchNotVisibleError: the count differs.
        QueryError: unknown query, a query that fails, or free SQL that is not allowed.
    """
    request = request_from_event(event)
    environment, athena = _parts()
    timeout = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    if isinstance(request, Verification):
        logger.append_keys(correlation_id=request.batch_id)
        sql = batch_rows(request.dataset, request.snapshot)
        answer = athena.run(sql, [literal(request.batch_id)], timeout)
        found = int(answer.rows[0][0] or 0)
        if found != request.rows:
            raise BatchNotVisibleError(
                f"Athena answers {found} rows of batch {request.batch_id}, {request.rows} were published"
            )
    elif isinstance(request, DatasetQuery):
        sql = sql_of(request.name, request.dataset, athena.partition_columns)
        answer = athena.run(sql, request.parameters, timeout)
    elif isinstance(request, NamedQuery):
        answer = athena.run(athena.named(request.name), request.parameters, timeout)
    elif environment.allow_free_sql:
        answer = athena.run(request.sql, request.parameters, timeout)
    else:
        raise QueryError(NOT_ALLOWED)
    summary = {"query_id": answer.query_id, "scanned_bytes": answer.scanned_bytes, "cost_dollars": answer.cost_dollars}
    logger.info("answered", extra={**summary, "rows": len(answer.rows)})
    return answer.to_document()
