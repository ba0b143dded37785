"""The samples of the contracts on their way through a deployment, and what the named queries answer afterwards."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.athena import QueryError
from pipeline_core.ledger import FAILED, FINAL

from ops import query as queries
from ops.landing import Landing, put, watched
from ops.review.stack import ROOT, SAMPLES
from ops.target import TargetError

QUERIES = SAMPLES / "queries.yaml"
SHOWN_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class Landed:
    """A sample, and what became of it."""

    dataset: str
    key: str
    status: str
    reason: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether it came to an end that a contract may give it: published, or refused by its rules."""
        return self.status in FINAL and self.status != FAILED


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a named query answers, or why it does not."""

    query: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    count: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Review:
    """Everything that was seen of a deployment."""

    landed: tuple[Landed, ...]
    answers: tuple[Answer, ...]

    @property
    def problems(self) -> list[str]:
        """What is not as it should be, a line each."""
        stuck = [f"{one.key} is {one.status}" + (f": {one.reason}" if one.reason else "") for one in self.landed]
        wrong = [line for one, line in zip(self.landed, stuck, strict=True) if not one.ended]
        return [*wrong, *(f"query {one.query}: {one.problem}" for one in self.answers if one.problem)]

    def to_document(self) -> dict[str, Any]:
        """Write it for another program."""
        return {
            "landed": [asdict(one) for one in self.landed],
            "answers": [asdict(one) for one in self.answers],
            "problems": self.problems,
        }


def land(target: Landing, timeout: float, show: Callable[[str], None], root: Path = ROOT) -> Iterator[Landed]:
    """Land the samples of all datasets that are deployed at once, and wait until each has come to its end."""
    files = [
        (dataset, file)
        for dataset in sorted(target.datasets)
        for file in sorted((root / SAMPLES / dataset).glob("*"))
        if file.is_file()
    ]
    if not files:
        raise TargetError(
            f"{root / SAMPLES} has no folder of {', '.join(sorted(target.datasets))}: there is nothing to land"
        )
    landed = [(dataset, put(target, dataset, file)) for dataset, file in files]
    deadline = time.monotonic() + timeout
    for dataset, one in landed:
        item = None
        for stage, found in watched(target, dataset, one["key"], one["version"], max(0, deadline - time.monotonic())):
            item = found
            show(f"{one['key']}: {stage}")
        counts = item.counts.to_outcome() if item and item.counts else {}
        status = item.status if item else "NOT REGISTERED"
        yield Landed(
            dataset=dataset, key=one["key"], status=status, reason=(item.reason or "") if item else "", counts=counts
        )


def ask(deployed: queries.Deployed, root: Path = ROOT) -> Iterator[Answer]:
    """Ask the named queries, those with question marks by the parameters of `contracts/samples/queries.yaml`."""
    # They load the program, which no other command does.
    from components.user_files import UserFileError, read

    try:
        named = read(root).queries
    except UserFileError as error:
        raise TargetError(str(error)) from error
    file = root / QUERIES
    given: dict[str, list[str]] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}
    for name, query in sorted(named.items()):
        parameters = given.get(name, [])
        if query.sql.count("?") != len(parameters):
            yield Answer(query=name, problem=f"{query.sql.count('?')} parameters are missing in {QUERIES}")
            continue
        try:
            found = queries.answer(deployed, name, None, [str(one) for one in parameters], literals=True, engine=None)
        except (QueryError, ClientError, BotoCoreError) as error:
            yield Answer(query=name, problem=str(error))
            continue
        rows = tuple(tuple(cell or "" for cell in row) for row in found.rows[:SHOWN_ROWS])
        yield Answer(query=name, columns=tuple(found.columns), rows=rows, count=len(found.rows))
