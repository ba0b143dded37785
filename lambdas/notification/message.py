"""Writes the message of an outcome: what happened, what it means, what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline_core.channels import SEVERITIES, Severity
from pipeline_core.fields import DocumentError, Fields
from pipeline_core.layout import execution_arn
from pipeline_core.owners import Message
from pipeline_core.plain_text import printable
from pipeline_core.verdict import MAX_CAUSE, ErrorOutput, Verdict, concerns

MAX_SUBJECT = 100
"""SNS cuts nothing: a longer subject is an error (SNS Publish API reference, 2026-11)."""

NEXT = {
    "PUBLISHED": "Nothing to do. Ask Athena for the rows: SELECT * FROM {dataset} WHERE _batch_id = '{batch_id}'",
    "QUARANTINED": (
        "Nothing of the batch was published. The refused rows are in the table quarantined_rows, files that cannot be "
        "read in quarantined_files. Fix the contract, then: "
        ".venv/bin/data-pipeline replay {dataset} --batch {batch_id} "
        "Or fix the files and land them again."
    ),
    "FAILED": (
        "The files of the batch are marked FAILED in the ledger. Fix the cause, then: "
        ".venv/bin/data-pipeline replay {dataset} --batch {batch_id}"
    ),
    "RELEASED": (
        "Nothing to do yet. No file is to blame, and all of them are pending again: they are tried once more after a "
        "while, and FAILED when they have been tried often enough."
    ),
    "PUBLISHING": (
        "The batch has begun to publish and could not be finished; no other batch of {dataset} can publish before it "
        "is. Fix the cause: the schedule goes on with it."
    ),
    "SPLIT": (
        "Nothing to do yet. The job fails on this batch; its files are tried again in smaller batches, so that the "
        "file which is the reason ends in quarantine and the others are published."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What became of a batch, with its verdict or with the error that it failed with."""

    batch_id: str
    dataset: str
    outcome: str
    verdict: Verdict | None = None
    error: ErrorOutput | None = None

    @classmethod
    def from_event(cls, event: object) -> "Notification":
        """Parse the event of the function.

        Raises:
            DocumentError: it does not fit, or is of an outcome that there is no message for.
        """
        document = Fields(event, "the notification")
        outcome = document.text("outcome")
        if outcome not in NEXT:
            raise DocumentError(f"outcome {outcome!r}; allowed: {', '.join(NEXT)}")
        return document.parse(
            cls,
            outcome=outcome,
            verdict=Verdict.from_fields(document.fields("verdict")) if "verdict" in document else None,
            error=ErrorOutput.from_fields(document.fields("error")) if "error" in document else None,
        )


def compose(notification: Notification, state_machine_arn: str) -> tuple[str, str]:
    """Return subject and body."""
    outcome, dataset, batch_id = notification.outcome, notification.dataset, notification.batch_id
    verdict, error = notification.verdict, notification.error
    lines = [f"Batch {batch_id} of dataset {dataset}: {outcome}."]
    if verdict:
        lines.append(
            f"{verdict.rows_read} rows read from {verdict.files} files = {verdict.rows_curated} curated "
            f"+ {verdict.rows_quarantined} quarantined + {verdict.rows_duplicate} duplicates{_changes(verdict)}."
        )
        if verdict.rows_replaced:
            lines.append(f"{verdict.rows_replaced} rows that were published before were replaced.")
        if verdict.seconds_to_published is not None:
            lines.append(_seconds(verdict))
        lines.extend(f"Broken rule: {violation}." for violation in verdict.violations)
    if error:
        lines.append(f"Error: {error.error}: {error.message[:MAX_CAUSE]}")
    lines.append(NEXT[outcome].format(dataset=dataset, batch_id=batch_id))
    region = state_machine_arn.split(":")[3]
    arn = execution_arn(state_machine_arn, batch_id)
    console = f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}"
    lines.append(f"Execution: {console}")
    # Cut when it is escaped, which makes it longer.
    subject = printable(f"[{outcome}] {dataset}: {batch_id}")[:MAX_SUBJECT]
    # A line is one thing that is said: an error of several lines must not look like more of them.
    return subject, "\n".join(map(printable, lines))


def _changes(verdict: Verdict) -> str:
    """The fates that rows of changes have, where there are any."""
    fates = ("updated", "unchanged", "superseded", "deleted")
    return "".join(f" + {rows} {fate}" for fate in fates if (rows := getattr(verdict, f"rows_{fate}")))


def _seconds(verdict: Verdict) -> str:
    said = f"Published {verdict.seconds_to_published} seconds after the first of its files had landed"
    if verdict.is_late:
        return f"{said}: later than the {verdict.latency_seconds} seconds that the contract promises."
    return f"{said}."


def severity(notification: Notification, quarantined_percent: int) -> Severity:
    """Say how much it concerns the dataset's people: what was published may still be less, or later, than promised."""
    by_outcome, verdict = SEVERITIES[notification.outcome], notification.verdict
    if verdict and by_outcome is Severity.INFORMATION and (verdict.is_late or concerns(verdict, quarantined_percent)):
        return Severity.WARNING
    return by_outcome


def for_owners(notification: Notification, quarantined_percent: int, state_machine_arn: str) -> Message:
    """Write the one message of a batch that the dataset's own people get, with what is wrong with its rows."""
    subject, body = compose(notification, state_machine_arn)
    found = concerns(notification.verdict, quarantined_percent) if notification.verdict else ()
    lines = [f"To look at: {concern.text}. What to do: docs/runbook.md#{concern.section}" for concern in found]
    return Message(
        datasets=(notification.dataset,),
        severity=severity(notification, quarantined_percent),
        outcome=notification.outcome,
        subject=subject,
        body="\n".join((body, *map(printable, lines))),
    )


def warnings(notification: Notification, quarantined_percent: int) -> Iterator[tuple[str, str]]:
    """Write subject and body of what whoever is called must know of a batch's rows: whose they are."""
    if notification.verdict is None:
        return
    for concern in concerns(notification.verdict, quarantined_percent):
        subject = printable(f"[ROWS] {notification.dataset}: {concern.text}")[:MAX_SUBJECT]
        yield (
            subject,
            "\n".join(
                (
                    printable(f"Batch {notification.batch_id} of dataset {notification.dataset}: {concern.text}."),
                    f"What to do: docs/runbook.md#{concern.section}",
                )
            ),
        )
