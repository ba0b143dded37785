"""The audit of a batch, and its publication. See docs/architecture.md for the order of the steps and why."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from pipeline_core import layout, publish
from pipeline_core.batches import FINISHED, Batch, Batches, ConflictError
from pipeline_core.contract import Contract
from pipeline_core.ledger import PUBLISHED, QUARANTINED, Ledger
from pipeline_core.manifest import Manifest
from pipeline_core.report import FileReport, Report, reconcile, violations
from pipeline_core.storage import read, write_once

CONFLICT = "CONFLICT"


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Decides on batches. Every step converges, so that deciding again gives the same verdict."""

    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    database: str
    event_bus_name: str

    def decide(self, dataset: str, batch_id: str, seen: int) -> dict[str, Any]:
        """Audit and publish a batch.

        Args:
            dataset: of the batch.
            batch_id: the batch.
            seen: how many publishes the dataset had when the batch's job began to read the table.

        Raises:
            ReconciliationError: rows are unaccounted for.
            PublishingError: another batch is publishing now; try again.
        """
        ledger = Ledger(self.ledger_table)
        batches = Batches(ledger)
        batch = batches.get(dataset, batch_id)
        if batch is None:
            raise RuntimeError(f"the ledger has no batch {batch_id} of {dataset}")
        manifest = Manifest.from_json(self._document(batch, "manifest"))
        contract = Contract.from_json(self._document(batch, "contract"))
        if batch.status in FINISHED:
            report = Report.from_json(self._document(batch, batch.verdict["report"]))
            return self._after(batch, batch.verdict, manifest, report, ledger)
        name = f"report-{seen}"
        report = self._pinned_report(batch, name)
        reconcile(report, [(file.key, file.version) for file in manifest.files])
        broken = violations(report, contract)
        verdict: dict[str, Any] = {
            "verdict": QUARANTINED if broken else PUBLISHED,
            "dataset": dataset,
            "batch_id": batch_id,
            "report": name,
            "files": len(report.files),
            "rows_read": report.rows_read,
            "rows_curated": report.rows_curated,
            "rows_quarantined": report.rows_quarantined,
            "rows_duplicate": report.rows_duplicate,
            "violations": broken,
            "files_quarantined": sum(file.problem is not None for file in report.files),
        }
        if broken:
            publish.copy_files(publish.quarantine_files(report), self.quarantine_bucket)
            batches.close(batch, QUARANTINED, verdict)
        else:
            paths = publish.partition_paths(report)
            try:
                batches.begin_publish(batch, seen, paths)
            except ConflictError as conflict:
                return {**verdict, "verdict": CONFLICT, "violations": [str(conflict)], "crawl": False}
            publish.copy_files(publish.table_files(report), self.curated_bucket)
            publish.copy_files(publish.quarantine_files(report), self.quarantine_bucket)
            batches.end_publish(batch, verdict, paths)
        return self._after(batch, verdict, manifest, report, ledger)

    def _after(
        self, batch: Batch, verdict: dict[str, Any], manifest: Manifest, report: Report, ledger: Ledger
    ) -> dict[str, Any]:
        """What follows from a verdict that stands: files, catalog, event. Repeated when the call is."""
        status = verdict["verdict"]
        bucket = layout.split_uri(manifest.staging)[0]
        assert bucket == self.curated_bucket, f"the manifest stages to {bucket}, not {self.curated_bucket}"
        raw = self._raw_buckets(batch)
        ledger.finish([_outcome(file, raw, status, verdict) for file in report.files], batch.batch_id, status)
        crawl = False
        if status == PUBLISHED and report.rows_curated:
            catalog = publish.Catalog(self.database)
            crawl = catalog.needs_crawl(report)
            if not crawl:
                catalog.register_partitions(report, self.curated_bucket)
        if status == PUBLISHED:
            self._announce(verdict)
        return {**_plain(verdict), "crawl": crawl}

    def _raw_buckets(self, batch: Batch) -> dict[tuple[str, str], str]:
        candidates = json.loads(self._document(batch, "candidates"))
        return {(file["key"], file["version"]): file["bucket"] for file in candidates}

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

    def _announce(self, verdict: dict[str, Any]) -> None:
        """Tell downstream consumers. At least once: the batch id is what they know a repetition by."""
        answer = boto3.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.event_bus_name,
                    "Source": "data-pipeline",
                    "DetailType": "BatchPublished",
                    "Detail": json.dumps(_plain(verdict)),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"BatchPublished was not accepted: {answer['Entries']}")


def _outcome(
    file: FileReport, buckets: dict[tuple[str, str], str], status: str, verdict: dict[str, Any]
) -> dict[str, Any]:
    reason = file.problem or "; ".join(verdict["violations"])
    outcome = {
        "rows_read": file.rows_read,
        "rows_curated": file.rows_curated,
        "rows_quarantined": file.rows_quarantined,
        "rows_duplicate": file.rows_duplicate,
        **({"reason": reason} if reason else {}),
    }
    return {
        "bucket": buckets[file.key, file.version],
        "key": file.key,
        "version": file.version,
        "status": QUARANTINED if file.problem else status,
        "outcome": outcome,
    }


def _plain(verdict: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB gives numbers back as Decimal; JSON wants int."""
    return {key: value if isinstance(value, str | bool | list) else int(value) for key, value in verdict.items()}
