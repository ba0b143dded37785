"""What the ledger and the table of runs say of batches that were rolled back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline_core import layout
from pipeline_core.batches import Batches
from pipeline_core.channels import SEVERITIES
from pipeline_core.documents import read
from pipeline_core.files import Candidate, candidates_from_json
from pipeline_core.ledger import ROLLED_BACK, Ledger
from pipeline_core.owners import Message
from pipeline_core.plain_text import printable
from pipeline_core.runs import RunDetails, record_run
from table_formats import IcebergTable
from table_formats.history import HistoryError, roll_back, rolled_back

MAX_SUBJECT = 100
"""SNS refuses a longer subject (SNS Publish API reference, 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class RollBack:
    """Rolls a table back, and notes it. Doing it again goes on where it was interrupted, and then changes nothing."""

    ledger: Ledger
    artifacts_bucket: str

    def run(self, table: IcebergTable, batch_id: str) -> list[str]:
        """Have a table be what it was after a batch; returns the batches whose rows went.

        Raises:
            HistoryError: it cannot be done, or not now; says why.
        """
        dataset = table.place.dataset
        batches = Batches(self.ledger)

        def check(gone: list[str]) -> None:
            """Refuse while a batch has not said all that follows from its end: it would say PUBLISHED afterwards."""
            state = batches.state(dataset)
            if busy := [*filter(None, [state.publishing]), *(each for each in gone if each in state.running)]:
                raise HistoryError(f"{dataset}: {busy[0]} is publishing; try again when it is done")

        gone = roll_back(table, batch_id, check)
        # Also what an earlier rollback took out that was interrupted before it was noted. The latest first: a file that
        # two of them published comes back to what it was before each.
        loaded = table.load()
        for each in rolled_back(loaded) if loaded else ():
            self.ledger.roll_back(self._files(dataset, each), each)
            batch = batches.existing(dataset, each)
            if batch.verdict is not None:
                details = RunDetails.of_verdict(batch.verdict)
                record_run(self.artifacts_bucket, replace(batch, status=ROLLED_BACK), details)
        return gone

    def _files(self, dataset: str, batch_id: str) -> list[Candidate]:
        text = read(self.artifacts_bucket, layout.batch_key(dataset, batch_id, "candidates"))
        if text is None:
            raise HistoryError(f"{dataset}: the files of {batch_id} are not known: its candidates.json is missing")
        return candidates_from_json(text)


def for_owners(dataset: str, batch_id: str, gone: Sequence[str]) -> Message:
    """Write what the people of a dataset are told of a rollback; `gone` are the batches whose rows went."""
    went = ", ".join(gone) if gone else "none that was there still"
    lines = (
        f"The table of dataset {dataset} was rolled back to what it was after batch {batch_id}.",
        f"Batches whose rows went: {went}.",
        f"Their files are ROLLED_BACK; to have them read again: .venv/bin/data-pipeline backfill {dataset} --again",
    )
    return Message(
        datasets=(dataset,),
        severity=SEVERITIES[ROLLED_BACK],
        outcome=ROLLED_BACK,
        subject=printable(f"[{ROLLED_BACK}] {dataset}: to {batch_id}")[:MAX_SUBJECT],
        body="\n".join(map(printable, lines)),
    )
