"""The command `logs`: what functions, state machine and job wrote about one batch, in the order of time."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from pipeline_core.batches import Batches
from pipeline_core.ledger import Ledger

from ops.batch_ids import parsed
from ops.options import Json, Outputs, Stack, deployed, print_json, say
from ops.target import TargetError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

BEFORE, AFTER = timedelta(minutes=2), timedelta(minutes=15)
"""How long before a batch was opened, and after it ended, is looked for lines of it."""

PARALLEL = 4
MOST_LINES = 10_000


@dataclass(frozen=True, kw_only=True)
class Logged:
    """The outputs of a stack that the command needs."""

    stack: str
    ledger_table: str
    functions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a log: when, whose, how grave, what."""

    at: str
    who: str
    level: str
    message: str


def logs(
    batch: Annotated[str, typer.Option("--batch", help="The batch's id, as status and runs show it.")],
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Tell what was logged about a batch by all functions, the state machine and the Glue job, in the order of time.

    Example: data-pipeline logs --batch flights-20261127T090000Z-000007 --stack prod
    """
    target = deployed(Logged, outputs, stack)
    dataset, begun = parsed(batch)
    found = Batches(Ledger(target.ledger_table)).get(dataset, batch)
    if found is None:
        raise TargetError(f"the ledger has no batch {batch!r}; data-pipeline runs {dataset} lists those there are")
    ended = datetime.fromisoformat(found.finished_at) if found.finished_at else datetime.now(UTC)
    lines = collect(target, batch, begun - BEFORE, ended + AFTER)
    if as_json:
        print_json([vars(line) for line in lines])
        return
    for line in lines:
        say(f"{line.at} {line.who}{f' {line.level}' if line.level else ''}: {line.message}")
    if not lines:
        say(f"nothing was logged about {batch}, or it is no longer kept")


def collect(target: Logged, batch_id: str, since: datetime, until: datetime) -> list[Line]:
    """Find the lines with a batch's id, at most `MOST_LINES` of a log group, in the order of time."""
    client: CloudWatchLogsClient = boto3.client("logs")
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = pool.map(lambda group: _of_group(client, group, batch_id, since, until), _groups(client, target))
        return sorted((line for lines in found for line in lines), key=lambda line: line.at)


def _groups(client: "CloudWatchLogsClient", target: Logged) -> list[str]:
    # The prefix of the stack dev is one of dev-x, too: only names that are known whole are looked for.
    named = [f"/aws/lambda/data-pipeline-{target.stack}-{name.replace('_', '-')}" for name in target.functions]
    named.append(f"/aws/vendedlogs/states/data-pipeline-{target.stack}")
    pages = client.get_paginator("describe_log_groups")
    of_job = pages.paginate(logGroupNamePrefix=f"/aws-glue/data-pipeline-{target.stack}/")
    return [*named, *(group["logGroupName"] for page in of_job for group in page["logGroups"])]


def _of_group(
    client: "CloudWatchLogsClient", group: str, batch_id: str, since: datetime, until: datetime
) -> list[Line]:
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        filterPattern=f'"{batch_id}"',
        startTime=int(since.timestamp() * 1_000),
        endTime=int(until.timestamp() * 1_000),
        PaginationConfig={"MaxItems": MOST_LINES},
    )
    try:
        return [_line(group, event) for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def _line(group: str, event: Any) -> Line:
    at = datetime.fromtimestamp(event["timestamp"] / 1_000, UTC).isoformat(timespec="milliseconds")
    text, who = event["message"].rstrip("\n"), group.rpartition("/")[2]
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Line(at=at, who=who, level="", message=text)
    if "execution_arn" in document:
        details = document.get("details") or {}
        said = " ".join(
            str(found) for found in (document.get("type"), details.get("name"), details.get("error")) if found
        )
        return Line(at=at, who="state machine", level="", message=said)
    if "message" not in document:
        return Line(at=at, who=who, level="", message=text)
    known = ("message", "level", "service", "timestamp", "correlation_id", "dataset", "location", "xray_trace_id")
    more = {
        name: value
        for name, value in document.items()
        if name not in known and not name.startswith(("function_", "cold_start"))
    }
    message = f"{document['message']} {json.dumps(more)}" if more else str(document["message"])
    service = str(document.get("service", who))
    return Line(at=at, who=service, level=str(document.get("level", "")), message=message)
