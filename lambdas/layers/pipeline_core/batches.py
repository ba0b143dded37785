"""The life of a batch in the ledger: opened, claimed, started, published or not. Every step can be repeated.

    OPEN -> STARTED -> PUBLISHED | QUARANTINED | FAILED | RELEASED (its files are pending again) | SPLIT (in parts)

The dataset's state item holds the running batches and `published`, the number of publishes so far. A publish
names the number that its job's deduplication saw; if another batch has published rows of the same partitions
since, the job runs again. A batch with a verdict runs until all that follows from it is done.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from boto3.dynamodb.conditions import Key

from pipeline_core.batch_items import (
    ALL_PARTITIONS,
    DECIDED,
    FINISHED,
    OPEN,
    RELEASED,
    SPLIT,
    STARTED,
    Batch,
    BatchDetails,
    DatasetState,
    Publish,
)
from pipeline_core.fields import Fields
from pipeline_core.ledger import PUBLISHED, Ledger, now, write
from pipeline_core.pauses import pause_key
from pipeline_core.verdict import ErrorOutput, NothingToRead, Verdict

__all__ = [
    "ALL_PARTITIONS",
    "DECIDED",
    "FINISHED",
    "OPEN",
    "RELEASED",
    "SPLIT",
    "STARTED",
    "Batch",
    "BatchDetails",
    "Batches",
    "ClosedError",
    "ConflictError",
    "DatasetState",
    "Publish",
    "PublishingError",
]

LEASE_SECONDS = 300
"""How long an opened batch belongs to the trigger that opened it; then the next tick takes it on."""

MAX_LISTED_BYTES = 300_000
"""A publish whose partitions' paths are longer together counts as having touched all: an item has 400 KB at most, of
which each element of a list takes some (Amazon DynamoDB, "Item sizes and formats", 2026-11)."""
BYTES_AN_ELEMENT = 3


class ConflictError(Exception):
    """Another batch published rows of the same partitions after this batch's job read them."""


class PublishingError(Exception):
    """Another batch is publishing to the same table now; try again."""


class ClosedError(Exception):
    """The batch was given up while it was being audited; its files are somewhere else by now."""


class Batches:
    """Opens, moves on and closes batches."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.table = ledger, ledger.table

    def state(self, dataset: str) -> DatasetState:
        """Read a dataset's state; the initial one if nothing was ever written."""
        return DatasetState.from_item(self._get(dataset, "state"))

    def get(self, dataset: str, batch_id: str) -> Batch | None:
        """Read a batch, or None."""
        item = self._get(dataset, f"batch#{batch_id}")
        return Batch.from_item(item) if item else None

    def existing(self, dataset: str, batch_id: str) -> Batch:
        """Read a batch.

        Raises:
            RuntimeError: there is none.
        """
        batch = self.get(dataset, batch_id)
        if batch is None:
            raise RuntimeError(f"the ledger has no batch {batch_id} of {dataset}")
        return batch

    def _get(self, dataset: str, sort_key: str) -> dict[str, Any]:
        key = {"pk": f"dataset#{dataset}", "sk": sort_key}
        return self.table.get_item(Key=key, ConsistentRead=True).get("Item", {})

    def latest(self, dataset: str, limit: int, since: datetime | None = None) -> list[Batch]:
        """Return the batches of a dataset that were opened last, or since a time, the latest first."""
        first = f"batch#{dataset}-{since.astimezone(UTC):%Y%m%dT%H%M%SZ}" if since is not None else "batch#"
        # Ids begin with the time; no id has a tilde.
        condition = Key("pk").eq(f"dataset#{dataset}") & Key("sk").between(first, "batch#~")
        items = self.ledger.items(condition, ScanIndexForward=False, Limit=limit)
        return [Batch.from_item(item) for item in islice(items, limit)]

    def open(self, dataset: str, state: DatasetState, limit: int) -> Batch | None:
        """Open a batch if fewer than `limit` run and nobody opened one since `state` was read; else None.

        Nor is one opened of a dataset that is paused, in the same transaction: none begins after the mark is there.

        Its id has the time, so that it never names the files of an earlier ledger's batch, and a number.
        """
        if len(state.running) >= limit:
            return None
        at = datetime.now(UTC)
        number = state.counter + 1
        batch_id = f"{dataset}-{at:%Y%m%dT%H%M%SZ}-{number:06d}"
        lease_until = int(at.timestamp()) + LEASE_SECONDS
        batch = Batch(batch_id=batch_id, dataset=dataset, status=OPEN, created_at=now(), lease_until=lease_until)
        item = {
            "pk": f"dataset#{dataset}",
            "sk": f"batch#{batch_id}",
            "batch_id": batch_id,
            "dataset": dataset,
            "status": OPEN,
            "created_at": batch.created_at,
            "lease_until": lease_until,
        }
        opened = self._transact(
            {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
            self._state_update(
                dataset,
                "SET #counter = :number ADD #running :batch",
                "attribute_not_exists(#counter) OR #counter = :before",
                {"#counter": "counter", "#running": "running"},
                {":number": number, ":before": state.counter, ":batch": {batch_id}},
            ),
            {"ConditionCheck": {"Key": pause_key(dataset), "ConditionExpression": "attribute_not_exists(pk)"}},
        )
        return batch if opened else None

    def take_over(self, batch: Batch, seconds: int = LEASE_SECONDS) -> bool:
        """Take a batch whose lease has run out, for some seconds; False if it has not, or somebody else was faster."""
        at = int(datetime.now(UTC).timestamp())
        return self._update_batch(
            batch,
            "SET lease_until = :until",
            "#status = :status AND lease_until < :now",
            {":until": at + seconds, ":now": at, ":status": batch.status},
        )

    def started(self, batch: Batch, details: BatchDetails) -> None:
        """Note that the execution of an opened batch runs."""
        self._update_batch(
            batch,
            "SET #status = :started, started_at = :now, details = :details",
            "#status = :open",
            {":started": STARTED, ":open": OPEN, ":now": now(), ":details": asdict(details)},
        )

    def cancel(self, batch: Batch) -> bool:
        """Mark a batch as given up by a person: from now on it does not begin to publish.

        Returns:
            False if it has begun to publish, or has ended.
        """
        return self._update_batch(
            batch,
            "SET cancelled_at = if_not_exists(cancelled_at, :now)",
            "attribute_not_exists(seen) AND #status IN (:open, :started)",
            {":now": now(), ":open": OPEN, ":started": STARTED},
        )

    def close(self, batch: Batch, status: str, end: Verdict | ErrorOutput | NothingToRead) -> bool:
        """Give a batch that publishes nothing its last status, and why; `conclude` comes after what follows from it.

        Returns:
            False if it has one already, or has begun to publish: then it has to be published.
        """
        not_publishing = {
            "ConditionCheck": {
                "Key": {"pk": f"dataset#{batch.dataset}", "sk": "state"},
                "ConditionExpression": "attribute_not_exists(#publishing) OR #publishing <> :batch",
                "ExpressionAttributeNames": {"#publishing": "publishing"},
                "ExpressionAttributeValues": {":batch": batch.batch_id},
            }
        }
        return self._transact(self._finished(batch, status, end), not_publishing)

    def conclude(self, batch: Batch) -> None:
        """Take a finished batch out of the running ones: all that follows from its end is done."""
        write(
            lambda: self.table.update_item(
                Key={"pk": f"dataset#{batch.dataset}", "sk": "state"},
                UpdateExpression="DELETE #running :set",
                ExpressionAttributeNames={"#running": "running"},
                ExpressionAttributeValues={":set": {batch.batch_id}},
            )
        )

    def count_split(self, dataset: str, root: str, batch_id: str) -> int:
        """Note that a batch failed whose files come from `root`, the first batch that was split; how many did."""
        answer = write(
            lambda: self.table.update_item(
                Key={"pk": f"dataset#{dataset}", "sk": f"split#{root}"},
                UpdateExpression="ADD failed :set",
                ExpressionAttributeValues={":set": {batch_id}},
                # UPDATED_NEW would leave to the service whether a set that has the batch already was updated.
                ReturnValues="ALL_NEW",
            )
        )
        assert answer is not None, "it has no condition that could refuse it"
        failed: Any = answer["Attributes"]["failed"]
        return len(failed)

    def published_at(self, dataset: str) -> str:
        """When a dataset was published last; empty if it never was."""
        condition = Key("pk").eq(f"dataset#{dataset}") & Key("sk").begins_with("publish#")
        last = next(self.ledger.items(condition, ScanIndexForward=False, Limit=1), None)
        return "" if last is None else Fields(last, "the ledger's item of a publish").text("published_at", "")

    def begin_publish(self, batch: Batch, seen: int, partitions: Sequence[str]) -> None:
        """Make the batch the only one that publishes to its table. There is no way back: it has to be published.

        Args:
            batch: the batch; beginning again is fine.
            seen: the number of publishes that its job's deduplication saw.
            partitions: paths of the partitions that it adds rows to, or takes rows from.

        Raises:
            ConflictError: one of them got rows since.
            PublishingError: another batch is at it.
            ClosedError: the batch was given up, or cancelled, meanwhile.
        """
        state = self.state(batch.dataset)
        if state.publishing == batch.batch_id:
            return
        if state.publishing is not None:
            raise PublishingError(f"{batch.dataset}: {state.publishing} is publishing; {batch.batch_id} waits")
        own = set(partitions)
        for sequence in range(seen + 1, state.published + 1):
            item = self._get(batch.dataset, f"publish#{sequence:012d}")
            publish = Publish.from_item(item)
            if ALL_PARTITIONS in publish.partitions or not own.isdisjoint(publish.partitions):
                raise ConflictError(
                    f"{batch.batch_id}: publish {sequence} by {publish.batch_id or 'a batch rolled back'} "
                    "touched the same partitions after this batch's job read them"
                )
        # attribute_not_exists(published) is the first publish ever
        done = self._transact(
            self._state_update(
                batch.dataset,
                "SET #publishing = :batch",
                "attribute_not_exists(#publishing) AND "
                "(#published = :published OR (attribute_not_exists(#published) AND :published = :zero))",
                {"#publishing": "publishing", "#published": "published"},
                {":batch": batch.batch_id, ":published": state.published, ":zero": 0},
            ),
            {
                "Update": {
                    "Key": {"pk": f"dataset#{batch.dataset}", "sk": f"batch#{batch.batch_id}"},
                    "UpdateExpression": "SET seen = :seen",
                    "ConditionExpression": "#status IN (:open, :started) AND attribute_not_exists(cancelled_at)",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": {":seen": seen, ":open": OPEN, ":started": STARTED},
                }
            },
        )
        if done:
            return
        now_known = self.get(batch.dataset, batch.batch_id)
        if now_known is not None and now_known.status in FINISHED:
            raise ClosedError(f"{batch.batch_id} is {now_known.status}: it must not be published any more")
        if now_known is not None and now_known.cancelled_at:
            raise ClosedError(f"{batch.batch_id} was cancelled at {now_known.cancelled_at}: it must not be published")
        raise PublishingError(f"{batch.dataset}: another batch began to publish; {batch.batch_id} waits")

    def withdraw_publish(self, batch: Batch) -> None:
        """Give up a publish of which no reader has seen anything: somebody else has changed the table.

        The change counts as a publish that touched all partitions, so that this batch and those that run are staged
        again, and see it.
        """
        self._transact(
            {
                "Update": {
                    "Key": {"pk": f"dataset#{batch.dataset}", "sk": f"batch#{batch.batch_id}"},
                    "UpdateExpression": "REMOVE seen",
                    "ConditionExpression": "#status IN (:open, :started)",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": {":open": OPEN, ":started": STARTED},
                }
            },
            *self._count_publish(batch, "", [ALL_PARTITIONS]),
        )

    def end_publish(self, batch: Batch, verdict: Verdict, partitions: Sequence[str]) -> bool:
        """Give a batch the status PUBLISHED and count the publish; `conclude` comes after it.

        Returns:
            False if that was done before.
        """
        size = sum(len(path.encode()) + BYTES_AN_ELEMENT for path in partitions)
        listed = list(partitions) if size <= MAX_LISTED_BYTES else [ALL_PARTITIONS]
        return self._transact(
            self._finished(batch, PUBLISHED, verdict), *self._count_publish(batch, batch.batch_id, listed)
        )

    def _count_publish(self, batch: Batch, by: str, partitions: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """Count the publish that a batch has the mark for, by the batch or by nobody known, and give the mark up."""
        sequence = self.state(batch.dataset).published + 1
        item = {
            "pk": f"dataset#{batch.dataset}",
            "sk": f"publish#{sequence:012d}",
            "batch_id": by,
            "partitions": list(partitions),
            "published_at": now(),
        }
        return (
            self._state_update(
                batch.dataset,
                "SET #published = :sequence REMOVE #publishing",
                "#publishing = :batch",
                {"#published": "published", "#publishing": "publishing"},
                {":sequence": sequence, ":batch": batch.batch_id},
            ),
            {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
        )

    @staticmethod
    def _finished(batch: Batch, status: str, end: Verdict | ErrorOutput | NothingToRead) -> dict[str, Any]:
        return {
            "Update": {
                "Key": {"pk": f"dataset#{batch.dataset}", "sk": f"batch#{batch.batch_id}"},
                "UpdateExpression": "SET #status = :status, verdict = :verdict, finished_at = :now",
                "ConditionExpression": "#status IN (:open, :started)",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":status": status,
                    ":verdict": end.to_item(),
                    ":now": now(),
                    ":open": OPEN,
                    ":started": STARTED,
                },
            }
        }

    @staticmethod
    def _state_update(
        dataset: str, update: str, condition: str, names: dict[str, str], values: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "Update": {
                "Key": {"pk": f"dataset#{dataset}", "sk": "state"},
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        }

    def _transact(self, *actions: dict[str, Any]) -> bool:
        items: Any = [
            {kind: {"TableName": self.table.name, **body} for kind, body in action.items()} for action in actions
        ]
        return write(lambda: self.table.meta.client.transact_write_items(TransactItems=items)) is not None

    def _update_batch(self, batch: Batch, update: str, condition: str, values: dict[str, Any]) -> bool:
        answer = write(
            lambda: self.table.update_item(
                Key={"pk": f"dataset#{batch.dataset}", "sk": f"batch#{batch.batch_id}"},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status"} if "#status" in update + condition else {},
                ExpressionAttributeValues=values,
            )
        )
        return answer is not None
