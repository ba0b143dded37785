"""The manifest: the files of one batch, as etl_trigger writes it and the job reads it. Standard library only."""

import json
from dataclasses import asdict, dataclass

from pipeline_core.fields import Fields

LANDED, ROWS, REPLACE = "", "rows", "replace"
"""What files are read for: all their rows, their quarantined rows only, or all rows in the place of the published."""


@dataclass(frozen=True, kw_only=True)
class ManifestFile:
    """One file (object version) of a batch. `uri` is where the job reads it; `size` is in bytes.

    `quarantined` are the addresses of its quarantined rows, where only these are to be read again.
    """

    key: str
    version: str
    uri: str
    size: int
    format: str
    landed_at: str
    quarantined: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files of a batch in landing order, and the S3 addresses that the job works with.

    `purpose` is LANDED, ROWS or REPLACE. `replaces` are the addresses of the published files
    that may hold rows which a REPLACE batch takes out of the table. `known_good` is the address of a file that is known
    to be good, and is read first, where the batch is one file that failed alone before.
    """

    batch_id: str
    dataset: str
    contract: str
    staging: str
    table: str
    files: tuple[ManifestFile, ...]
    purpose: str = ""
    replaces: tuple[str, ...] = ()
    known_good: str = ""

    def to_json(self) -> str:
        """Write the manifest as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Read a manifest from its JSON.

        Raises:
            DocumentError: it lacks a field, has one that this release does not know, or one of another type.
        """
        document = Fields.from_json(text, "the manifest")
        files = tuple(file.parse_only(ManifestFile) for file in document.items("files"))
        return document.parse_only(cls, files=files)
