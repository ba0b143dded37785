"""The fields by which a table is partitioned. Standard library only."""

import re
from dataclasses import dataclass

IDENTITY, YEAR, MONTH, DAY, HOUR, BUCKET, TRUNCATE = "identity", "year", "month", "day", "hour", "bucket", "truncate"
TIME_TRANSFORMS = (YEAR, MONTH, DAY, HOUR)

NULL = "__HIVE_DEFAULT_PARTITION__"
"""The text of a null, as Hive writes it."""

_WRITTEN = re.compile(r"(year|month|day|hour|bucket|truncate)(?:\[([1-9][0-9]{0,8})\])?\((.+)\)")
_NAMES = {BUCKET: "bucket", TRUNCATE: "trunc"}


@dataclass(frozen=True, kw_only=True)
class PartitionField:
    """A transform of a column (Iceberg specification, "Partition Transforms"); `width` is of bucket and truncate.

    A partition's value is written as text, which names its folder: `2026` (year), `2026-01` (month), `2026-01-31`
    (day), `2026-01-31-23` (hour), `7` (bucket), and else as the text of the value; a null is `NULL`.

    Example:
        PartitionField.parse("bucket[16](customer)").name == "customer_bucket_16"
    """

    column: str
    transform: str = IDENTITY
    width: int = 0

    @classmethod
    def parse(cls, text: str) -> "PartitionField":
        """Read a field as the compiled contract has it: `year`, `day(at)`, `bucket[16](customer)`."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            return cls(column=text)
        return cls(column=written[3], transform=written[1], width=int(written[2] or 0))

    def __str__(self) -> str:
        """The field as the compiled contract has it."""
        if self.transform == IDENTITY:
            return self.column
        return f"{self.transform}{f'[{self.width}]' if self.width else ''}({self.column})"

    @property
    def name(self) -> str:
        """The name of the field, by which folders and Iceberg know it."""
        if self.transform == IDENTITY:
            return self.column
        suffix = f"_{self.width}" if self.width else ""
        return f"{self.column}_{_NAMES.get(self.transform, self.transform)}{suffix}"
