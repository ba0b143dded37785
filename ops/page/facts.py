"""What the page says of a deployment, as plain data: `ops.page.gather` reads it, the template shows it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipeline_core.batches import OPEN, STARTED
from pipeline_core.contract import Contract
from pipeline_core.fields import Fields
from pipeline_core.ledger import FAILED, QUARANTINED
from pipeline_core.report import FATES

from lambdas.freshness.logic import Freshness, Promise, freshness
from ops.alarms import ON, Alarm

RUNNING = "RUNNING"
OFTEN = 3
"""So many examples of a reason are shown."""


def moment(text: str) -> datetime | None:
    """A time of the ledger; None where there is none."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


@dataclass(frozen=True, kw_only=True)
class About:
    """What a contract says of a dataset beside its rows: what it is for, whose it is, and where to ask."""

    purpose: str = ""
    domain: str = ""
    product: str = ""
    team: tuple[str, ...] = ()
    support: tuple[str, ...] = ()

    @classmethod
    def from_fields(cls, document: Fields) -> "About":
        """Parse a member of `about` of the index of contracts."""
        return cls(
            **{name: document.text(name, "") for name in ("purpose", "domain", "product")},
            team=document.texts("team"),
            support=document.texts("support"),
        )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset: what it promises, and how it stands. `contract` is None where none could be read."""

    name: str
    contract: Contract | None = None
    about: About = field(default_factory=About)
    published_at: datetime | None = None
    watched_since: datetime | None = None
    is_reported_late: bool = False
    publishes: int = 0
    pending: int = 0
    has_more_pending: bool = False
    running: tuple[str, ...] = ()
    ignored: int = 0

    def freshness(self, at: datetime) -> Freshness | None:
        """How the dataset stands against its promise; None where it promises nothing. Nobody gives it a grace here."""
        hours = self.contract.frequency_hours if self.contract else None
        if hours is None:
            return None
        published = self.published_at.isoformat() if self.published_at else ""
        since = self.watched_since.isoformat() if self.watched_since else ""
        if not published and not since:
            since = at.isoformat()
        return freshness(Promise(dataset=self.name, hours=hours), published, since, timedelta(0), at)

    def is_late(self, at: datetime) -> bool:
        """Whether it was not published in the time that its contract promises."""
        found = self.freshness(at)
        return found is not None and found.is_late


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """A file of a batch: what it is, and what became of its rows, where that is known already."""

    key: str
    version: str
    size: int | None = None
    landed_at: str = ""
    rows_read: int | None = None
    rows_in_table: int | None = None
    rows_quarantined: int | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A quarantined row, as it came."""

    source: str
    line: int
    record: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A batch. `rows` has its fates; `dollars` is what the cost model says of it, None if it has read nothing.

    `files_read` are the files that it was made of, as far as `has_lineage` says that they were looked up; `snapshot`
    is that of an Iceberg table that it has made, and `partitions` are those that it has added rows to.
    """

    batch_id: str
    dataset: str
    status: str
    created_at: datetime
    finished_at: datetime | None = None
    purpose: str = ""
    contract_version: str = ""
    engine: str = ""
    workers: int = 0
    files: int = 0
    bytes: int = 0
    rows_read: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    files_quarantined: int = 0
    violations: tuple[str, ...] = ()
    error: str = ""
    report: str = ""
    dollars: float | None = None
    has_lineage: bool = False
    files_read: tuple[ReadFile, ...] = ()
    partitions: tuple[str, ...] = ()
    snapshot: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether it has not come to an end."""
        return self.status in (OPEN, STARTED)

    @property
    def shown_status(self) -> str:
        """Its status in one word."""
        return RUNNING if self.is_running else self.status

    @property
    def is_trouble(self) -> bool:
        """Whether nothing of it was published, or it has refused rows or files."""
        refused = self.rows.get("quarantined", 0) + self.files_quarantined
        return self.status in (FAILED, QUARANTINED) or refused > 0

    def seconds(self, at: datetime) -> float:
        """How long it took, or runs already."""
        return ((self.finished_at or at) - self.created_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue in which what nobody could handle waits for a person."""

    name: str
    waiting: int


@dataclass(frozen=True, kw_only=True)
class RefusedFile:
    """A file that is in quarantine as a whole."""

    dataset: str
    key: str
    version: str
    reason: str
    size: int
    quarantined_at: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why rows of a dataset are in quarantine: how many, in the batches that are shown, and some of them."""

    dataset: str
    reason: str
    rows: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that the page shows. `unread` says what could not be read: the rest is shown all the same."""

    stack: str
    environment: str
    account: str
    region: str
    endpoint: str
    database: str
    made_at: datetime
    datasets: tuple[Dataset, ...] = ()
    runs: tuple[Run, ...] = ()
    has_more_runs: bool = False
    alarms: tuple[Alarm, ...] = ()
    queues: tuple[Queue, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()
    has_more_refused_files: bool = False
    unread: tuple[str, ...] = ()

    @property
    def alarms_on(self) -> tuple[Alarm, ...]:
        """Alarms that call."""
        return tuple(alarm for alarm in self.alarms if alarm.state == ON)

    @property
    def late(self) -> tuple[Dataset, ...]:
        """Datasets that were not published in the time that they promise."""
        return tuple(dataset for dataset in self.datasets if dataset.is_late(self.made_at))

    @property
    def troubled_runs(self) -> tuple[Run, ...]:
        """Batches that were not published, or refused something."""
        return tuple(run for run in self.runs if run.is_trouble)

    @property
    def waiting_queues(self) -> tuple[Queue, ...]:
        """Queues that are not empty."""
        return tuple(queue for queue in self.queues if queue.waiting)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was found that a person should look at."""
        found = (self.alarms_on, self.late, self.troubled_runs, self.waiting_queues, self.refused_files, self.unread)
        return not any(found)

    def fates(self) -> dict[str, dict[str, int]]:
        """Rows by their fate, of each dataset that has read any in the batches that are shown."""
        found: dict[str, Counter[str]] = {}
        for run in self.runs:
            if run.rows_read:
                found.setdefault(run.dataset, Counter()).update(run.rows)
        return {name: {fate: counts[fate] for fate in FATES} for name, counts in sorted(found.items())}

    def reasons(self) -> list[Reason]:
        """Why rows are in quarantine, by dataset, the most frequent first."""
        counts: dict[tuple[str, str], int] = Counter()
        examples: dict[tuple[str, str], list[Example]] = {}
        for run in self.runs:
            for reason, rows in run.reasons.items():
                counts[run.dataset, reason] += rows
            for example in run.examples:
                for reason in example.reasons:
                    examples.setdefault((run.dataset, reason), []).append(example)
        return [
            Reason(
                dataset=dataset, reason=reason, rows=rows, examples=tuple(examples.get((dataset, reason), [])[:OFTEN])
            )
            for (dataset, reason), rows in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
        ]


def newest(runs: Iterable[Run], most: int) -> tuple[tuple[Run, ...], bool]:
    """The newest runs, and older ones that are under way, the newest first; and whether there are more."""
    found = sorted(runs, key=lambda run: (run.created_at, run.batch_id), reverse=True)
    shown = [*found[:most], *(run for run in found[most:] if run.is_running)]
    return tuple(shown), len(found) > len(shown)
