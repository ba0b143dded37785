"""The commands of reviews: `review up`, `review check`, `review down` and `review list`."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pipeline_core.plain_text import printable

from ops import query as queries
from ops.exit_codes import RefusedError
from ops.landing import PATIENCE_SECONDS, Landing
from ops.options import Json, Outputs, Stack, console, deployed, note, print_json, say, tell
from ops.review import report, stack
from ops.review.samples import Review, ask, land
from ops.target import TargetError, choose, read
from plain_console import print_record, print_rows

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Deploy a stack for a pull request, and look at it."
)
PROVIDER_VARIABLE = "DATA_PIPELINE_SECRETS_PROVIDER"
ALLOWED = ("dev", "local")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=99_999_999, help="The pull request's number.")]
Timeout = Annotated[int, typer.Option(help="Give the samples that many seconds.")]
Markdown = Annotated[Path | None, typer.Option("--to", help="Write what was seen as Markdown there, a failure too.")]
Provider = Annotated[
    str | None,
    typer.Option(
        envvar=PROVIDER_VARIABLE, help="Who encrypts the secrets of a stack without a file here: awskms://..."
    ),
]


@app.command()
def up(
    number: Number,
    to: Markdown = None,
    timeout: Timeout = PATIENCE_SECONDS,
    smoke: Annotated[
        bool, typer.Option("--smoke/--no-smoke", help="After the deployment, wait until Athena answers a canary.")
    ] = True,
    samples: Annotated[
        bool, typer.Option("--samples/--no-samples", help="Land the contracts' samples, and ask the named queries.")
    ] = True,
    secrets_provider: Provider = None,
    as_json: Json = False,
) -> None:
    """Deploy the stack review-NUMBER, small and cheap, land the contracts' samples and ask the named queries.

    It needs the Pulumi CLI. What it deployed stays until `review down`, whatever fails.

    Example: data-pipeline review up 12 --to review.md
    """
    name, cost = stack.name_of(number), ""
    try:
        stack.write_settings(number, secrets_provider)
        cost = _cost(name)
        with tempfile.TemporaryDirectory() as folder:
            outputs = Path(folder) / "outputs.json"
            stack.deploy(number, outputs, secrets_provider, smoke=smoke)
            seen = _look(outputs, None, timeout) if samples else Review(landed=(), answers=())
    except Exception as error:
        if to is not None:
            # Whoever reads the pull request has to see it, not only whoever reads the log.
            to.write_text(report.write(name, cost, None, f"{type(error).__name__}: {error}"), encoding="utf-8")
        raise
    _show(name, cost, seen, to, as_json)


@app.command()
def check(
    to: Markdown = None,
    timeout: Timeout = PATIENCE_SECONDS,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Land the contracts' samples in a stack of dev's rules or the emulator, and ask the named queries.

    Example: data-pipeline review check --stack review-12
    """
    _show("samples", "", _look(outputs, stack, timeout), to, as_json)


@app.command()
def down(
    number: Number,
    unlock: Annotated[
        bool, typer.Option("--unlock", help="First take away the lock that a killed deployment has left.")
    ] = False,
    secrets_provider: Provider = None,
    as_json: Json = False,
) -> None:
    """Destroy the stack review-NUMBER with all its data, and forget it; nothing is done where there is none.

    Example: data-pipeline review down 12
    """
    file = stack.write_settings(number, secrets_provider)
    gone = stack.destroy(number, unlock=unlock)
    file.unlink(missing_ok=True)
    name = stack.name_of(number)
    said = f"{name} is destroyed" if gone else f"there is no {name} in this state"
    tell({"stack": name, "destroyed": gone}, said, as_json=as_json)


@app.command("list")
def list_stacks(
    hours: Annotated[
        int, typer.Option(min=1, help="How long a stack may stay after its last deployment.")
    ] = stack.LIFETIME_HOURS,
    as_json: Json = False,
) -> None:
    """List the stacks of pull requests, and say which of them should be gone; it is refused (3) where there is one.

    Example: data-pipeline review list
    """
    found, now = stack.stacks(), datetime.now(UTC)
    if as_json:
        print_json([one.to_document(now, hours) for one in found])
    elif found:
        rows = [
            [
                one.name,
                f"{one.last_update.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if one.last_update else "never",
                str(one.resources),
                "yes" if one.is_overdue(now, hours) else "",
            ]
            for one in found
        ]
        print_rows(console, ["stack", "last deployed", "resources", "should be gone"], rows)
    else:
        say("no pull request has a stack")
    overdue = [one.name for one in found if one.is_overdue(now, hours)]
    if overdue:
        raise RefusedError(
            f"older than {hours} hours: {', '.join(overdue)}; take them down with data-pipeline review down NUMBER"
        )


def _look(outputs: Path | None, name: str | None, timeout: int) -> Review:
    found, source = read(outputs, name)
    if found.get("environment") not in ALLOWED:
        raise RefusedError(
            f"samples are invented rows: they are landed where the environment is {' or '.join(ALLOWED)}, and "
            f"{source} is of {found.get('environment')!r}"
        )
    target = deployed(Landing, outputs, name)
    landed = land(target, timeout, lambda line: note(printable(line)))
    return Review(landed=tuple(landed), answers=tuple(ask(choose(queries.Deployed, found, source))))


def _cost(name: str) -> str:
    # No other command loads the program.
    from ops.preview import command
    from ops.preview.options import PreviewError

    try:
        return command.make(name, None).totals()
    except PreviewError as error:
        raise TargetError(str(error)) from error


def _show(name: str, cost: str, seen: Review, to: Path | None, as_json: bool) -> None:
    if to is not None:
        to.write_text(report.write(name, cost, seen), encoding="utf-8")
    if as_json:
        print_json({"stack": name, "cost": cost or None, **seen.to_document()})
    else:
        if cost:
            say(f"{name}: {cost}")
        for one in seen.landed:
            print_record(
                console, f"{one.key}: {one.status}", [("reason", one.reason or "none"), *sorted(one.counts.items())]
            )
        for answer in seen.answers:
            rows = [list(row) for row in answer.rows]
            print_rows(
                console, list(answer.columns) or ["problem"], rows or [], f"{answer.query}: {answer.count:,} rows"
            )
    if seen.problems:
        raise TargetError("not as it should be:\n" + "\n".join(seen.problems))
