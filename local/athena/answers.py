"""What an engine is asked, and what it answers, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

CUTOFF_REASON: Final = "Bytes scanned limit was exceeded"
"""What Athena gives as the reason when a query would scan more than its workgroup allows."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One statement, with the literals for its question marks, and the database that names without one are in.

    `limit` is how many bytes it may scan; `cancelled` is asked while it runs.
    """

    sql: str
    parameters: tuple[str, ...] = ()
    database: str = "default"
    limit: int | None = None
    cancelled: Callable[[], bool] = lambda: False


@dataclass
class Answer:
    """The columns of a result with Trino's types, its rows as Athena prints them, and the bytes that were read."""

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    scanned: int = 0


class QueryFailedError(Exception):
    """A statement that Athena refuses, or that fails there; worded `NAME: line 1:8: ...`, as Athena words it."""

    def __init__(self, message: str, *, by_system: bool = False) -> None:
        super().__init__(message)
        self.by_system = by_system


class CutOffError(Exception):
    """A statement would scan more than its workgroup allows."""

    def __init__(self, scanned: int) -> None:
        super().__init__(CUTOFF_REASON)
        self.scanned = scanned


class Engine(Protocol):
    """Runs statements with the permissions of the caller of the thread that it is called in."""

    def check(self, sql: str) -> None:
        """Refuse what is no statement, at once.

        Raises:
            QueryFailedError: it does not parse.
        """

    def run(self, request: Request) -> Answer:
        """Run one statement.

        Raises:
            QueryFailedError: it is refused, or fails.
            CutOffError: it would scan too much.
        """
