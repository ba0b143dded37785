"""The dashboard: it shows what there is."""

import re
from typing import Any

from tests.unit.infrastructure.cloud import ROOT, Cloud

# What AWS documents for each namespace that we watch.
AWS_METRICS = {
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    "AWS/Lambda": {"Invocations", "Errors", "Throttles", "Duration"},
    "AWS/States": {
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
        "ExecutionTime",
    },
    "Glue": {"glue.driver.aggregate.bytesRead", "glue.driver.aggregate.numFailedTasks"},
}


def widgets(cloud: Cloud) -> list[dict[str, Any]]:
    (dashboard,) = cloud.of("cloudwatch.Dashboard")
    found: list[dict[str, Any]] = dashboard.json("dashboardBody")["widgets"]
    assert found
    return found


def test_the_dashboards_widgets_do_not_lie_on_each_other(dev: Cloud) -> None:
    cells = [
        (x, y)
        for widget in widgets(dev)
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24, "a CloudWatch dashboard is 24 columns wide"


def test_the_dashboard_shows_metrics_that_exist_of_things_that_exist(cloud: Cloud) -> None:
    names = {value for resource in cloud.aws() for value in resource.outputs.values() if isinstance(value, str)}
    shown = [metric for widget in widgets(cloud) for metric in widget["properties"]["metrics"] if len(metric) > 1]
    assert shown
    for namespace, metric, *rest in shown:
        assert metric in AWS_METRICS[namespace]
        dimensions = [part for part in rest if isinstance(part, str)]
        for name, value in zip(dimensions[::2], dimensions[1::2], strict=True):
            assert value in names or (name, value) in {("JobRunId", "ALL"), ("Type", "count")}, (metric, value)


def test_the_dashboard_searches_for_metrics_that_the_functions_emit(dev: Cloud) -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "lambdas").rglob("*.py"))
    searched = set()
    for widget in widgets(dev):
        for metric in widget["properties"]["metrics"]:
            if len(metric) == 1 and "DataPipeline" in metric[0]["expression"]:
                searched |= set(re.findall(r'MetricName="(\w+)"', metric[0]["expression"]))
    assert searched
    for metric in searched:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", metric).lower()
        assert f'"{metric}"' in sources or f'"{snake}"' in sources, metric
