"""Which datasets are late: when each was published last, against what its contract promises. No AWS in here.

A dataset that is paused is not late: a person knows. One that is paused for longer than a day is told of as if it were.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_core.channels import SEVERITIES, Channels
from pipeline_core.fields import Fields
from pipeline_core.owners import Message
from pipeline_core.pauses import Pause

RUNBOOK = "docs/runbook.md#not-fresh"
NO_PAUSES: Mapping[str, Pause] = {}
LATE, PAUSED, FRESH = "LATE", "PAUSED", "FRESH"
"""What a message is about: some are late, or only paused by now, or none of either."""

STATE = {"pk": "freshness", "sk": "state"}
"""The key of the ledger's item in which the last look is kept (`Seen`)."""

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


def watched(promises: Sequence[Promise], seen: Seen, at: datetime, paused: Collection[str] = ()) -> dict[str, str]:
    """Say since when each promise is watched: one that is new, or of a dataset that was paused, is not late at once."""
    before = {dataset: since for dataset, since in seen.since.items() if dataset not in paused}
    return {each.dataset: before.get(each.dataset, at.isoformat()) for each in promises}


def freshness(promise: Promise, published_at: str, since: str, grace: timedelta, at: datetime) -> Freshness:
    """Compare a dataset's last publish (empty: none) with its promise."""
    reference = max(datetime.fromisoformat(time) for time in (published_at, since) if time)
    age = at - reference
    late = age - timedelta(hours=promise.hours) - grace
    hour = timedelta(hours=1)
    return Freshness(promise=promise, published_at=published_at, hours_since=age / hour, hours_late=late / hour)


def message(
    late: Sequence[Freshness | Pause], before: Sequence[str], paused: Mapping[str, Pause] = NO_PAUSES
) -> tuple[str, str, str] | None:
    """Write outcome, subject and body for people, if others are late, or paused for long, than `before`; else None.

    `paused` are all that are paused: one that is late no more for that is not in time.
    """
    names = [each.dataset for each in late]
    if set(names) == set(before):
        return None
    gone = sorted(set(before) - set(names))
    still = [dataset for dataset in gone if dataset in paused]
    kind = LATE if names else PAUSED if still else FRESH
    said = ", ".join(names or still) or "every dataset is published in time again"
    subject = f"[{kind}] {said}"
    if len(subject) > MAX_SUBJECT:
        subject = f"[{kind}] {said.count(',') + 1} datasets: {said}"[: MAX_SUBJECT - 3] + "..."
    lines = [f"{each.dataset}: {each}" if isinstance(each, Pause) else str(each) for each in late]
    lines += [f"{each}: {paused.get(each, 'in time again')}" for each in gone]
    return kind, subject, "\n".join([*lines, f"What to do: {RUNBOOK}"])


def for_owners(
    channels: Channels,
    late: Sequence[Freshness | Pause],
    before: Sequence[str],
    paused: Mapping[str, Pause] = NO_PAUSES,
) -> Iterator[tuple[Message, list[str]]]:
    """Write for each channel, if others of its own datasets are late than before, a message about those alone.

    Channels of the same datasets get the same one. Who heard that a dataset is late hears that it is in time again.
    """
    heard: dict[str, list[str]] = {}
    for dataset in sorted({each.dataset for each in late} | set(before)):
        for channel in channels.hearing(dataset, SEVERITIES[LATE]):
            heard.setdefault(channel, []).append(dataset)
    alike: dict[tuple[str, ...], list[str]] = {}
    for channel, datasets in sorted(heard.items()):
        alike.setdefault(tuple(datasets), []).append(channel)
    for own, who in alike.items():
        text = message([each for each in late if each.dataset in own], [each for each in before if each in own], paused)
        if text:
            outcome, subject, body = text
            severity = SEVERITIES[outcome]
            yield Message(datasets=own, severity=severity, outcome=outcome, subject=subject, body=body), who
