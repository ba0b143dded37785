"""Files, that is object versions, as the functions pass them on and as the ledger has them. Standard library only."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from pipeline_core.fields import Fields
from pipeline_core.manifest import LANDED, REPLACE, ROWS
from pipeline_core.report import RowCounts


def file_key(bucket: str, key: str, version: str) -> dict[str, str]:
    """Primary key of a file's item. A key has at most 1,024 bytes, a partition key may have 2,048."""
    return {"pk": f"file#{bucket}/{key}", "sk": f"version#{version}"}


@dataclass(frozen=True, kw_only=True)
class LandedFile:
    """One object version as its event describes it; `size` in bytes, `landed_at` in ISO 8601 UTC."""

    bucket: str
    key: str
    version: str
    size: int
    landed_at: str
    dataset: str
    format: str = ""

    @property
    def landed(self) -> "LandedFile":
        """The file as its event describes it, without what was added since."""
        return LandedFile(**{field.name: getattr(self, field.name) for field in fields(LandedFile)})

    @property
    def item_key(self) -> dict[str, str]:
        """The primary key of its ledger item."""
        return file_key(self.bucket, self.key, self.version)

    @property
    def identity(self) -> tuple[str, str]:
        """What manifests and reports know the file by: key and version."""
        return self.key, self.version


@dataclass(frozen=True, kw_only=True)
class Candidate(LandedFile):
    """A pending file with what the ledger knew of it when its batch was opened; the batch decides by this alone.

    `part` and `root` are of a file whose batch was split: the part that it waits in, and the first batch that was
    split. `attempts` are the batches that gave it back, `deaths` those of them on which Spark died, and `kills` those
    in which Spark died on this file alone after it had read the known good file. `counts` are None for a file of
    which no batch was decided on. `published_in` and `quarantined_in` are the batches whose files hold rows of it, and
    `has_copy` says that the quarantine bucket has a copy of all of it; `replayed`, that it was asked for again after it
    had come to an end.
    """

    purpose: str = LANDED
    part: str = ""
    root: str = ""
    attempts: int = 0
    deaths: int = 0
    kills: int = 0
    counts: RowCounts | None = None
    published_in: tuple[str, ...] = ()
    quarantined_in: str = ""
    has_copy: bool = False
    replayed: bool = False

    @property
    def is_replay_of_published(self) -> bool:
        """Whether rows of it are in the table, and are added to or replaced."""
        return self.purpose in (ROWS, REPLACE)

    @classmethod
    def from_fields(cls, document: Fields) -> "Candidate":
        """Parse a member of `candidates.json`."""
        return cls(**_candidate(document))

    def to_document(self) -> dict[str, Any]:
        """Write the file as a member of `candidates.json`."""
        names = ("bucket", "key", "version", "format", "landed_at", "dataset", "purpose", "part", "root")
        numbers = ("size", "attempts", "deaths", "kills")
        return {
            **{name: getattr(self, name) for name in (*names, "quarantined_in", *numbers)},
            "published_in": list(self.published_in),
            "outcome": self.counts.to_outcome() if self.counts else {},
            "kept": self.has_copy,
            "replayed": self.replayed,
        }

    def in_part(self, part: str, root: str) -> "Candidate":
        """The file as a member of a part of a batch that was split."""
        return replace(self, part=part, root=root)


def candidates_from_json(text: str | bytes) -> list[Candidate]:
    """Parse `candidates.json`."""
    name = "a batch's candidates"
    # A document that is a list has no fields.
    found = Fields({name: json.loads(text)}, "candidates.json").values(name)
    return [Candidate.from_fields(Fields(item, "a file of candidates.json")) for item in found]


def candidates_to_json(files: Iterable[Candidate]) -> str:
    """Write `candidates.json`."""
    return json.dumps([file.to_document() for file in files])


@dataclass(frozen=True, kw_only=True)
class FileItem(Candidate):
    """A file's item in the ledger. `reason` says why it is not in the table; `batch_id` is its latest batch.

    `requests` are the ids of all requests of an operator that it was read for.
    """

    status: str
    reason: str = ""
    batch_id: str = ""
    requests: tuple[str, ...] = ()

    @classmethod
    def from_item(cls, item: object) -> "FileItem":
        """Parse an item of the table."""
        document = Fields(item, "the ledger's item of a file")
        return cls(
            **_candidate(document),
            status=document.text("status"),
            reason=document.text("reason", ""),
            batch_id=document.text("batch_id", ""),
            requests=document.texts("requests"),
        )

    @property
    def candidate(self) -> Candidate:
        """What of it the batch that it becomes a member of has to know."""
        return Candidate(**{field.name: getattr(self, field.name) for field in fields(Candidate)})


@dataclass(frozen=True, kw_only=True)
class FinishedFile:
    """What a decided batch made of one of its files; the fields are as in `Candidate` and `FileItem`.

    The counts are of the whole file, also when only its quarantined rows were read again.
    """

    file: LandedFile
    status: str
    reason: str
    counts: RowCounts
    published_in: frozenset[str]
    quarantined_in: str
    has_copy: bool


def _candidate(document: Fields) -> dict[str, Any]:
    counts = document.fields("outcome") if "outcome" in document else Fields({}, "no counts")
    return {
        **{name: document.text(name) for name in ("bucket", "key", "version", "landed_at", "dataset")},
        **{name: document.text(name, "") for name in ("format", "purpose", "part", "root", "quarantined_in")},
        **{name: document.integer(name, 0) for name in ("attempts", "deaths", "kills")},
        "size": document.integer("size"),
        "counts": counts.parse(RowCounts) if "rows_read" in counts else None,
        "published_in": document.texts("published_in"),
        "has_copy": document.flag("kept", False),
        # The ledger has the id of the latest request.
        "replayed": "replay_id" in document or document.flag("replayed", False),
    }
