"""The files that an Iceberg table consists of now, for engines that read no Iceberg metadata. Standard library only.

Processing writes the document after each commit, before the ledger counts the publish: an engine that reads how many
publishes there were, and then the document, knows at least these. A commit that somebody else makes is not in it;
processing finds that out before it commits, and has the batch staged again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline_core.fields import Fields


@dataclass(frozen=True, kw_only=True)
class LiveFile:
    """A data file of the table: its key below the table's folder, its partition's folder, its rows and bytes."""

    name: str
    partition: str
    rows: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class LiveFiles:
    """The data files of a snapshot. `tombstones` is the key below the table's folder of the file of deleted keys.

    `landed_at` is when the file landed that a table of the mode `snapshot` is; both are empty where there is none.
    A table without a snapshot has the empty one.
    """

    snapshot: str = ""
    files: tuple[LiveFile, ...] = ()
    tombstones: str = ""
    landed_at: str = ""

    def of(self, partitions: Iterable[str]) -> tuple[LiveFile, ...]:
        """The files of partitions, by their folders."""
        wanted = set(partitions)
        return tuple(file for file in self.files if file.partition in wanted)

    def to_json(self) -> str:
        """Write the document."""
        # Not asdict, which copies each value: there may be thousands of files, and a list is written with each commit.
        return json.dumps(vars(self) | {"files": [vars(file) for file in self.files]})

    @classmethod
    def from_json(cls, text: str | bytes) -> "LiveFiles":
        """Read the document.

        Raises:
            DocumentError: it lacks a field, has one that this release does not know, or one of another type.
        """
        document = Fields.from_json(text, "the list of live files")
        files = tuple(file.parse(LiveFile) for file in document.items("files"))
        return document.parse_only(cls, snapshot=document.text("snapshot"), files=files)
