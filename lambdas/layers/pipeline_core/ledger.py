"""The file ledger: what happened to every object version, in one DynamoDB table.

Items, by partition key and sort key:

    file#<bucket>/<key>   version#<version id>   a file and its status
    dataset#<dataset>     ignored                how many files were IGNORED
    dataset#<dataset>     rejected#<day>         how many files were REJECTED on that day; `dataset#`: of no dataset
    dataset#<dataset>     state                  counters, running batches, who publishes
    dataset#<dataset>     batch#<batch id>       a batch and its status
    dataset#<dataset>     publish#<sequence>     which partitions the n-th publish touched
    dataset#<dataset>     tick                   when the next tick is due, and when the latest one began
    paused                <dataset>              that no batch of it is to begin (pauses.py)

Pending files are in the sparse index `pending`, spread over shards so that no index partition is hot.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.exceptions import ClientError

from pipeline_core import clients
from pipeline_core.conditions import expressions
from pipeline_core.files import Candidate, FileItem, FinishedFile, LandedFile, file_key

if TYPE_CHECKING:
    from decimal import Decimal

    from mypy_boto3_dynamodb.service_resource import Table

PENDING, CLAIMED, PUBLISHED, QUARANTINED, REJECTED, IGNORED, FAILED, ROLLED_BACK = (
    "PENDING",
    "CLAIMED",
    "PUBLISHED",
    "QUARANTINED",
    "REJECTED",
    "IGNORED",
    "FAILED",
    "ROLLED_BACK",
)
SHARDS = 4
"""Shards of a dataset's pending files: 4,000 registrations a second (1,000 writes a shard, AWS 2026-11)."""

PARALLEL = 16
LONGEST_WAIT_SECONDS = 3_600
MAX_DOUBLINGS = 12
"""A file that is given back waits twice as long each time, an hour at most."""
REMEMBERED = timedelta(days=31)
"""How long the count of a day's rejected files is kept."""

MAX_TRIES = 9
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
"""How often, and how far apart, a write is tried that meets another one's transaction: eight seconds at most."""

PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Why DynamoDB refuses a write that it takes a moment later; of a write alone, boto3 repeats all but the first."""

Answer = TypeVar("Answer")

FINAL = (PUBLISHED, QUARANTINED, REJECTED, IGNORED, FAILED, ROLLED_BACK)
"""Where every file ends; a replay begins there again."""


def now() -> str:
    """The present time, ISO 8601 in UTC with microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def write(attempt: Callable[[], Answer]) -> Answer | None:
    """Carry out a write of the ledger; None if its condition (alone or in a transaction) refused it.

    Whoever meets a transaction on the same item is refused, too, alone or in another transaction: that passes, and is
    tried again, with a growing, random wait. boto3 does not do so (retries/standard.py of botocore 1.43; DynamoDB
    developer guide, "Transaction conflict handling", 2026-11).
    """
    tries = 0
    while True:
        tries += 1
        try:
            return attempt()
        except ClientError as error:
            reasons = _reasons(error)
            if "ConditionalCheckFailed" in reasons:
                return None
            if not reasons & PASSING or tries == MAX_TRIES:
                raise
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries)))


def _reasons(error: ClientError) -> set[str]:
    """What refused a write, in the words of a cancelled transaction's reasons."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        return {reason.get("Code", "") for reason in error.response.get("CancellationReasons", [])}
    return {code.removesuffix("Exception")}


class Ledger:
    """Reads and writes the ledger. Every write is conditional, so that repeating it changes nothing."""

    def __init__(self, table_name: str) -> None:
        self.table: Table = clients.table(table_name)

    def register(
        self, file: LandedFile, *, rejected: str | None = None, ignored: str | None = None, request: str = ""
    ) -> bool:
        """Write an object version down as PENDING, or as IGNORED or REJECTED with its reason; `request` asked for it.

        Returns:
            False if it was there already: a duplicate event changes nothing.
        """
        status: dict[str, Any]
        if ignored is not None:
            status = {"status": IGNORED, "reason": ignored, "finished_at": now()}
        elif rejected is not None:
            # `kept`: a copy of the whole file is in the quarantine bucket
            status = {"status": REJECTED, "reason": rejected, "finished_at": now(), "kept": True}
        else:
            status = {"status": PENDING, "pending_shard": pending_shard(file)}
        item = {
            **file.item_key,
            "bucket": file.bucket,
            "key": file.key,
            "version": file.version,
            "size": file.size,
            "landed_at": file.landed_at,
            "dataset": file.dataset,
            "format": file.format,
            "attempts": 0,
            "registered_at": now(),
            **({"requests": {request}} if request else {}),
            **status,
        }
        return self._conditional_put(item)

    def count_ignored(self, dataset: str) -> None:
        """Count a file that was registered as IGNORED; a function that is killed just before counts one too few."""
        write(
            lambda: self.table.update_item(
                Key={"pk": f"dataset#{dataset}", "sk": "ignored"},
                UpdateExpression="ADD files :one",
                ExpressionAttributeValues={":one": 1},
            )
        )

    def count_rejected(self, dataset: str) -> None:
        """Count a file that was registered as REJECTED today; a function that is killed before counts one too few.

        The dataset is empty for a file that no contract is deployed for.
        """
        at = datetime.now(UTC)
        write(
            lambda: self.table.update_item(
                Key={"pk": f"dataset#{dataset}", "sk": f"rejected#{at.date()}"},
                UpdateExpression="ADD files :one SET expires_at = :then",
                ExpressionAttributeValues={":one": 1, ":then": int((at + REMEMBERED).timestamp())},
            )
        )

    def rejected(self, dataset: str, day: date) -> int:
        """How many files of a dataset, or of none where it is empty, were REJECTED on that day (UTC) or later."""
        condition = Key("pk").eq(f"dataset#{dataset}") & Key("sk").between(f"rejected#{day}", "rejected#~")
        return sum(int(cast("Decimal", item["files"])) for item in self.items(condition))

    def ignored(self, dataset: str) -> int:
        """How many files of a dataset's folder were IGNORED so far."""
        item = self.table.get_item(Key={"pk": f"dataset#{dataset}", "sk": "ignored"}).get("Item", {})
        return int(cast("Decimal", item.get("files", 0)))

    def file(self, bucket: str, key: str, version: str) -> FileItem | None:
        """Return what is known of an object version, or None."""
        answer = self.table.get_item(Key=file_key(bucket, key, version), ConsistentRead=True)
        return FileItem.from_item(answer["Item"]) if "Item" in answer else None

    def versions(self, bucket: str, key: str) -> list[dict[str, Any]]:
        """Return the items of all versions of an object as they are, for people to look at."""
        return list(self.items(Key("pk").eq(f"file#{bucket}/{key}"), ConsistentRead=True))

    def items(
        self, key: ConditionBase, *, filtered: ConditionBase | None = None, **arguments: Any
    ) -> Iterator[dict[str, Any]]:
        """Query the table, or an index of it; a page is asked for when those before it have been taken.

        Args:
            key: the condition on the key.
            filtered: the condition on what else an item has, if any.
            arguments: more of the Query call, for example `IndexName`; `Limit` is that of a page.
        """
        query = {**expressions(key=key, filtered=filtered), **arguments}
        while True:
            answer = self.table.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def pending(self, dataset: str, limit: int, due_at: str | None = None) -> list[FileItem]:
        """Return up to `limit` pending files of a dataset in landing order; with a time, those that may be tried then.

        The index is eventually consistent: a file may be missing (the next tick sees it) or be claimed
        already (the claim is conditional).
        """
        # Filtered while the pages are read, so that files which wait do not keep those behind them waiting.
        due = None if due_at is None else Attr("not_before").not_exists() | Attr("not_before").lte(due_at)
        found: list[FileItem] = []
        for shard in range(SHARDS):
            key = Key("pending_shard").eq(f"{dataset}#{shard}")
            items = self.items(key, filtered=due, IndexName="pending", Limit=limit)
            found.extend(map(FileItem.from_item, islice(items, limit)))
        return sorted(found, key=lambda file: (file.landed_at, file.key, file.version))[:limit]

    def claim(self, files: Iterable[LandedFile], batch_id: str) -> list[bool]:
        """Claim files for a batch; True where the batch has the file now."""

        def one(file: LandedFile) -> bool:
            return self._update_file(
                file,
                "SET #status = :claimed, batch_id = :batch, claimed_at = :now REMOVE pending_shard, not_before",
                Attr("status").eq(PENDING) | (Attr("status").eq(CLAIMED) & Attr("batch_id").eq(batch_id)),
                {":claimed": CLAIMED, ":batch": batch_id, ":now": now()},
            )

        return self._each(one, files)

    def replay(self, file: FileItem, purpose: str, replay_id: str) -> bool:
        """Make a finished file pending again.

        Args:
            file: as it was read from the ledger.
            purpose: LANDED, ROWS or REPLACE.
            replay_id: of the request, so that a request that is delivered twice is carried out once.

        Returns:
            False if the file was changed since it was read, or if this very request was carried out before.
        """
        return self._update_file(
            file,
            "SET #status = :pending, pending_shard = :shard, purpose = :purpose, replay_id = :id, attempts = :zero "
            "REMOVE part, root, reason, deaths, kills, not_before ADD requests :requests",
            Attr("status").eq(file.status) & Attr("replay_id").ne(replay_id),
            {
                ":pending": PENDING,
                ":shard": pending_shard(file),
                ":purpose": purpose,
                ":id": replay_id,
                ":requests": {replay_id},
                ":zero": 0,
            },
        )

    def finish(self, files: Iterable[FinishedFile], batch_id: str) -> None:
        """Mark the files of a batch that was decided on."""

        def one(finished: FinishedFile) -> bool:
            values: dict[str, Any] = {
                ":status": finished.status,
                ":outcome": finished.counts.to_outcome(),
                ":now": now(),
            }
            sets, removes = (
                ["#status = :status", "outcome = :outcome", "finished_at = :now"],
                ["pending_shard", "deaths", "kills"],
            )
            optional = {
                "reason": finished.reason,
                "kept": finished.has_copy,
                "published_in": set(finished.published_in),
                "quarantined_in": finished.quarantined_in,
            }
            for name, value in optional.items():
                if value:
                    sets.append(f"{name} = :{name}")
                    values[f":{name}"] = value
                else:
                    removes.append(name)
            return self._update_file(
                finished.file,
                f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
                Attr("batch_id").eq(batch_id) & Attr("status").is_in([CLAIMED, finished.status]),
                values,
            )

        self._each(one, files)

    def give_back(self, files: Iterable[Candidate], batch_id: str) -> None:
        """Make the claimed files of a batch that was split pending again.

        A file waits for a batch of its part only, and the attempt does not count: the batch was split to find out
        which file makes it fail. `root` is the first batch that was split.
        """

        def one(file: Candidate) -> bool:
            values = {":part": file.part, ":root": file.root}
            return self._pending_again(file, batch_id, ["part = :part", "root = :root"], values)

        self._each(one, files)

    def try_again(
        self,
        files: Iterable[Candidate],
        batch_id: str,
        retry_seconds: int,
        counters: Sequence[str] = (),
        attempts: int = 1,
    ) -> None:
        """Make the claimed files of a batch pending again, one attempt richer, or none where a person gave it up.

        They are not tried before `retry_seconds`, twice as long after each attempt, an hour at most. `counters` are
        those of the files' counters (`deaths`, `kills`) that the failure adds one to.
        """

        def one(file: Candidate) -> bool:
            at = datetime.now(UTC) + timedelta(seconds=wait_seconds(file, retry_seconds))
            counts = {f":{name}": getattr(file, name) + 1 for name in counters}
            values = {":one": attempts, ":at": at.isoformat(timespec="microseconds"), **counts}
            sets = ["attempts = attempts + :one", "not_before = :at", *(f"{name} = :{name}" for name in counters)]
            return self._pending_again(file, batch_id, sets, values)

        self._each(one, files)

    def _pending_again(self, file: Candidate, batch_id: str, sets: list[str], values: dict[str, Any]) -> bool:
        return self._update_file(
            file,
            f"SET {', '.join(['#status = :pending', 'pending_shard = :shard', *sets])}",
            Attr("status").eq(CLAIMED) & Attr("batch_id").eq(batch_id),
            {":pending": PENDING, ":shard": pending_shard(file), **values},
        )

    def give_up(
        self, files: Iterable[Candidate], batch_id: str, status: str, reason: str, *, has_copy: bool = False
    ) -> None:
        """Mark files that were not read to the end with a status and the reason.

        A file whose published rows were to be replaced or added to is PUBLISHED again: they are untouched.
        `has_copy` says that the quarantine bucket has a copy of each file.
        """

        def one(file: Candidate) -> bool:
            new = PUBLISHED if file.is_replay_of_published else status
            values: dict[str, Any] = {":status": new, ":reason": reason, ":now": now()}
            update = "SET #status = :status, reason = :reason, finished_at = :now"
            if has_copy and not file.is_replay_of_published:
                update, values = f"{update}, kept = :kept", {**values, ":kept": True}
            return self._update_file(
                file,
                f"{update} REMOVE pending_shard, part, root, deaths, kills",
                Attr("batch_id").eq(batch_id) & Attr("status").is_in([CLAIMED, new]),
                values,
            )

        self._each(one, files)

    def roll_back(self, files: Iterable[Candidate], batch_id: str) -> None:
        """Mark files whose rows a rollback took out of the table, as far as they are those of a batch.

        A file that was in the table before the batch is PUBLISHED still: its earlier rows are there again.
        """

        def one(file: Candidate) -> bool:
            before = {":before": set(file.published_in)} if file.published_in else {}
            change = "SET #status = :status, finished_at = :now"
            return self._update_file(
                file,
                f"{change}, published_in = :before" if before else f"{change} REMOVE published_in",
                Attr("status").eq(PUBLISHED)
                & (Attr("batch_id").eq(batch_id) | Attr("published_in").contains(batch_id)),
                {":status": PUBLISHED if before else ROLLED_BACK, ":now": now(), **before},
            )

        self._each(one, files)

    def _update_file(self, file: LandedFile, update: str, condition: ConditionBase, values: dict[str, Any]) -> bool:
        answer = write(
            lambda: self.table.update_item(
                Key=file.item_key,
                UpdateExpression=update,
                **expressions(names={"#status": "status"}, values=values, condition=condition),
            )
        )
        return answer is not None

    @staticmethod
    def _each(function: Any, files: Iterable[Any]) -> list[bool]:
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(function, files))

    def _conditional_put(self, item: dict[str, Any]) -> bool:
        absent = expressions(condition=Attr("pk").not_exists())
        return write(lambda: self.table.put_item(Item=item, **absent)) is not None


def wait_seconds(file: Candidate, retry_seconds: int) -> int:
    """How long a file that is given back waits for its next batch."""
    return min(retry_seconds << min(file.attempts, MAX_DOUBLINGS), LONGEST_WAIT_SECONDS)


def pending_shard(file: LandedFile) -> str:
    """The shard of the `pending` index that a file waits in: stable, and spread by the key."""
    return f"{file.dataset}#{hashlib.sha256(file.key.encode()).digest()[0] % SHARDS}"
