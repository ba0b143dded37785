"""Claims pending files into a batch and starts its workflow.

The order is: batch item, candidates, claims, contract and manifest, execution. Each step can be repeated, and
each reads what an earlier attempt left; so a crash between any two is finished by a later tick.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from math import ceil

from aws_lambda_powertools import Logger
from pipeline_core import clients, layout
from pipeline_core.batches import OPEN, RELEASED, Batch, BatchDetails, Batches
from pipeline_core.content import PACKED_ENDINGS
from pipeline_core.documents import read, write_once
from pipeline_core.files import Candidate, FileItem, candidates_from_json, candidates_to_json
from pipeline_core.ledger import FAILED, Ledger, now
from pipeline_core.manifest import Manifest
from pipeline_core.pauses import Pauses
from pipeline_core.quarantine import GONE_REASON
from pipeline_core.report import SPARK, STAGE
from pipeline_core.ticks import Ticks
from pipeline_core.verdict import ErrorOutput, NothingToRead
from pipeline_core.workflow import TRIGGER, RecoveryRequest, WorkflowInput

from lambdas.etl_trigger.manifests import Manifests, group_of
from lambdas.etl_trigger.tick import Tick

BYTES_A_WORKER = 512 * 1024**2
"""Input bytes for which one more G.1X worker is asked for."""

GZIP_RATIO = 6
"""A gzipped text is counted as this many times its size."""

FILES_A_LINE = 100
"""Files named in one log line; an event of CloudWatch Logs has 256 KB at most, and a key 1,024 bytes."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Opens, resumes and starts batches; its fields come from the function's environment.

    `max_concurrent_batches` is per dataset; `publish_seconds` is how long one call of processing may take;
    `max_bytes_per_batch` and `small_bytes`, the most that the function stage is to read, count as `bytes_to_read` does.
    """

    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    state_machine_arn: str
    error_handler_function: str
    publish_seconds: int
    max_concurrent_batches: int
    max_files_per_batch: int
    max_bytes_per_batch: int
    max_workers: int
    small_bytes: int

    def wants(self, tick: Tick, known: Collection[str]) -> bool:
        """Whether a tick of the queue may find anything: its contract is still deployed, and no later tick was sooner.

        One that is delivered again may have been cut short, and is always carried out.
        """
        if tick.dataset is None or tick.due_at_ms is None or tick.dataset not in known:
            return False
        taken = Ticks(ledger=Ledger(self.ledger_table)).take(tick.dataset, tick.due_at_ms)
        return taken or tick.again

    def tick(self, dataset: str) -> list[str]:
        """Finish what an earlier tick left, then batch what is pending. Returns the ids of batches started.

        Of a dataset that is paused nothing is started; what was abandoned is brought to its end all the same.
        """
        ledger = Ledger(self.ledger_table)
        batches = Batches(ledger)
        if (pause := Pauses(ledger).of(dataset)) is not None:
            for running in self._running(dataset, batches):
                if running.status != OPEN:
                    self._recover_if_abandoned(running, batches)
            logger.info("dataset is paused", extra={"dataset": dataset, "paused_at": pause.paused_at})
            return []
        started = [
            batch.batch_id for batch in self._unstarted(dataset, batches) if self._advance(batch, ledger, batches)
        ]
        while group := self._next_group(dataset, ledger):
            batch = batches.open(dataset, batches.state(dataset), self.max_concurrent_batches)
            # The index may still show files that are claimed; a batch that got none ends the tick.
            if batch is None or not self._advance(batch, ledger, batches, group):
                break
            started.append(batch.batch_id)
        return started

    def _unstarted(self, dataset: str, batches: Batches) -> Iterator[Batch]:
        """Batches that a trigger opened and did not start in its lease; batches that were abandoned are recovered."""
        for batch in self._running(dataset, batches):
            if batch.status != OPEN:
                self._recover_if_abandoned(batch, batches)
            elif batches.take_over(batch):
                yield batch

    @staticmethod
    def _running(dataset: str, batches: Batches) -> Iterator[Batch]:
        for batch_id in sorted(batches.state(dataset).running):
            if (batch := batches.get(dataset, batch_id)) is not None:
                yield batch

    def _recover_if_abandoned(self, batch: Batch, batches: Batches) -> None:
        """Call the error handler for a batch that is not concluded though its execution ended some time ago.

        The workflow and EventBridge do so themselves; this is for when they could not. A call to processing may
        outlive its execution, so it is given the time that a call can take; so is one that comes of this.
        """
        client = clients.workflows()
        arn = layout.execution_arn(self.state_machine_arn, batch.batch_id)
        try:
            execution = client.describe_execution(executionArn=arn)
        except client.exceptions.ExecutionDoesNotExist:
            status = "UNKNOWN"  # Step Functions forgets executions after 90 days
        else:
            status = execution["status"]
            ended = execution.get("stopDate")
            if ended is None or (datetime.now(UTC) - ended).total_seconds() < self.publish_seconds:
                return
        if not batches.take_over(batch, self.publish_seconds):
            return
        cause = f"the execution is {status}, but the batch was not concluded"
        request = RecoveryRequest(
            dataset=batch.dataset,
            batch_id=batch.batch_id,
            error=ErrorOutput(error=status, cause=cause),
            caller=TRIGGER,
        )
        clients.functions().invoke(
            FunctionName=self.error_handler_function,
            InvocationType="Event",
            Payload=json.dumps(request.to_document()).encode(),
        )

    def _next_group(self, dataset: str, ledger: Ledger) -> list[FileItem]:
        """The pending files of the next batch: those that wait for the same thing as the one that landed first.

        No more than a run can read before its timeout: a flood of large files is many batches, not one that fails.
        """
        pending = ledger.pending(dataset, self.max_files_per_batch, due_at=now())
        group = [file for file in pending if group_of(file) == group_of(pending[0])]
        return group[: fitting([(file.size, file.key) for file in group], self.max_bytes_per_batch)]

    def _advance(self, batch: Batch, ledger: Ledger, batches: Batches, group: list[FileItem] | None = None) -> bool:
        files = claimed = self._claimed(batch, ledger, group)
        contract_key = layout.batch_key(batch.dataset, batch.batch_id, "contract")
        manifest_key = layout.batch_key(batch.dataset, batch.batch_id, "manifest")
        if files:
            write_once(self.artifacts_bucket, contract_key, lambda: self._contract(batch.dataset))
            text = write_once(
                self.artifacts_bucket,
                manifest_key,
                lambda: self._manifests(batches).manifest(batch, claimed, contract_key),
            )
            manifest = Manifest.from_json(text)
            found = {(file.key, file.version) for file in manifest.files}
            gone = [file for file in files if file.identity not in found]
            ledger.give_up(gone, batch.batch_id, FAILED, GONE_REASON)
            files = [file for file in files if file.identity in found]
        if not files:
            batches.close(batch, RELEASED, NothingToRead(reason="no pending file was left to claim"))
            batches.conclude(batch)
            return False
        to_read = sum(bytes_to_read(file.size, file.key) for file in manifest.files)
        workers = workers_for(to_read, self.max_workers)
        workflow_input = WorkflowInput(
            batch_id=batch.batch_id,
            dataset=batch.dataset,
            manifest=layout.uri(self.artifacts_bucket, manifest_key),
            workers=workers,
            # What Spark died on is looked at with Spark.
            engine=STAGE if to_read <= self.small_bytes and not manifest.known_good else SPARK,
        )
        execution = self._start(workflow_input)
        size = sum(file.size for file in files)
        batches.started(batch, BatchDetails(execution=execution, files=len(files), bytes=size, workers=workers))
        for first in range(0, len(files), FILES_A_LINE):
            logger.info(
                "batch started",
                correlation_id=batch.batch_id,
                dataset=batch.dataset,
                files=[f"{file.key} {file.version}" for file in files[first : first + FILES_A_LINE]],
                workers=workers,
            )
        return True

    def _claimed(self, batch: Batch, ledger: Ledger, group: list[FileItem] | None) -> list[Candidate]:
        """Claim the candidates of a batch: those that were written down first, by whichever tick."""
        key = layout.batch_key(batch.dataset, batch.batch_id, "candidates")

        def candidates() -> str:
            pending = self._next_group(batch.dataset, ledger) if group is None else group
            return candidates_to_json(file.candidate for file in pending)

        found = candidates_from_json(write_once(self.artifacts_bucket, key, candidates))
        claims = ledger.claim(found, batch.batch_id)
        return [file for file, claimed in zip(found, claims, strict=True) if claimed]

    def _manifests(self, batches: Batches) -> Manifests:
        return Manifests(
            curated_bucket=self.curated_bucket,
            quarantine_bucket=self.quarantine_bucket,
            artifacts_bucket=self.artifacts_bucket,
            batches=batches,
        )

    def _contract(self, dataset: str) -> str:
        text = read(self.artifacts_bucket, layout.contract_key(dataset))
        if text is None:
            raise RuntimeError(f"{dataset}: its contract was removed while files are pending; deploy it again")
        return text.decode()

    def _start(self, workflow_input: WorkflowInput) -> str:
        client = clients.workflows()
        try:
            # The same name and input again, while it runs, is answered as if it had been started now.
            return client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=workflow_input.batch_id,
                input=json.dumps(workflow_input.to_document()),
            )["executionArn"]
        except client.exceptions.ExecutionAlreadyExists:
            return layout.execution_arn(self.state_machine_arn, workflow_input.batch_id)


def bytes_to_read(size: int, key: str) -> int:
    """Bytes that Spark reads of a file of `size` bytes: more than it has, if its name says that it is compressed."""
    return size * (GZIP_RATIO if key.lower().endswith(PACKED_ENDINGS) else 1)


def fitting(files: Sequence[tuple[int, str]], most: int) -> int:
    """How many of the first files (size and key) have at most that many bytes to read together; at least one."""
    sums = accumulate(bytes_to_read(size, key) for size, key in files)
    return max(1, sum(1 for size in sums if size <= most))


def workers_for(size: int, most: int) -> int:
    """Glue workers for that many bytes to read: at least 2 (Glue's minimum), at most `most`."""
    return max(2, min(most, 1 + ceil(size / BYTES_A_WORKER)))
