"""The operator's command line: `data-pipeline --help`; `python -m ops` is an alias.

It works with the caller's AWS credentials; AWS_ENDPOINT_URL leads it to an emulator.
"""

import sys
from dataclasses import asdict
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.athena import QueryError
from rich.text import Text

from contracts.compiler.read import ContractError
from ops import backfill, files, incident, landing, logs, runs, status, tables
from ops import query as queries
from ops.contracts import commands as contract_commands
from ops.contracts.trial import TrialError
from ops.exit_codes import TABLE, ExitCode, RefusedError
from ops.options import Json, Outputs, Stack, console, counted, deployed, note, notes, tell
from ops.page.command import page
from ops.preview.options import LONGEST_COMMENT, Format, PreviewError
from ops.review import command as review_commands
from ops.smoke import PATIENCE_SECONDS, Canary, Deployed, SmokeError, smoke
from ops.target import TargetError
from plain_console import print_rows

# In a frame, help cuts the names of options where a terminal is narrow.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

app.add_typer(contract_commands.app, name="contract")
app.add_typer(review_commands.app, name="review")
app.command("try")(contract_commands.try_file)
for command in (
    *(status.status, runs.runs, runs.quarantined, logs.logs, landing.land, files.file, files.replay, backfill.backfill),
    *(incident.pause, incident.resume, incident.cancel, page),
    *(tables.history, tables.rollback, tables.adopt, tables.maintain),
):
    app.command()(command)


class Engine(StrEnum):
    """Engines that the command query starts."""

    TRINO = queries.TRINO


def _version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"data-pipeline {version('data-pipeline')}")
        except PackageNotFoundError:
            typer.echo("data-pipeline of a clone that is not installed")
        raise typer.Exit


@app.callback(
    help="Look at a data pipeline, and have files read again.\n\n"
    f"Exit codes of every command:\n\n\b\n{TABLE}\n\nExample: data-pipeline status --stack prod"
)
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold what concerns all commands."""


@app.command()
def preview(
    stack: Annotated[str, typer.Option(help="Which Pulumi.<stack>.yaml.")],
    base: Annotated[str | None, typer.Option(help="A git revision: say what changes against it.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TEXT,
    longest: Annotated[
        int, typer.Option(help="Markdown: so many characters at most, of one comment.")
    ] = LONGEST_COMMENT,
    tree: Annotated[
        bool, typer.Option("--tree", help="With --base: all components and resources too, not only what changes.")
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="With --base: try the samples of contracts/samples/ by both contracts.")
    ] = False,
    file: Annotated[
        list[Path] | None,
        typer.Option(help="Instead of samples: a file called after its dataset, or in such a folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the program declares for a stack, or with --base what changes, without AWS and Pulumi CLI.

    Of the exit codes means 1, that it cannot be shown: settings, contracts, an archive or the revision are wrong; and
    3, that it must not be deployed: a rule of policies/ is broken, or against the base, data would be deleted or
    replaced, or a contract would change in a way that Pulumi refuses.

    Example: data-pipeline preview --stack dev --base main --data
    """
    if base is None and (tree or data or file):
        raise typer.BadParameter("--tree, --data and --file go with --base: they are about what changes against it")
    # No other command loads the program.
    from ops.preview import command

    files = [*(file or [])] if data or file else None
    command.run(stack, base, Format.JSON if as_json else format_, longest, console, tree=tree, files=files)


@app.command()
def query(
    name: Annotated[str | None, typer.Argument(help="A named query.")] = None,
    parameters: Annotated[list[str] | None, typer.Argument(help="What its question marks are, in order: text.")] = None,
    sql: Annotated[
        str | None, typer.Option(help="SQL instead of a named query; the arguments are its parameters.")
    ] = None,
    literals: Annotated[bool, typer.Option("--literals", help="Parameters are SQL: 7, DATE '2013-01-01'.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what Athena would refuse of queries/.")] = False,
    as_json: Json = False,
    engine: Annotated[
        Engine | None, typer.Option(help="Start a Trino for it over a running emulator; else what is there answers.")
    ] = None,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Ask Athena a named query or SQL; --check: hold every file of queries/ against the contracts, without AWS.

    Example: data-pipeline query recent_runs flights --stack prod
    """
    if check:
        if name is not None or sql is not None or engine is not None:
            raise typer.BadParameter("--check is of all named queries: leave query, SQL and engine out")
        _check_queries(as_json)
        return
    if sql is not None and name is not None:
        parameters, name = [name, *(parameters or [])], None
    if sql is None and name is None:
        raise typer.BadParameter("give the name of a query, --sql, or --check")
    asked = deployed(queries.Deployed, outputs, stack)
    answered = queries.answer(asked, name, sql, parameters or [], literals=literals, engine=engine)
    if as_json:
        console.out(answered.to_json(), highlight=False)
        return
    print_rows(console, answered.columns, [["" if cell is None else cell for cell in row] for row in answered.rows])
    more = f" The first {len(answered.rows):,} are shown." if answered.more else ""
    note(f"{counted(len(answered.rows), 'row')}, {answered.scanned_bytes:,} bytes scanned.{more}")


def _check_queries(as_json: bool) -> None:
    # No other command but the preview loads the contracts.
    from components.user_files import UserFileError
    from components.user_files import read as read_files

    try:
        found = read_files()
    except UserFileError as error:
        raise TargetError(str(error)) from error
    document = {"queries": sorted(found.queries), "contracts": [contract.name for contract in found.contracts]}
    tell(document, f"{len(found.queries)} named queries fit {len(found.contracts)} contracts.", as_json=as_json)


@app.command("smoke")
def smoke_test(
    timeout: Annotated[int, typer.Option(help="Give up after that many seconds.")] = PATIENCE_SECONDS,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Land a tiny file of the dataset canary, and wait until Athena answers its rows.

    Example: data-pipeline smoke --stack prod
    """
    canary = Canary(deployed(Deployed, outputs, stack))
    with notes.status("landing a canary") as line:
        # What is no Text, a status takes for markup.
        observation = smoke(
            canary,
            patience_seconds=timeout,
            show=lambda observation: line.update(Text(f"{canary.key}: {observation.where}")),
        )
    said = f"Athena answers the rows of {canary.key}, batch {observation.batch_id}."
    tell({"key": canary.key, **asdict(observation)}, said, as_json=as_json)


def run() -> None:
    """Run a command and exit. What a person can put right is one line, not a traceback."""
    try:
        app(prog_name="data-pipeline")
    except RefusedError as error:
        note(f"refused: {error}", "red")
        sys.exit(ExitCode.REFUSED)
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
        note(f"error: {error}", "red")
        sys.exit(error.exit_code if isinstance(error, PreviewError) else ExitCode.FAILED)


if __name__ == "__main__":
    run()
