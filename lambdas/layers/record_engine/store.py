"""What the engine needs of a storage: a handful of calls, by which it reads and writes, whatever lies beneath."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from pipeline_core.manifest import ManifestFile


class Store(Protocol):
    """Reads what a manifest names, and writes below its staging address; addresses are those of the manifest.

    Each call raises what the storage raises; the engine passes it on.
    """

    def open_file(self, file: ManifestFile) -> BinaryIO:
        """Open a landed file at the version that the manifest names; seekable where it is Parquet."""

    def open_read(self, uri: str) -> BinaryIO:
        """Open an object that the pipeline has written; seekable."""

    def open_write(self, uri: str) -> BinaryIO:
        """Create an object; it is there, whole, once the stream was closed without an exception."""

    def list(self, uri: str) -> list[str]:
        """Addresses of the objects that begin with `uri`, sorted; none if there are none."""


def existing(store: Store, addresses: Sequence[str]) -> list[str]:
    """The addresses at which there is something."""
    return [address for address in addresses if address in store.list(address)]
