"""One dataset's turn in a backfill of several: its files are asked for, and waited for until they come to their end."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import boto3
from pipeline_core.batches import Batches
from pipeline_core.files import FileItem
from pipeline_core.ledger import FAILED, FINAL, QUARANTINED, REJECTED, Ledger
from pipeline_core.pauses import Pauses

from ops.plan import ITEMS_A_CALL, NEW, Plan, Version, carry_out, ledger_items
from ops.target import Target, TargetError

LOOK_SECONDS = 5.0
UNHEARD_SECONDS = 60.0
"""A file that no message has reached by then, though none is left in the queue, is asked for once more: the same
request is carried out once. After as long again, ingestion does not take it."""

NOT_TAKEN = "NOT TAKEN"
"""What becomes of a file that is known, and that its contract would not take any more."""

REFUSED = (QUARANTINED, REJECTED, NOT_TAKEN)


@dataclass(kw_only=True)
class Ended:
    """What the files of a dataset came to; those that failed before count as well."""

    plan: Plan
    statuses: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    """The status of each batch that the files were in."""

    @property
    def failed_batches(self) -> list[str]:
        """Batches that published nothing: a file whose published rows they were to replace is PUBLISHED as before."""
        return sorted(batch_id for batch_id, status in self.batches.items() if status in (FAILED, QUARANTINED))

    @property
    def failed(self) -> int:
        """How many files are FAILED, whichever request they were read for: their rows lack."""
        return self.statuses[FAILED] + self.plan.skipped[FAILED]

    @property
    def refused(self) -> int:
        """How many files were refused as a whole in this turn; what was refused before, a person has seen."""
        return sum(self.statuses[status] for status in REFUSED)

    def add(self, status: str, key: str) -> None:
        """Count a file."""
        self.statuses[status] += 1
        self.examples.setdefault(status, key)

    def such_as(self) -> str:
        """Name one of them."""
        keys = [self.examples[status] for status in (FAILED, *REFUSED) if status in self.examples]
        return f", such as {keys[0]}" if keys else ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Asks for the files of a plan, and waits until they and their batches have come to their end."""

    target: Target
    plan: Plan
    request: str
    timeout: float

    def run(self) -> Ended:
        """Do it. Killed in between, what was asked for goes on; called again, it goes on waiting.

        Raises:
            TargetError: the dataset is paused, or it takes longer than the timeout; says what to do.
        """
        ended = Ended(plan=self.plan)
        if self.plan.skipped[FAILED]:
            # Nothing is asked for that would come to its end beside rows that lack.
            return ended
        asked = [version for versions in self.plan.actions.values() for version in versions]
        deadline = time.monotonic() + self.timeout
        if asked:
            carry_out(self.target, self.plan, self.request)
        left, batches, heard_at, asks = [*self.plan.under_way, *asked], set[str](), time.monotonic(), 1
        mine = set(asked)
        while left:
            # The first of them only: whoever waits for the first needs no news of the last.
            chunk = left[:ITEMS_A_CALL]
            items = ledger_items(self.target, chunk)
            over = {
                version: item
                for version in chunk
                if (item := items.get((version.key, version.version))) is not None
                and self._is_over(item, mine=version in mine)
            }
            for item in over.values():
                ended.add(item.status, item.key)
                batches.add(item.batch_id)
            left = [version for version in left if version not in over]
            if over:
                heard_at, asks = time.monotonic(), 1
                continue
            self._wait(deadline, f"{len(left):,} of its files")
            if time.monotonic() - heard_at < UNHEARD_SECONDS * asks or not self._queue_is_empty():
                continue
            unheard = [version for version in chunk if version in mine and self._is_unheard(items, version)]
            if asks == 1:
                carry_out(self.target, replace(self.plan, actions={NEW: unheard}), self.request)
                asks += 1
                continue
            for version in unheard:
                ended.add(NOT_TAKEN, version.key)
            left = [version for version in left if version not in unheard]
        ledger = Batches(Ledger(self.target.ledger_table))
        while running := batches.intersection(ledger.state(self.plan.dataset).running):
            self._wait(deadline, ", ".join(sorted(running)))
        for batch_id in filter(None, batches):
            ended.batches[batch_id] = ledger.existing(self.plan.dataset, batch_id).status
        return ended

    def _is_over(self, item: FileItem, *, mine: bool) -> bool:
        """Whether a file has come to its end, and where it was known and asked for, once more since."""
        return item.status in FINAL and (not mine or self.plan.what == NEW or self.request in item.requests)

    def _is_unheard(self, items: Mapping[tuple[str, str], FileItem], version: Version) -> bool:
        """Whether no message has changed what the ledger says of a file that was asked for."""
        item = items.get((version.key, version.version))
        return item is None or item.status in FINAL

    def _queue_is_empty(self) -> bool:
        names: list[Literal["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.target.arrivals_queue_url
        found = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return not any(int(found[name]) for name in names)

    def _wait(self, deadline: float, what: str) -> None:
        dataset = self.plan.dataset
        if pause := Pauses(Ledger(self.target.ledger_table)).of(dataset):
            raise TargetError(f"{dataset} is {pause}: data-pipeline resume {dataset}, then call this again")
        if time.monotonic() >= deadline:
            raise TargetError(
                f"{dataset}: {what} did not come to an end in {self.timeout:.0f} s; they go on by themselves. "
                f"Look at data-pipeline status, then call this again"
            )
        time.sleep(LOOK_SECONDS)
