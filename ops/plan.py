"""Finds out which files a replay or a backfill means, and what it costs; asks for it through the arrivals queue.

Nothing here writes to the ledger or to a bucket: the files take the way that they take when they land.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import boto3
from pipeline_core import layout
from pipeline_core.contract import LATEST, SNAPSHOT, Contract
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.files import FileItem, file_key
from pipeline_core.ledger import CLAIMED, IGNORED, PENDING, PUBLISHED
from pipeline_core.manifest import LANDED, REPLACE, ROWS, Manifest
from pipeline_core.report import STAGE

from config import prices
from lambdas.etl_trigger.logic import bytes_to_read, fitting, workers_for
from lambdas.ingestion.logic import replay_purpose
from ops.cost.batch import run_dollars
from ops.target import Target, TargetError, check_dataset

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

ITEMS_A_CALL = 100
"""BatchGetItem takes 100 keys (Amazon DynamoDB API reference, 2026-11)."""

MESSAGES_A_CALL = 10
"""SendMessageBatch takes 10 messages (Amazon SQS API reference, 2026-11)."""

NEW = "new"
ACTIONS = {
    NEW: "never seen: register",
    LANDED: "read again as a whole",
    ROWS: "read the quarantined rows again",
    REPLACE: "replace the published rows",
}


@dataclass(frozen=True, kw_only=True)
class Version:
    """One object version in the raw bucket; `size` in bytes."""

    key: str
    version: str
    size: int
    landed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which files: by prefix below the dataset's places, by landing time (from, to; UTC), or those of a batch."""

    dataset: str
    prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None
    batch_id: str | None = None


@dataclass
class Plan:
    """What is to be done with which files, and what is left alone and why (status: how many)."""

    dataset: str
    what: str
    actions: dict[str, list[Version]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    under_way: list[Version] = field(default_factory=list)
    """Those left alone because they wait for a batch, or are in one."""

    @property
    def files(self) -> int:
        """How many files are to be read."""
        return sum(len(versions) for versions in self.actions.values())

    def batches(self, action: str, target: Target) -> list[list[Version]]:
        """The files of an action in batches, as etl_trigger makes them."""
        left = sorted(self.actions[action], key=lambda file: file.landed_at)
        found = []
        while left:
            sizes = [(file.size, file.key) for file in left[: target.max_files_per_batch]]
            many = fitting(sizes, target.max_bytes_per_batch)
            found.append(left[:many])
            left = left[many:]
        return found

    def glue_runs(self, action: str, target: Target) -> int:
        """How many of the batches are for Glue: the function stage does small ones, if the table is as small."""
        return sum(_bytes(batch) > target.small_bytes_per_batch for batch in self.batches(action, target))

    def least_dollars(self, action: str, target: Target) -> float:
        """What its batches cost at least: of Glue a minute each, with the workers that the bytes ask for."""
        return sum(_least_dollars(batch, target) for batch in self.batches(action, target))


def _bytes(batch: Iterable[Version]) -> int:
    return sum(bytes_to_read(file.size, file.key) for file in batch)


def _least_dollars(batch: Sequence[Version], target: Target) -> float:
    size = _bytes(batch)
    if size <= target.small_bytes_per_batch:
        return run_dollars(STAGE, len(batch), size, 0)
    return workers_for(size, target.max_workers) * prices.JOB_SECONDS * prices.load()["glue_dpu_hour"] / 3_600


def make_plan(target: Target, selection: Selection, what: str, request: str = "") -> Plan:
    """Look at the files of a selection and at the ledger.

    Args:
        target: the deployment.
        selection: which files.
        what: `new` (files that the ledger does not know), `quarantined`, `again` or `deleted` (see `replay_purpose`;
            the last two take new files too).
        request: the id of a request that was begun: what it has asked for is left alone.

    Raises:
        TargetError: no contract is deployed for the dataset, or there is no such batch.
    """
    check_dataset(selection.dataset, target.datasets)
    plan = Plan(selection.dataset, what)
    fixed = _fixed(target, selection.dataset) if what == "again" else None
    for chunk in _chunks(_versions(target, selection), ITEMS_A_CALL):
        items = ledger_items(target, chunk)
        for version in chunk:
            item = items.get((version.key, version.version))
            ignored = layout.ignored_because(version.key, version.size) is not None
            asked = item is not None and request in item.requests
            action = None if ignored or asked else _action(item, what)
            if item is not None and item.status in (PENDING, CLAIMED):
                plan.under_way.append(version)
            if action == REPLACE and fixed is not None:
                plan.skipped[fixed] += 1
            elif action is None:
                plan.skipped[IGNORED if ignored else item.status if item else "not registered yet"] += 1
            else:
                plan.actions.setdefault(action, []).append(version)
    return plan


def _fixed(target: Target, dataset: str) -> str | None:
    """Why published files of a dataset cannot replace their own rows (docs/semantics.md, section 9), or None."""
    text = read(target.artifacts_bucket, layout.contract_key(dataset))
    contract = None if text is None else Contract.from_json(text)
    if contract is None or contract.write_mode not in (LATEST, SNAPSHOT):
        return None
    return f"{PUBLISHED}, mode {contract.write_mode}: land it again"


def _action(item: FileItem | None, what: str) -> str | None:
    if item is None:
        return None if what == "quarantined" else NEW
    return None if what == "new" else replay_purpose(item, what)


def _versions(target: Target, selection: Selection) -> Iterator[Version]:
    places = _places(target)
    own = [prefix for prefix, dataset in places.items() if dataset == selection.dataset] or [f"{selection.dataset}/"]
    wanted = tuple(f"{prefix}{selection.prefix}" for prefix in own)
    if selection.batch_id is not None:
        found: Iterable[Version] = _files_of_batch(target, selection.dataset, selection.batch_id)
    else:
        found = chain.from_iterable(_listed(target, prefix) for prefix in _outermost(wanted))
    for version in found:
        after = selection.since is None or version.landed_at >= selection.since
        before = selection.until is None or version.landed_at < selection.until
        is_own = layout.dataset_of(version.key, places) == selection.dataset
        if after and before and is_own and version.key.startswith(wanted):
            yield version


def _places(target: Target) -> dict[str, str]:
    """The datasets by the prefixes of their files."""
    text = read(target.artifacts_bucket, layout.CONTRACT_INDEX_KEY)
    return {} if text is None else Fields.from_json(text, layout.CONTRACT_INDEX_KEY).words("places", {})


def _outermost(prefixes: Iterable[str]) -> list[str]:
    """The prefixes without those that lie in others, whose keys would be listed twice."""
    chosen: list[str] = []
    for prefix in sorted(prefixes):
        if not chosen or not prefix.startswith(chosen[-1]):
            chosen.append(prefix)
    return chosen


def _listed(target: Target, prefix: str) -> Iterator[Version]:
    pages = boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket=target.raw_bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Versions", []):
            at = item["LastModified"].astimezone(UTC)
            yield Version(key=item["Key"], version=item["VersionId"], size=item["Size"], landed_at=at)


def _files_of_batch(target: Target, dataset: str, batch_id: str) -> list[Version]:
    key = layout.batch_key(dataset, batch_id, "manifest")
    text = read(target.artifacts_bucket, key)
    if text is None:
        raise TargetError(f"{dataset} has no batch {batch_id!r}: s3://{target.artifacts_bucket}/{key} is missing")
    return [
        Version(key=file.key, version=file.version, size=file.size, landed_at=datetime.fromisoformat(file.landed_at))
        for file in Manifest.from_json(text).files
    ]


def ledger_items(target: Target, versions: Sequence[Version]) -> dict[tuple[str, str], FileItem]:
    """Read what the ledger knows of object versions, by key and version; 100 of them at most."""
    dynamodb: DynamoDBServiceResource = boto3.resource("dynamodb")
    keys: Any = [file_key(target.raw_bucket, version.key, version.version) for version in versions]
    wanted: Any = {target.ledger_table: {"Keys": keys, "ConsistentRead": True}}
    found: dict[tuple[str, str], FileItem] = {}
    while wanted:
        answer = dynamodb.batch_get_item(RequestItems=wanted)
        for file in map(FileItem.from_item, answer["Responses"].get(target.ledger_table, [])):
            found[file.identity] = file
        wanted = answer.get("UnprocessedKeys")
    return found


def new_request() -> str:
    """Make the id of a request."""
    return uuid.uuid4().hex


def carry_out(target: Target, plan: Plan, request: str = "") -> str:
    """Ask for every file of a plan; returns the id of the request. Asking again with another id is another replay.

    Raises:
        RuntimeError: SQS did not take some of the messages; names the first. The others are on their way.
    """
    request = request or new_request()
    sqs = boto3.client("sqs")
    versions = (version for found in plan.actions.values() for version in found)
    for chunk in _chunks(versions, MESSAGES_A_CALL):
        entries: Any = [
            {"Id": str(place), "MessageBody": json.dumps(_message(target, version, plan.what, request))}
            for place, version in enumerate(chunk)
        ]
        if failed := sqs.send_message_batch(QueueUrl=target.arrivals_queue_url, Entries=entries).get("Failed"):
            raise RuntimeError(f"{chunk[int(failed[0]['Id'])].key}: the queue did not take it: {failed[0]}")
    return request


def _message(target: Target, version: Version, what: str, request: str) -> dict[str, Any]:
    """The event that S3 would send, and for files that are known, what is asked."""
    item = {"key": version.key, "version-id": version.version, "size": version.size}
    event = {
        "source": "data-pipeline.ops",
        "detail-type": "Object Created",
        "time": version.landed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": {"bucket": {"name": target.raw_bucket}, "object": item},
    }
    return event if what == "new" else {**event, "replay": {"what": what, "id": request}}


def _chunks(items: Iterable[Version], size: int) -> Iterator[list[Version]]:
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
