"""The files of an Iceberg table, as far as a batch has to look at them; no folder is listed."""

from collections import defaultdict
from collections.abc import Iterable

from pipeline_core.contract import LATEST, SNAPSHOT, Contract
from pipeline_core.layout import LIVE_FILES, partition_values
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.manifest import REPLACE, Manifest

from record_engine.store import Store, existing


def live_files_address(manifest: Manifest) -> str:
    """Where the list of the table's files is."""
    return manifest.table + LIVE_FILES


def read_live_files(store: Store, manifest: Manifest) -> LiveFiles:
    """The files of the table now; none if there is no table yet."""
    for address in existing(store, [live_files_address(manifest)]):
        with store.open_read(address) as stream:
            return LiveFiles.from_json(stream.read())
    return LiveFiles()


class FilesByKey:
    """The files of a table by what the keys of their rows say of their partitions.

    A field of the partitions whose column is part of the key is the same for all rows of a key; the others are not.
    """

    def __init__(self, live: LiveFiles, contract: Contract) -> None:
        self._said_by_key = [field.name for field in contract.partition_fields if field.column in contract.key]
        self._files: dict[tuple[str | None, ...], list[LiveFile]] = defaultdict(list)
        for file in live.files:
            self._files[self._said(file.partition)].append(file)

    def _said(self, folder: str) -> tuple[str | None, ...]:
        values = partition_values(folder)
        return tuple(values.get(name) for name in self._said_by_key)

    def of(self, folders: Iterable[str]) -> list[LiveFile]:
        """The files that may have rows with the keys of rows that lie in some folders."""
        return [file for said in dict.fromkeys(map(self._said, folders)) for file in self._files.get(said, [])]


def files_beside(live: LiveFiles, manifest: Manifest) -> tuple[LiveFile, ...]:
    """The files in the partitions of those that a batch replaces.

    Compaction may have moved rows to other files since they were published, but not to another partition.
    """
    folders = {address.removeprefix(manifest.table).rpartition("/")[0] for address in manifest.replaces}
    wanted = [partition_values(folder) for folder in folders]
    return tuple(file for file in live.files if partition_values(file.partition) in wanted)


def check_purpose(manifest: Manifest, contract: Contract) -> None:
    """Check that the rows of a table can be replaced, where a batch is to do so.

    Raises:
        ValueError: its files would have to be landed again, which has the same effect there.
    """
    if manifest.purpose == REPLACE and contract.write_mode in (LATEST, SNAPSHOT):
        raise ValueError(
            f"{contract.dataset} has the write mode {contract.write_mode}: files cannot be read again in the place of "
            "their own rows; land them again"
        )
