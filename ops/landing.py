"""The command `land`: a file of this machine goes the way of all files, and is watched on it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.files import FileItem
from pipeline_core.layout import CONTRACT_INDEX_KEY, execution_arn, uri
from pipeline_core.ledger import CLAIMED, FAILED, FINAL, PENDING, PUBLISHED, Ledger
from pipeline_core.pauses import Pauses
from pipeline_core.plain_text import printable

from ops.exit_codes import ExitCode
from ops.options import Json, Outputs, Stack, deployed, note, tell
from ops.state import stage_of
from ops.target import TargetError, check_dataset

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 1_200
MOST_BYTES = 5 * 1024**3
"""What one PutObject takes (Amazon S3 API reference, 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class Landing:
    """The outputs of a stack that the command needs."""

    datasets: list[str]
    raw_bucket: str
    artifacts_bucket: str
    ledger_table: str
    state_machine_arn: str


def land(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of this machine.")],
    dataset: Annotated[
        str | None, typer.Option(help="Whose file it is; without it, the file's name or its folder says so.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the stages as they pass, until it has come to its end.")
    ] = False,
    timeout: Annotated[int, typer.Option(help="With --wait: give up after that many seconds.")] = PATIENCE_SECONDS,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Put a file where its dataset's contract says that files lie.

    With --wait the exit code tells its fate: 0, all its rows are published; 3, it or some of its rows were refused; 1,
    it failed, or took too long.

    Example: data-pipeline land orders.csv --dataset orders --wait --stack dev
    """
    target = deployed(Landing, outputs, stack)
    name = dataset or _named(file, target.datasets)
    check_dataset(name, target.datasets)
    landed = put(target, name, file)
    key, version = landed["key"], landed["version"]
    if not wait:
        said = f"{landed['uri']} version {version} has landed; data-pipeline file {key} says what becomes of it"
        tell(landed, said, as_json=as_json)
        return
    item = None
    for stage, found in watched(target, name, key, version, timeout):
        item = found
        note(printable(stage))
    if item is None or item.status not in FINAL:
        raise TargetError(
            f"{key} did not come to its end in {timeout} s: it is {item.status if item else 'not in the ledger'}; "
            f"look at data-pipeline status, and data-pipeline file {key}"
        )
    _show(landed, item, as_json)
    raise typer.Exit(_fate(item))


def put(target: Landing, dataset: str, file: Path) -> dict[str, str]:
    """Put a file where its dataset's files lie; returns its dataset, key, version and uri.

    Raises:
        TargetError: there is no such file, or it is too large for one call.
    """
    if not file.is_file():
        raise TargetError(f"{file}: there is no such file")
    if (size := file.stat().st_size) > MOST_BYTES:
        raise TargetError(f"{file} has {size:,} bytes; allowed are {MOST_BYTES:,}: land it with aws s3 cp")
    key = f"{_place(target, dataset)}{file.name}"
    with file.open("rb") as body:
        version = boto3.client("s3").put_object(Bucket=target.raw_bucket, Key=key, Body=body)["VersionId"]
    return {"dataset": dataset, "key": key, "version": version, "uri": uri(target.raw_bucket, key)}


def _named(file: Path, datasets: list[str]) -> str:
    named = [name for name in (file.name.partition(".")[0], file.absolute().parent.name) if name in datasets]
    if not named:
        raise TargetError(f"{file} is not called after a dataset: give --dataset, one of {', '.join(datasets)}")
    return named[0]


def _place(target: Landing, dataset: str) -> str:
    index = read(target.artifacts_bucket, CONTRACT_INDEX_KEY)
    places = {} if index is None else Fields.from_json(index, CONTRACT_INDEX_KEY).words("places", {})
    return next((prefix for prefix, owner in places.items() if owner == dataset), f"{dataset}/")


def watched(
    target: Landing, dataset: str, key: str, version: str, timeout: float
) -> Iterator[tuple[str, FileItem | None]]:
    """Look until the file has come to its end, or time is over; yields each stage that is new."""
    ledger = Ledger(target.ledger_table)
    deadline, before = time.monotonic() + timeout, ""
    while True:
        item = ledger.file(target.raw_bucket, key, version)
        stage = _stage(target, ledger, dataset, item)
        if stage != before:
            yield stage, item
            before = stage
        if (item is not None and item.status in FINAL) or time.monotonic() > deadline:
            return
        time.sleep(LOOK_SECONDS)


def _stage(target: Landing, ledger: Ledger, dataset: str, item: FileItem | None) -> str:
    if item is None:
        return "LANDED: ingestion has not registered it yet"
    if item.status == PENDING:
        pause = Pauses(ledger).of(dataset)
        return f"PENDING: {dataset} is {pause}" if pause else "PENDING: it waits for a batch"
    if item.status == CLAIMED:
        return f"CLAIMED by {item.batch_id}: {stage_of(execution_arn(target.state_machine_arn, item.batch_id))}"
    return f"{item.status}{f' by {item.batch_id}' if item.batch_id else ''}"


def _show(landed: dict[str, Any], item: FileItem, as_json: bool) -> None:
    counts = item.counts.to_outcome() if item.counts else {}
    found = {"status": item.status, "reason": item.reason, "batch_id": item.batch_id, "outcome": counts}
    rows = ", ".join(f"{name.removeprefix('rows_')} {count:,}" for name, count in counts.items())
    why, of_rows = f": {item.reason}" if item.reason else "", f"; rows {rows}" if rows else ""
    tell({**landed, **found}, f"{landed['key']} is {item.status}{why}{of_rows}", as_json=as_json)


def _fate(item: FileItem) -> ExitCode:
    if item.status == FAILED:
        return ExitCode.FAILED
    whole = item.status == PUBLISHED and not (item.counts and item.counts.rows_quarantined)
    return ExitCode.DONE if whole else ExitCode.REFUSED
