"""The audit of a batch, and its publication. See docs/architecture.md for the order of the steps and why."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pipeline_core import clients, layout, publish
from pipeline_core.batches import ALL_PARTITIONS, DECIDED, FINISHED, Batch, Batches, ClosedError, ConflictError
from pipeline_core.contract import LATEST, SNAPSHOT, Contract
from pipeline_core.documents import read, write_once
from pipeline_core.files import Candidate, candidates_from_json
from pipeline_core.ledger import PUBLISHED, QUARANTINED, Ledger
from pipeline_core.manifest import REPLACE, ROWS, Manifest
from pipeline_core.quarantine import quarantine_file
from pipeline_core.report import Report, reconcile, violations
from pipeline_core.runs import RunDetails, record_run
from pipeline_core.ticks import Ticks
from pipeline_core.verdict import CONFLICT, Verdict
from table_formats import StaleTableError, TableFormat, TablePlace, Turn, table_of

from lambdas.processing.finished_files import check_replaced, finished_file, has_no_rows_to_quarantine

Candidates = dict[tuple[str, str], Candidate]
"""The candidates of a batch by key and version."""


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Decides on batches. Every step converges, so that deciding again gives the same verdict.

    The fields come from the function's environment.
    """

    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    database: str
    event_bus_name: str
    ticks_queue_url: str
    quarantined_percent: int

    def decide(self, dataset: str, batch_id: str, seen: int) -> Verdict:
        """Audit and publish a batch.

        Args:
            dataset: of the batch.
            batch_id: the batch.
            seen: how many publishes the dataset had when the batch's job began to read the table.

        Raises:
            ReconciliationError: rows are unaccounted for, here or in what is to be replaced.
            PublishingError: another batch is publishing now; try again.
            ClosedError: the batch was given up.
        """
        batches = Batches(Ledger(self.ledger_table))
        batch = batches.existing(dataset, batch_id)
        if batch.status in FINISHED and batch.status not in DECIDED:
            raise ClosedError(f"{batch_id} is {batch.status}: it must not be published any more")
        if batch.cancelled_at and batch.status not in FINISHED:
            raise ClosedError(f"{batch_id} was cancelled at {batch.cancelled_at}: it must not be published")
        manifest = Manifest.from_json(self._document(batch, "manifest"))
        if batch.status in DECIDED:
            report = Report.from_json(self._document(batch, batch.report))
            return self._conclude(batches, batch, manifest, report)
        name = f"report-{seen if batch.seen is None else batch.seen}"
        report = self._pinned_report(batch, name)
        reconcile(report, [(file.key, file.version) for file in manifest.files])
        if manifest.purpose == REPLACE:
            check_replaced(report, self._candidates(batch))
        contract = Contract.from_json(self._document(batch, "contract"))
        verdict = self._verdict(batch, name, manifest, report, contract)
        if verdict.verdict == QUARANTINED:
            if manifest.purpose != REPLACE:
                publish.copy_files(publish.quarantine_files(report), self.quarantine_bucket)
            batches.close(batch, QUARANTINED, verdict)
        else:
            # A row of a key may be in any partition.
            paths = [ALL_PARTITIONS] if contract.write_mode in (LATEST, SNAPSHOT) else publish.partition_paths(report)
            if batch.seen is None:
                try:
                    batches.begin_publish(batch, seen, paths)
                except ConflictError as conflict:
                    return replace(verdict, verdict=CONFLICT, violations=(str(conflict),))
            table = self._table(contract)
            try:
                before = batch.seen if batch.seen is not None else seen
                turn = Turn(report=name, seen=before, number=batches.state(dataset).published + 1)
                table.publish(report, contract, turn)
            except StaleTableError as stale:
                # Nobody has seen anything of it.
                table.refresh()
                batches.withdraw_publish(batch)
                return replace(verdict, verdict=CONFLICT, violations=(str(stale),))
            publish.copy_files(publish.quarantine_files(report), self.quarantine_bucket)
            batches.end_publish(batch, verdict, paths)
        closed = batches.get(dataset, batch_id)
        if closed is None or closed.status != verdict.verdict:
            raise ClosedError(f"{batch_id} is {closed and closed.status} and was not {verdict.verdict}")
        return self._conclude(batches, closed, manifest, report)

    def _table(self, contract: Contract) -> TableFormat:
        place = TablePlace(database=self.database, bucket=self.curated_bucket, dataset=contract.dataset)
        return table_of(place, contract.table_format)

    def _verdict(self, batch: Batch, name: str, manifest: Manifest, report: Report, contract: Contract) -> Verdict:
        # Thresholds are about what producers deliver; rows that come out of quarantine were judged before.
        broken = [] if manifest.purpose == ROWS else violations(report, contract)
        return Verdict(
            verdict=QUARANTINED if broken else PUBLISHED,
            dataset=batch.dataset,
            batch_id=batch.batch_id,
            report=name,
            purpose=manifest.purpose,
            contract_version=report.contract_version,
            files=len(report.files),
            files_quarantined=sum(file.problem is not None for file in report.files),
            bytes=sum(file.size for file in manifest.files),
            **asdict(report.counts),
            violations=tuple(broken),
            engine=report.engine,
        )

    def _conclude(self, batches: Batches, batch: Batch, manifest: Manifest, report: Report) -> Verdict:
        """What follows from a verdict: files, quarantine, catalog, event, run, tick. Repeated when the call is."""
        assert batch.verdict is not None, "it was decided on"
        candidates, contract = self._candidates(batch), Contract.from_json(self._document(batch, "contract"))
        verdict = replace(
            batch.verdict,
            seconds_to_published=_seconds_to_published(batch, candidates),
            latency_seconds=contract.latency_seconds,
        )
        self._finish_files(batch, manifest, report, verdict, candidates)
        if batch.status == PUBLISHED or manifest.purpose not in (ROWS, REPLACE):
            self._empty_quarantine(batch, report, candidates)
        crawl, snapshot = False, ""
        if batch.status == PUBLISHED:
            table = self._table(contract)
            crawl = table.finish(report, contract)
            snapshot = table.snapshot_of(batch.batch_id) if report.counts.rows_written else ""
        if batch.status == PUBLISHED:
            self._announce(verdict)
        record_run(self.artifacts_bucket, batch, RunDetails.of_verdict(replace(verdict, snapshot=snapshot)))
        batches.conclude(batch)
        # What landed while the batch ran found the dataset full.
        Ticks(ledger=Ledger(self.ledger_table), queue_url=self.ticks_queue_url).arm(batch.dataset)
        return replace(verdict, crawl=crawl, snapshot=snapshot)

    def _finish_files(
        self,
        batch: Batch,
        manifest: Manifest,
        report: Report,
        verdict: Verdict,
        candidates: Candidates,
    ) -> None:
        ledger = Ledger(self.ledger_table)
        files = [candidates[file.key, file.version] for file in report.files]
        if batch.status == QUARANTINED and manifest.purpose == REPLACE:
            reason = "the replacement was refused: " + "; ".join(verdict.violations)
            ledger.give_up(files, batch.batch_id, QUARANTINED, reason)
            return
        finished = [finished_file(*pair, verdict) for pair in zip(report.files, files, strict=True)]
        for file, after in zip(report.files, finished, strict=True):
            if after.has_copy:
                quarantine_file(after.file, str(file.problem), self.quarantine_bucket)
        ledger.finish(finished, batch.batch_id)

    def _empty_quarantine(self, batch: Batch, report: Report, candidates: Candidates) -> None:
        """Take out of quarantine what this batch has decided on anew."""
        batches, keys = Batches(Ledger(self.ledger_table)), list[str]()
        for reported in report.files:
            file = candidates[reported.key, reported.version]
            if file.quarantined_in:
                earlier = batches.existing(batch.dataset, file.quarantined_in)
                report_then = Report.from_json(self._document(earlier, earlier.report))
                keys += publish.quarantined_keys(report_then, file.key, file.version)
            if file.has_copy and not has_no_rows_to_quarantine(reported):
                keys += layout.quarantined_file_keys(file.bucket, file.key, file.version)
        publish.delete_objects(self.quarantine_bucket, keys)

    def _candidates(self, batch: Batch) -> Candidates:
        return {file.identity: file for file in candidates_from_json(self._document(batch, "candidates"))}

    def _document(self, batch: Batch, name: str) -> bytes:
        key = layout.batch_key(batch.dataset, batch.batch_id, name)
        text = read(self.artifacts_bucket, key)
        if text is None:
            raise RuntimeError(f"s3://{self.artifacts_bucket}/{key} is missing")
        return text

    def _pinned_report(self, batch: Batch, name: str) -> Report:
        """The report that counts: the first that was seen for this run.

        A job run that was given up may still write; once decided on, its report must not change any more.
        """
        key = layout.batch_key(batch.dataset, batch.batch_id, name)

        def staged() -> str:
            staged_key = f"{layout.staging_prefix(batch.dataset, batch.batch_id)}report.json"
            text = read(self.curated_bucket, staged_key)
            if text is None:
                raise RuntimeError(f"s3://{self.curated_bucket}/{staged_key} is missing: the job wrote no report")
            return text.decode()

        return Report.from_json(write_once(self.artifacts_bucket, key, staged))

    def _announce(self, verdict: Verdict) -> None:
        """Tell downstream consumers. At least once: the batch id is what they know a repetition by."""
        answer = clients.events().put_events(
            Entries=[
                {
                    "EventBusName": self.event_bus_name,
                    "Source": "data-pipeline",
                    "DetailType": "BatchPublished",
                    "Detail": json.dumps(verdict.to_event()),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"BatchPublished was not accepted: {answer['Entries']}")


def _seconds_to_published(batch: Batch, candidates: Candidates) -> int | None:
    """How long the first file of a published batch waited, in whole seconds, as S3 says the time of its landing.

    None where nothing was published, or no file landed just for this batch: one that was asked for again has been read.
    """
    landed = [file.landed_at for file in candidates.values() if not file.replayed]
    if batch.status != PUBLISHED or not landed:
        return None
    waited = datetime.fromisoformat(batch.finished_at) - datetime.fromisoformat(min(landed))
    return max(0, int(waited.total_seconds()))
