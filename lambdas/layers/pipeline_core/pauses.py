"""Datasets that a person has paused: no batch of them is begun until somebody resumes them.

Files that land meanwhile are registered as ever and stay PENDING; batches that run end as ever. The marks of all
datasets are items of one partition of the ledger, `paused`, so that whoever looks at all asks once.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr, Key

from pipeline_core.conditions import expressions
from pipeline_core.fields import Fields
from pipeline_core.ledger import Ledger, write

PARTITION = "paused"
SILENT = timedelta(hours=24)
"""How long a pause stands for a dataset that is late; one that is older is told of itself."""


def pause_key(dataset: str) -> dict[str, str]:
    """Primary key of a dataset's mark."""
    return {"pk": PARTITION, "sk": dataset}


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Which dataset is paused, since when, by whom, and why."""

    dataset: str
    paused_at: str
    by: str = ""
    reason: str = ""

    @classmethod
    def from_item(cls, item: object) -> "Pause":
        """Parse the ledger's item."""
        document = Fields(item, "the ledger's item of a pause")
        return document.parse(cls, dataset=document.text("sk"))

    def is_long(self, at: datetime) -> bool:
        """Whether it is older than a pause may be unnoticed."""
        return at - datetime.fromisoformat(self.paused_at) > SILENT

    def __str__(self) -> str:
        """Say it in one line."""
        by, reason = (f" by {self.by}" if self.by else ""), (f": {self.reason}" if self.reason else "")
        return f"paused since {self.paused_at}{by}{reason}"


class Pauses:
    """Reads and writes the marks. Every write is conditional, so that repeating it changes nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.table = ledger, ledger.table

    def of(self, dataset: str) -> Pause | None:
        """Return the pause of a dataset, or None."""
        answer = self.table.get_item(Key=pause_key(dataset), ConsistentRead=True)
        return Pause.from_item(answer["Item"]) if "Item" in answer else None

    def all(self) -> dict[str, Pause]:
        """Return all pauses by dataset."""
        items = self.ledger.items(Key("pk").eq(PARTITION), ConsistentRead=True)
        return {pause.dataset: pause for pause in map(Pause.from_item, items)}

    def begin(self, pause: Pause) -> bool:
        """Pause a dataset; False if it is paused already, and then the earlier pause stays."""
        values = {name: value for name, value in asdict(pause).items() if name != "dataset"}
        item = {**pause_key(pause.dataset), **values}
        absent = expressions(condition=Attr("pk").not_exists())
        return write(lambda: self.table.put_item(Item=item, **absent)) is not None

    def end(self, dataset: str) -> bool:
        """End the pause of a dataset; False if there is none."""
        key = pause_key(dataset)
        there = expressions(condition=Attr("pk").exists())
        return write(lambda: self.table.delete_item(Key=key, **there)) is not None
