"""What to do with a batch that failed."""

import json
from dataclasses import dataclass
from math import ceil

from pipeline_core import clients, layout
from pipeline_core.batches import DECIDED, FINISHED, RELEASED, SPLIT, Batch, Batches, PublishingError
from pipeline_core.documents import read
from pipeline_core.files import Candidate, candidates_from_json
from pipeline_core.job_errors import (
    FileKilledSparkError,
    SparkDiedError,
    SparkFailedError,
    kind_of,
)
from pipeline_core.ledger import FAILED, QUARANTINED, Ledger, wait_seconds
from pipeline_core.manifest import LANDED, Manifest
from pipeline_core.quarantine import quarantine_file
from pipeline_core.runs import RunDetails, record_run
from pipeline_core.ticks import Ticks
from pipeline_core.verdict import ErrorOutput
from pipeline_core.workflow import TRIGGER, PublishRequest, RecoveryRequest

PERMANENT = (
    "ReconciliationError",
    "DocumentError",
    "TypeError",
    "KeyError",
    "AssertionError",
    "States.Runtime",
    "States.DataLimit",
)
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
    ticks_queue_url: str
    max_attempts: int
    retry_seconds: int

    def recover(self, request: RecoveryRequest) -> str:
        """Close the batch, have a tick claim what waited for its end, and say what became of it and its files.

        Returns:
            RELEASED: its files are pending again, and wait for a while. SPLIT: they are, in parts, to find out which
            one fails the job.
            FAILED, QUARANTINED: its files are. PUBLISHING: it has begun to publish; `request.caller` says who goes on.
            What a batch had come to before stays: what failed came after its verdict.

        Raises:
            PublishingError: the batch began to publish just now; try again.
        """
        ledger = Ledger(self.ledger_table)
        batches, ticks = Batches(ledger), Ticks(ledger=ledger, queue_url=self.ticks_queue_url)
        dataset, batch_id = request.dataset, request.batch_id
        batch = batches.existing(dataset, batch_id)
        if batch.status in FINISHED and batch_id not in batches.state(dataset).running:
            # Whoever concluded it may have died before it sent its tick.
            ticks.arm(dataset)
            return batch.status
        if batch.status in DECIDED or (batch.status not in FINISHED and batch.seen is not None):
            # It has begun to publish, and there is no way back: processing brings it to its end.
            if request.caller == TRIGGER:
                self._publish(PublishRequest(dataset=dataset, batch_id=batch_id))
            return PUBLISHING
        files = self._files(batch)
        if batch.status not in FINISHED:
            status = self._classify(batch, files, request, batches)
            if not batches.close(batch, status, request.error):
                raise PublishingError(f"{batch_id} began to publish or was closed while its failure was looked at")
            batch = batches.existing(dataset, batch_id)
        self._settle_files(batch, files, ledger)
        if batch.status == RELEASED and files:
            ticks.send_later(dataset, max(wait_seconds(file, self.retry_seconds) for file in files))
        details = RunDetails(
            purpose=files[0].purpose if files else LANDED,
            files=len(files),
            bytes=sum(file.size for file in files),
            error=_reason(batch),
        )
        record_run(self.artifacts_bucket, batch, details)
        batches.conclude(batch)
        ticks.arm(dataset)
        return batch.status

    def _publish(self, request: PublishRequest) -> None:
        """Have processing go on, and do not wait: it may take longer than this function."""
        clients.functions().invoke(
            FunctionName=self.processing_function,
            InvocationType="Event",
            Payload=json.dumps(request.to_document()).encode(),
        )

    def _classify(self, batch: Batch, files: list[Candidate], request: RecoveryRequest, batches: Batches) -> str:
        """The status that a failure gives to the batch; see ADR 24 for whose fault it is."""
        if batch.cancelled_at:
            return RELEASED
        if request.error.error in PERMANENT:
            return FAILED
        kind = _kind(request.error)
        last = max((file.attempts for file in files), default=0) + 1 >= self.max_attempts
        if len(files) == 1:
            kills = files[0].kills + (kind is FileKilledSparkError)
            if kind is FileKilledSparkError and kills >= KILLS:
                return QUARANTINED
        elif (kind is SparkDiedError and all(file.deaths for file in files)) or (
            kind in (SparkDiedError, SparkFailedError) and last
        ):
            # A machine that dies once is the platform's failure; only files that it died on before are suspects.
            # Where nobody says that a file is the reason, none is blamed; but neighbours of one that is are published.
            root = files[0].root or batch.batch_id
            failed = batches.count_split(batch.dataset, root, batch.batch_id)
            return SPLIT if failed <= MAX_FAILED_PARTS else FAILED
        return FAILED if last else RELEASED

    def _settle_files(self, batch: Batch, files: list[Candidate], ledger: Ledger) -> None:
        """Do with the files what the batch's status says; its reason is in the batch's verdict."""
        if batch.status == SPLIT:
            ledger.give_back(split(files, batch.batch_id), batch.batch_id)
        elif batch.status == RELEASED:
            counters = COUNTERS.get(_kind(batch.error), ()) if batch.error and not batch.cancelled_at else ()
            ledger.try_again(
                files, batch.batch_id, self.retry_seconds, counters, attempts=0 if batch.cancelled_at else 1
            )
        elif batch.status == QUARANTINED:
            reason = f"unreadable: the job fails on this file alone: {_reason(batch)}"[:1000]
            # Of a file that was to be replayed, rows are in the table or in quarantine already.
            for file in (item for item in files if item.purpose == LANDED):
                quarantine_file(file, reason, self.quarantine_bucket)
            ledger.give_up(files, batch.batch_id, QUARANTINED, reason, has_copy=True)
        else:
            ledger.give_up(files, batch.batch_id, FAILED, _reason(batch))

    def _files(self, batch: Batch) -> list[Candidate]:
        """Candidates that are in the batch: all of them, as long as there is no manifest."""
        candidates, manifest = (
            read(self.artifacts_bucket, layout.batch_key(batch.dataset, batch.batch_id, name))
            for name in ("candidates", "manifest")
        )
        files = candidates_from_json(candidates) if candidates else []
        if manifest is None:
            return files
        members = {(file.key, file.version) for file in Manifest.from_json(manifest).files}
        return [file for file in files if file.identity in members]


def split(files: list[Candidate], batch_id: str) -> list[Candidate]:
    """Give every file of a batch its part: at most PARTS, as equal as can be, the same ones when asked again."""
    size = ceil(len(files) / PARTS)
    root = files[0].root or batch_id
    return [file.in_part(f"{batch_id}/{number // size}", root) for number, file in enumerate(files)]


def _kind(error: ErrorOutput) -> type[Exception] | None:
    return kind_of(str(error)) if error.of_job else None


def _reason(batch: Batch) -> str:
    """Why the batch failed, as the ledger has it for each of its files; what came after a verdict is no failure."""
    return str(batch.error or "")[:1000]
