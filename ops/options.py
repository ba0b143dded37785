"""What all commands have in common: their options, their consoles, and how they find the deployment.

What a command is about is its argument, in capitals (DATASET, BATCH, KEY); what narrows it down is an option.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pipeline_core.plain_text import LAYOUT, printable

from ops.announce import announce
from ops.target import OUTPUTS_VARIABLE, choose, read
from plain_console import PlainConsole, print_line

Chosen = TypeVar("Chosen")

# Keys, reasons and what AWS says are text, whatever brackets are in them.
console = PlainConsole(markup=False)
notes = PlainConsole(stderr=True, markup=False)

Stack = Annotated[str | None, typer.Option(help="Pulumi stack, asked with the Pulumi CLI.")]
Outputs = Annotated[
    Path | None,
    typer.Option(help=f"File with `pulumi stack output --json`; {OUTPUTS_VARIABLE} names one where no option does."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it means, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="The dataset.")]
Batch = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id, as status and runs show it.")]
OfBatch = Annotated[str | None, typer.Option("--batch", help="Only of this batch.")]


def deployed(kind: type[Chosen], outputs: Path | None, stack: str | None) -> Chosen:
    """Find the deployment that a command works on, and say which one it is before anything is done.

    Raises:
        TargetError: it is not found, or lacks what is needed.
    """
    found, source = read(outputs, stack)
    chosen = choose(kind, found, source)
    announce(found, source, notes)
    return chosen


def print_json(document: object) -> None:
    """Print a document for another program; it has its own escapes for what a terminal would take for a command."""
    typer.echo(json.dumps(document, indent=1, default=_plain))


def say(text: str) -> None:
    """Print what a command says; see `print_line`."""
    print_line(console, printable(text))


def tell(document: object, text: str, *, as_json: bool) -> None:
    """Print a document for another program, or what it says for a person."""
    if as_json:
        print_json(document)
    else:
        say(text)


def note(text: str, style: str | None = None) -> None:
    """Say on stderr what is not the answer: how far it is, or what went wrong. It may have lines of its own."""
    print_line(notes, printable(text, LAYOUT), style)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on stderr whether to go on; the command ends if not."""
    if not yes:
        typer.confirm(question, abort=True, err=True)


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def age(seconds: float) -> str:
    """Write a duration as people say it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
