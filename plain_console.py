"""The console that all commands print to: no text from outside reaches the terminal as a command."""

import textwrap
from collections.abc import Iterable
from typing import Any

from pipeline_core.plain_text import LAYOUT, printable
from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text


class PlainConsole(Console):
    """A console that shows control characters escaped. Rich's own are no text, and pass."""

    def __init__(self, **options: Any) -> None:
        # Keys, reasons and what AWS says are text, whatever colons are in them.
        super().__init__(**{"emoji": False, **options})

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """Render as Rich does, and escape what is to be seen."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text, LAYOUT), style)


def print_line(console: Console, text: str, style: str | None = None) -> None:
    """Print what a command says: on a terminal folded between words, elsewhere a line a thing, for other programs.

    What goes on from the line above is set in by four more columns. A word that is longer than a line stays whole.
    """
    for line in text.split("\n"):
        for part in _folded(line, console.width) if console.is_terminal else [line]:
            console.print(part, style=style, soft_wrap=True)


def _folded(line: str, width: int) -> list[str]:
    indent = len(line) - len(line.lstrip(" ")) + 4
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * indent,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def print_record(console: Console, title: str, fields: Iterable[tuple[str, object]]) -> None:
    """Print a thing with a field a line. No line is cut or broken, so that what is in it can be copied."""
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    for name, value in fields:
        console.print(Text(f"  {printable(name)}: {printable(value)}"), soft_wrap=True)


def print_rows(console: Console, columns: list[str], rows: list[list[str]], title: str = "") -> None:
    """Print a table; where it does not fit, each row as a record, so that nothing of it is cut or folded."""
    table = Table(*columns, title=title or None, title_justify="left")
    for row in rows:
        table.add_row(*(Text("\n".join(map(printable, cell.split("\n")))) for cell in row))
    unbounded = console.options.update(width=100_000, max_width=100_000)
    if Measurement.get(console, unbounded, table).maximum <= console.width:
        console.print(table)
        return
    for first, *rest in rows:
        fields = [(name, cell.replace("\n", ", ")) for name, cell in zip(columns[1:], rest, strict=True) if cell]
        print_record(console, f"{columns[0]} {first}", fields)
