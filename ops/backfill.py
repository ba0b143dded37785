"""The command `backfill`: files are read that were never seen, or again; of several datasets, one after the other."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from ops.exit_codes import RefusedError
from ops.files import Prefix, Since, Until, do, document, show, utc
from ops.options import DryRun, Json, Outputs, Stack, Yes, confirm, console, counted, deployed, notes, print_json
from ops.plan import Plan, Selection, make_plan, new_request
from ops.target import Target, TargetError
from ops.turns import Ended, Turn

PATIENCE_SECONDS = 24 * 3_600
REQUEST = re.compile(r"[0-9a-f]{32}")

Datasets = Annotated[list[str], typer.Argument(metavar="DATASET...", help="The datasets, in their order.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until the batches have come to their end; of several, always.")
]
Timeout = Annotated[
    int, typer.Option(help="Give a dataset up after that many seconds; nothing that was asked for stops.")
]


def backfill(
    datasets: Datasets,
    prefix: Prefix = "",
    since: Since = None,
    until: Until = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Also files that were rolled back, and published ones: they replace their own rows."
        ),
    ] = False,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Also files that were ignored because their object was deleted.")
    ] = False,
    wait: Wait = False,
    request: Annotated[
        str, typer.Option(help="With --again or --deleted: go on with that request, as it was said when it began.")
    ] = "",
    timeout: Timeout = PATIENCE_SECONDS,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Read files that the pipeline has never seen; with --again, also those that it has read.

    Of several datasets, the next one is begun when all files of the one before have come to their end, and their
    batches too. It stops at a dataset of which a file failed or was refused, and says what to do. Interrupted, it is
    called again, and does nothing twice; with --again or --deleted it says with which --request. How many batches of a
    dataset run at once is the setting batches.max_concurrent_per_dataset.

    Example: data-pipeline backfill airlines planes flights --dry-run --stack prod
    """
    if again and deleted:
        raise TargetError("--again and --deleted are two requests: give one of them, then the other")
    what = "again" if again else "deleted" if deleted else "new"
    if request and what == "new":
        raise TargetError("--request goes with --again or --deleted; without them nothing is read twice, call it again")
    if request and not REQUEST.fullmatch(request):
        raise TargetError(f"--request {request!r}: it has 32 digits and letters a-f, as it was said when it began")
    if twice := sorted({name for name in datasets if datasets.count(name) > 1}):
        raise TargetError(f"{', '.join(twice)}: there more than once; name each dataset once, in its place")
    selection = Selection(dataset=datasets[0], prefix=prefix, since=utc(since), until=utc(until))
    target = deployed(Target, outputs, stack)
    if len(datasets) == 1 and not wait and not request:
        do(target, selection, what, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    request = request or new_request()
    plans = [make_plan(target, replace(selection, dataset=name), what, request) for name in datasets]
    if not as_json:
        for plan in plans:
            show(target, plan)
    if dry_run:
        _say([document(target, plan) for plan in plans], request=None, as_json=as_json)
        return
    files = sum(plan.files for plan in plans)
    if files:
        confirm(f"Have {counted(files, 'file')} of {', '.join(datasets)} read, in this order?", yes=yes)
    if what != "new":
        notes.print(f"Interrupted, go on with: --request {request}", soft_wrap=True)
    told: list[dict[str, Any]] = []
    try:
        for ended, rest in _turns(target, plans, selection, what, request, timeout):
            told.append({**document(target, ended.plan), "ended": dict(ended.statuses)})
            _check(ended, rest, what, request)
    finally:
        # Also of what was done before something failed.
        _say(told, request=request, as_json=as_json)


def _turns(
    target: Target, plans: Sequence[Plan], selection: Selection, what: str, request: str, timeout: float
) -> Iterator[tuple[Ended, list[str]]]:
    """Bring one dataset after the other to its end; yields it with those that are still to come."""
    names = [plan.dataset for plan in plans]
    for number, name in enumerate(names):
        # What has landed, or has come to its end, since it was shown counts.
        plan = make_plan(target, replace(selection, dataset=name), what, request)
        notes.print(
            f"{number + 1}/{len(names)} {name}: {counted(plan.files, 'file')} to ask for, "
            f"{len(plan.under_way):,} under way",
            soft_wrap=True,
        )
        yield Turn(target=target, plan=plan, request=request, timeout=timeout).run(), names[number + 1 :]


def _check(ended: Ended, rest: Sequence[str], what: str, request: str) -> None:
    """Stop where the next dataset would be begun on rows that lack.

    Raises:
        TargetError: files failed, in this turn or before it.
        RefusedError: files were refused as a whole.
    """
    name = ended.plan.dataset
    option = "" if what == "new" else f" --{what} --request {request}"
    on = f"data-pipeline backfill {' '.join([name, *rest])}{option}"
    waits = f" {', '.join(rest)} {'was' if len(rest) == 1 else 'were'} not begun." if rest else ""
    if ended.failed:
        raise TargetError(
            f"{name}: {counted(ended.failed, 'file')} FAILED{ended.such_as()}.{waits} data-pipeline runs {name} says "
            f"why. Fix the cause, then: data-pipeline replay {name} and, when it is done: {on}"
        )
    if ended.failed_batches and not ended.refused:
        anew = f"data-pipeline backfill {name} --{what} --prefix <keys of its files>"
        then = f" and go on with: data-pipeline backfill {' '.join(rest)}{option}" if rest else ""
        raise TargetError(
            f"{name}: batch {ended.failed_batches[0]} published nothing; its files keep the rows that they had.{waits} "
            f"data-pipeline runs {name} says why. Fix the cause, then: {anew}{then}"
        )
    if ended.refused:
        raise RefusedError(
            f"{name}: {counted(ended.refused, 'file')} refused as a whole{ended.such_as()}.{waits} data-pipeline "
            f"quarantined {name} says why. Fix them or the contract and replay, or leave them out; then: {on}"
        )


def _say(told: list[dict[str, Any]], *, request: str | None, as_json: bool) -> None:
    if as_json:
        print_json({"request": request, "datasets": told})
    elif request is None:
        console.print("Dry run: nothing was done.")
    else:
        for each in told:
            ended = ", ".join(f"{status} {count:,}" for status, count in sorted(each["ended"].items()))
            console.print(f"{each['dataset']}: {ended or 'nothing to do'}", soft_wrap=True)
