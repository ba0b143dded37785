"""Count what a run really does, on the emulator: `python -m local.cost_measurement` writes measured.json.

Two batches of flights are run by each engine, one of a single file and one of many, a batch of changes to an Iceberg
table, a round of maintenance, and some ticks with nothing to do. What is counted are requests that AWS would bill.
Seconds are those of this machine, which is why its cores are written down.
"""

import gzip
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Final

from pipeline_core.layout import execution_arn
from pipeline_core.report import SPARK, STAGE

from config.prices import QUERY_BYTES
from local.demo_changes import DATASET, Changes
from local.demo_data import flights_csv, source_files
from local.deployer import deploy, read_config
from local.driver import Pipeline
from local.emulator import Emulator
from recording.decisions import Decision, read_decisions
from recording.program import ROOT

FILE: Final = ROOT / "ops" / "cost" / "measured.json"
TICKS: Final = 5
COPIES: Final = 8
SECONDS: Final = 300
WAIT_SCALE: Final = 0.2

WRITES_AN_ITEM: Final = 2
"""Each changed item is written twice: to its index too, or within a transaction (DynamoDB guide, 2026-11)."""
_UNITS: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(("s3:GetObject", "s3:GetObjectVersion"), ("s3_reads",)),
    **dict.fromkeys(("s3:PutObject", "s3:ListBucket", "s3:ListBucketVersions"), ("s3_writes",)),
    **dict.fromkeys(("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"), ("dynamodb_reads",)),
    **dict.fromkeys(
        ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"),
        ("dynamodb_writes",) * WRITES_AN_ITEM,
    ),
    "sns:Publish": ("sns_publishes",),
    "events:PutEvents": ("eventbridge_events",),
}
"""What AWS bills of an action; of services that bill every request alike, `_units` says it."""
PAUSE_SECONDS: Final = 2
"""A function that asks for nothing for so long is not being called."""
_REQUEST: Final = re.compile(r'"function_request_id": ?"([^"]+)"')
LOG_EVENT_BYTES: Final = 26
"""What CloudWatch Logs adds to the size of each event (CloudWatch Logs API reference, 2026-11)."""


class Meter:
    """Counts what one emulator was asked for between two moments."""

    def __init__(self, emulator: Emulator, pipeline: Pipeline) -> None:
        self._emulator, self._pipeline = emulator, pipeline

    @contextmanager
    def counting(self, into: dict[str, Any]) -> Iterator[None]:
        """Write into `into` what was asked for while the block ran."""
        seen, logged = len(self._decisions()), len(self._log())
        yield
        found = self._requests(self._decisions()[seen:]) + self._logs(self._log()[logged:])
        into.update({unit: round(count, 3) for unit, count in sorted(found.items())})

    def _decisions(self) -> list[Decision]:
        return [decision for decision in read_decisions(self._emulator.decisions) if not decision.deployer]

    def _requests(self, decisions: list[Decision]) -> Counter[str]:
        found = Counter(unit for each in decisions for unit in _units(each.action))
        for function, name in self._pipeline.outputs["functions"].items():
            memory = self._pipeline.functions.get_function_configuration(FunctionName=name)["MemorySize"]
            role = f"data-pipeline-{function.replace('_', '-')}-role"
            times = [each.time for each in decisions if f"assumed-role/{role}" in each.principal]
            # Rounded up, since a Counter counts.
            found["lambda_megabyte_seconds"] += ceil(_seconds_at_work(times) * memory)
        return found

    def _log(self) -> list[str]:
        logs = self._emulator.client("logs")
        groups = [
            group["logGroupName"]
            for page in logs.get_paginator("describe_log_groups").paginate()
            for group in page["logGroups"]
        ]
        events = [
            event
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]
        return [event["message"] for event in sorted(events, key=lambda event: event["timestamp"])]

    def _logs(self, messages: list[str]) -> Counter[str]:
        calls = {found for message in messages for found in _REQUEST.findall(message)}
        metrics = {metric for message in messages for metric in _metrics(message)}
        size = sum(len(message.encode()) + LOG_EVENT_BYTES for message in messages)
        return Counter({"lambda_requests": len(calls), "xray_traces": len(calls), "log_bytes": size}) + Counter(
            # All of it is over within an hour.
            {"cloudwatch_metric_hours": len(metrics)}
        )


def _seconds_at_work(times: list[float]) -> float:
    """Sum up the time between a function's first and last request, for each of its calls."""
    return sum(later - earlier for earlier, later in pairwise(sorted(times)) if later - earlier < PAUSE_SECONDS)


def _metrics(message: str) -> Iterator[tuple[str, ...]]:
    """Names, with their dimensions, of the metrics that a log line of the embedded metric format holds."""
    if not message.startswith("{") or '"_aws"' not in message:
        return
    line = json.loads(message)
    for group in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in group["Dimensions"]:
            for metric in group["Metrics"]:
                yield group["Namespace"], metric["Name"], *(f"{name}={line[name]}" for name in sorted(dimensions))


def _units(action: str) -> Sequence[str]:
    service = action.partition(":")[0]
    return [f"{service}_requests"] if service in {"kms", "sqs"} else _UNITS.get(action, ())


def batch(meter: Meter, emulator: Emulator, pipeline: Pipeline, files: list[tuple[str, bytes]]) -> dict[str, Any]:
    """Have some files published, and return what it took."""
    found: dict[str, Any] = {"files": len(files), "bytes": sum(len(content) for _, content in files)}
    usage: dict[str, Any] = {}
    with meter.counting(usage):
        pipeline.land(files)
        pipeline.wait(lambda progress: progress.done, SECONDS)
        batch_id = pipeline.batch_of(files[0][0])
    arn = execution_arn(pipeline.outputs["state_machine_arn"], batch_id)
    pages = emulator.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    usage["states_transitions"] = sum(
        1 for page in pages for event in page["events"] if event["type"].endswith("StateEntered")
    )
    # S3 tells of each object, and each object is one event.
    usage["eventbridge_events"] = usage.get("eventbridge_events", 0) + len(files)
    usage["athena_bytes"] = QUERY_BYTES
    runs = [
        each
        for each in emulator.client("glue").get_job_runs(JobName=pipeline.outputs["job_name"])["JobRuns"]
        if batch_id in json.dumps(each["Arguments"])
    ]
    seconds = sum((run["CompletedOn"] - run["StartedOn"]).total_seconds() for run in runs)
    return found | {"job_seconds": round(seconds, 1), "usage": usage}


def measure(directory: Path) -> dict[str, Any]:
    """Run everything once by each engine and return what is written down."""
    found = {engine: measure_engine(directory / engine, engine) for engine in (STAGE, SPARK)}
    # A tick with nothing to do, and a round of maintenance, meet neither of them.
    either = [{name: each.pop(name) for name in ("idle_tick", "maintenance")} for each in found.values()]
    return {"measured_on": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), **found, **either[0]}


def measure_engine(directory: Path, engine: str) -> dict[str, Any]:
    """Run everything once by one engine."""
    directory.mkdir(parents=True)
    config = read_config(ROOT, "local")
    batches = {"schedule_enabled": False, "window_seconds": 10} | ({"small_megabytes": 0} if engine == SPARK else {})
    config["data-pipeline:settings"]["batches"] = batches
    months = [
        (file.key.removesuffix(".gz"), gzip.decompress(file.content) if file.key.endswith(".gz") else file.content)
        for file in source_files(flights_csv(directory))
        if file.key.startswith("flights/")
    ]
    # On AWS every run loads and compiles Spark anew, and that is paid for.
    with Emulator(directory / "emulator", wait_scale=WAIT_SCALE, runs_of_a_jvm=1) as emulator:
        pipeline = Pipeline(emulator, deploy(emulator.endpoint, "local", ROOT, config=config))
        meter = Meter(emulator, pipeline)
        # The first batch has the table made; the second is like all that follow.
        first = batch(meter, emulator, pipeline, months[:1])
        one = batch(meter, emulator, pipeline, months[1:2])
        many = batch(meter, emulator, pipeline, months[2:])
        more = {"batch_of_many_bytes": batch(meter, emulator, pipeline, again(months[2:]))} if engine == SPARK else {}
        changes = Changes.of_package()
        batch(meter, emulator, pipeline, [(f"{DATASET}/first.csv", changes.first())])
        changed = batch(meter, emulator, pipeline, [(f"{DATASET}/second.csv", changes.second())])
        rounds: dict[str, Any] = {}
        with meter.counting(rounds):
            pipeline.invoke("maintenance", {})
        ticks: dict[str, Any] = {}
        with meter.counting(ticks):
            for _ in range(TICKS):
                pipeline.tick()
    return {
        "first_batch": first,
        "batch_of_one_file": one,
        "batch_of_many_files": many,
        **more,
        "batch_of_changes": changed,
        "maintenance": rounds,
        # An hour's metrics are the same after one tick and after twelve.
        "idle_tick": {
            unit: count if unit == "cloudwatch_metric_hours" else round(count / TICKS, 4)
            for unit, count in ticks.items()
        },
    }


def again(files: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The same files several times: as many bytes as tell what each takes, whose rows are all there already."""
    return [
        (key.replace(".csv", f"-again-{number}.csv"), content) for number in range(COPIES) for key, content in files
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        measured = measure(Path(directory))
    FILE.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(FILE.read_text(encoding="utf-8"))
