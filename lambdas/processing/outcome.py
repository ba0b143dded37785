"""What the ledger says of a file after its batch was decided on."""

from typing import Any

from pipeline_core.ledger import PUBLISHED, QUARANTINED
from pipeline_core.manifest import ROWS
from pipeline_core.report import FileReport, ReconciliationError, Report

COUNTS = ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate")


def check_replaced(report: Report, before: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Check that all published rows of a file were found to be replaced; or none, where the table was emptied.

    Raises:
        ReconciliationError: names the file and both numbers. Rows that were not found would be published twice.
    """
    for file in report.files:
        published = int(before[file.key, file.version]["outcome"].get("rows_curated", 0))
        if file.rows_replaced not in (0, published):
            raise ReconciliationError(
                f"batch {report.batch_id}, file {file.key}: {published} rows of it were published, but "
                f"{file.rows_replaced} were found in the table"
            )


def has_no_rows_to_quarantine(file: FileReport) -> bool:
    """Whether a file was refused as a whole and nothing of it can be shown but the file itself."""
    return bool(file.problem) and file.rows_quarantined == 0


def finished_file(file: FileReport, before: dict[str, Any], verdict: dict[str, Any]) -> dict[str, Any]:
    """Return what `Ledger.finish` wants, from the batch's report of a file and what was known of it `before`.

    The counts are of the whole file, also when only its quarantined rows were read again. Deciding again on the
    same report gives the same answer, since `before` is what the batch's trigger wrote down.
    """
    published, purpose, batch_id = verdict["verdict"] == PUBLISHED, verdict["purpose"], verdict["batch_id"]
    counts = {name: getattr(file, name) for name in COUNTS}
    if purpose == ROWS:
        earlier = before["outcome"]
        counts |= {
            "rows_read": earlier["rows_read"],
            "rows_curated": earlier["rows_curated"] + file.rows_curated,
            "rows_duplicate": earlier["rows_duplicate"] + file.rows_duplicate,
        }
    rows_in = set(before["published_in"]) if purpose == ROWS else set()
    if published and file.rows_curated:
        rows_in.add(batch_id)
    # A file as such is quarantined only if none of its rows is in the table.
    whole = bool(file.problem) and not rows_in
    reason = file.problem or "; ".join(verdict["violations"])
    return {
        "bucket": before["bucket"],
        "key": file.key,
        "version": file.version,
        "status": PUBLISHED if published and not whole else QUARANTINED,
        "outcome": counts,
        "reason": reason,
        "published_in": rows_in,
        "quarantined_in": batch_id if file.rows_quarantined else "",
        "kept": has_no_rows_to_quarantine(file),
    }
