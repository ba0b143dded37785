"""A preview for a comment on a pull request: the dangers first, everything else folded, cut where it gets too long."""

import re
from collections.abc import Iterable, Iterator

from pipeline_core.plain_text import LAYOUT
from pipeline_core.plain_text import printable as fit_to_see

from ops.preview.changes import Change
from ops.preview.options import LONGEST_COMMENT
from ops.preview.report import SIGNS, Preview, alike, is_code, shown
from ops.preview.text import tree
from plain_console import PlainConsole


def write(preview: Preview, longest: int = LONGEST_COMMENT) -> str:
    """Write it; what does not fit is left out as a whole, and said."""
    return fit_to_see(fitted(list(_parts(preview)), longest, preview), LAYOUT)


def fitted(parts: list[str], longest: int, preview: Preview) -> str:
    """Take as many parts as fit, and say how many do not."""
    command = f"make preview STACK={preview.head.stack}" + (f" BASE={preview.revision}" if preview.base else "")
    taken: list[str] = []
    for place, part in enumerate(parts):
        left = f"\n_Parts left out here: {len(parts) - place}. `{command}` has them._\n"
        size = sum(len(one) + 1 for one in taken)
        last = place == len(parts) - 1
        if size + len(part) + (0 if last else len(left) + 1) > longest:
            return "\n".join(taken) + left
        taken.append(part)
    return "\n".join(taken)


def _parts(preview: Preview) -> Iterator[str]:
    yield f"### Preview of {preview.title}\n\n{preview.totals()}\n"
    for line in preview.queries:
        yield f"- {_escaped(' '.join(line.split()))}\n"
    for line in preview.notices:
        yield f"- not enforced: {_escaped(' '.join(line.split()))}\n"
    if preview.note:
        yield f"> [!NOTE]\n> {_escaped(' '.join(preview.note.split()))}\n"
    for line in preview.refused:
        yield f"> [!WARNING]\n> A rule refuses `{line}`\n"
    groups = list(alike(preview.changes))
    for changes in groups:
        if changes[0].danger:
            yield f"> [!CAUTION]\n> **{_names(changes)}**: {changes[0].danger}\n"
    for changes in groups:
        yield _folded(f"{SIGNS[changes[0].action]} {_names(changes)}", "diff", _lines(changes))
    if lines := preview.data_lines():
        yield _folded("What becomes of data by both contracts", "", lines)
    if not preview.shows_tree:
        return
    rows = (
        f"| {name} | {count} | {'' if idle is None else f'{idle:,.2f}'} |" for name, count, idle in preview.services()
    )
    yield "\n".join(
        [
            "<details><summary>Services</summary>\n",
            "| service | resources | idle, $ a month |\n|---|---:|---:|",
            *rows,
            "\n</details>\n",
        ]
    )
    yield _folded("Components and resources", "", _tree(preview))


def _names(changes: list[Change]) -> str:
    first = changes[0]
    if len(changes) == 1:
        return str(first)
    return f"{first} and {len(changes) - 1} more" + (", in the same way" if first.differences else "")


def _lines(changes: list[Change]) -> Iterator[str]:
    first = changes[0]
    if len(changes) > 1 or not first.differences:
        sign = {"add": "+", "remove": "-"}.get(first.action, " ")
        yield from (f"{sign} {change}" for change in changes)
    if first.former:
        yield f"  was {first.former}"
    for one in first.differences:
        if is_code(one):
            yield f"! {one.path}: code changed"
        else:
            yield f"- {one.path}: {shown(one.old)}"
            yield f"+ {one.path}: {shown(one.new)}"


def _tree(preview: Preview) -> list[str]:
    console = PlainConsole(width=160, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(tree(preview))
    return [line.rstrip() for line in captured.get().splitlines()]


def _folded(summary: str, language: str, lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(found) for found in re.findall("`+", text)), default=0))
    return f"<details><summary>{_escaped(summary)}</summary>\n\n{fence}{language}\n{text}\n{fence}\n\n</details>\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
