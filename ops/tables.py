"""Commands about Iceberg tables: their history, their way back, their upkeep. The function `maintenance` works."""

import json
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config

from ops.options import (
    Dataset,
    DryRun,
    Json,
    Outputs,
    Stack,
    Yes,
    confirm,
    console,
    counted,
    deployed,
    print_json,
    say,
    tell,
)
from ops.target import Target, TargetError, check_dataset
from plain_console import print_rows

PATIENCE_SECONDS = 900
"""What Lambda gives a call at most."""


class FunctionError(Exception):
    """The function said that it cannot be done, and why."""


def history(dataset: Dataset, as_json: Json = False, stack: Stack = None, outputs: Outputs = None) -> None:
    """Tell the states that an Iceberg table had: what made each, when, and with how many rows.

    Example: data-pipeline history orders --stack prod
    """
    states = ask(_target(dataset, outputs, stack), {"action": "history", "dataset": dataset})["states"]
    if as_json:
        print_json(states)
        return
    names = ("at", "what", "batch", "rows", "added", "removed", "files", "snapshot")
    rows = [[f"{state[name]:,}" if isinstance(state[name], int) else state[name] for name in names] for state in states]
    if not rows:
        say(f"{dataset}: nothing was published to it yet.")
        return
    print_rows(console, list(names), rows)


def rollback(
    dataset: Dataset,
    to: Annotated[str, typer.Option(help="The batch after which the table was as it should be; history names them.")],
    yes: Yes = False,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Have an Iceberg table be what it was after a batch, by a new snapshot: readers see it at once, and all of it.

    The files of the batches after it are ROLLED_BACK in the ledger; backfill --again has them read again.

    Example: data-pipeline rollback orders --to orders-20261127T090000Z-000007 --stack prod
    """
    target = _target(dataset, outputs, stack)
    confirm(f"Take all rows out of {dataset} that were published after {to}?", yes=yes)
    gone = ask(target, {"action": "rollback", "dataset": dataset, "batch_id": to})["rolled_back"]
    after = f"{dataset} is what it was after {to}"
    said = f"{after}. Rolled back: {', '.join(gone)}." if gone else f"{after} already."
    tell({"dataset": dataset, "to": to, "rolled_back": gone}, said, as_json=as_json)


def adopt(
    dataset: Dataset,
    yes: Yes = False,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Turn the Parquet files in a dataset's folder into an Iceberg table, without rewriting them, and check every row.

    Deploy the contract with tableFormat iceberg first. Files that lie in S3 from before are adopted, too: copy them to
    tables/<dataset>/ in the curated bucket, in folders of the contract's partitions.

    Example: data-pipeline adopt orders --stack prod
    """
    target = _target(dataset, outputs, stack)
    confirm(f"Make the table of {dataset} anew in the catalog, as an Iceberg table?", yes=yes)
    done = ask(target, {"action": "adopt", "dataset": dataset})
    table = f"{counted(done['files'], 'file')} and {counted(done['rows'], 'row')}"
    said = f"{dataset} is an Iceberg table of {table}; each was compared."
    tell({"dataset": dataset, **done}, said, as_json=as_json)


def maintain(
    dataset: Dataset,
    dry_run: DryRun = False,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Merge the small files of an Iceberg table, delete what its contract no longer keeps, and sweep up lost files.

    The schedule does it every six hours.

    Example: data-pipeline maintain orders --dry-run --stack prod
    """
    request = {"action": "maintain", "dataset": dataset, "dry_run": dry_run}
    done = ask(_target(dataset, outputs, stack), request)["done"].get(dataset, {})
    if as_json:
        print_json(done)
        return
    merges = [
        [_shown(merge["partition"]), f"{merge['files']:,}", f"{merge['rows']:,}", f"{merge['bytes']:,}"]
        for merge in done["merges"]
    ]
    if merges:
        print_rows(console, ["merged into one file", "files", "rows", "bytes"], merges)
    counts = ("merged_files", "rows_deleted", "snapshots_expired", "orphans_found", "orphans_deleted")
    if dry_run and not merges and not any(done[name] for name in counts):
        say("There is nothing to merge, to expire or to delete.")
    for name in counts:
        if not dry_run or done[name]:
            say(f"{name.replace('_', ' ')}: {done[name]:,}")
    if done["yielded"]:
        say(f"given up for a publish at the same time: {', '.join(done['yielded'])}; it is tried again")
    if dry_run:
        say("Dry run: nothing was done.")


def ask(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """Call the function, and wait for its answer.

    Raises:
        FunctionError: it failed; has what it said.
    """
    # A call that is repeated while the first one runs would do things twice as slowly.
    config = Config(read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", config=config)
    answer = client.invoke(FunctionName=target.functions["maintenance"], Payload=json.dumps(request).encode())
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise FunctionError(str(document.get("errorMessage", document)))
    return document


def _shown(partition: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in partition.items()) or "(the table)"


def _target(dataset: str, outputs: Path | None, stack: str | None) -> Target:
    target = deployed(Target, outputs, stack)
    check_dataset(dataset, target.datasets)
    if "maintenance" not in target.functions:
        raise TargetError("there is no function maintenance; deploy the stack again with this version")
    return target
