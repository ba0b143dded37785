"""What a person sees of a deployment: each change as it happens, then a summary. All of it goes to stderr."""

import re
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from pulumi import automation as auto
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNCHANGED = ("same", "read", "refresh")
"""Steps of the engine that change nothing."""

SIGNS = {
    "create": ("+", "green", "created"),
    "update": ("~", "yellow", "updated"),
    "delete": ("-", "red", "deleted"),
    "replace": ("±", "magenta", "replaced"),
    "create-replacement": ("+", "magenta", "created in place of another"),
    "delete-replaced": ("-", "magenta", "deleted, replaced by another"),
    "import": ("=", "cyan", "imported"),
}
"""By the engine's step: sign, colour, and what a person calls it once it is done."""

PERMALINK = "Permalink:"
"""With it, the Pulumi CLI prints a signed address of the state, which whoever reads the log could open."""

_MARKUP = re.compile(r"<\{%.*?%\}>")


class Display:
    """Shows the engine's events, and keeps what the summary and the exit code need."""

    def __init__(self, console: Console, title: str, *, verbose: bool = False) -> None:
        self.changes: Counter[str] = Counter()
        self.errors: list[str] = []
        self._console, self._title, self._verbose = console, title, verbose
        self._began = time.monotonic()
        self._status = console.status("asking the engine")
        # The engine's events come from several threads.
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._console.print(self._title, style="bold", markup=False)
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def output(self, line: str) -> None:
        """Show a line of the Pulumi CLI's own output, if it is asked for."""
        if self._verbose and PERMALINK not in line:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True, style="dim")

    def event(self, event: auto.EngineEvent) -> None:
        """Show one event of the engine."""
        with self._lock:
            if event.resource_pre_event:
                self._begun(event.resource_pre_event.metadata)
            elif event.res_outputs_event:
                self._done(event.res_outputs_event.metadata)
            elif event.res_op_failed_event:
                failed = event.res_op_failed_event.metadata
                self._line("✗", "red", f"{failed.op.value} failed", failed)
            elif event.diagnostic_event:
                self._diagnosed(event.diagnostic_event)
            elif event.summary_event:
                # What the engine counts is right; what was seen above stands in where it did not get that far.
                self.changes = Counter(
                    {str(getattr(op, "value", op)): n for op, n in event.summary_event.resource_changes.items()}
                )

    def _begun(self, step: auto.StepEventMetadata) -> None:
        self._status.update(Text(f"{step.op.value} {_name(step)}"))

    def _done(self, step: auto.StepEventMetadata) -> None:
        self.changes[step.op.value] += 1
        if step.op.value in UNCHANGED:
            return
        sign, colour, done = SIGNS.get(step.op.value, ("·", "dim", step.op.value))
        self._line(sign, colour, done, step)

    def _line(self, sign: str, colour: str, what: str, step: auto.StepEventMetadata) -> None:
        diffs = f" ({', '.join(step.diffs)})" if step.diffs else ""
        line = Text.assemble((f"{sign} {what}", colour), f" {_name(step)}{diffs}")
        self._console.print(line, soft_wrap=True)

    def _diagnosed(self, diagnostic: auto.DiagnosticEvent) -> None:
        message = _MARKUP.sub("", diagnostic.message).strip()
        if diagnostic.severity == "error" and message and message not in self.errors:
            # Whoever runs the engine says them at the end, each once.
            self.errors.append(message)
        if diagnostic.severity == "warning" and message:
            self._console.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)

    @property
    def changed(self) -> int:
        """How many resources changed, or would."""
        return sum(count for op, count in self.changes.items() if op not in UNCHANGED)

    def summary(self, *, planned: bool) -> None:
        """Print what changed, or what would, and how long it took."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for op, count in sorted(self.changes.items()):
            sign, colour, done = SIGNS.get(op, (" ", "dim", "unchanged" if op in UNCHANGED else op))
            table.add_row(f"[{colour}]{sign}[/]", f"{count:,}", f"to be {done}" if planned and op in SIGNS else done)
        self._console.print(table)
        self._console.print(f"{time.monotonic() - self._began:.0f} s", style="dim", highlight=False)


def _name(step: auto.StepEventMetadata) -> str:
    """The short type and the logical name, which is the last part of a URN."""
    return f"{step.type.split(':')[-1]} {step.urn.rsplit('::', 1)[-1]}"
