"""Where the marks of the charts lie, in per cent of their width, so that they fit a phone and a screen alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.page.facts import Run

LONGEST = timedelta(days=7)
"""The timeline goes back this far before the newest run: a run of last year would press all others together."""
SHORTEST = timedelta(minutes=5)
NARROWEST = 0.7


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A run on the timeline."""

    run: Run
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The runs of a dataset."""

    dataset: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Lanes of marks, and the times at the left end, in the middle and at the right end."""

    lanes: tuple[Lane, ...]
    ticks: tuple[datetime, datetime, datetime]
    left_out: int


def timeline(runs: Sequence[Run], at: datetime) -> Timeline | None:
    """Lay out the runs, until now; None if there are none."""
    if not runs:
        return None
    newest = max(run.created_at for run in runs)
    shown = [run for run in runs if run.is_running or run.created_at >= newest - LONGEST]
    begin = min((run.created_at for run in shown if run.created_at >= newest - LONGEST), default=newest)
    # The clocks of functions and of this machine differ.
    end = max(at, begin + SHORTEST, *(run.finished_at or run.created_at for run in shown))
    whole = end - begin

    def mark(run: Run) -> Mark:
        first = max(run.created_at, begin)
        last = max(run.finished_at or end, first)
        width = max(NARROWEST, 100 * ((last - first) / whole))
        return Mark(run=run, x=min(100 * ((first - begin) / whole), 100 - width), width=width)

    names = sorted({run.dataset for run in shown})
    lanes = [Lane(dataset=name, marks=tuple(mark(run) for run in shown if run.dataset == name)) for name in names]
    return Timeline(lanes=tuple(lanes), ticks=(begin, begin + whole / 2, end), left_out=len(runs) - len(shown))


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of a bar."""

    name: str
    x: float
    width: float


def bar(counts: Mapping[str, int]) -> list[Segment]:
    """Lay out the parts of a bar, in their order, without empty ones; a bar of nothing has none."""
    whole, before, found = sum(counts.values()), 0, []
    for name, number in counts.items():
        if number:
            found.append(Segment(name=name, x=100 * before / whole, width=100 * number / whole))
            before += number
    return found
