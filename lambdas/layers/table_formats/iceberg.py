"""An Iceberg table: one commit publishes a batch, and readers see all of it or nothing.

PyIceberg writes the metadata, and the Glue Data Catalog decides which of two commits is first (UpdateTable with the
version that was read). What may be committed after what is decided here, by the snapshots since the one that the engine
saw: PyIceberg would try a refused commit again on top of whatever is there, and publish rows twice.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from pipeline_core import clients, layout, publish
from pipeline_core.contract import Contract
from pipeline_core.documents import read, write
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.report import ReconciliationError, Report
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchIcebergTableError,
    NoSuchPropertyException,
    NoSuchTableError,
    ValidationException,
)
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import MetadataLogEntry, Snapshot, SnapshotLogEntry

from table_formats import iceberg_schema
from table_formats.base import StaleTableError, TablePlace, Turn
from table_formats.data_files import NewFile, new_data_files
from table_formats.partition_values import folder_of

PREFIX = "data-pipeline."
BATCH, PUBLISH = f"{PREFIX}batch-id", f"{PREFIX}publish"
SOURCES, MANIFEST = f"{PREFIX}sources", f"{PREFIX}manifest"
MAINTENANCE, ROLLBACK = f"{PREFIX}maintenance", f"{PREFIX}rollback-to"
TOMBSTONES, LANDED_AT = f"{PREFIX}tombstones", f"{PREFIX}landed-at"
"""Properties of a snapshot: whose it is, which publish of the dataset, what it was made of, and what of the table is
beside its files."""

VERSION = f"{PREFIX}contract-version"

MAX_SOURCES = 1_000
"""Characters of a snapshot's list of source files, since all snapshots are read with every commit. The manifest has
them all."""

MAX_TRIES = 3
"""How often a commit is made again because maintenance came first."""

PROPERTIES = {
    "format-version": "2",
    # A refused commit must not be repeated on top of what made it refused.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "50",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.parquet.compression-codec": "snappy",
}


class IcebergTable:
    """A table of the Glue Data Catalog, whose data and metadata are in the curated bucket."""

    def __init__(self, place: TablePlace, folder: str = "") -> None:
        """A table whose files are in the folder of its dataset, or of another one."""
        self.place, self._folder = place, replace(place, dataset=folder or place.dataset)

    @cached_property
    def catalog(self) -> GlueCatalog:
        """The Glue Data Catalog."""
        return GlueCatalog("glue", client=clients.glue(), **{"py-io-impl": "table_formats.s3_io.S3IO"})

    def load(self) -> Table | None:
        """The table as it is now; None if there is none.

        Raises:
            RuntimeError: the catalog's table of this name is no Iceberg table.
        """
        try:
            return self.catalog.load_table((self.place.database, self.place.dataset))
        except (NoSuchIcebergTableError, NoSuchPropertyException) as error:
            raise RuntimeError(
                f"{self.place.dataset}: the contract says tableFormat iceberg, and the table is another; "
                f"turn it into one: data-pipeline adopt {self.place.dataset}"
            ) from error
        except NoSuchTableError:
            return None

    def publish(self, report: Report, contract: Contract, turn: Turn) -> None:
        """Copy the staged files beside the table's, and commit them as one snapshot."""
        if not (report.curated or report.replaced or report.tombstones or report.landed_at):
            return
        files = self._copy(report, turn.report)
        for _ in range(MAX_TRIES):
            table = self.load() or self.create(contract)
            if snapshot_of_batch(table, report.batch_id) is not None:
                self.refresh()
                return
            check_seen(table, report.snapshot, turn.seen)
            try:
                self._commit(table, report, contract, turn, files)
            except (CommitFailedException, ValidationException):
                # Somebody else was first, or has taken away a file: what is there now says whether that matters.
                continue
            return
        raise StaleTableError(f"{report.batch_id}: the table was changed {MAX_TRIES} times while it was published")

    def finish(self, report: Report, contract: Contract) -> bool:
        """The commit has done all: an Iceberg table needs no partitions in the catalog, and no crawler."""
        return False

    def snapshot_of(self, batch_id: str) -> str:
        """The snapshot that a batch has made; empty where there is none, or it has expired."""
        table = self.load()
        return "" if table is None else _id(snapshot_of_batch(table, batch_id))

    def refresh(self) -> None:
        """Write the list of live files, for engines."""
        table = self.load()
        if table is not None and self._known().snapshot != _id(table.current_snapshot()):
            self._tell(live_files(table, self.place))

    @property
    def _live_files_key(self) -> str:
        return layout.table_prefix(self.place.dataset) + layout.LIVE_FILES

    def _known(self) -> LiveFiles:
        """What engines are told now."""
        text = read(self.place.bucket, self._live_files_key)
        return LiveFiles.from_json(text) if text else LiveFiles()

    def _tell(self, live: LiveFiles) -> None:
        write(self.place.bucket, self._live_files_key, live.to_json())

    def commit(
        self, transaction: Transaction, before: Snapshot | None, added: list[DataFile], removed: list[DataFile]
    ) -> None:
        """Commit a transaction that adds and removes files, and tell engines.

        What they know of the snapshot before is changed, not made anew: that would read all manifests of the table.

        Raises:
            CommitFailedException: somebody else was first.
        """
        table = transaction.commit_transaction()
        known = self._known()
        if known.snapshot != _id(before):
            self._tell(live_files(table, self.place))
            return
        gone = {self.place.name_of(file.file_path) for file in removed}
        files = [file for file in known.files if file.name not in gone]
        self._tell(with_properties(table, [*files, *_live(table, self.place, added)]))

    def create(self, contract: Contract) -> Table:
        """Make the table as the contract wants it, with no rows; if somebody else was faster, theirs."""
        schema = iceberg_schema.new_schema(contract)
        return self.catalog.create_table_if_not_exists(
            (self.place.database, self.place.dataset),
            schema=schema,
            location=self._folder.address().rstrip("/"),
            partition_spec=iceberg_schema.new_spec(contract, schema),
            sort_order=iceberg_schema.new_sort_order(contract, schema),
            properties={
                **PROPERTIES,
                iceberg_schema.NAME_MAPPING: iceberg_schema.name_mapping(schema),
                VERSION: contract.version,
            },
        )

    def _copy(self, report: Report, name: str) -> list[NewFile]:
        """Copy staged files to names of this report, which nobody reads before they are committed."""
        staged = [(file.uri, file.partition, file.rows) for file in sorted(report.curated, key=lambda file: file.uri)]
        staged += [(file.uri, file.partition, file.rows_kept) for file in report.replaced if file.uri]
        files = [
            NewFile(
                key=layout.data_file_key(
                    report.dataset, layout.partition_path(partition), report.batch_id, name, number
                ),
                partition=partition,
                rows=rows,
            )
            for number, (_, partition, rows) in enumerate(staged)
        ]
        copies = [(uri, file.key) for (uri, _, _), file in zip(staged, files, strict=True)]
        if report.tombstones:
            copies.append((report.tombstones, tombstones_key(report, name)))
        publish.copy_files(copies, self.place.bucket)
        return files

    def _commit(self, table: Table, report: Report, contract: Contract, turn: Turn, files: list[NewFile]) -> None:
        with_schema = StagedOnce(table)
        _follow(with_schema, table, contract)
        added = new_data_files(with_schema.table_metadata, contract, self.place.bucket, files)
        gone = {layout.uri(self.place.bucket, file.key) for file in report.replaced}
        removed = (
            [file for file in data_files(table, table.current_snapshot()) if file.file_path in gone] if gone else []
        )
        if len(removed) != len(gone):
            lost = sorted(gone - {file.file_path for file in removed})
            raise StaleTableError(f"{report.batch_id}: files that it replaces are no longer of the table: {lost[:3]}")
        before = live_properties(table, table.current_snapshot())
        properties = {
            BATCH: report.batch_id,
            PUBLISH: str(turn.number),
            MANIFEST: layout.batch_key(report.dataset, report.batch_id, "manifest"),
            SOURCES: _sources(report),
            TOMBSTONES: self.place.name_of(
                layout.uri(self.place.bucket, tombstones_key(report, turn.report))
                if report.tombstones
                else before.tombstones
            ),
            LANDED_AT: report.landed_at or before.landed_at,
            **{
                f"{PREFIX}rows-{fate}": str(getattr(report.counts, f"rows_{fate}"))
                for fate in ("read", "written", "removed")
            },
        }
        commit_files(with_schema, added, removed, properties)
        check_snapshot(table, with_schema, report)
        self.commit(with_schema, table.current_snapshot(), added, removed)


def _same(entry: object, _: object) -> object:
    return entry


# PyIceberg 0.12 makes deep copies of all snapshots and of their logs for each metadata that it derives, and changes
# none of them: they are frozen. Without this, the 500th publish takes more than twice the CPU of the 50th.
for frozen in (Snapshot, SnapshotLogEntry, MetadataLogEntry):
    frozen.__deepcopy__ = _same  # type: ignore[assignment, method-assign]


class StagedOnce(Transaction):
    """A transaction that keeps what it has staged: PyIceberg's copies all metadata twenty times a commit."""

    _staged: tuple[object, TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata as it would be after the commit."""
        if self._staged is None or self._staged[0] is not self._updates:
            self._staged = self._updates, super().table_metadata
        return self._staged[1]


def _follow(transaction: Transaction, table: Table, contract: Contract) -> None:
    """Have the table's schema follow the contract, unless that is an older one than the table's."""
    fields = iceberg_schema.partition_fields(table.spec(), table.schema())
    renamed = {column.name: column.former_names for column in contract.columns}
    wanted = contract.partition_fields
    same = len(fields) == len(wanted) and all(
        (is_there.transform, is_there.width) == (field.transform, field.width)
        and is_there.column in (field.column, *renamed.get(field.column, ()))
        for is_there, field in zip(fields, wanted, strict=False)
    )
    if not same:
        raise iceberg_schema.SchemaChangeError(
            f"{contract.dataset}: the table is partitioned by {[str(field) for field in fields]}, its contract says "
            f"{list(contract.partition_by)}; partitions do not change: make another dataset"
        )
    known = table.properties.get(VERSION, "0")
    if _version(known) >= _version(contract.version):
        return
    update = transaction.update_schema()
    iceberg_schema.evolve(update, table.schema(), table.properties[iceberg_schema.NAME_MAPPING], contract)
    # Without a change it commits nothing.
    update.commit()
    transaction.set_properties({VERSION: contract.version})


def commit_files(
    transaction: Transaction, added: list[DataFile], removed: list[DataFile], properties: dict[str, str]
) -> None:
    """Add a snapshot to a transaction that adds files and takes others away."""
    update = transaction.update_snapshot(snapshot_properties={name: text for name, text in properties.items() if text})
    producer = update.overwrite() if removed else update.merge_append()
    for file in added:
        producer.append_data_file(file)
    for file in removed:
        producer.delete_data_file(file)
    producer.commit()


def check_snapshot(table: Table, transaction: Transaction, report: Report) -> None:
    """Check, before it is committed, that the new snapshot has the rows that the report says.

    Raises:
        ReconciliationError: it has not.
    """
    before, after = table.current_snapshot(), transaction.table_metadata.current_snapshot()
    taken = sum(file.rows_before - file.rows_kept for file in report.replaced)
    expected = rows_of(before) + report.counts.rows_written - taken
    if rows_of(after) != expected:
        raise ReconciliationError(
            f"batch {report.batch_id}: the table would have {rows_of(after)} rows; it had {rows_of(before)}, "
            f"{report.counts.rows_written} are new and {taken} go"
        )


def check_seen(table: Table, snapshot_id: str, seen: int) -> None:
    """Check that whatever happened to the table since the engine read it does not matter.

    That is maintenance, which changes no row, and later publishes than those that the engine counted: whether these
    touched the same partitions, the ledger knows.

    Args:
        table: as it is now.
        snapshot_id: of the snapshot that the engine saw; empty where it saw none.
        seen: how many publishes there had been before it looked.

    Raises:
        StaleTableError: it matters, or what the engine saw is no part of the table's history.
    """
    oldest: Snapshot | None = None
    for snapshot in ancestors(table, table.current_snapshot()):
        if _id(snapshot) == snapshot_id:
            return
        oldest = snapshot
        properties = properties_of(snapshot)
        if MAINTENANCE in properties:
            continue
        if ROLLBACK in properties:
            raise StaleTableError(f"{table.name()}: it was rolled back by snapshot {_id(snapshot)}")
        if BATCH not in properties:
            raise StaleTableError(f"{table.name()}: snapshot {_id(snapshot)} was committed by somebody else")
        if int(properties.get(PUBLISH, "0")) <= seen:
            raise StaleTableError(f"{table.name()}: the engine did not see the rows of {properties[BATCH]}")
    # Before the first snapshot there is the empty table.
    if snapshot_id:
        raise StaleTableError(f"{table.name()}: snapshot {snapshot_id} is not in the history of the table")
    # Where snapshots expired, PyIceberg leaves the one after them without a parent.
    if oldest is not None and (oldest.sequence_number or 0) > 1:
        raise StaleTableError(f"{table.name()}: the engine saw no table, and what came first has expired since")


def snapshot_of_batch(table: Table, batch_id: str) -> Snapshot | None:
    """The snapshot of the table's history that a batch has made; None if there is none."""
    for snapshot in ancestors(table, table.current_snapshot()):
        if properties_of(snapshot).get(BATCH) == batch_id:
            return snapshot
    return None


def ancestors(table: Table, snapshot: Snapshot | None) -> Iterator[Snapshot]:
    """A snapshot and those before it, as far as they have not expired."""
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None


def properties_of(snapshot: Snapshot | None) -> dict[str, str]:
    """The properties of a snapshot; none of none."""
    return snapshot.summary.additional_properties if snapshot is not None and snapshot.summary is not None else {}


def data_files(table: Table, snapshot: Snapshot | None) -> list[DataFile]:
    """The data files of a snapshot."""
    if snapshot is None:
        return []
    return [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]


def live_properties(table: Table, at: Snapshot | None) -> LiveFiles:
    """What the table has beside its files at a snapshot, as the latest one until then says; without the files."""
    found: dict[str, str] = {}
    for snapshot in ancestors(table, at):
        properties = properties_of(snapshot)
        for name in (TOMBSTONES, LANDED_AT):
            if name in properties:
                found.setdefault(name, properties[name])
        if BATCH in properties or ROLLBACK in properties:
            break
    return LiveFiles(tombstones=found.get(TOMBSTONES, ""), landed_at=found.get(LANDED_AT, ""))


def live_files(table: Table, place: TablePlace) -> LiveFiles:
    """The list of live files of a table as it is now."""
    return with_properties(table, _live(table, place, data_files(table, table.current_snapshot())))


def with_properties(table: Table, files: Iterable[LiveFile]) -> LiveFiles:
    """The list of live files of a table, with what its snapshot says beside."""
    beside = live_properties(table, table.current_snapshot())
    return replace(
        beside,
        snapshot=_id(table.current_snapshot()),
        files=tuple(sorted(files, key=lambda file: file.name)),
    )


def _live(table: Table, place: TablePlace, files: Iterable[DataFile]) -> Iterator[LiveFile]:
    fields = iceberg_schema.partition_fields(table.spec(), table.schema())
    kinds = {field.name: iceberg_schema.hive_type(field.field_type) for field in table.schema().fields}
    for file in files:
        yield LiveFile(
            name=place.name_of(file.file_path),
            partition=folder_of(fields, file.partition, kinds),
            rows=file.record_count,
            bytes=file.file_size_in_bytes,
        )


def tombstones_key(report: Report, name: str) -> str:
    """The key of a batch's file of deleted keys."""
    return f"{layout.table_prefix(report.dataset)}metadata/tombstones/{report.batch_id}-{name}.parquet"


def _sources(report: Report) -> str:
    """The batch's files as JSON, as many as there is room for."""
    keys = [file.key for file in report.files]
    while len(text := json.dumps(keys)) > MAX_SOURCES:
        keys = keys[: len(keys) // 2]
    return text


def _id(snapshot: Snapshot | None) -> str:
    return "" if snapshot is None else str(snapshot.snapshot_id)


def rows_of(snapshot: Snapshot | None) -> int:
    """How many rows a snapshot has; none of none."""
    return int(properties_of(snapshot).get("total-records", "0"))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
