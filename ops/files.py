"""Commands about files: what happened to one, and having some read again."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pipeline_core.ledger import Ledger

from ops.options import (
    Dataset,
    DryRun,
    Json,
    OfBatch,
    Outputs,
    Stack,
    Yes,
    confirm,
    console,
    counted,
    deployed,
    print_json,
    say,
)
from ops.plan import ACTIONS, Plan, Selection, carry_out, make_plan
from ops.target import Target, TargetError
from plain_console import print_record, print_rows

Key = Annotated[str, typer.Argument(metavar="KEY", help="The file's key in the raw bucket, without s3://.")]
Prefix = Annotated[str, typer.Option(help="Only keys that begin with this, below the dataset's folder.")]
Since = Annotated[datetime | None, typer.Option(help="Only files that landed then or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only files that landed before (UTC).")]

CENT = 0.01

FIRST_FIELDS = ("status", "reason", "landed_at", "registered_at", "claimed_at", "finished_at", "batch_id")
LAST_FIELDS = ("size", "attempts", "not_before", "deaths", "kills", "part", "purpose", "published_in", "quarantined_in")


def file(key: Key, as_json: Json = False, stack: Stack = None, outputs: Outputs = None) -> None:
    """Say what happened to an object of the raw bucket: every version with its times, batch and row counts.

    Example: data-pipeline file flights/2013/05.csv --stack prod
    """
    target = deployed(Target, outputs, stack)
    items = sorted(Ledger(target.ledger_table).versions(target.raw_bucket, key), key=lambda item: item["landed_at"])
    if not items:
        raise TargetError(f"the ledger does not know {key!r}; give the key in the raw bucket, without s3://")
    if as_json:
        print_json(items)
        return
    for item in items:
        fields: list[tuple[str, object]] = [(name, item[name]) for name in FIRST_FIELDS if item.get(name)]
        fields += [
            (name, value if isinstance(value, str) else f"{value:,}") for name, value in item.get("outcome", {}).items()
        ]
        for name in LAST_FIELDS:
            if item.get(name):
                found: Any = item[name]
                fields.append((name, ", ".join(sorted(found)) if isinstance(found, set) else found))
        print_record(console, f"{key} version {item['version']}", fields)


def replay(
    dataset: Dataset,
    prefix: Prefix = "",
    since: Since = None,
    until: Until = None,
    batch: OfBatch = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Send what is in quarantine through the same path again: rows, and files that were refused or failed.

    Example: data-pipeline replay flights --since 2026-11-01 --dry-run --stack prod
    """
    selection = Selection(dataset=dataset, prefix=prefix, since=utc(since), until=utc(until), batch_id=batch)
    do(deployed(Target, outputs, stack), selection, "quarantined", dry_run=dry_run, yes=yes, as_json=as_json)


def do(target: Target, selection: Selection, what: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what a request means, ask whether to go on, and carry it out."""
    plan = make_plan(target, selection, what)
    if not as_json:
        show(target, plan)
    request = None
    if plan.files and not dry_run:
        confirm(f"Have {counted(plan.files, 'file')} of {plan.dataset} read?", yes=yes)
        request = carry_out(target, plan)
    if as_json:
        print_json({**document(target, plan), "request": request})
    elif not plan.files:
        say("Nothing to do.")
    elif request is None:
        say("Dry run: nothing was done.")
    else:
        them = "it into a batch" if plan.files == 1 else "them into batches"
        say(f"Asked for {counted(plan.files, 'file')}, request {request}. The next tick puts {them}.")


def document(target: Target, plan: Plan) -> dict[str, Any]:
    """Write a plan for another program."""
    actions = {
        action: {
            "files": [asdict(version) for version in versions],
            "batches": len(plan.batches(action, target)),
            "glue_runs": plan.glue_runs(action, target),
            "least_dollars": round(plan.least_dollars(action, target), 4),
        }
        for action, versions in plan.actions.items()
    }
    return {"dataset": plan.dataset, "actions": actions, "left_alone": dict(plan.skipped)}


def show(target: Target, plan: Plan) -> None:
    """Print a plan as a table."""
    rows = []
    for action, versions in plan.actions.items():
        size = sum(version.size for version in versions)
        dollars, batches = plan.least_dollars(action, target), len(plan.batches(action, target))
        cost = f"${dollars:,.2f}" if dollars >= CENT else "under $0.01"
        rows.append([ACTIONS[action], f"{len(versions):,}", f"{size:,}", f"{batches:,}", cost])
    rows += [[f"left alone: {name}", f"{count:,}", "", "", ""] for name, count in sorted(plan.skipped.items())]
    print_rows(console, [f"files of {plan.dataset}", "files", "bytes", "batches", "at least"], rows)


def utc(at: datetime | None) -> datetime | None:
    """Take a time that was typed for one in UTC."""
    return at and at.replace(tzinfo=UTC)
