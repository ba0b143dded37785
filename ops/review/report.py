"""What was seen of a review's stack, as the part of a comment on its pull request."""

import re
from collections.abc import Iterator

from config.violations import printable
from ops.review.samples import Review

LONGEST = 18_000
LONGEST_CELL = 60


def write(title: str, cost: str, review: Review | None, problem: str = "", longest: int = LONGEST) -> str:
    """Write it as Markdown; of what is too long, the end is left out, and said."""
    text = "\n".join(_parts(title, cost, review, problem))
    left = "\n\n_The rest is left out; the job's log has it._\n"
    return text if len(text) <= longest else text[: longest - len(left)].rpartition("\n\n")[0] + left


def _parts(title: str, cost: str, review: Review | None, problem: str) -> Iterator[str]:
    yield f"### Review: {_plain(title)}\n"
    if problem:
        yield _fenced("It failed:", problem.splitlines())
    if cost:
        yield f"{_plain(cost)}\n"
    if review is None:
        return
    if review.problems:
        yield _fenced("Not as it should be:", review.problems)
    yield _fenced(
        "Samples",
        (
            f"{one.key}: {one.status} {one.reason}".rstrip()
            + "".join(f", {name.removeprefix('rows_')} {count:,}" for name, count in one.counts.items())
            for one in review.landed
        ),
    )
    for answer in review.answers:
        if not answer.problem:
            rows = (" | ".join(cell[:LONGEST_CELL] for cell in row) for row in (answer.columns, *answer.rows))
            yield _fenced(f"Query {answer.query}: {answer.count:,} rows", rows)


def _fenced(title: str, lines: Iterator[str] | list[str]) -> str:
    text = "\n".join(printable(line) for line in lines)
    fence = "`" * max(3, 1 + max((len(found) for found in re.findall("`+", text)), default=0))
    return f"{_plain(title)}\n\n{fence}\n{text}\n{fence}\n"


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>()#!|&@])", r"\\\1", printable(text))
