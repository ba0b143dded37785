"""A preview for a terminal: what would change first, the tree where it is asked for; what endangers data is red."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ops.preview.changes import Change
from ops.preview.report import SIGNS, Preview, alike, is_code, label, shown
from ops.preview.snapshot import Seen

STYLES = {"add": "green", "change": "yellow", "replace": "magenta", "remove": "magenta"}
DANGER = "bold red"
NAMED_AT_ONCE = 5


def write(preview: Preview, console: Console) -> None:
    """Print it."""
    for changes in alike(preview.changes):
        _write_changes(changes, console)
    for line in preview.data_lines():
        console.print(Text(f"data: {line}"), soft_wrap=True)
    if preview.note:
        console.print(Text(f"note: {preview.note}", "yellow"), soft_wrap=True)
    if preview.shows_tree:
        console.print(tree(preview))
        table = Table("service", "resources", "idle, $ a month")
        for service, count, idle in preview.services():
            table.add_row(service, str(count), "" if idle is None else f"{idle:,.2f}")
        console.print(table)
    for line in preview.queries:
        console.print(Text(f"queries: {line}"), soft_wrap=True)
    for line in preview.notices:
        console.print(Text(f"not enforced: {line}", "yellow"), soft_wrap=True)
    for line in preview.refused:
        console.print(Text(f"refused: {line}", DANGER), soft_wrap=True)
    console.print(Text(f"{preview.title}: {preview.totals()}", "bold"), soft_wrap=True)


def tree(preview: Preview) -> Tree:
    """Draw the components with their resources; what would come or change has its sign."""
    changed = {change.urn: change for change in preview.changes}
    root = Tree(Text(preview.title, "bold"))
    _grow(root, "", preview.children(), changed)
    return root


def _grow(tree: Tree, parent: str, children: Mapping[str, list[Seen]], changed: Mapping[str, Change]) -> None:
    for seen in children.get(parent, []):
        change = changed.get(seen.urn)
        text = Text(label(seen), "cyan" if seen.service == "components" else "")
        if change:
            text = Text(f"{SIGNS[change.action]} {label(seen)}", _style(change))
        _grow(tree.add(text), seen.urn, children, changed)


def _write_changes(changes: list[Change], console: Console) -> None:
    first = changes[0]
    named = changes[:NAMED_AT_ONCE] if first.differences else changes
    for change in named:
        console.print(Text(f"{SIGNS[change.action]} {change}", _style(change)), soft_wrap=True)
    if len(changes) > len(named):
        console.print(Text(f"  and {len(changes) - len(named)} more, in the same way", _style(first)))
    if first.former:
        console.print(Text(f"    was {first.former}"), soft_wrap=True)
    if first.danger:
        console.print(Text(f"    DATA: {first.danger}", DANGER), soft_wrap=True)
    for one in first.differences:
        said = "code changed" if is_code(one) else f"{shown(one.old)} -> {shown(one.new)}"
        console.print(Text(f"    {one.path}: {said}"), soft_wrap=True)


def _style(change: Change) -> str:
    return DANGER if change.danger else STYLES[change.action]
