"""What a batch came to, as the ledger, the workflow and the event `BatchPublished` have it. Standard library only."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from pipeline_core.fields import Fields
from pipeline_core.report import ALWAYS_COUNTED, ROW_COUNTS, RowCounts

CONFLICT = "CONFLICT"
"""The verdict that asks for another run of the job: other rows were published since it read the table."""

SECONDS = ("seconds_to_published", "latency_seconds")
"""What is only known when the publish is over."""

MAX_CAUSE = 2000
"""Characters of an error's cause that the ledger and the notification have."""


@dataclass(frozen=True, kw_only=True)
class Verdict(RowCounts):
    """The audit of a batch's report: `verdict` is PUBLISHED, QUARANTINED or CONFLICT.

    `report` is the name of the report that it is about, `purpose` what the files were read for, `engine` what staged
    it, `violations` are the broken rules of the contract, and `crawl` says whether the dataset has a crawler and the
    batch made its table or changed it. `snapshot` is that of an Iceberg table that the batch has made: a later batch
    may update its rows. `seconds_to_published` is how long the batch's first file waited from landing to
    the publish, where it landed just for this batch; `latency_seconds` is what the contract promises of that. The
    ledger has none of the three.
    """

    verdict: str
    dataset: str
    batch_id: str
    report: str
    purpose: str
    contract_version: str
    files: int
    files_quarantined: int
    bytes: int
    violations: tuple[str, ...] = ()
    engine: str = ""
    crawl: bool = False
    snapshot: str = ""
    seconds_to_published: int | None = None
    latency_seconds: int | None = None

    @property
    def is_late(self) -> bool:
        """Whether the contract promises that rows are published sooner after they landed."""
        seconds, promised = self.seconds_to_published, self.latency_seconds
        return seconds is not None and promised is not None and seconds > promised

    @classmethod
    def from_fields(cls, document: Fields) -> "Verdict":
        """Parse a verdict of the ledger or of the workflow's state."""
        # Releases that knew fewer fates have no count of the others.
        return document.parse(cls, **{name: document.integer(name) for name in (*ALWAYS_COUNTED, "rows_replaced")})

    def to_item(self) -> dict[str, Any]:
        """Write the verdict as the ledger has it."""
        return {name: value for name, value in self.to_event().items() if name not in SECONDS}

    def to_event(self) -> dict[str, Any]:
        """Write the verdict as consumers of `BatchPublished` get it."""
        document = {**asdict(self), "violations": list(self.violations)}
        # People read it in logs: first what was decided, then the counts.
        own = [name for name in document if name not in (*ROW_COUNTS, "crawl", "snapshot")]
        behind = own.index("violations")
        return {name: document[name] for name in (*own[:behind], *ROW_COUNTS, *own[behind:])}

    def to_document(self) -> dict[str, Any]:
        """Write the verdict as the workflow has it."""
        snapshot = {"snapshot": self.snapshot} if self.snapshot else {}
        return {**self.to_event(), "crawl": self.crawl, **snapshot}


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Something about a batch that is worth a call, published or not: its metric, its section of the runbook, and what.

    The metric counts batches of all datasets, for one alarm; the message to people names the dataset.
    """

    metric: str
    section: str
    text: str


def concerns(verdict: Verdict, quarantined_percent: int) -> tuple[Concern, ...]:
    """Say what is wrong with a batch's rows: none were read, or more than so many percent are quarantined."""
    read, quarantined = verdict.rows_read, verdict.rows_quarantined
    if verdict.verdict == CONFLICT:
        return ()
    if read == 0:
        return (Concern(metric="BatchesWithoutRows", section="no-rows", text="no row was read"),)
    # In whole numbers: 1 of 100 is not more than 1 percent, whatever a float makes of it.
    if quarantined * 100 > quarantined_percent * read:
        share = f"{100 * quarantined / read:.3g} % of {read} rows are quarantined; allowed are {quarantined_percent} %"
        return (Concern(metric="BatchesMuchQuarantined", section="rows-quarantined", text=share),)
    return ()


@dataclass(frozen=True, kw_only=True)
class ErrorOutput:
    """Why an execution failed, as Step Functions says it: the error's name and its cause.

    `of_job` says that it was the job that failed: then its message may say that a file is the reason. Whoever else runs
    out of memory, or is killed, says nothing of a file.
    """

    error: str
    cause: str = ""
    of_job: bool = False

    @classmethod
    def from_fields(cls, document: Fields, *, of_job: bool = False) -> "ErrorOutput":
        """Parse Step Functions' error output, of which the cause may be missing."""
        return cls(error=document.text("Error"), cause=document.text("Cause", ""), of_job=of_job)

    @classmethod
    def from_item(cls, document: Fields) -> "ErrorOutput":
        """Parse what the ledger has of it."""
        return document.parse(cls)

    @property
    def message(self) -> str:
        """What failed says itself: the cause of a failed job run, or function, is JSON with much beside it."""
        found = re.search(r'"[Ee]rrorMessage":\s*("(?:[^"\\]|\\.)*")', self.cause)
        return str(json.loads(found[1])) if found else self.cause

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.error, self.message)))

    def to_document(self) -> dict[str, str]:
        """Write it as Step Functions does."""
        return {"Error": self.error, "Cause": self.cause}

    def to_item(self) -> dict[str, Any]:
        """Write it for the ledger, which has the beginning of the message; a run says much before it says why."""
        return {"error": self.error, "cause": self.message[:MAX_CAUSE], "of_job": self.of_job}


@dataclass(frozen=True, kw_only=True)
class NothingToRead:
    """Why a batch ended before it began: no file was left to claim, or to read."""

    reason: str

    def to_item(self) -> dict[str, str]:
        """Write it for the ledger."""
        return {"reason": self.reason}
