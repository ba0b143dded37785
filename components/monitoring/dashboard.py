"""The dashboard of a stack, as data. Every metric on it is one that AWS or our code emits.

From the top: is anything wrong, how fresh is each dataset, does data flow and where is it stuck, what does it cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input

from config import prices

WIDTH = 24
HEIGHT = 6
FIVE_MINUTES, HOUR, DAY = 300, 3_600, 86_400
ALARMS_A_WIDGET = 100
"""An alarm widget's limit (Amazon CloudWatch API reference, "Dashboard body structure", 2026-11)."""
# A contract promises a batch a week at least.
LONGEST_PROMISE = "-P7D"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The names of what the dashboard shows."""

    stack: str
    region: Input[str]
    namespace: str
    datasets: Sequence[str]
    functions: Mapping[str, Input[str]]
    arrivals_queue: Input[str]
    dead_letters: Mapping[str, Input[str]]
    state_machine_arn: Input[str]
    job_name: Input[str]
    workgroup: str


def dashboard(shown: Shown, alarm_arns: Sequence[Input[str]]) -> dict[str, Any]:
    """Lay out the widgets: the alarms and the freshness across the page, then three a row."""
    graphs = [
        _graph("Files that landed", shown, _by_dataset(shown, "ingestion", "FilesRegistered"), "Sum"),
        _graph("Files that no contract wants", shown, _unwanted(shown), "Sum"),
        _graph("Waiting for ingestion", shown, _queues(shown), "Maximum"),
        _graph("Rows curated", shown, _by_dataset(shown, "processing", "RowsCurated"), "Sum"),
        _graph("Rows quarantined", shown, _by_dataset(shown, "processing", "RowsQuarantined"), "Sum"),
        _graph("Rows duplicate", shown, _by_dataset(shown, "processing", "RowsDuplicate"), "Sum"),
        _graph("Executions", shown, _executions(shown), "Sum"),
        _graph("Longest execution", shown, [["AWS/States", "ExecutionTime", *_machine(shown)]], "Maximum"),
        _graph("Dead letters", shown, _dead_letters(shown), "Maximum"),
        _graph("Function errors", shown, _functions(shown, "Errors"), "Sum"),
        _graph("Function duration, p95", shown, _functions(shown, "Duration"), "p95"),
        _graph("Spark: bytes read and tasks failed", shown, _job(shown), "Sum"),
        _graph("Dollars a day: Glue", shown, _glue_dollars(shown), "Sum", DAY),
        _graph("Dollars a day: Athena", shown, _athena_dollars(shown), "Sum", DAY),
        _graph("Function invocations", shown, _functions(shown, "Invocations"), "Sum"),
    ]
    across = [*_alarms(shown, alarm_arns), _freshness(shown)]
    rows = [{**widget, "x": 0, "y": y * HEIGHT, "width": WIDTH, "height": HEIGHT} for y, widget in enumerate(across)]
    return {
        "start": "-PT24H",
        "widgets": [*rows, *(_place(graph, index, len(across)) for index, graph in enumerate(graphs))],
    }


def _place(graph: dict[str, Any], index: int, rows_above: int) -> dict[str, Any]:
    width = WIDTH // 3
    y = (rows_above + index // 3) * HEIGHT
    return {**graph, "x": index % 3 * width, "y": y, "width": width, "height": HEIGHT}


def _alarms(shown: Shown, arns: Sequence[Input[str]]) -> list[dict[str, Any]]:
    title = f"{shown.stack}: is anything wrong?"
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


def _freshness(shown: Shown) -> dict[str, Any]:
    """Show the hours since each dataset's last publish: where nothing was published, the last time is repeated."""
    metrics: list[list[Any]] = []
    for place, dataset in enumerate(shown.datasets):
        metrics.append([*_own(shown, "BatchesPublished", "processing", dataset), {"id": f"m{place}", "visible": False}])
        last = f"FILL(IF(m{place} > 0, EPOCH(m{place})), REPEAT)"
        expression = f"(EPOCH(m{place}) - {last}) / {HOUR}"
        metrics.append([{"expression": expression, "label": dataset, "id": f"hours{place}"}])
    widget = _graph("Hours since the last batch was published", shown, metrics, "Sum")
    widget["properties"] |= {"view": "singleValue", "start": LONGEST_PROMISE, "end": "P0D"}
    return widget


def _graph(
    title: str, shown: Shown, metrics: Sequence[Any], statistic: str, period: int = FIVE_MINUTES
) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": shown.region,
            "view": "timeSeries",
            "stat": statistic,
            "period": period,
            "metrics": list(metrics),
        },
    }


def _own(shown: Shown, metric: str, service: str, dataset: str) -> list[str]:
    """Name a metric that our code emits, with its dimensions."""
    return [shown.namespace, metric, "service", service, "dataset", dataset]


def _by_dataset(shown: Shown, service: str, metric: str) -> list[list[Any]]:
    return [[*_own(shown, metric, service, dataset), {"label": dataset}] for dataset in shown.datasets]


def _unwanted(shown: Shown) -> list[list[Any]]:
    """Files of all datasets, and of none."""
    return [
        [shown.namespace, metric, "service", "ingestion", {"label": label}]
        for metric, label in (("FilesRejected", "rejected"), ("FilesIgnored", "ignored by rule"))
    ]


def _queues(shown: Shown) -> list[list[Any]]:
    name = ["QueueName", shown.arrivals_queue]
    return [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *name, {"label": "messages"}],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", *name, {"label": "oldest, seconds", "yAxis": "right"}],
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
    return [["AWS/States", f"Executions{end}", *_machine(shown), {"label": end}] for end in ends]


def _job(shown: Shown) -> list[list[Any]]:
    run = ["JobName", shown.job_name, "JobRunId", "ALL", "Type", "count"]
    return [
        ["Glue", "glue.driver.aggregate.bytesRead", *run],
        ["Glue", "glue.driver.aggregate.numFailedTasks", *run, {"yAxis": "right"}],
    ]


def _glue_dollars(shown: Shown) -> list[list[Any]]:
    """Price what the jobs of published batches took. Crawls, and runs that failed, are not in it."""
    price = prices.load()["glue_dpu_hour"]
    metrics: list[list[Any]] = []
    for place, dataset in enumerate(shown.datasets):
        own = _own(shown, "DpuSeconds", "processing", dataset)
        metrics.append([*own, {"id": f"m{place}", "visible": False}])
        metrics.append(
            [{"expression": f"m{place} * {price} / {HOUR}", "label": dataset, "id": f"dollars{place}", "period": DAY}]
        )
    return metrics


def _athena_dollars(shown: Shown) -> list[list[Any]]:
    # Athena counts by state and type of a query; all of them cost.
    schema = "AWS/Athena,QueryState,QueryType,WorkGroup"
    scanned = _search(schema, "ProcessedBytes", f' WorkGroup="{shown.workgroup}"', DAY)
    price = prices.load()["athena_terabyte_scanned"]
    expression = f"{scanned} * {price} / {1_000 * prices.GIGABYTE}"
    return [[{"expression": expression, "label": "dollars", "id": "dollars", "period": DAY}]]


def _search(schema: str, metric: str, further: str = "", period: int = FIVE_MINUTES) -> str:
    return f"SUM(SEARCH('{{{schema}}} MetricName=\"{metric}\"{further}', 'Sum', {period}))"
