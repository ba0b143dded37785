"""Reads the published table, as far as a batch has to know it, in the form that the contract has now."""

import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import BATCH, SOURCE, Contract
from pipeline_core.layout import partition_values, source_of
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.manifest import REPLACE, Manifest
from pipeline_core.partitions import NULL

from record_engine.arrow import Array, compute, nulls
from record_engine.live import FilesByKey, files_beside
from record_engine.store import Store, existing
from record_engine.values import array_of, arrow_type, cast_to

ROWS = 65_536


def sources(manifest: Manifest) -> list[str]:
    """The names by which the table knows the files of a batch, in the order of the manifest."""
    return [source_of(file.key, file.version) for file in manifest.files]


@dataclass(frozen=True)
class PublishedFile:
    """A file of the table: where it is, and the partition that its folder says."""

    address: str
    partition: dict[str, str]

    @property
    def key(self) -> str:
        """Its key in its bucket."""
        return self.address.partition("://")[2].partition("/")[2]


def listed(files: Iterable[LiveFile], manifest: Manifest) -> list[PublishedFile]:
    """Files of an Iceberg table's list as those that are read."""
    return [PublishedFile(manifest.table + file.name, partition_values(file.partition)) for file in files]


def in_folder(address: str, contract: Contract) -> PublishedFile:
    """A file in the folders of its partition."""
    folders = dict(part.split("=", 1) for part in address.split("/") if "=" in part)
    return PublishedFile(address, {name: folders[name] for name in contract.partition_by})


class PublishedTable:
    """The files that the table consists of: what its folders hold, or, of an Iceberg table, those of its list.

    Args:
        store: reads them.
        manifest: says where the table is.
        contract: says what it is.
        live: the list of an Iceberg table's files.
    """

    def __init__(self, store: Store, manifest: Manifest, contract: Contract, live: LiveFiles) -> None:
        self._store, self._manifest, self._contract, self._live = store, manifest, contract, live
        self._by_key = FilesByKey(live, contract)

    def with_keys(self, folders: Iterable[str]) -> list[PublishedFile]:
        """The files that may have rows with the keys of rows that lie in some folders."""
        if self._contract.is_iceberg:
            return listed(self._by_key.of(folders), self._manifest)
        # The partition columns belong to the key.
        found = (address for folder in folders for address in self._store.list(self._manifest.table + folder))
        return [in_folder(address, self._contract) for address in found if is_data(address)]

    def replaced(self) -> list[PublishedFile]:
        """The files that may have rows which the batch takes out of the table."""
        if self._contract.is_iceberg:
            return listed(files_beside(self._live, self._manifest), self._manifest)
        return [in_folder(address, self._contract) for address in existing(self._store, self._manifest.replaces)]

    def all(self) -> list[PublishedFile]:
        """All files of an Iceberg table."""
        return listed(self._live.files, self._manifest)

    def read(self, file: PublishedFile, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
        """The rows of a file: given columns of the contract, and the table's own.

        A column that the file lacks is null, but for one that its folder says; one of a narrower type is widened
        (docs/semantics.md, section 8).
        """
        chosen, contract = list(columns), self._contract
        own = {name: arrow_type(kind) for name, kind in contract.own_columns.items()}
        with self._store.open_read(file.address) as stream:
            parquet = pq.ParquetFile(stream, pre_buffer=False)
            there = set(parquet.schema_arrow.names)
            if not contract.is_iceberg:
                there -= file.partition.keys()
            found = {name: known for name in chosen if (known := name_in(there, name, contract))}
            found |= {name: name for name in own if name in there}
            for batch in parquet.iter_batches(batch_size=ROWS, columns=list(found.values()), use_threads=False):
                arrays = []
                for name in chosen:
                    kind = contract.column(name).type
                    if name in found:
                        arrays.append(batch.column(found[name]).cast(arrow_type(kind)))
                    else:
                        arrays.append(self._by_folder(file, name, kind, batch.num_rows))
                for name, type_ in own.items():
                    arrays.append(batch.column(name).cast(type_) if name in found else nulls(batch.num_rows, type_))
                yield pa.RecordBatch.from_arrays(arrays, names=[*chosen, *own])

    def _by_folder(self, file: PublishedFile, name: str, kind: str, rows: int) -> Array:
        text = file.partition.get(name, NULL) if name in self._contract.partition_by else NULL
        if text == NULL:
            return nulls(rows, arrow_type(kind))
        [scalar] = array_of([cast_to(kind, self._contract.time_zone)(text)], kind)
        return pa.repeat(scalar, rows)


def names_of(column: str, contract: Contract) -> list[str]:
    """What published files may call a column of the contract: its name, or what it was before an Iceberg table had it
    renamed."""
    return [column, *(contract.column(column).former_names if contract.is_iceberg else ())]


def name_in(names: Collection[str], column: str, contract: Contract) -> str | None:
    """What a published file with certain names calls a column of the contract; None if it lacks it."""
    return next((name for name in names_of(column, contract) if name in names), None)


class PublishedKeys:
    """Primary keys that are in the table, read partition by partition, as the batch comes to touch them.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count, nor do those that
    the batch replaces.
    """

    def __init__(self, table: PublishedTable, manifest: Manifest, contract: Contract) -> None:
        self._table, self._manifest, self._contract = table, manifest, contract
        self._folders: set[str] = set()
        self._read: set[str] = set()
        self._replaced = pa.array(sources(manifest) if manifest.purpose == REPLACE else [], pa.string())

    def of(self, folders: Iterable[str]) -> Iterator[pa.RecordBatch]:
        """The keys of rows in folders (`year=2013/month=1/`), as far as they were not read before."""
        new = [folder for folder in folders if folder not in self._folders] if self._contract.key else []
        self._folders.update(new)
        for file in self._table.with_keys(new) if new else ():
            if file.address not in self._read:
                self._read.add(file.address)
                yield from self._keys(file)

    def _keys(self, file: PublishedFile) -> Iterator[pa.RecordBatch]:
        for batch in self._table.read(file, self._contract.key):
            counts = compute.and_(
                compute.fill_null(compute.not_equal(batch.column(BATCH), self._manifest.batch_id), True),
                compute.invert(compute.is_in(batch.column(SOURCE), value_set=self._replaced)),
            )
            yield batch.filter(counts)


def is_data(address: str) -> bool:
    """Whether an object of the table holds rows: Spark and Hive read over names that begin with `_` or `.`."""
    return not posixpath.basename(address).startswith(("_", "."))
