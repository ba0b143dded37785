"""The manifest: the files of one batch, as etl_trigger writes it and the job reads it. Standard library only."""

import json
from dataclasses import asdict, dataclass, fields

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

    @classmethod
    def from_fields(cls, document: Fields) -> "ManifestFile":
        """Parse a file of a manifest."""
        document.allow_only(field.name for field in fields(cls))
        return cls(
            key=document.text("key"),
            version=document.text("version"),
            uri=document.text("uri"),
            size=document.integer("size"),
            format=document.text("format"),
            landed_at=document.text("landed_at"),
            quarantined=document.texts("quarantined"),
        )


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
        document.allow_only(field.name for field in fields(cls))
        return cls(
            batch_id=document.text("batch_id"),
            dataset=document.text("dataset"),
            contract=document.text("contract"),
            staging=document.text("staging"),
            table=document.text("table"),
            files=tuple(map(ManifestFile.from_fields, document.items("files"))),
            purpose=document.text("purpose", LANDED),
            replaces=document.texts("replaces"),
            known_good=document.text("known_good", ""),
        )
