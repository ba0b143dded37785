"""The dashboard: it shows what there is."""

import re
from typing import Any

import pytest

from config import prices
from tests.unit.infrastructure.cloud import Cloud, pipeline
from tests.unit.infrastructure.test_alarms import OWN_METRICS, own_namespace

# What AWS documents for each namespace that we watch.
AWS_METRICS = {
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesDeleted"},
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


@pytest.fixture(params=["local", "staging", "prod"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each stack that has a dashboard."""
    return pipeline(request.param)


def test_a_dashboard_is_there_only_where_the_stack_says_so() -> None:
    dev = pipeline("dev")
    assert not [one for one in dev.resources if one.type.endswith(":Dashboard")]
    assert dev.exports["dashboard_name"] is None
    assert pipeline("prod").exports["dashboard_name"] == "data-pipeline-prod"


def widgets(cloud: Cloud) -> list[dict[str, Any]]:
    (dashboard,) = cloud.of("cloudwatch.Dashboard")
    found: list[dict[str, Any]] = dashboard.json("dashboardBody")["widgets"]
    assert found
    return found


def graphs(cloud: Cloud) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in widgets(cloud) if widget["type"] == "metric"]


def one(cloud: Cloud, title: str) -> dict[str, Any]:
    (found,) = [graph for graph in graphs(cloud) if graph["title"] == title]
    return found


def test_the_dashboards_widgets_do_not_lie_on_each_other(prod: Cloud) -> None:
    cells = [
        (x, y)
        for widget in widgets(prod)
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24, "a CloudWatch dashboard is 24 columns wide"


def test_the_dashboard_shows_metrics_that_exist_of_things_that_exist(cloud: Cloud) -> None:
    names = {value for resource in cloud.aws() for value in resource.outputs.values() if isinstance(value, str)}
    own = own_namespace(cloud)
    shown = [metric for graph in graphs(cloud) for metric in graph["metrics"] if len(metric) > 1]
    assert {metric[0] for metric in shown} == {own, *AWS_METRICS}
    for namespace, metric, *rest in shown:
        parts = [part for part in rest if isinstance(part, str)]
        dimensions = dict(zip(parts[::2], parts[1::2], strict=True))
        if namespace == own:
            # What is emitted with which dimensions, the functions' own tests look at.
            assert dimensions == OWN_METRICS[metric], metric
        else:
            assert metric in AWS_METRICS[namespace]
            constants = {("JobRunId", "ALL"), ("Type", "count")}
            assert [d for d in dimensions.items() if d not in constants and d[1] not in names] == [], metric


def test_the_dashboard_searches_for_metrics_that_are_emitted(cloud: Cloud) -> None:
    texts = [metric[0]["expression"] for graph in graphs(cloud) for metric in graph["metrics"] if len(metric) == 1]
    searches = [found for text in texts for found in re.findall(r"SEARCH\('\{([^}]*)\} MetricName=\"(\w+)\"", text)]
    assert sorted(searches) == [
        ("AWS/Athena,QueryState,QueryType,WorkGroup", "ProcessedBytes"),
    ]


def test_every_expression_is_over_metrics_of_its_graph(cloud: Cloud) -> None:
    for graph in graphs(cloud):
        options = [metric[-1] for metric in graph["metrics"] if isinstance(metric[-1], dict)]
        ids = [option["id"] for option in options if "id" in option]
        assert len(ids) == len(set(ids)), graph["title"]
        for option in options:
            names = set(re.findall(r"\bm\d+\b", option.get("expression", "")))
            assert names <= set(ids), graph["title"]


def test_each_datasets_freshness_and_rows_are_read_from_lines_that_the_functions_write(cloud: Cloud) -> None:
    tables = {one["properties"]["title"]: one["properties"]["query"] for one in widgets(cloud) if one["type"] == "log"}
    groups = {group.outputs["name"] for group in cloud.of("cloudwatch.LogGroup")}
    for title, function, fields in (
        ("Hours since the last batch was published", "freshness", ("'freshness'", "hours", "dataset")),
        ("Rows by dataset", "processing", ("'verdict'", "verdict.rows_curated", "verdict.dataset")),
    ):
        found = re.match(r"SOURCE '([^']+)' \| filter message = ", tables.pop(title))
        assert found
        assert found[1] in groups
        assert found[1].endswith(function)
        query = next(one["properties"]["query"] for one in widgets(cloud) if one["properties"]["title"] == title)
        # tests/unit/lambdas/test_freshness.py and test_metrics.py see the lines written.
        assert [field for field in fields if field not in query] == []
    assert tables == {}


def test_the_dashboard_begins_with_the_state_of_every_alarm(cloud: Cloud) -> None:
    first = min(widgets(cloud), key=lambda widget: (widget["y"], widget["x"]))
    assert first["type"] == "alarm"
    assert set(first["properties"]["alarms"]) == {alarm.outputs["arn"] for alarm in cloud.of("cloudwatch.MetricAlarm")}
    assert len(first["properties"]["alarms"]) <= 100, "CloudWatch shows a hundred alarms in one widget"


def test_what_is_shown_in_dollars_has_the_price_of_the_price_list(prod: Cloud) -> None:
    dpu_hour = prices.load()["glue_dpu_hour"]
    expression = one(prod, "Dollars a day: Glue")["metrics"][1][0]["expression"]
    (factor, divisor) = re.fullmatch(r"m0 \* ([\d.]+) / (\d+)", expression).groups()  # type: ignore[union-attr]  # or it fails here
    assert (float(factor), int(divisor)) == (dpu_hour, 3_600)
    assert (
        f"* {prices.load()['athena_terabyte_scanned']} / "
        in one(prod, "Dollars a day: Athena")["metrics"][0][0]["expression"]
    )
