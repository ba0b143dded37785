"""All that a preview says, before it is written as text, Markdown or JSON."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.violations import printable
from ops.preview.changes import ACTIONS, Change
from ops.preview.data import Tried
from ops.preview.differences import ABSENT, Difference
from ops.preview.snapshot import CODE, Seen, Snapshot
from recording.program import short_type

LONGEST_VALUE = 100
SIGNS = {"add": "+", "change": "~", "replace": "±", "remove": "-"}
PAST = {"add": "added", "change": "changed", "replace": "replaced", "remove": "removed"}


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A stack as the program declares it, and how that differs from a base revision, if there is one."""

    head: Snapshot
    # What the rules of policies/ refuse.
    refused: tuple[str, ...] = ()
    # What is missing here, and why.
    note: str = ""
    # What contracts say that is not enforced, with the reason: a line each.
    notices: tuple[str, ...] = ()
    # Which named queries read what changes of the contracts touch: a line for each contract.
    queries: tuple[str, ...] = ()
    base: Snapshot | None = None
    revision: str = ""
    changes: tuple[Change, ...] = ()
    # What becomes of files by both revisions' contracts; None if nobody asked.
    data: tuple[Tried, ...] | None = None
    # Whether the whole tree is asked for, beside what changes.
    tree: bool = False

    @property
    def shows_tree(self) -> bool:
        """Whether the components and resources are listed: if they are asked for, or nothing is compared."""
        return self.tree or self.base is None

    @property
    def refusals(self) -> list[str]:
        """Everything for which the stack must not be deployed like this, a line each."""
        return [*self.refused, *(f"{change}: {change.danger}" for change in self.changes if change.refused)]

    @property
    def title(self) -> str:
        """Say what is previewed."""
        commit = re.fullmatch("[0-9a-f]{40}", self.revision)
        return f"stack {self.head.stack}" + (
            f" against {self.revision[:12] if commit else self.revision}" if self.base else ""
        )

    def totals(self) -> str:
        """Count what the stack has, what that costs while nothing happens, and what would change."""
        kinds = Counter(one.service for one in self.head.resources)
        resources = len(self.head.resources) - kinds["components"] - kinds["pulumi"]
        said = [f"{resources} resources in {kinds['components']} components"]
        if self.head.idle_dollars:
            before = sum(self.base.idle_dollars.values()) if self.base and self.base.idle_dollars else None
            now = sum(self.head.idle_dollars.values())
            was = "" if before is None or f"{before:.2f}" == f"{now:.2f}" else f" (was ${before:,.2f})"
            said.append(f"${now:,.2f} a month idle{was}")
        if self.base:
            counts = Counter(change.action for change in self.changes)
            said.append(", ".join(f"{counts[action]} {PAST[action]}" for action in ACTIONS))
        return "; ".join(said)

    def services(self) -> list[tuple[str, int, float | None]]:
        """Every service with how many resources it has, and what they cost idle where that is known."""
        counts = Counter(one.service for one in self.head.resources if one.service not in {"components", "pulumi"})
        idle = self.head.idle_dollars
        return [(name, counts[name], idle.get(name)) for name in sorted(counts | Counter(dict.fromkeys(idle, 0)))]

    def data_lines(self) -> list[str]:
        """What becomes of files, line by line; that nothing changes is said, too."""
        if self.data is None:
            return []
        return [line for one in self.data for line in one.lines()] or ["no contract changes, so no row's fate does"]

    def children(self) -> Mapping[str, list[Seen]]:
        """By the URN of a parent, what it holds; under the empty URN, what nothing holds."""
        known = {one.urn for one in self.head.resources}
        found: dict[str, list[Seen]] = {}
        for one in sorted(self.head.resources, key=lambda one: (one.service != "components", one.name, one.type)):
            found.setdefault(one.parent if one.parent in known else "", []).append(one)
        return found

    def to_json(self) -> str:
        """Write it for another program."""
        found: dict[str, Any] = {
            "stack": self.head.stack,
            "base": self.revision or None,
            "services": {name: {"resources": count, "idle_dollars": idle} for name, count, idle in self.services()},
            "verdict": "refused" if self.refusals else "accepted",
            "refused": self.refusals,
            "note": self.note or None,
            "notices": list(self.notices),
            "queries": list(self.queries),
            "changes": [
                {
                    "action": change.action,
                    "type": change.type,
                    "name": change.name,
                    "urn": change.urn,
                    "former_urn": change.former or None,
                    "danger": change.danger or None,
                    "differences": [_as_json(difference) for difference in change.differences],
                }
                for change in self.changes
            ],
            "data": None if self.data is None else [one.to_document() for one in self.data],
            "resources": [{"type": one.type, "name": one.name, "urn": one.urn} for one in self.head.resources],
        }
        return json.dumps(found, indent=1)


def alike(changes: tuple[Change, ...]) -> Iterator[list[Change]]:
    """Put together what comes, what goes, and what is changed in the same way: a tag of everything is one change."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        own = change.former or change.danger
        key = change.urn if own else f"{change.action} {change.differences}"
        groups.setdefault(key, []).append(change)
    yield from groups.values()


def label(seen: Seen) -> str:
    """Name a resource or a component in a tree; of a function say how long and how large it may get, too."""
    named = f"{seen.type.split(':')[-1] if seen.service == 'components' else short_type(seen.type)} {seen.name}"
    if short_type(seen.type) != "lambda.Function":
        return named
    return f"{named} ({seen.inputs.get('timeout')} s, {seen.inputs.get('memorySize')} MB)"


def is_code(difference: Difference) -> bool:
    """Whether it is the content of a file or an archive that differs."""
    return all(isinstance(value, str) and value.startswith(CODE) for value in (difference.old, difference.new))


def shown(value: Any) -> str:
    """Write a value in a line that is not too long."""
    if value is ABSENT:
        return repr(value)
    text = printable(json.dumps(value, ensure_ascii=False))
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… ({len(text):,} characters)"


def _as_json(difference: Difference) -> dict[str, Any]:
    values = {"old": difference.old, "new": difference.new}
    return {"path": difference.path, **{key: value for key, value in values.items() if value is not ABSENT}}
