"""Reads the published table, as far as a batch has to know it, in the form that the contract has now."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Contract
from pipeline_core.layout import source_of
from pipeline_core.manifest import REPLACE, Manifest

from record_engine.arrow import compute, nulls
from record_engine.store import Store
from record_engine.values import array_of, arrow_type, cast_to

SOURCE, BATCH = "_source_file", "_batch_id"
ROWS = 65_536


def sources(manifest: Manifest) -> list[str]:
    """The names by which the table knows the files of a batch, in the order of the manifest."""
    return [source_of(file.key, file.version) for file in manifest.files]


def partition_of(address: str, contract: Contract) -> dict[str, str]:
    """The partition of a published file, by its folders."""
    folders = dict(part.split("=", 1) for part in address.split("/") if "=" in part)
    return {name: folders[name] for name in contract.partition_by}


def data_columns(contract: Contract) -> list[str]:
    """The columns that are in the files of the table; the partition columns are its folders."""
    return [column.name for column in contract.columns if column.name not in contract.partition_by]


def read_published(store: Store, address: str, contract: Contract, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a published file, with the given columns of the contract and those that every row has.

    A column that the file lacks is null, and one of a narrower type is widened (docs/semantics.md, section 8).
    """
    chosen = list(columns)
    partition = partition_of(address, contract)
    with store.open_read(address) as stream:
        file = pq.ParquetFile(stream, pre_buffer=False)
        there = set(file.schema_arrow.names)
        wanted = [name for name in (*chosen, SOURCE, BATCH) if name in there and name not in partition]
        for batch in file.iter_batches(batch_size=ROWS, columns=wanted, use_threads=False):
            arrays = []
            for name in chosen:
                kind = contract.column(name).type
                if name in partition:
                    value = cast_to(kind, contract.time_zone)(partition[name])
                    [scalar] = array_of([value], kind)
                    arrays.append(pa.repeat(scalar, batch.num_rows))
                elif name in wanted:
                    arrays.append(batch.column(name).cast(arrow_type(kind)))
                else:
                    arrays.append(nulls(batch.num_rows, arrow_type(kind)))
            own = [batch.column(name).cast(pa.string()) for name in (SOURCE, BATCH)]
            yield pa.RecordBatch.from_arrays([*arrays, *own], names=[*chosen, SOURCE, BATCH])


class PublishedKeys:
    """Primary keys that are in the table, read partition by partition, as the batch comes to touch them.

    Rows that an earlier, interrupted publish of this very batch left in the table do not count, nor do those that
    the batch replaces.
    """

    def __init__(self, store: Store, manifest: Manifest, contract: Contract) -> None:
        self._store, self._manifest, self._contract = store, manifest, contract
        self._looked_at: set[str] = set()
        self._replaced = pa.array(sources(manifest) if manifest.purpose == REPLACE else [], pa.string())

    def of(self, partitions: Iterable[str]) -> Iterator[pa.RecordBatch]:
        """The keys of partitions, by their folders (`year=2013/month=1/`), that were not asked for before."""
        for partition in partitions if self._contract.key else ():
            if partition not in self._looked_at:
                self._looked_at.add(partition)
                for address in self._store.list(self._manifest.table + partition):
                    if is_data(address):
                        yield from self._keys(address)

    def _keys(self, address: str) -> Iterator[pa.RecordBatch]:
        for batch in read_published(self._store, address, self._contract, self._contract.key):
            counts = compute.and_(
                compute.not_equal(batch.column(BATCH), self._manifest.batch_id),
                compute.invert(compute.is_in(batch.column(SOURCE), value_set=self._replaced)),
            )
            yield batch.filter(counts)


def is_data(address: str) -> bool:
    """Whether an object of the table holds rows: Spark and Hive read over names that begin with `_` or `.`."""
    return not posixpath.basename(address).startswith(("_", "."))


def existing(store: Store, addresses: Sequence[str]) -> list[str]:
    """The addresses at which there is something."""
    return [address for address in addresses if address in store.list(address)]
