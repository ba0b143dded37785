"""What the oracle says of a record, and of a file."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Record:
    """One record: where it stands, how it came, why it cannot be read, and the text of its columns."""

    line: int
    raw: str | None
    reasons: set[str] = field(default_factory=set)
    texts: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    # What the values of a JSON or Parquet file are by their type: "number", "boolean" or "moment".
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """The fate of a file's records."""

    curated: list[Record] = field(default_factory=list)
    quarantined: list[Record] = field(default_factory=list)
    duplicates: list[Record] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Read, curated, quarantined, duplicates."""
        fates = len(self.curated), len(self.quarantined), len(self.duplicates)
        return (sum(fates), *fates)
