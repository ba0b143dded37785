"""The saved log queries look where something is logged, for what is logged there."""

import json
import logging
import re
from typing import Any

import pytest

from components.monitoring.log_queries import QUERIES
from glue_jobs.log import job_log
from tests.unit.infrastructure.cloud import Cloud


def test_every_query_looks_at_the_functions_the_state_machine_and_the_job(cloud: Cloud) -> None:
    logging_somewhere = {group.outputs["name"] for group in cloud.of("cloudwatch.LogGroup")}
    crawlers = {name for name in logging_somewhere if "/aws-glue/crawlers" in name}
    assert len(cloud.of("cloudwatch.QueryDefinition")) == len(QUERIES)
    for query in cloud.of("cloudwatch.QueryDefinition"):
        assert set(query.inputs["logGroupNames"]) == logging_somewhere - crawlers, query.name
        assert len(query.inputs["logGroupNames"]) <= 50, "CloudWatch Logs looks through 50 groups at a time"


def test_every_query_has_a_name_that_the_provider_takes(cloud: Cloud) -> None:
    names = [query.inputs["name"] for query in cloud.of("cloudwatch.QueryDefinition")]
    assert len(names) == len(QUERIES)
    # The Terraform AWS provider's own check (resource cloudwatch_query_definition, 5.100).
    assert [name for name in names if re.search(r"[:*]|^/|/$", name)] == []


@pytest.mark.parametrize("query", [query.text for query in QUERIES if "correlation_id" in query.text])
def test_a_query_asks_for_fields_that_the_job_writes(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = job_log("flights-1", "flights")
    try:
        raise ValueError("no such column")
    except ValueError:
        log.exception("failed", extra={"fields": {"attempt": "a"}})
    logging.getLogger(log.name).handlers.clear()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["correlation_id"], line["dataset"], line["level"]) == ("flights-1", "flights", "ERROR")
    assert "no such column" in line["exception"]
    asked = set(re.findall(r"\b[a-z_]+\b", query.splitlines()[0])) - {"fields", "as", "batch", "reason", "timestamp"}
    assert asked <= line.keys()


# A report of Lambda's with JSON logs (docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, 2026-11).
REPORT = {
    "type": "platform.report",
    "record": {
        "requestId": "6d67e385",
        "status": "timeout",
        "metrics": {"durationMs": 3000.0, "billedDurationMs": 3000, "memorySizeMB": 256, "maxMemoryUsedMB": 93},
    },
}


def test_queries_about_lambdas_reports_ask_for_what_is_in_them(cloud: Cloud) -> None:
    functions = cloud.of("lambda.Function")
    assert {function.inputs["loggingConfig"]["logFormat"] for function in functions} == {"JSON"}, "the shape of REPORT"
    asking = [query.text for query in QUERIES if "platform.report" in query.text]
    assert len(asking) == 2
    for query in asking:
        for path in re.findall(r"\brecord[.\w]+", query):
            found: Any = REPORT
            for name in path.split("."):
                found = found[name]
            assert found, path
