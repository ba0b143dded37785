"""The table of runs: one JSON document for every batch that came to an end. Athena reads it as `runs`."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from pipeline_core import layout
from pipeline_core.batches import Batch
from pipeline_core.documents import write
from pipeline_core.report import RowCounts
from pipeline_core.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class RunDetails(RowCounts):
    """What there is to say of a run beside the batch's status and times."""

    purpose: str
    contract_version: str = ""
    files: int
    files_quarantined: int = 0
    bytes: int
    violations: tuple[str, ...] = ()
    error: str = ""
    engine: str = ""
    seconds_to_published: int | None = None
    # Of an Iceberg table: the one that the batch has made.
    snapshot: str = ""

    @classmethod
    def of_verdict(cls, verdict: Verdict) -> "RunDetails":
        """The details of a run that was decided on."""
        names = (field.name for field in fields(cls) if field.name != "error")
        return cls(**{name: getattr(verdict, name) for name in names})


def record_run(bucket: str, batch: Batch, details: RunDetails) -> None:
    """Write the run of a finished batch, as it is in the ledger now, to the artifacts bucket.

    Writing it again writes the same.
    """
    run = {
        "batch_id": batch.batch_id,
        "outcome": batch.status,
        **asdict(details),
        "purpose": details.purpose or "landed",
        "created_at": _time(batch.created_at),
        "finished_at": _time(batch.finished_at),
    }
    # One line: the table's SerDe takes every line for a row.
    write(bucket, layout.run_key(batch.dataset, batch.batch_id, batch.created_at), json.dumps(run))


def _time(text: str) -> str | None:
    """An ISO 8601 time as Athena reads it from JSON: UTC, a space, milliseconds."""
    if not text:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
