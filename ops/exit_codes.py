"""How commands end: one table for all of them. The help shows it, and so does docs/commands.md."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command answers to the shell."""

    DONE = 0
    FAILED = 1
    WRONG_OPTIONS = 2
    REFUSED = 3


MEANINGS = {
    ExitCode.DONE: "done, or shown",
    ExitCode.FAILED: "not done: something is missing or failed, or whoever was asked said no",
    ExitCode.WRONG_OPTIONS: "wrong options or arguments",
    ExitCode.REFUSED: "refused: rows, a file, a contract, a preview, a batch to be cancelled, an overdue review",
}
"""By exit code, when a command ends with it."""

TABLE = "\n".join(f"  {code.value}  {meaning}" for code, meaning in MEANINGS.items())
"""The table as the help shows it."""


class RefusedError(Exception):
    """What was asked for is understood, and not to be done; the message says why, and what to do."""
