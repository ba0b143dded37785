"""What the ledger says of a file after its batch was decided on."""

from collections.abc import Mapping
from dataclasses import replace

from pipeline_core.files import Candidate, FinishedFile
from pipeline_core.ledger import PUBLISHED, QUARANTINED
from pipeline_core.manifest import ROWS
from pipeline_core.report import FATES, FileReport, ReconciliationError, Report, RowCounts
from pipeline_core.verdict import Verdict

FATES_COUNTED = [f"rows_{fate}" for fate in FATES]
COME_OUT_OF_QUARANTINE = [name for name in FATES_COUNTED if name != "rows_quarantined"]
"""Counts of a file that grow when its quarantined rows are read again."""


def check_replaced(report: Report, before: Mapping[tuple[str, str], Candidate]) -> None:
    """Check that all published rows of a file were found to be replaced; or none, where the table was emptied.

    Raises:
        ReconciliationError: names the file and both numbers. Rows that were not found would be published twice.
    """
    for file in report.files:
        published = (before[file.key, file.version].counts or RowCounts()).rows_curated
        if file.rows_replaced not in (0, published):
            raise ReconciliationError(
                f"batch {report.batch_id}, file {file.key}: {published} rows of it were published, but "
                f"{file.rows_replaced} were found in the table"
            )


def has_no_rows_to_quarantine(file: FileReport) -> bool:
    """Whether a file was refused as a whole and nothing of it can be shown but the file itself."""
    return bool(file.problem) and file.rows_quarantined == 0


def finished_file(file: FileReport, before: Candidate, verdict: Verdict) -> FinishedFile:
    """Return what the ledger is to say of a file, from the batch's report of it and what was known of it `before`.

    Deciding again on the same report gives the same answer, since `before` is what the batch's trigger wrote down.
    """
    published, only_rows = verdict.verdict == PUBLISHED, verdict.purpose == ROWS
    counts = RowCounts(**{name: getattr(file, name) for name in ("rows_read", *FATES_COUNTED)})
    if only_rows:
        earlier = before.counts or RowCounts()
        counts = replace(
            counts,
            rows_read=earlier.rows_read,
            **{name: getattr(earlier, name) + getattr(counts, name) for name in COME_OUT_OF_QUARANTINE},
        )
    published_in = set(before.published_in) if only_rows else set()
    if published and file.rows_written:
        published_in.add(verdict.batch_id)
    # A file as such is quarantined only if none of its rows is in the table.
    refused = bool(file.problem) and not published_in
    return FinishedFile(
        file=before,
        status=PUBLISHED if published and not refused else QUARANTINED,
        reason=file.problem or "; ".join(verdict.violations),
        counts=counts,
        published_in=frozenset(published_in),
        quarantined_in=verdict.batch_id if file.rows_quarantined else "",
        has_copy=has_no_rows_to_quarantine(file),
    )
