"""The upkeep of Iceberg tables: small files merged, old rows and old states taken away, lost files swept up.

No step changes a row that is to be kept, and each yields to whoever publishes at the same time: a commit that the
catalog refuses is given up until the next time.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core import clients, layout
from pipeline_core.contract import Contract
from pipeline_core.documents import read, write
from pipeline_core.publish import delete_objects
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import AlwaysTrue, LessThan
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot

from table_formats.data_files import NewFile, new_data_files
from table_formats.iceberg import (
    MAINTENANCE,
    TOMBSTONES,
    IcebergTable,
    StagedOnce,
    ancestors,
    commit_files,
    data_files,
    properties_of,
    rows_of,
    snapshot_of_batch,
)
from table_formats.iceberg_schema import hive_type, partition_fields
from table_formats.partition_values import to_text

MiB = 1024**2
SMALL_BYTES = 32 * MiB
"""A file below this is worth merging with others: Athena opens each with requests of its own, and reads 128 MB best
(Amazon Athena user guide, "Optimize data", 2026-11)."""

LEAST_FILES = 5
"""Fewer small files of a partition are left as they are."""

MERGED_BYTES = 128 * MiB
"""Bytes of small files that are merged into one."""

READ_BYTES = 32 * MiB
"""Bytes of files that are in memory at once, where they may be ten times as many; of a table with an order, whose rows
are sorted in memory, that are merged into one."""

COMMIT_BYTES = 512 * MiB
"""Bytes of small files that one commit takes out; what a publish overtakes is at most so much work done in vain."""

PARALLEL = 16
DIGESTS = 2**64
DIGEST_ROWS = 65_536
"""Rows of which there are Python objects at once."""

GRACE = timedelta(days=3)
"""How long a file that no snapshot names is left: a batch copies its files before it commits them."""

ORPHANS = "metadata/orphans.json"
"""Below the table's folder: files that no snapshot named when they were looked at, and when."""


Item = TypeVar("Item")


class DigestError(Exception):
    """What was merged is not what was read. Nothing was committed; a person has to look."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Small files of a partition that become one; bytes and rows are those of all together.

    `partition` are the texts of its values, by the fields' names.
    """

    partition: dict[str, str]
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """What one round of maintenance did with a table, or would do.

    `yielded` are counts of steps that were given up, `left_files` small files that there was no time left to merge.
    """

    dataset: str
    merges: tuple[Merge, ...] = ()
    merged_files: int = 0
    rows_deleted: int = 0
    snapshots_expired: int = 0
    orphans_found: int = 0
    orphans_deleted: int = 0
    left_files: int = 0
    yielded: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Write it as JSON."""
        return asdict(self)


def maintain(
    iceberg: IcebergTable,
    contract: Contract,
    now: datetime,
    *,
    dry_run: bool = False,
    publishing: str = "",
    is_time_left: Callable[[], bool] = lambda: True,
) -> Done:
    """Do all that is to be done with a table; or say what that is.

    Args:
        iceberg: the table.
        contract: of its dataset.
        now: the present time.
        dry_run: say what would be done.
        publishing: the batch that is publishing, by the ledger, if there is one.
        is_time_left: asked before each commit of merged files but the first.

    Raises:
        DigestError: merged rows are not those that were read.
    """
    if not dry_run:
        # Who committed last may have been interrupted before engines were told; their list must not outlive its files.
        iceberg.refresh()
    table = iceberg.load()
    done: dict[str, Any] = {"dataset": contract.dataset}
    if table is None:
        return Done(**done)
    merges = list(plan_merges(table, contract))
    done["merges"] = tuple(merge for merge, _ in merges)
    if dry_run:
        expired = old_snapshots(table, contract, now, publishing)
        return Done(**done, snapshots_expired=len(expired), orphans_found=len(orphans(iceberg, table, now)))
    yielded, rounds, left = [], list(_commits(merges)), 0
    steps: list[tuple[str, Callable[[], int]]] = [
        *(("merged_files", partial(merge_files, iceberg, contract, those)) for those in rounds),
        ("rows_deleted", lambda: delete_old_rows(iceberg, contract, now)),
        ("snapshots_expired", lambda: expire_snapshots(iceberg, contract, now, publishing)),
    ]
    for number, (name, step) in enumerate(steps):
        if 0 < number < len(rounds) and not is_time_left():
            left += sum(merge.files for merge, _ in rounds[number])
            continue
        try:
            done[name] = done.get(name, 0) + step()
        except (CommitFailedException, ValidationException):
            yielded.append(name)
    found, deleted = sweep(iceberg, now)
    return Done(**done, orphans_found=found, orphans_deleted=deleted, left_files=left, yielded=tuple(yielded))


def _commits(merges: Sequence[tuple[Merge, list[DataFile]]]) -> Iterator[list[tuple[Merge, list[DataFile]]]]:
    """The merges of each commit."""
    return _parts(merges, COMMIT_BYTES, lambda item: item[0].bytes)


def plan_merges(table: Table, contract: Contract) -> Iterator[tuple[Merge, list[DataFile]]]:
    """Small files to be merged, each partition's in parts of so many bytes."""
    fields = partition_fields(table.spec(), table.schema())
    kinds = {field.name: hive_type(field.field_type) for field in table.schema().fields}
    by_partition: dict[Any, list[DataFile]] = {}
    for file in data_files(table, table.current_snapshot()):
        if file.file_size_in_bytes < SMALL_BYTES:
            by_partition.setdefault(tuple(file.partition[at] for at in range(len(fields))), []).append(file)
    for values, files in sorted(by_partition.items(), key=lambda item: str(item[0])):
        partition = {
            field.name: to_text(field, value, kinds[field.column]) for field, value in zip(fields, values, strict=True)
        }
        most = READ_BYTES if contract.sorted_by else MERGED_BYTES
        for part in _parts(sorted(files, key=lambda file: file.file_path), most, _size_of):
            if len(part) < LEAST_FILES:
                continue
            rows, size = sum(file.record_count for file in part), sum(map(_size_of, part))
            yield Merge(partition=partition, files=len(part), rows=rows, bytes=size), part


def _parts(items: Iterable[Item], most: int, size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Items in their order, in parts of at most so many bytes, but of one item at least."""
    part: list[Item] = []
    size = 0
    for item in items:
        if part and size + size_of(item) > most:
            yield part
            part, size = [], 0
        part.append(item)
        size += size_of(item)
    if part:
        yield part


def _size_of(file: DataFile) -> int:
    return file.file_size_in_bytes


def merge_files(iceberg: IcebergTable, contract: Contract, merges: Sequence[tuple[Merge, list[DataFile]]]) -> int:
    """Merge files in one commit; returns how many there were.

    Raises:
        DigestError: the merged rows are not those that were read.
        CommitFailedException: somebody else has changed the table meanwhile.
    """
    table = iceberg.load()
    if table is None or not merges:
        return 0
    there = {file.file_path for file in data_files(table, table.current_snapshot())}
    merges = [(merge, files) for merge, files in merges if all(file.file_path in there for file in files)]
    if not merges:
        return 0
    new: list[NewFile] = []
    stamp = hashlib.sha256(str(table.metadata.current_snapshot_id).encode()).hexdigest()[:12]
    for number, (merge, files) in enumerate(merges):
        folder = layout.partition_path(merge.partition)
        key = f"{layout.table_prefix(contract.dataset)}data/{folder}merged-{stamp}-{number:05d}.parquet"
        rows, digest = _write_merged(iceberg.place.bucket, key, table, files, contract)
        if rows != merge.rows:
            raise DigestError(f"{contract.dataset}: {merge.rows} rows are in {merge.partition!r}, {rows} were read")
        new.append(NewFile(key=key, partition=merge.partition, rows=merge.rows))
        written = clients.s3().get_object(Bucket=iceberg.place.bucket, Key=key)["Body"].read()
        if digest != key_digest(pq.ParquetFile(io.BytesIO(written)).iter_batches(), contract):
            raise DigestError(f"{contract.dataset}: {key} has other keys than the files that it is made of")
    transaction = StagedOnce(table)
    added = new_data_files(table.metadata, contract, iceberg.place.bucket, new)
    removed = [file for _, files in merges for file in files]
    commit_files(transaction, added, removed, {MAINTENANCE: "merge"})
    before, after = rows_of(table.current_snapshot()), rows_of(transaction.table_metadata.current_snapshot())
    if after != before:
        raise DigestError(f"{contract.dataset}: the table would have {after} rows; it has {before}")
    iceberg.commit(transaction, table.current_snapshot(), added, removed)
    return len(removed)


def _write_merged(
    bucket: str, key: str, table: Table, files: Sequence[DataFile], contract: Contract
) -> tuple[int, int]:
    """Write the rows of files into one, a part after the other; returns how many there were, and the keys' digest."""
    content, rows, digest, schema = io.BytesIO(), 0, 0, schema_to_pyarrow(table.schema())
    with pq.ParquetWriter(content, schema, compression="snappy", store_schema=False) as to:
        for part in _parts(files, READ_BYTES, _size_of):
            found = read_files(table, part).cast(schema)
            if contract.sorted_by:
                found = found.sort_by([(name, "ascending") for name in contract.sorted_by])
            to.write_table(found)
            rows += found.num_rows
            digest += key_digest(found.to_batches(), contract)
    clients.s3().put_object(Bucket=bucket, Key=key, Body=content.getvalue())
    return rows, digest % DIGESTS


def read_files(table: Table, files: Sequence[DataFile]) -> pa.Table:
    """The rows of files, in the table's schema as it is now."""
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    return scan.to_table([FileScanTask(file) for file in files])


def key_digest(batches: Iterable[pa.RecordBatch], contract: Contract) -> int:
    """A number that is the same for the same keys in whatever order; of all columns where there is no key."""
    names = list(contract.primary_key) or [column.name for column in contract.columns]
    total = 0
    for batch in batches:
        for start in range(0, batch.num_rows, DIGEST_ROWS):
            piece = batch.slice(start, DIGEST_ROWS)
            columns = [piece[name].cast(pa.string()).to_pylist() for name in names]
            for key in zip(*columns, strict=True):
                total += int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest())
    return total % DIGESTS


def delete_old_rows(iceberg: IcebergTable, contract: Contract, now: datetime) -> int:
    """Delete rows that are older than the contract keeps them; returns how many.

    Raises:
        CommitFailedException: somebody else has changed the table meanwhile.
    """
    table = iceberg.load()
    if table is None or contract.retention_days is None or contract.retention_column is None:
        return 0
    kind = contract.column(contract.retention_column).type
    oldest = now - timedelta(days=contract.retention_days)
    value = oldest.date().isoformat() if kind == "date" else oldest.isoformat()
    is_old = LessThan(term=contract.retention_column, value=value)
    if not any(table.scan(row_filter=is_old).plan_files()):
        return 0
    before = table.current_snapshot()
    transaction = table.transaction()
    transaction.delete(is_old, snapshot_properties={MAINTENANCE: "retention"})
    after = transaction.table_metadata.current_snapshot()
    if before is None or after is None or before.snapshot_id == after.snapshot_id:
        return 0
    transaction.commit_transaction()
    iceberg.refresh()
    return rows_of(before) - rows_of(after)


def old_snapshots(table: Table, contract: Contract, now: datetime, publishing: str = "") -> list[Snapshot]:
    """The states that are older than the contract's history, but for the present one.

    A batch that is publishing, and has committed, is known by its snapshot, however late its call is repeated: that and
    those since are kept.
    """
    kept = {table.metadata.current_snapshot_id}
    if publishing and (committed := snapshot_of_batch(table, publishing)) is not None:
        since = takewhile(lambda item: item != committed, ancestors(table, table.current_snapshot()))
        kept |= {committed.snapshot_id, *(item.snapshot_id for item in since)}
    oldest = (now - timedelta(days=contract.history_days)).timestamp()
    return [item for item in table.snapshots() if item.timestamp_ms / 1000 < oldest and item.snapshot_id not in kept]


def expire_snapshots(iceberg: IcebergTable, contract: Contract, now: datetime, publishing: str = "") -> int:
    """Take states away that are older than the contract's history; returns how many. Their files are left to the sweep.

    Raises:
        CommitFailedException: somebody else has changed the table meanwhile.
    """
    table = iceberg.load()
    if table is None:
        return 0
    old = old_snapshots(table, contract, now, publishing)
    if old:
        table.maintenance.expire_snapshots().by_ids([snapshot.snapshot_id for snapshot in old]).commit()
    return len(old)


def referenced(iceberg: IcebergTable, table: Table) -> set[str]:
    """Names, below the table's folder, of all objects that the table, or a state that it had, is made of."""
    addresses = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    names = {layout.LIVE_FILES, ORPHANS}
    # States share most of their manifests: each is read once.
    manifests: dict[str, ManifestFile] = {}
    for snapshot in table.snapshots():
        addresses.add(snapshot.manifest_list)
        names.add(properties_of(snapshot).get(TOMBSTONES, ""))
        manifests |= {manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)}
    addresses |= manifests.keys()
    with ThreadPoolExecutor(PARALLEL) as pool:
        for entries in pool.map(lambda manifest: manifest.fetch_manifest_entry(table.io), manifests.values()):
            addresses |= {entry.data_file.file_path for entry in entries}
    return names | {iceberg.place.name_of(address) for address in addresses}


def orphans(iceberg: IcebergTable, table: Table, now: datetime) -> list[str]:
    """Names of objects in the table's folder that belong to no state of it, and are older than the grace time."""
    known = referenced(iceberg, table)
    prefix = layout.table_prefix(iceberg.place.dataset)
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=iceberg.place.bucket, Prefix=prefix)
    return sorted(
        name
        for page in pages
        for item in page.get("Contents", [])
        if (name := item["Key"].removeprefix(prefix)) not in known
        and item["LastModified"].astimezone(UTC) < now - GRACE
    )


def sweep(iceberg: IcebergTable, now: datetime) -> tuple[int, int]:
    """Delete what was found to be lost the grace time ago, and still is; note what is found now.

    Returns:
        How many objects were found now, and how many were deleted.
    """
    table = iceberg.load()
    if table is None:
        return 0, 0
    key = layout.table_prefix(iceberg.place.dataset) + ORPHANS
    text = read(iceberg.place.bucket, key)
    noted: dict[str, str] = json.loads(text) if text else {}
    found = orphans(iceberg, table, now)
    since = {name: noted.get(name, now.isoformat()) for name in found}
    gone = [name for name, at in since.items() if datetime.fromisoformat(at) <= now - GRACE]
    delete_objects(iceberg.place.bucket, [layout.table_prefix(iceberg.place.dataset) + name for name in gone])
    left = {name: at for name, at in since.items() if name not in gone}
    if left != noted:
        write(iceberg.place.bucket, key, json.dumps(left))
    return len(found), len(gone)
