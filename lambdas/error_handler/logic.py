"""What to do with a batch that failed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import boto3
from pipeline_core import layout
from pipeline_core.batches import DECIDED, FINISHED, RELEASED, SPLIT, Batch, Batches, PublishingError
from pipeline_core.documents import read
from pipeline_core.job_errors import (
    FileKilledSparkError,
    SparkDiedError,
    SparkFailedError,
    UnreadableFileError,
    kind_of,
)
from pipeline_core.ledger import FAILED, QUARANTINED, LandedFile, Ledger
from pipeline_core.manifest import LANDED, Manifest
from pipeline_core.quarantine import keep_file
from pipeline_core.runs import record_run

PERMANENT = ("ReconciliationError", "TypeError", "KeyError", "AssertionError", "States.Runtime", "States.DataLimit")
"""Errors that come again however often the batch is tried; a person has to look."""

KILLS = 2
"""Batches of one file alone that it has to kill before it is blamed, each after the known good file was read."""

COUNTERS: dict[type[Exception] | None, tuple[str, ...]] = {
    SparkDiedError: ("deaths",),
    FileKilledSparkError: ("deaths", "kills"),
}
"""What a failure adds to the files that it gives back: `deaths` are batches of the file on which Spark died, `kills`
those of them in which it died on the file alone, after the known good file was read."""

PARTS = 4
"""Parts that a batch is split into. To find one file among n takes PARTS * log(n) / log(PARTS) job runs, as many for
four as for two parts, in half as many rounds; more parts cost more runs."""

MAX_FAILED_PARTS = 64
"""Batches of one split that may fail before the rest is FAILED: then it is not a few files. About a dollar of Glue."""

PUBLISHING = "PUBLISHING"

WORKFLOW, EVENT, LEFT = "workflow", "event", "left"
"""Who asks. The workflow calls processing again itself. An event of an execution that was ended from outside comes
while a function that it had called may still be at work; it is left to that one, or to a later tick. The trigger asks
for a batch that was left, when no call can be at work any more: then processing is called from here."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Brings a failed batch to an end. Doing it twice changes nothing more.

    The fields come from the function's environment; `max_attempts` is how often a file is tried before it is FAILED,
    and `retry_seconds` how long the second try waits.
    """

    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    processing_function: str
    max_attempts: int
    retry_seconds: int

    def recover(self, dataset: str, batch_id: str, error: dict[str, str], *, job: bool, caller: str) -> str:
        """Close the batch and say what became of it and its files.

        Args:
            dataset: of the batch.
            batch_id: the batch.
            error: `Error` and `Cause`.
            job: whether it was the job that failed: then its message may say that a file is the reason.
            caller: WORKFLOW, EVENT or LEFT.

        Returns:
            RELEASED: its files are pending again, and wait for a while. SPLIT: they are, in parts, to find out which
            one fails the job.
            FAILED, QUARANTINED: its files are. PUBLISHING: it has begun to publish; see `caller` for who goes on.
            What a batch had come to before stays: what failed came after its verdict.

        Raises:
            PublishingError: the batch began to publish just now; try again.
        """
        ledger = Ledger(self.ledger_table)
        batches = Batches(ledger)
        batch = self._batch(batches, dataset, batch_id)
        if batch.status in FINISHED and batch_id not in batches.state(dataset).running:
            return batch.status
        if batch.status in DECIDED or (batch.status not in FINISHED and batch.seen is not None):
            # It has begun to publish, and there is no way back: processing brings it to its end.
            if caller == LEFT:
                self._publish(dataset, batch_id)
            return PUBLISHING
        files = self._files(batch)
        if batch.status not in FINISHED:
            outcome = self._classify(batch, files, error, job, batches)
            verdict = {"error": error.get("Error", ""), "cause": error.get("Cause", "")[:2000]}
            if not batches.close(batch, outcome, verdict):
                raise PublishingError(f"{batch_id} began to publish or was closed while its failure was looked at")
            batch = self._batch(batches, dataset, batch_id)
        self._settle_files(batch, files, ledger)
        details = {
            "files": len(files),
            "bytes": sum(file["size"] for file in files),
            "purpose": files[0]["purpose"] if files else "",
            "error": _reason(batch),
        }
        record_run(self.artifacts_bucket, batch, batch.status, details)
        batches.conclude(batch)
        return batch.status

    @staticmethod
    def _batch(batches: Batches, dataset: str, batch_id: str) -> Batch:
        batch = batches.get(dataset, batch_id)
        if batch is None:
            raise RuntimeError(f"the ledger has no batch {batch_id} of {dataset}")
        return batch

    def _publish(self, dataset: str, batch_id: str) -> None:
        """Have processing go on, and do not wait: it may take longer than this function."""
        boto3.client("lambda").invoke(
            FunctionName=self.processing_function,
            InvocationType="Event",
            Payload=json.dumps({"dataset": dataset, "batch_id": batch_id}).encode(),
        )

    def _classify(
        self, batch: Batch, files: list[dict[str, Any]], error: dict[str, str], job: bool, batches: Batches
    ) -> str:
        if error.get("Error") in PERMANENT:
            return FAILED
        kind = kind_of(_said(error)) if job else None
        last = max((file["attempts"] for file in files), default=0) + 1 >= self.max_attempts
        if len(files) == 1:
            kills = files[0].get("kills", 0) + (kind is FileKilledSparkError)
            if kind is UnreadableFileError or (kind is FileKilledSparkError and kills >= KILLS):
                return QUARANTINED
        elif (
            kind is UnreadableFileError
            or (kind is SparkDiedError and all(file.get("deaths", 0) for file in files))
            or (kind in (SparkDiedError, SparkFailedError) and last)
        ):
            # A machine that dies once is the platform's failure; only files that it died on before are suspects.
            # Where nobody says that a file is the reason, none is blamed; but neighbours of one that is are published.
            root = files[0]["root"] or batch.batch_id
            failed = batches.count_split(batch.dataset, root, batch.batch_id)
            return SPLIT if failed <= MAX_FAILED_PARTS else FAILED
        return FAILED if last else RELEASED

    def _settle_files(self, batch: Batch, files: list[dict[str, Any]], ledger: Ledger) -> None:
        """Do with the files what the batch's status says; its reason is in the batch's verdict."""
        if batch.status == SPLIT:
            ledger.give_back(split(files, batch.batch_id), batch.batch_id)
        elif batch.status == RELEASED:
            counters = COUNTERS.get(kind_of(_reason(batch)), ())
            ledger.try_again(files, batch.batch_id, self.retry_seconds, counters)
        elif batch.status == QUARANTINED:
            reason = f"unreadable: the job fails on this file alone: {_reason(batch)}"[:1000]
            # Of a file that was to be replayed, rows are in the table or in quarantine already.
            for file in (item for item in files if item["purpose"] == LANDED):
                keep_file(LandedFile.of(file), reason, self.quarantine_bucket)
            ledger.give_up(files, batch.batch_id, QUARANTINED, reason, kept=True)
        else:
            ledger.give_up(files, batch.batch_id, FAILED, _reason(batch))

    def _files(self, batch: Batch) -> list[dict[str, Any]]:
        """Candidates that are in the batch: all of them, as long as there is no manifest."""
        candidates, manifest = (
            read(self.artifacts_bucket, layout.batch_key(batch.dataset, batch.batch_id, name))
            for name in ("candidates", "manifest")
        )
        files: list[dict[str, Any]] = json.loads(candidates) if candidates else []
        if manifest is None:
            return files
        members = {(file.key, file.version) for file in Manifest.from_json(manifest).files}
        return [file for file in files if (file["key"], file["version"]) in members]


def split(files: list[dict[str, Any]], batch_id: str) -> list[dict[str, Any]]:
    """Give every file of a batch its part: at most PARTS, as equal as can be, the same ones when asked again."""
    size = ceil(len(files) / PARTS)
    root = files[0]["root"] or batch_id
    return [{**file, "part": f"{batch_id}/{place // size}", "root": root} for place, file in enumerate(files)]


def message_of(cause: str) -> str:
    """What a failed job run says itself: its cause is the run's description, as JSON. Other causes as they are."""
    found = re.search(r'"ErrorMessage":\s*("(?:[^"\\]|\\.)*")', cause)
    return str(json.loads(found[1])) if found else cause


def _said(error: Mapping[str, Any]) -> str:
    return f"{error.get('Error', '')}: {message_of(str(error.get('Cause', '')))}"


def _reason(batch: Batch) -> str:
    return _said({"Error": batch.verdict.get("error", ""), "Cause": batch.verdict.get("cause", "")})[:1000]
