"""A dataset's state, its batches and its publishes, as the ledger has them."""

from dataclasses import dataclass

from pipeline_core.fields import Fields
from pipeline_core.ledger import FAILED, PUBLISHED, QUARANTINED
from pipeline_core.verdict import ErrorOutput, Verdict

OPEN, STARTED, RELEASED, SPLIT = "OPEN", "STARTED", "RELEASED", "SPLIT"
DECIDED = (PUBLISHED, QUARANTINED)
FINISHED = (*DECIDED, FAILED, RELEASED, SPLIT)
ALL_PARTITIONS = "*"


@dataclass(frozen=True, kw_only=True)
class DatasetState:
    """What is going on in a dataset."""

    published: int = 0
    counter: int = 0
    running: frozenset[str] = frozenset()
    publishing: str | None = None

    @classmethod
    def from_item(cls, item: object) -> "DatasetState":
        """Parse the state item of a dataset; an empty one is the initial state."""
        document = Fields(item, "the ledger's state of a dataset")
        return document.parse(cls, running=frozenset(document.texts("running")))


@dataclass(frozen=True, kw_only=True)
class BatchDetails:
    """What a started batch has to read, and who reads it."""

    execution: str
    files: int
    bytes: int
    workers: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch's ledger item. `seen` is there once it has begun to publish: what its job's deduplication saw.

    A batch that was decided on has a verdict, one that was given up has the error for which it was. `cancelled_at` is
    when a person asked that it be given up; then it does not begin to publish. `details` are there once it has started.
    """

    batch_id: str
    dataset: str
    status: str
    created_at: str
    finished_at: str = ""
    lease_until: int = 0
    seen: int | None = None
    verdict: Verdict | None = None
    error: ErrorOutput | None = None
    cancelled_at: str = ""
    details: BatchDetails | None = None

    @classmethod
    def from_item(cls, item: object) -> "Batch":
        """Parse the item of a batch."""
        document = Fields(item, "the ledger's item of a batch")
        # Whatever ended the batch is called its verdict there.
        end = document.fields("verdict") if "verdict" in document else Fields({}, "no end")
        return document.parse(
            cls,
            verdict=Verdict.from_fields(end) if "verdict" in end else None,
            error=ErrorOutput.from_item(end) if "error" in end else None,
            details=document.fields("details").parse(BatchDetails) if "details" in document else None,
        )

    @property
    def report(self) -> str:
        """The name of the report that its verdict is about.

        Raises:
            RuntimeError: it has no verdict.
        """
        if self.verdict is None:
            raise RuntimeError(f"{self.batch_id} is {self.status}: it has no report that was decided on")
        return self.verdict.report


@dataclass(frozen=True, kw_only=True)
class Publish:
    """Which partitions a publish touched, and whose it was. One that the ledger does not have touched all."""

    batch_id: str = ""
    partitions: tuple[str, ...] = (ALL_PARTITIONS,)

    @classmethod
    def from_item(cls, item: object) -> "Publish":
        """Parse the item of a publish, or an empty one."""
        document = Fields(item, "the ledger's item of a publish")
        if "partitions" not in document:
            return cls()
        return document.parse(cls, batch_id=document.text("batch_id"))
