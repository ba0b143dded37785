"""Write the generated parts of the documentation, or say which are stale: `python -m ops.pages [--check]`.

A part stands between two comments of its page, `<!-- generated: name -->` and `<!-- end: name -->`; what is around
it is written by hand. A file that is generated whole has no comments.
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

Make = Callable[[], str]


class PageError(Exception):
    """A page lacks the place that a generated part belongs in."""


def with_part(text: str, page: str, name: str, part: str) -> str:
    """Put a generated part into its place in a page.

    Raises:
        PageError: the page does not have that place, or more than one.

    """
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->\n"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise PageError(f"{page}: allowed is one {begin.strip()!r} with one {end.strip()!r} after it")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{part.strip()}\n\n{end}{rest.split(end)[1]}"


def generated(root: Path, parts: Mapping[str, Mapping[str, Make]], files: Mapping[str, Make]) -> dict[str, str]:
    """Make every page and file anew, by its path below `root`.

    Raises:
        PageError: a page lacks the place of a part.

    """
    found = {path: make() for path, make in files.items()}
    for page, makes in parts.items():
        text = (root / page).read_text(encoding="utf-8")
        for name, make in makes.items():
            text = with_part(text, page, name, make())
        found[page] = text
    return found


def stale(root: Path, pages: Mapping[str, str]) -> dict[str, str]:
    """Say which pages on disk differ from `pages`, each with how."""
    found = {}
    for path, text in pages.items():
        file = root / path
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        if old != text:
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), path, f"{path} as it should be", lineterm=""
            )
            found[path] = "\n".join(lines)
    return found


def write(root: Path, pages: Mapping[str, str]) -> None:
    """Write pages below `root`."""
    for path, text in pages.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def table(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Write a Markdown table; columns whose cells are all numbers or dollars stand to the right."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    right = [bool(rows) and all(_is_figure(row[place]) for row in cells) for place in range(len(header))]
    rule = ["---:" if figure else "---" for figure in right]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *cells])


def _is_figure(cell: str) -> bool:
    return cell.strip("$%<~ ").replace(",", "").replace(".", "").isdigit() or cell in {"", "-"}
