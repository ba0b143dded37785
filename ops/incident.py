"""Commands for an incident: `pause` and `resume` a dataset, `cancel` a batch."""

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import boto3
import typer
from pipeline_core.batches import FINISHED, Batch, Batches
from pipeline_core.layout import batch_key, execution_arn, uri
from pipeline_core.ledger import Ledger, now
from pipeline_core.pauses import Pause, Pauses

from ops.batch_ids import parsed
from ops.exit_codes import RefusedError
from ops.options import Batch as BatchId
from ops.options import Dataset, Json, Outputs, Stack, Yes, confirm, counted, deployed, print_json, say, tell
from ops.target import TargetError, check_dataset

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_stepfunctions import SFNClient

ENDS = 60
"""Seconds in which a cancelled batch is given back as a rule; the command does not wait longer."""

LOOK_SECONDS = 1.0
ACTIVE = ("STARTING", "RUNNING", "WAITING")


@dataclass(frozen=True, kw_only=True)
class Operated:
    """The outputs of a stack that these commands need."""

    datasets: list[str]
    ledger_table: str
    artifacts_bucket: str
    state_machine_arn: str
    job_name: str
    functions: dict[str, str]


def pause(
    dataset: Dataset,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at the status.")] = "",
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Begin no batch of a dataset until it is resumed; files that land wait, and batches that run end as ever.

    Status shows it. The dataset is not told of as late for 24 hours; then people are told that it is still paused.

    Example: data-pipeline pause flights --reason 'the producer sends last year' --stack prod
    """
    target = deployed(Operated, outputs, stack)
    check_dataset(dataset, target.datasets)
    pauses = Pauses(Ledger(target.ledger_table))
    by = boto3.client("sts").get_caller_identity()["Arn"].rpartition(":")[2]
    begun = pauses.begin(Pause(dataset=dataset, paused_at=now(), by=by, reason=reason))
    found = pauses.of(dataset)
    if found is None:
        raise TargetError(f"{dataset} was resumed at the same time; look at the status")
    tell({**asdict(found), "begun": begun}, f"{dataset} is {'' if begun else 'already '}{found}", as_json=as_json)


def resume(dataset: Dataset, as_json: Json = False, stack: Stack = None, outputs: Outputs = None) -> None:
    """End the pause of a dataset, and have what waits put into batches now.

    It may be repeated: whether or not the dataset is paused still, a tick is sent.

    Example: data-pipeline resume flights --stack prod
    """
    target = deployed(Operated, outputs, stack)
    ended = Pauses(Ledger(target.ledger_table)).end(dataset)
    if not ended:
        check_dataset(dataset, target.datasets)
    # Of a dataset whose contract was removed only the mark is left. A tick of the queue would have this machine's clock
    # in it, and may be taken for superfluous; one of these is always carried out.
    if dataset in target.datasets:
        boto3.client("lambda").invoke(
            FunctionName=target.functions["etl_trigger"],
            InvocationType="Event",
            Payload=json.dumps({"dataset": dataset}).encode(),
        )
    said = f"{dataset} is resumed" if ended else f"{dataset} was not paused; a tick looks at it all the same"
    tell({"dataset": dataset, "resumed": ended}, said, as_json=as_json)


def cancel(
    batch: BatchId, yes: Yes = False, as_json: Json = False, stack: Stack = None, outputs: Outputs = None
) -> None:
    """Stop a batch that has published nothing: its execution and its Glue run. Its files are pending again.

    No attempt is counted against them. They are in a batch again after batches.retry_seconds; pause the dataset before,
    if they are to wait for you. A batch that has begun to publish is refused: it can only be published.

    Example: data-pipeline cancel flights-20261127T090000Z-000007 --stack prod
    """
    target = deployed(Operated, outputs, stack)
    dataset, _ = parsed(batch)
    batches = Batches(Ledger(target.ledger_table))
    found, arn = _cancellable(batches, dataset, batch), execution_arn(target.state_machine_arn, batch)
    _check_started(arn, batch)
    files = found.details.files if found.details else 0
    confirm(f"Stop {batch}, and have {counted(files, 'file')} wait again?", yes=yes)
    if not batches.cancel(found):
        # It has ended or begun to publish since: this says which.
        _cancellable(batches, found.dataset, batch)
        raise TargetError(f"{batch} could not be marked; try again")
    # From here on nothing of it is published, whoever dies: its execution cannot begin to, and gives the files back.
    _stop_execution(arn)
    stopped = _stop_runs(target, found)
    ended = _wait(batches, found)
    if as_json:
        print_json({"batch": batch, "dataset": found.dataset, "outcome": ended, "job_runs_stopped": stopped})
    elif ended is None:
        say(f"{batch} is stopped; its files are given back soon, by the next tick at the latest: see status")
    else:
        paused = Pauses(Ledger(target.ledger_table)).of(found.dataset)
        then = "wait until the dataset is resumed" if paused else "are in a batch again after a while"
        say(f"{batch} is {ended}: its files are pending, and {then}")


def _cancellable(batches: Batches, dataset: str, batch_id: str) -> Batch:
    found = batches.get(dataset, batch_id)
    if found is None:
        raise TargetError(f"the ledger has no batch {batch_id!r}; data-pipeline runs {dataset} lists those there are")
    if found.status in FINISHED:
        raise RefusedError(f"{batch_id} has ended: it is {found.status}; nothing is left to stop")
    if found.seen is not None:
        raise RefusedError(
            f"{batch_id} has begun to publish, and can only be published; let it end, then take its rows out with "
            f"data-pipeline rollback {dataset} (Iceberg), or land corrected files"
        )
    return found


def _check_started(arn: str, batch_id: str) -> None:
    client: SFNClient = boto3.client("stepfunctions")
    try:
        client.describe_execution(executionArn=arn)
    except client.exceptions.ExecutionDoesNotExist:
        raise RefusedError(
            f"{batch_id} has not been started yet; try again in a moment, or pause the dataset: then it is not started"
        ) from None


def _stop_execution(arn: str) -> None:
    client: SFNClient = boto3.client("stepfunctions")
    if client.describe_execution(executionArn=arn)["status"] == "RUNNING":
        client.stop_execution(executionArn=arn, error="Cancelled", cause="data-pipeline cancel")


def _stop_runs(target: Operated, batch: Batch) -> list[str]:
    """Stop the batch's runs of the job; Step Functions does so itself as a rule, and does not promise it."""
    glue: GlueClient = boto3.client("glue")
    manifest = uri(target.artifacts_bucket, batch_key(batch.dataset, batch.batch_id, "manifest"))
    # The latest first; a run of a batch that runs is among the first hundred.
    runs = glue.get_job_runs(JobName=target.job_name, MaxResults=100)["JobRuns"]
    own = [
        run["Id"]
        for run in runs
        if run["JobRunState"] in ACTIVE and run.get("Arguments", {}).get("--manifest") == manifest
    ]
    if own:
        glue.batch_stop_job_run(JobName=target.job_name, JobRunIds=own)
    return own


def _wait(batches: Batches, batch: Batch) -> str | None:
    """Wait until the batch has come to its end; None if that takes long."""
    deadline = time.monotonic() + ENDS
    while True:
        found = batches.existing(batch.dataset, batch.batch_id)
        if found.status in FINISHED and batch.batch_id not in batches.state(batch.dataset).running:
            return found.status
        if time.monotonic() > deadline:
            return None
        time.sleep(LOOK_SECONDS)
