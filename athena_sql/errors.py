"""What is refused, worded as Athena words it: `NAME: line 1:8: ...`."""

from __future__ import annotations

from typing import Any, Final

NOT_EMULATED: Final = "NOT_EMULATED"
ADVICE: Final = "not emulated here: ATHENA=trino"


class SqlError(Exception):
    """A statement that Athena refuses, or (NOT_EMULATED) that only the real engine can be asked."""

    def __init__(self, name: str, what: str, node: Any = None) -> None:
        self.name, self.what = name, what
        self.line, self.column = position(node)
        super().__init__(f"{name}: line {self.line}:{self.column}: {what}")


def not_emulated(what: str, node: Any = None) -> SqlError:
    """What Trino may well answer, and the quick engine does not."""
    return SqlError(NOT_EMULATED, f"{what}: {ADVICE}", node)


def position(node: Any) -> tuple[int, int]:
    """Where a node of sqlglot's tree begins: line and column, from 1."""
    if node is None:
        return 1, 1
    for each in node.walk(bfs=False):
        meta = each.meta
        if "line" in meta and "col" in meta:
            width = meta.get("end", 0) - meta.get("start", 0)
            return int(meta["line"]), max(1, int(meta["col"]) - width)
    return 1, 1
