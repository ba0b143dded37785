"""The states that a table had, and how it comes back to one of them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from table_formats.base import StaleTableError
from table_formats.iceberg import (
    BATCH,
    LANDED_AT,
    MAINTENANCE,
    PREFIX,
    ROLLBACK,
    TOMBSTONES,
    IcebergTable,
    StagedOnce,
    ancestors,
    commit_files,
    data_files,
    live_properties,
    properties_of,
)


class HistoryError(Exception):
    """What is asked of a table's history cannot be done; says why, and what can."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of a table: what made it, when (UTC), with how many rows and files, and rows that are new and that went.

    `what` is `publish`, `rollback`, `maintenance` or `foreign`; `batch` is the batch of a publish, the one that a
    rollback went back to, and what maintenance did.
    """

    snapshot: str
    at: str
    what: str
    batch: str
    rows: int
    files: int
    added: int
    removed: int

    def to_document(self) -> dict[str, Any]:
        """Write the state as JSON."""
        return asdict(self)


def history(table: Table) -> Iterator[State]:
    """The states of a table, the latest first, as far back as they have not expired."""
    for snapshot in ancestors(table, table.current_snapshot()):
        properties = properties_of(snapshot)
        kinds = (("publish", BATCH), ("rollback", ROLLBACK), ("maintenance", MAINTENANCE))
        what, name = next(((what, name) for what, name in kinds if name in properties), ("foreign", ""))
        yield State(
            snapshot=str(snapshot.snapshot_id),
            at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC).isoformat(timespec="seconds"),
            what=what,
            batch=properties.get(name, ""),
            rows=int(properties.get("total-records", "0")),
            files=int(properties.get("total-data-files", "0")),
            added=int(properties.get("added-records", "0")),
            removed=int(properties.get("deleted-records", "0")),
        )


def before(table: Table, snapshot: Snapshot | None) -> Snapshot | None:
    """The snapshot before another one; None if there is none."""
    return next((found for found in ancestors(table, snapshot) if found != snapshot), None)


def later_batches(table: Table, batch_id: str, at: Snapshot | None) -> tuple[Snapshot, list[str]]:
    """The snapshot of a batch, and the batches that the table had rows of since at a snapshot, the latest first.

    A batch that a rollback took away already is not among them.

    Raises:
        HistoryError: the table's history has no such batch.
    """
    since: list[str] = []
    gone_back_to: str | None = None
    for snapshot in ancestors(table, at):
        properties = properties_of(snapshot)
        found = properties.get(BATCH)
        if found == batch_id and gone_back_to in (None, batch_id):
            return snapshot, since
        if gone_back_to is not None and found == gone_back_to:
            gone_back_to = None
        if gone_back_to is None and found is not None:
            since.append(found)
        if gone_back_to is None and ROLLBACK in properties:
            gone_back_to = properties[ROLLBACK]
    there = [state.batch for state in history(table) if state.what == "publish"]
    raise HistoryError(
        f"{table.name()[-1]}: its history has no batch {batch_id!r} to go back to; it has: {', '.join(there) or 'none'}"
    )


def rolled_back(table: Table) -> list[str]:
    """The batches of a table's history whose rows a rollback took out, the latest first."""
    found: list[str] = []
    gone_back_to: str | None = None
    for snapshot in ancestors(table, table.current_snapshot()):
        properties = properties_of(snapshot)
        batch = properties.get(BATCH)
        if batch is not None and batch == gone_back_to:
            gone_back_to = None
        elif batch is not None and gone_back_to is not None:
            found.append(batch)
        if gone_back_to is None:
            gone_back_to = properties.get(ROLLBACK)
    return found


def roll_back(
    iceberg: IcebergTable, batch_id: str, check: Callable[[list[str]], None] = lambda batches: None
) -> list[str]:
    """Have a table be what it was after a batch, by a new snapshot; returns the batches whose rows go.

    Snapshots in between stay, and can be asked for. Setting the table's reference to the old snapshot instead would
    lose what somebody publishes at the same time: PyIceberg does not compare it with what is there.

    Args:
        iceberg: the table.
        batch_id: the batch.
        check: is told the batches whose rows would go, when the table has been read: it may refuse, by an exception.
            What is committed after that makes this commit fail.

    Raises:
        HistoryError: the table, or the batch in its history, is not there.
        StaleTableError: somebody has changed the table meanwhile; nothing was done.
    """
    table = iceberg.load()
    if table is None:
        raise HistoryError(f"{iceberg.place.dataset}: there is no Iceberg table")
    current = table.current_snapshot()
    # Maintenance may have come after it, and changes no row.
    latest = next((each for each in ancestors(table, current) if MAINTENANCE not in properties_of(each)), None)
    if properties_of(latest).get(ROLLBACK) == batch_id:
        # Whoever did it may have been interrupted before it was noted, and before engines were told.
        iceberg.refresh()
        _, done = later_batches(table, batch_id, before(table, latest))
        return done
    target, since = later_batches(table, batch_id, current)
    if not since:
        return []
    check(since)
    then = {file.file_path: file for file in data_files(table, target)}
    now = {file.file_path: file for file in data_files(table, current)}
    beside = live_properties(table, target)
    properties = {
        ROLLBACK: batch_id,
        TOMBSTONES: beside.tombstones,
        LANDED_AT: beside.landed_at,
        f"{PREFIX}rolled-back": str(len(since)),
    }
    transaction = StagedOnce(table)
    added = [file for path, file in then.items() if path not in now]
    removed = [file for path, file in now.items() if path not in then]
    commit_files(transaction, added, removed, properties)
    try:
        iceberg.commit(transaction, current, added, removed)
    except CommitFailedException as error:
        raise StaleTableError(f"{iceberg.place.dataset}: it was changed at the same time; try again") from error
    return since
