"""The operator's command line: `data-pipeline --help`; `python -m ops` is an alias.

It works with the caller's AWS credentials; AWS_ENDPOINT_URL leads it to an emulator.
"""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.athena import QueryError
from pipeline_core.batches import Batches
from pipeline_core.ledger import Ledger
from rich.text import Text

from contracts.compiler.read import ContractError
from ops import query as queries
from ops import tables
from ops.announce import announce
from ops.contracts import commands as contract_commands
from ops.contracts.trial import TrialError
from ops.plan import ACTIONS, Plan, Selection, carry_out, make_plan
from ops.preview.options import LONGEST_COMMENT, Format, PreviewError
from ops.smoke import PATIENCE_SECONDS, Canary, Deployed, SmokeError, smoke
from ops.target import OUTPUTS_VARIABLE, Target, TargetError, choose, read
from plain_console import PlainConsole, print_record, print_rows

# In a frame, help cuts the names of options where a terminal is narrow.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
# Keys, reasons and what AWS says are text, whatever brackets are in them.
console = PlainConsole(markup=False)
notes = PlainConsole(stderr=True, markup=False)

app.add_typer(contract_commands.app, name="contract")
app.command("try")(contract_commands.try_file)
for table_command in (tables.history, tables.rollback, tables.adopt, tables.maintain):
    app.command()(table_command)

Stack = Annotated[str | None, typer.Option(help="Pulumi stack, asked with the Pulumi CLI.")]
Outputs = Annotated[
    Path | None,
    typer.Option(help=f"File with `pulumi stack output --json`; {OUTPUTS_VARIABLE} names one where no option does."),
]
Dataset = Annotated[str, typer.Argument(help="The dataset.")]
Prefix = Annotated[str, typer.Option(help="Only keys that begin with this, below the dataset's folder.")]
Since = Annotated[datetime | None, typer.Option(help="Only files that landed then or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only files that landed before (UTC).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it means, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class Engine(StrEnum):
    """Engines that the command query starts."""

    TRINO = queries.TRINO


FIRST_FIELDS = ("status", "reason", "landed_at", "registered_at", "claimed_at", "finished_at", "batch_id")
LAST_FIELDS = ("size", "attempts", "not_before", "deaths", "kills", "part", "purpose", "published_in", "quarantined_in")


@app.callback()
def main() -> None:
    """Look at a data pipeline, and have files read again."""


@app.command()
def file(key: str, stack: Stack = None, outputs: Outputs = None) -> None:
    """Say what happened to an object of the raw bucket: every version with its times, batch and row counts."""
    target = _target(outputs, stack)
    items = Ledger(target.ledger_table).versions(target.raw_bucket, key)
    if not items:
        raise TargetError(f"the ledger does not know {key!r}; give the key in the raw bucket, without s3://")
    for item in sorted(items, key=lambda item: item["landed_at"]):
        fields: list[tuple[str, object]] = [(name, item[name]) for name in FIRST_FIELDS if item.get(name)]
        fields += [
            (name, value if isinstance(value, str) else f"{value:,}") for name, value in item.get("outcome", {}).items()
        ]
        for name in LAST_FIELDS:
            if item.get(name):
                found: Any = item[name]
                fields.append((name, ", ".join(sorted(found)) if isinstance(found, set) else found))
        print_record(console, f"{key} version {item['version']}", fields)


@app.command()
def status(stack: Stack = None, outputs: Outputs = None) -> None:
    """Say what is going on in every dataset: pending files, running batches, publishes, ignored files."""
    target = _target(outputs, stack)
    ledger = Ledger(target.ledger_table)
    batches = Batches(ledger)
    rows = []
    for dataset in target.datasets:
        state = batches.state(dataset)
        pending = len(ledger.pending(dataset, target.max_files_per_batch))
        more = "+" if pending == target.max_files_per_batch else ""
        running = "\n".join(sorted(state.running)) or "none"
        counts = [str(state.published), str(ledger.ignored(dataset))]
        rows.append([dataset, f"{pending}{more}", running, state.publishing or "no", *counts])
    columns = ["dataset", "pending", "running batches", "publishing", "publishes", "ignored"]
    print_rows(console, columns, rows)


@app.command()
def replay(
    dataset: Dataset,
    prefix: Prefix = "",
    since: Since = None,
    until: Until = None,
    batch: Annotated[str | None, typer.Option(help="Only files of this batch.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Send what is in quarantine through the same path again: rows, and files that were refused or failed."""
    selection = Selection(dataset=dataset, prefix=prefix, since=_utc(since), until=_utc(until), batch_id=batch)
    _do(_target(outputs, stack), selection, "quarantined", dry_run=dry_run, yes=yes)


@app.command()
def backfill(
    dataset: Dataset,
    prefix: Prefix = "",
    since: Since = None,
    until: Until = None,
    again: Annotated[bool, typer.Option("--again", help="Published files too: they replace their own rows.")] = False,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Also files that were ignored because their object was deleted.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Read files that the pipeline has never seen; with --again, also those that it has read."""
    if again and deleted:
        raise TargetError("--again and --deleted are two requests: give one of them, then the other")
    selection = Selection(dataset=dataset, prefix=prefix, since=_utc(since), until=_utc(until))
    what = "again" if again else "deleted" if deleted else "new"
    _do(_target(outputs, stack), selection, what, dry_run=dry_run, yes=yes)


@app.command()
def preview(
    stack: Annotated[str, typer.Option(help="Which Pulumi.<stack>.yaml.")],
    base: Annotated[str | None, typer.Option(help="A git revision: say what changes against it.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TEXT,
    longest: Annotated[
        int, typer.Option(help="Markdown: so many characters at most, of one comment.")
    ] = LONGEST_COMMENT,
) -> None:
    """Show what the program declares for a stack, without AWS and Pulumi CLI.

    Exit codes: 0, it may be deployed; 1, it cannot be shown: settings, contracts, an archive or the revision are wrong;
    2, wrong options; 3, refused: a rule of policies/ is broken, or against the base, data would be deleted or replaced,
    or a contract would change in a way that Pulumi refuses.
    """
    # No other command loads the program.
    from ops.preview import command

    command.run(stack, base, format_, longest, console)


@app.command()
def query(
    name: Annotated[str | None, typer.Argument(help="A named query.")] = None,
    parameters: Annotated[list[str] | None, typer.Argument(help="What its question marks are, in order: text.")] = None,
    sql: Annotated[
        str | None, typer.Option(help="SQL instead of a named query; the arguments are its parameters.")
    ] = None,
    literals: Annotated[bool, typer.Option("--literals", help="Parameters are SQL: 7, DATE '2013-01-01'.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what Athena would refuse of queries/.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    engine: Annotated[
        Engine | None, typer.Option(help="Start a Trino for it over a running emulator; else what is there answers.")
    ] = None,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Ask Athena a named query or SQL; --check: hold every file of queries/ against the contracts, without AWS.

    Exit codes: 0, it is answered, or Athena has nothing to refuse; 1, it is not, or it has; 2, wrong options.
    """
    if check:
        if name is not None or sql is not None or engine is not None:
            raise typer.BadParameter("--check is of all named queries: leave query, SQL and engine out")
        _check_queries()
        return
    if sql is not None and name is not None:
        parameters, name = [name, *(parameters or [])], None
    if sql is None and name is None:
        raise typer.BadParameter("give the name of a query, --sql, or --check")
    found, source = read(outputs, stack)
    deployed = choose(queries.Deployed, found, source)
    announce(found, source, notes)
    answered = queries.answer(deployed, name, sql, parameters or [], literals=literals, engine=engine)
    if json_:
        console.out(answered.to_json(), highlight=False)
        return
    print_rows(console, answered.columns, [["" if cell is None else cell for cell in row] for row in answered.rows])
    more = f" The first {len(answered.rows):,} are shown." if answered.more else ""
    notes.print(f"{len(answered.rows):,} rows, {answered.scanned_bytes:,} bytes scanned.{more}", soft_wrap=True)


def _check_queries() -> None:
    # No other command but the preview loads the contracts.
    from components.user_files import UserFileError
    from components.user_files import read as read_files

    try:
        files = read_files()
    except UserFileError as error:
        raise TargetError(str(error)) from error
    console.print(f"{len(files.queries)} named queries fit {len(files.contracts)} contracts.")


@app.command("smoke")
def smoke_test(
    timeout: Annotated[int, typer.Option(help="Give up after that many seconds.")] = PATIENCE_SECONDS,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Land a tiny file of the dataset canary, and wait until Athena answers its rows."""
    found, source = read(outputs, stack)
    deployed = choose(Deployed, found, source)
    announce(found, source, notes)
    canary = Canary(deployed)
    with console.status("landing a canary") as line:
        # What is no Text, a status takes for markup.
        observation = smoke(
            canary,
            patience_seconds=timeout,
            show=lambda observation: line.update(Text(f"{canary.key}: {observation.where}")),
        )
    console.print(f"Athena answers the rows of {canary.key}, batch {observation.batch_id}.")


def _target(outputs: Path | None, stack: str | None) -> Target:
    """The deployment that a command works on, said before anything is done."""
    found, source = read(outputs, stack)
    target = choose(Target, found, source)
    announce(found, source, notes)
    return target


def _do(target: Target, selection: Selection, what: str, *, dry_run: bool, yes: bool) -> None:
    plan = make_plan(target, selection, what)
    _show(target, plan)
    if not plan.files:
        console.print("Nothing to do.")
        return
    if dry_run:
        console.print("Dry run: nothing was done.")
        return
    if not yes:
        typer.confirm(f"Have {plan.files} files of {plan.dataset} read?", abort=True)
    request = carry_out(target, plan)
    console.print(f"Asked for {plan.files} files, request {request}. The next tick puts them into batches.")


def _show(target: Target, plan: Plan) -> None:
    rows = []
    for action, versions in plan.actions.items():
        size = sum(version.size for version in versions)
        cost = f"${plan.least_dollars(action, target):,.2f}"
        rows.append([ACTIONS[action], f"{len(versions):,}", f"{size:,}", str(plan.runs(action, target)), cost])
    rows += [[f"left alone: {name}", f"{count:,}", "", "", ""] for name, count in sorted(plan.skipped.items())]
    print_rows(console, [f"files of {plan.dataset}", "files", "bytes", "Glue runs", "at least"], rows)


def _utc(at: datetime | None) -> datetime | None:
    return at and at.replace(tzinfo=UTC)


def run() -> None:
    """Run a command and exit. What a person can put right is one line, not a traceback."""
    try:
        app(prog_name="data-pipeline")
    except (
        TargetError,
        PreviewError,
        SmokeError,
        TrialError,
        tables.FunctionError,
        ContractError,
        QueryError,
        ClientError,
        BotoCoreError,
    ) as error:
        notes.print(f"error: {error}", style="red", soft_wrap=True)
        sys.exit(error.exit_code if isinstance(error, PreviewError) else 1)


if __name__ == "__main__":
    run()
