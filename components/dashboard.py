"""The dashboard of an environment, as data. Every metric on it is one that AWS or our code emits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input

WIDTH = 24
HEIGHT = 6

# What the functions emit through Powertools, summed over datasets: title, metric.
PIPELINE_METRICS = (
    ("files registered", "FilesRegistered"),
    ("files rejected", "FilesRejected"),
    ("rows curated", "RowsCurated"),
    ("rows quarantined", "RowsQuarantined"),
    ("rows duplicate", "RowsDuplicate"),
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The names of what the dashboard shows."""

    environment: str
    region: Input[str]
    namespace: str
    functions: Mapping[str, Input[str]]
    arrivals_queue: Input[str]
    dead_letters: Mapping[str, Input[str]]
    state_machine_arn: Input[str]
    job_name: Input[str]
    workgroup: str


def dashboard(shown: Shown) -> dict[str, Any]:
    """Lay out the widgets, three a row, in the order in which the data flows."""
    graphs = [
        _graph("Waiting files", shown, _queues(shown), "Maximum"),
        _graph("Batches", shown, _executions(shown), "Sum"),
        _graph("Dead letters", shown, _dead_letters(shown), "Maximum"),
        _graph("Files and rows", shown, _pipeline(shown), "Sum"),
        _graph("Invocations", shown, _functions(shown, "Invocations"), "Sum"),
        _graph("Function errors", shown, _functions(shown, "Errors"), "Sum"),
        _graph("Function duration, p95", shown, _functions(shown, "Duration"), "p95"),
        _graph("Batch duration", shown, [["AWS/States", "ExecutionTime", *_machine(shown)]], "Maximum"),
        _graph("Spark: bytes read and tasks failed", shown, _job(shown), "Sum"),
        _graph("Athena: scanned bytes", shown, [_scanned(shown)], "Sum"),
    ]
    return {"start": "-PT24H", "widgets": [_place(graph, index) for index, graph in enumerate(graphs)]}


def _place(graph: dict[str, Any], index: int) -> dict[str, Any]:
    width = WIDTH // 3
    return {**graph, "x": index % 3 * width, "y": index // 3 * HEIGHT, "width": width, "height": HEIGHT}


def _graph(title: str, shown: Shown, metrics: Sequence[Any], statistic: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": shown.region,
            "view": "timeSeries",
            "stat": statistic,
            "period": 300,
            "metrics": list(metrics),
        },
    }


def _queues(shown: Shown) -> list[list[Any]]:
    name = ["QueueName", shown.arrivals_queue]
    return [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *name],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", *name, {"yAxis": "right"}],
    ]


def _dead_letters(shown: Shown) -> list[list[Any]]:
    return [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, {"label": title}]
        for title, queue in shown.dead_letters.items()
    ]


def _functions(shown: Shown, metric: str) -> list[list[Any]]:
    return [
        ["AWS/Lambda", metric, "FunctionName", name, {"label": function}] for function, name in shown.functions.items()
    ]


def _machine(shown: Shown) -> list[Any]:
    return ["StateMachineArn", shown.state_machine_arn]


def _executions(shown: Shown) -> list[list[Any]]:
    ends = ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    return [["AWS/States", f"Executions{end}", *_machine(shown)] for end in ends]


def _job(shown: Shown) -> list[list[Any]]:
    run = ["JobName", shown.job_name, "JobRunId", "ALL", "Type", "count"]
    return [
        ["Glue", "glue.driver.aggregate.bytesRead", *run],
        ["Glue", "glue.driver.aggregate.numFailedTasks", *run, {"yAxis": "right"}],
    ]


def _pipeline(shown: Shown) -> list[list[Any]]:
    return [
        [{"expression": _search(f"{shown.namespace},service,dataset", metric), "label": title, "id": f"m{place}"}]
        for place, (title, metric) in enumerate(PIPELINE_METRICS)
    ]


def _scanned(shown: Shown) -> list[Any]:
    # Athena counts by state and type of a query; all of them cost.
    search = _search("AWS/Athena,QueryState,QueryType,WorkGroup", "ProcessedBytes", f' WorkGroup="{shown.workgroup}"')
    return [{"expression": search, "label": "bytes", "id": "scanned"}]


def _search(schema: str, metric: str, further: str = "") -> str:
    return f"SUM(SEARCH('{{{schema}}} MetricName=\"{metric}\"{further}', 'Sum', 300))"
