"""The dashboard of a stack, as data. Every metric on it is one that AWS or our code emits.

From the top: is anything wrong, how fresh is each dataset, does data flow and where is it stuck, what does it cost.
"""

from collections.abc import Sequence
from typing import Any

from pulumi import Input, Output

from components.monitoring.monitored import Monitored
from config import prices

WIDTH = 24
HEIGHT = 6
FIVE_MINUTES, HOUR, DAY = 300, 3_600, 86_400
ALARMS_A_WIDGET = 100
"""An alarm widget's limit (Amazon CloudWatch API reference, "Dashboard body structure", 2026-11)."""


def dashboard(monitored: Monitored, alarm_arns: Sequence[Input[str]]) -> dict[str, Any]:
    """Lay out the widgets: the alarms and the freshness across the page, then three a row."""
    graphs = [
        _graph("Events of files that landed", monitored, _landed(monitored), "Sum"),
        _graph("Files that no contract wants", monitored, _unwanted(monitored), "Sum"),
        _graph("Waiting for ingestion", monitored, _queues(monitored), "Maximum"),
        _graph("Rows", monitored, _rows(monitored), "Sum"),
        _graph("Executions", monitored, _executions(monitored), "Sum"),
        _graph("Longest execution", monitored, [["AWS/States", "ExecutionTime", *_machine(monitored)]], "Maximum"),
        _graph("Dead letters", monitored, _dead_letters(monitored), "Maximum"),
        _graph("Function errors", monitored, _functions(monitored, "Errors"), "Sum"),
        _graph("Function duration, p95", monitored, _functions(monitored, "Duration"), "p95"),
        _graph("Spark: bytes read and tasks failed", monitored, _job(monitored), "Sum"),
        _graph("Dollars a day: Glue", monitored, _glue_dollars(monitored), "Sum", DAY),
        _graph("Dollars a day: Athena", monitored, _athena_dollars(monitored), "Sum", DAY),
        _graph("Function invocations", monitored, _functions(monitored, "Invocations"), "Sum"),
    ]
    across = [*_alarms(monitored, alarm_arns), _freshness(monitored), _batches(monitored)]
    rows = [{**widget, "x": 0, "y": y * HEIGHT, "width": WIDTH, "height": HEIGHT} for y, widget in enumerate(across)]
    return {
        "start": "-PT24H",
        "widgets": [*rows, *(_place(graph, index, len(across)) for index, graph in enumerate(graphs))],
    }


def _place(graph: dict[str, Any], index: int, rows_above: int) -> dict[str, Any]:
    width = WIDTH // 3
    y = (rows_above + index // 3) * HEIGHT
    return {**graph, "x": index % 3 * width, "y": y, "width": width, "height": HEIGHT}


def _alarms(monitored: Monitored, arns: Sequence[Input[str]]) -> list[dict[str, Any]]:
    title = f"{monitored.stack}: is anything wrong?"
    return [
        {
            "type": "alarm",
            "properties": {
                "title": title,
                "alarms": list(arns[place : place + ALARMS_A_WIDGET]),
                "sortBy": "stateUpdatedTimestamp",
            },
        }
        for place in range(0, len(arns), ALARMS_A_WIDGET)
    ]


def _freshness(monitored: Monitored) -> dict[str, Any]:
    """Show the hours since each dataset's last publish, the latest first, as freshness has logged them."""
    return _log_table(
        "Hours since the last batch was published",
        monitored,
        "freshness",
        "filter message = 'freshness' | stats latest(hours) as hours_since by dataset | sort hours_since desc",
    )


def _batches(monitored: Monitored) -> dict[str, Any]:
    """Show what became of each dataset's rows, as processing has logged it: metrics cost more than the batches."""
    counts = ", ".join(
        f"sum(verdict.rows_{fate}) as {fate}" for fate in ("read", "curated", "quarantined", "duplicate")
    )
    return _log_table(
        "Rows by dataset",
        monitored,
        "processing",
        f"filter message = 'verdict' | stats count(*) as batches, {counts} by verdict.dataset as dataset "
        "| sort quarantined desc",
    )


def _log_table(title: str, monitored: Monitored, function: str, query: str) -> dict[str, Any]:
    source = Output.concat("SOURCE '", monitored.functions_log_groups[function], "' | ", query)
    return {
        "type": "log",
        "properties": {"title": title, "region": monitored.region, "view": "table", "query": source},
    }


def _graph(
    title: str, monitored: Monitored, metrics: Sequence[Any], statistic: str, period: int = FIVE_MINUTES
) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": monitored.region,
            "view": "timeSeries",
            "stat": statistic,
            "period": period,
            "metrics": list(metrics),
        },
    }


def _own(monitored: Monitored, metric: str, service: str) -> list[str]:
    """Name a metric that our code emits, with its dimensions."""
    return [monitored.namespace, metric, "service", service]


def _landed(monitored: Monitored) -> list[list[Any]]:
    """Ingestion deletes the message of each file that it has written down; SQS counts them for nothing."""
    return [["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", monitored.arrivals_queue, {"label": "registered"}]]


def _rows(monitored: Monitored) -> list[list[Any]]:
    return [
        [*_own(monitored, f"Rows{fate.capitalize()}", "processing"), {"label": fate}]
        for fate in ("curated", "quarantined", "duplicate")
    ]


def _unwanted(monitored: Monitored) -> list[list[Any]]:
    """Files of all datasets, and of none."""
    return [
        [monitored.namespace, metric, "service", "ingestion", {"label": label}]
        for metric, label in (("FilesRejected", "rejected"), ("FilesIgnored", "ignored by rule"))
    ]


def _queues(monitored: Monitored) -> list[list[Any]]:
    name = ["QueueName", monitored.arrivals_queue]
    return [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *name, {"label": "messages"}],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", *name, {"label": "oldest, seconds", "yAxis": "right"}],
    ]


def _dead_letters(monitored: Monitored) -> list[list[Any]]:
    return [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, {"label": title}]
        for title, queue in monitored.dead_letters.items()
    ]


def _functions(monitored: Monitored, metric: str) -> list[list[Any]]:
    return [
        ["AWS/Lambda", metric, "FunctionName", known.name, {"label": function}]
        for function, known in monitored.functions.items()
    ]


def _machine(monitored: Monitored) -> list[Any]:
    return ["StateMachineArn", monitored.state_machine_arn]


def _executions(monitored: Monitored) -> list[list[Any]]:
    ends = ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    return [["AWS/States", f"Executions{end}", *_machine(monitored), {"label": end}] for end in ends]


def _job(monitored: Monitored) -> list[list[Any]]:
    run = ["JobName", monitored.job_name, "JobRunId", "ALL", "Type", "count"]
    return [
        ["Glue", "glue.driver.aggregate.bytesRead", *run],
        ["Glue", "glue.driver.aggregate.numFailedTasks", *run, {"yAxis": "right"}],
    ]


def _glue_dollars(monitored: Monitored) -> list[list[Any]]:
    """Price what the jobs of published batches took. Crawls, and runs that failed, are not in it."""
    price = prices.load()["glue_dpu_hour"]
    return [
        [*_own(monitored, "DpuSeconds", "processing"), {"id": "m0", "visible": False}],
        [{"expression": f"m0 * {price} / {HOUR}", "label": "dollars", "id": "dollars0", "period": DAY}],
    ]


def _athena_dollars(monitored: Monitored) -> list[list[Any]]:
    # Athena counts by state and type of a query; all of them cost.
    schema = "AWS/Athena,QueryState,QueryType,WorkGroup"
    scanned = _search(schema, "ProcessedBytes", f' WorkGroup="{monitored.workgroup}"', DAY)
    price = prices.load()["athena_terabyte_scanned"]
    expression = f"{scanned} * {price} / {1_000 * prices.GIGABYTE}"
    return [[{"expression": expression, "label": "dollars", "id": "dollars", "period": DAY}]]


def _search(schema: str, metric: str, further: str = "", period: int = FIVE_MINUTES) -> str:
    return f"SUM(SEARCH('{{{schema}}} MetricName=\"{metric}\"{further}', 'Sum', {period}))"
