"""Alarms and the dashboard: every failure calls, about things that exist."""

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


def watched(cloud: Cloud, metric: str) -> set[str]:
    """The names that alarms on a metric look at."""
    alarms = [alarm.inputs for alarm in cloud.of("cloudwatch.MetricAlarm") if alarm.inputs["metricName"] == metric]
    return {value for alarm in alarms for value in alarm["dimensions"].values()}


def test_every_alarm_calls_the_alarms_topic_at_the_first_failure(cloud: Cloud) -> None:
    topic = cloud.one("sns.Topic", "data-pipeline-alarms").outputs["arn"]
    for alarm in cloud.of("cloudwatch.MetricAlarm"):
        assert alarm.inputs["alarmActions"] == [topic], alarm.name
        assert alarm.inputs["evaluationPeriods"] == 1, alarm.name
        assert alarm.inputs["treatMissingData"] in ("notBreaching", "breaching"), alarm.name
        assert alarm.inputs["metricName"] in AWS_METRICS[alarm.inputs["namespace"]], alarm.name


def test_every_dead_letter_queue_calls_at_its_first_message(cloud: Cloud) -> None:
    dead = {queue.outputs["name"] for queue in cloud.of("sqs.Queue") if "redrivePolicy" not in queue.inputs}
    assert len(dead) == 2
    assert watched(cloud, "ApproximateNumberOfMessagesVisible") == dead


def test_the_queue_of_landed_files_calls_when_a_file_waits_too_long(cloud: Cloud) -> None:
    assert watched(cloud, "ApproximateAgeOfOldestMessage") == {
        cloud.one("sqs.Queue", "data-pipeline-arrivals").outputs["name"]
    }


def test_every_function_calls_for_errors_and_for_throttles(cloud: Cloud) -> None:
    functions = {function.outputs["name"] for function in cloud.of("lambda.Function")}
    assert watched(cloud, "Errors") == watched(cloud, "Throttles") == functions


def test_an_execution_cannot_end_badly_in_silence(cloud: Cloud) -> None:
    machine = {cloud.of("sfn.StateMachine")[0].outputs["arn"]}
    for end in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
        assert watched(cloud, end) == machine


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
