"""What to do with a batch that failed."""

import json
from dataclasses import dataclass
from typing import Any

from pipeline_core import layout, publish
from pipeline_core.batches import FINISHED, RELEASED, Batch, Batches
from pipeline_core.ledger import FAILED, Ledger
from pipeline_core.report import Report
from pipeline_core.storage import read

PERMANENT = ("ReconciliationError", "TypeError", "KeyError", "AssertionError", "States.Runtime", "States.DataLimit")
"""Errors that come again however often the batch is tried; a person has to look."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Undoes and gives back. Doing it twice changes nothing more."""

    curated_bucket: str
    artifacts_bucket: str
    ledger_table: str
    max_attempts: int

    def recover(self, dataset: str, batch_id: str, error: dict[str, str]) -> str:
        """Close the batch, its files pending again or FAILED; returns which.

        A batch that was published or quarantined stays so: what failed came after its verdict.
        """
        ledger = Ledger(self.ledger_table)
        batches = Batches(ledger)
        batch = batches.get(dataset, batch_id)
        if batch is None:
            raise RuntimeError(f"the ledger has no batch {batch_id} of {dataset}")
        if batch.status in FINISHED and batch.status not in (FAILED, RELEASED):
            return batch.status
        files = self._files(batch)
        outcome = batch.status if batch.status in FINISHED else self._classify(files, error, ledger)
        if batches.state(dataset).publishing == batch_id:
            self._roll_back(batch)
        # The files come first: a batch that is closed has no file left in it.
        if outcome == RELEASED:
            ledger.give_back(files, batch_id)
        else:
            reason = f"{error.get('Error', '')}: {error.get('Cause', '')}"[:1000]
            ledger.finish([{**file, "outcome": {"reason": reason}} for file in files], batch_id, FAILED)
        batches.close(batch, outcome, {"error": error.get("Error", ""), "cause": error.get("Cause", "")[:2000]})
        return outcome

    def _classify(self, files: list[dict[str, Any]], error: dict[str, str], ledger: Ledger) -> str:
        if error.get("Error") in PERMANENT:
            return FAILED
        for file in files:
            item = ledger.file(file["bucket"], file["key"], file["version"])
            if item is not None and int(item["attempts"]) + 1 >= self.max_attempts:
                return FAILED
        return RELEASED

    def _files(self, batch: Batch) -> list[dict[str, Any]]:
        text = read(self.artifacts_bucket, layout.batch_key(batch.dataset, batch.batch_id, "candidates"))
        files: list[dict[str, Any]] = json.loads(text) if text else []
        return files

    def _roll_back(self, batch: Batch) -> None:
        """Remove what a half-done publish copied; each report that a run of the job left says what that may be."""
        for seen in range(Batches(Ledger(self.ledger_table)).state(batch.dataset).published, -1, -1):
            text = read(self.artifacts_bucket, layout.batch_key(batch.dataset, batch.batch_id, f"report-{seen}"))
            if text is not None:
                publish.roll_back(Report.from_json(text), self.curated_bucket)
                return
