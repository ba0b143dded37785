"""Which datasets are late: when each was published last, against what its contract promises. No AWS in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_core.fields import Fields

RUNBOOK = "docs/runbook.md#not-fresh"
MAX_SUBJECT = 100
"""SNS refuses a longer subject (SNS Publish API reference, 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A dataset that is promised to be published every so many hours."""

    dataset: str
    hours: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the last look has found: since when each promise is watched, and which datasets were late."""

    since: Mapping[str, str]
    late: tuple[str, ...] = ()

    @classmethod
    def from_item(cls, item: object) -> "Seen":
        """Parse the ledger's item; an empty one is that of a stack that was never looked at."""
        document = Fields(item, "the ledger's item of freshness")
        return cls(since=document.words("since", {}), late=document.texts("late"))


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """How a dataset stands: the hours since it was published, or watched, and those that it is late."""

    promise: Promise
    published_at: str
    hours_since: float
    hours_late: float

    @property
    def dataset(self) -> str:
        """Whose it is."""
        return self.promise.dataset

    @property
    def is_late(self) -> bool:
        """Whether the promise and the grace are over."""
        return self.hours_late > 0

    def __str__(self) -> str:
        """Say it in one line."""
        last = f"published last at {self.published_at}" if self.published_at else "never published"
        return f"{self.dataset}: {last}; promised every {self.promise.hours:g} h, {self.hours_late:.1f} h late"


def promises_of(index: Fields) -> tuple[Promise, ...]:
    """Read the promises from the index of contracts."""
    return tuple(
        Promise(dataset=item.text("dataset"), hours=item.number("hours")) for item in index.items("promises", ())
    )


def watched(promises: Sequence[Promise], seen: Seen, at: datetime) -> dict[str, str]:
    """Say since when each promise is watched: a promise that is new is not late at once."""
    return {each.dataset: seen.since.get(each.dataset, at.isoformat()) for each in promises}


def freshness(promise: Promise, published_at: str, since: str, grace: timedelta, at: datetime) -> Freshness:
    """Compare a dataset's last publish (empty: none) with its promise."""
    reference = max(datetime.fromisoformat(time) for time in (published_at, since) if time)
    age = at - reference
    late = age - timedelta(hours=promise.hours) - grace
    hour = timedelta(hours=1)
    return Freshness(promise=promise, published_at=published_at, hours_since=age / hour, hours_late=late / hour)


def message(late: Sequence[Freshness], before: Sequence[str]) -> tuple[str, str] | None:
    """Write subject and body for people, if other datasets are late than `before`; else None."""
    names = [each.dataset for each in late]
    if set(names) == set(before):
        return None
    subject = f"[LATE] {', '.join(names)}" if names else "[FRESH] every dataset is published in time again"
    if len(subject) > MAX_SUBJECT:
        subject = f"[LATE] {len(names)} datasets: {', '.join(names)}"[: MAX_SUBJECT - 3] + "..."
    lines = [str(each) for each in late]
    lines += [f"{dataset}: in time again" for dataset in sorted(set(before) - set(names))]
    return subject, "\n".join([*lines, f"What to do: {RUNBOOK}"])
