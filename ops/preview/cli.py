"""What the command line must know of a preview before one is asked for: no other command loads the program."""

from enum import StrEnum

from pipeline_core import plain_text
from rich.console import Console

LONGEST_COMMENT = 65_536
"""Characters that GitHub takes in a comment, as its REST API answers to a longer one (issue 259 of
telia-oss/github-pr-resource quotes it, read 2026-11-24)."""


class PreviewError(Exception):
    """A preview cannot be made; the message says why, and what to do."""

    exit_code = 1


class RefusedError(PreviewError):
    """A preview was made, and shows what must not be deployed; the message lists it."""

    exit_code = 3


class Format(StrEnum):
    """How a preview is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def run(stack: str, base: str | None, format_: Format, longest: int, console: Console) -> None:
    """Make a preview and write it; Markdown takes `longest` characters at most.

    Raises:
        PreviewError: it cannot be made.
        RefusedError: what the stack declares, or what would become of data, must not be deployed.

    """
    from ops.preview import command

    try:
        made = command.make(stack, base)
    except Exception as error:
        if format_ is Format.MARKDOWN:
            # Whoever reads the pull request has to see it, not only whoever reads the log.
            console.out(_failure(stack, error, longest), highlight=False)
        raise
    command.write(made, format_, longest, console)
    if made.refusals:
        lines = "".join(f"\n  {line}" for line in made.refusals)
        raise RefusedError(f"stack {stack} must not be deployed like this; refused {len(made.refusals)}:{lines}")


def _failure(stack: str, error: Exception, longest: int) -> str:
    said = str(error) if isinstance(error, PreviewError) else f"{type(error).__name__}: {error}"
    head = f"### Preview of stack {plain_text.shown(stack)}\n\n"
    # Indented, as code that nothing in it can end.
    return head + "\n".join(f"    {plain_text.shown(line)}" for line in said.splitlines())[: longest - len(head)]
