"""Commands about what batches came to: `runs` from the ledger, `quarantined` from the tables of what was refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer
from pipeline_core.athena import literal
from pipeline_core.batches import Batch, Batches
from pipeline_core.ledger import PUBLISHED, ROLLED_BACK, Ledger
from pipeline_core.report import ROW_COUNTS

from ops.options import (
    Dataset,
    Json,
    OfBatch,
    Outputs,
    Stack,
    age,
    console,
    counted,
    deployed,
    print_json,
    say,
)
from ops.query import Deployed, answer
from ops.rollbacks import was_rolled_back
from ops.target import check_dataset
from plain_console import print_record, print_rows

RECENT = 20
PARALLEL = 8
SHOWN_CHARACTERS = 200

AnyDataset = Annotated[str | None, typer.Argument(metavar="[DATASET]", help="The dataset; all of them if none.")]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The outputs of a stack that `runs` needs."""

    artifacts_bucket: str
    datasets: list[str]
    ledger_table: str


@dataclass(frozen=True, kw_only=True)
class Refusing(Deployed):
    """The outputs of a stack that `quarantined` needs."""

    datasets: list[str]


def runs(
    dataset: AnyDataset = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many batches at most.")] = RECENT,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Tell the latest batches, the latest first: what each came to, and its rows by fate. It costs no query.

    Example: data-pipeline runs flights --stack prod
    """
    target = deployed(Ran, outputs, stack)
    if dataset is not None:
        check_dataset(dataset, target.datasets)
    batches = Batches(Ledger(target.ledger_table))
    found = [batch for name in ([dataset] if dataset else target.datasets) for batch in batches.latest(name, limit)]
    latest = sorted(found, key=lambda batch: batch.created_at, reverse=True)[:limit]
    with ThreadPoolExecutor(PARALLEL) as pool:
        shown = list(pool.map(partial(_run, target.artifacts_bucket), latest))
    if as_json:
        print_json(shown)
        return
    if not shown:
        say("no batch was begun yet")
    for run in shown:
        rows = [f"{name.removeprefix('rows_')} {run[name]:,}" for name in ROW_COUNTS if run[name]]
        seconds = "" if run["seconds"] is None else f" after {age(run['seconds'])}"
        said = f"{run['batch_id']}: {run['status']}{seconds}, {counted(run['files'], 'file')}"
        say(said + (f"; rows {', '.join(rows)}" if rows else ""))
        for why in (*run["violations"], *([run["error"]] if run["error"] else [])):
            say(f"  {why}")


def quarantined(
    dataset: Dataset,
    reason: Annotated[str | None, typer.Option(help="Only rows and files with this reason.")] = None,
    batch: OfBatch = None,
    examples: Annotated[int, typer.Option(min=0, max=100, help="So many examples of rows, the latest first.")] = 5,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Tell what of a dataset is in quarantine: how many rows for each reason, with examples, and files refused whole.

    A row with two reasons counts for both. It asks Athena.

    Example: data-pipeline quarantined flights --reason required:tailnum --stack prod
    """
    target = deployed(Refusing, outputs, stack)
    check_dataset(dataset, target.datasets)
    of_batch = f" AND batch_id = {literal(batch)}" if batch else ""
    of_row = f" AND contains(reasons, {literal(reason)})" if reason else ""
    of_file = f" AND reason = {literal(reason)}" if reason else ""
    rows = f"quarantined_rows WHERE dataset = {literal(dataset)}{of_batch}{of_row}"
    by_reason = _ask(
        target,
        "SELECT reason, count(*) AS rows, count(DISTINCT batch_id) AS batches, max(quarantined_at) AS latest "
        "FROM quarantined_rows CROSS JOIN UNNEST(reasons) AS each_row (reason) "
        f"WHERE dataset = {literal(dataset)}{of_batch}{f' AND reason = {literal(reason)}' if reason else ''} "
        "GROUP BY reason ORDER BY rows DESC, reason",
    )
    shown = _ask(
        target,
        "SELECT batch_id, source_file, line, array_join(reasons, ', ') AS reasons, raw_record "
        f"FROM {rows} ORDER BY quarantined_at DESC, source_file, line LIMIT {examples}",
    )
    # A file that was refused when it landed was in no batch.
    files = (
        []
        if batch
        else _ask(
            target,
            "SELECT quarantined_at, key, version, reason FROM quarantined_files "
            f"WHERE dataset = {literal(dataset)}{of_file} "
            "ORDER BY quarantined_at DESC, key, version LIMIT 20",
        )
    )
    if as_json:
        print_json({"dataset": dataset, "reasons": by_reason, "examples": shown, "files": files})
        return
    if not by_reason and not files:
        say(f"nothing of {dataset} is in quarantine")
        return
    if by_reason:
        columns = list(by_reason[0])
        print_rows(console, columns, [[str(row[column] or "") for column in columns] for row in by_reason])
    for row in shown:
        record = (row["raw_record"] or "")[:SHOWN_CHARACTERS]
        fields: list[tuple[str, object]] = [("reasons", row["reasons"]), ("record", record), ("batch", row["batch_id"])]
        print_record(console, f"{row['source_file']} line {row['line']}", fields)
    for row in files:
        print_record(console, f"{row['key']} version {row['version']}", [("reason", row["reason"])])


def _run(artifacts_bucket: str, batch: Batch) -> dict[str, Any]:
    verdict, status = batch.verdict, batch.status
    if status == PUBLISHED and was_rolled_back(artifacts_bucket, batch.dataset, batch.batch_id, batch.created_at):
        status = ROLLED_BACK
    files = verdict.files if verdict else batch.details.files if batch.details else 0
    seconds = None
    if batch.finished_at:
        took = datetime.fromisoformat(batch.finished_at) - datetime.fromisoformat(batch.created_at)
        seconds = round(took.total_seconds(), 1)
    return {
        "batch_id": batch.batch_id,
        "dataset": batch.dataset,
        "status": status,
        "created_at": batch.created_at,
        "finished_at": batch.finished_at,
        "seconds": seconds,
        "files": files,
        "files_quarantined": verdict.files_quarantined if verdict else 0,
        **{name: getattr(verdict, name) if verdict else 0 for name in ROW_COUNTS},
        "violations": list(verdict.violations) if verdict else [],
        "error": str(batch.error or ""),
        "cancelled_at": batch.cancelled_at,
    }


def _ask(target: Deployed, sql: str) -> list[dict[str, str | None]]:
    found = answer(target, None, sql, [], literals=True, engine=None)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]
