"""The manifest: the files of one batch, as etl_trigger writes it and the job reads it. Standard library only."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ManifestFile:
    """One file (object version) of a batch. `uri` is where the job reads it; `size` is in bytes."""

    key: str
    version: str
    uri: str
    size: int
    format: str
    landed_at: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files of a batch in landing order, and the S3 addresses that the job works with."""

    batch_id: str
    dataset: str
    contract: str
    staging: str
    table: str
    files: tuple[ManifestFile, ...]

    def to_json(self) -> str:
        """Write the manifest as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Read a manifest from its JSON."""
        document: dict[str, Any] = json.loads(text)
        return cls(**{**document, "files": tuple(ManifestFile(**file) for file in document["files"])})
