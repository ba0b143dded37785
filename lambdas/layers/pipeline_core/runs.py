"""The table of runs: one JSON document for every batch that came to an end. Athena reads it as `runs`."""

import json
from datetime import UTC, datetime
from typing import Any

from pipeline_core import layout
from pipeline_core.batches import Batch
from pipeline_core.documents import write

COUNTS = ("files", "files_quarantined", "bytes", "rows_read", "rows_curated", "rows_quarantined", "rows_duplicate")


def record_run(bucket: str, batch: Batch, outcome: str, details: dict[str, Any]) -> None:
    """Write the run of a finished batch down; writing it again writes the same.

    Args:
        bucket: the artifacts bucket.
        batch: as it is in the ledger now, with its times.
        outcome: what it came to.
        details: counts (missing ones are 0), `purpose`, `contract_version`, `violations`, `error`.
    """
    run = {
        "batch_id": batch.batch_id,
        "outcome": outcome,
        "purpose": details.get("purpose") or "landed",
        "contract_version": details.get("contract_version", ""),
        **{name: int(details.get(name, 0)) for name in (*COUNTS, "rows_replaced")},
        "violations": list(details.get("violations", [])),
        "error": details.get("error", ""),
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
