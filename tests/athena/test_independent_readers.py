"""Tables that were published to, replaced, rolled back and tidied up, as readers that know nothing of it see them."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boto3
import pytest
from pipeline_core.manifest import LANDED, REPLACE
from pyspark.sql import SparkSession
from table_formats.history import history
from table_formats.maintenance import LEAST_FILES, maintain

from local.emulator import ACCESS_KEY, CACHE
from tests.athena import spark
from tests.athena.compare import Said, said_by_quick, said_by_trino
from tests.athena.conftest import Engines
from tests.athena.world import BUCKET
from tests.iceberg_batches import Dataset, make_resources

pytestmark = pytest.mark.athena
COLUMNS = [
    {"name": "id", "type": "bigint", "required": True},
    {"name": "name", "type": "string", "required": False},
    {"name": "at", "type": "timestamp", "required": False},
    {"name": "day", "type": "date", "required": False},
    {"name": "price", "type": "decimal(12,3)", "required": False},
    {"name": "count", "type": "int", "required": False},
    {"name": "share", "type": "double", "required": False},
    {"name": "paid", "type": "boolean", "required": False},
]
TIMES = [
    dt.datetime(2026, 1, 31, 23, 59, 59, 999_999),  # noqa: DTZ001  # as Parquet has it
    dt.datetime(1969, 12, 31, 23, 59, 59),  # noqa: DTZ001
    dt.datetime(1970, 1, 1),  # noqa: DTZ001
]
NAMES = ["Straße", "", "a/b=c%20", "數據", " x "]
LAKE = "tables"
Row = dict[str, Any]

CONDITIONS: dict[str, Callable[[Row], bool]] = {
    "name = 'a/b=c%20'": lambda row: row["name"] == "a/b=c%20",
    "name < 'b'": lambda row: row["name"] < "b",
    "at < TIMESTAMP '1970-01-01 00:00:00 UTC'": lambda row: row["at"] < dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    "at >= TIMESTAMP '2026-01-31 23:59:59.999999 UTC'": lambda row: row["at"].year == 2026,
    "day = DATE '1969-12-31'": lambda row: row["day"] == dt.date(1969, 12, 31),
    "price > 0.15": lambda row: row["price"] is not None and row["price"] > Decimal("0.15"),
    "pieces <= -204": lambda row: row["pieces"] is not None and row["pieces"] <= -204,
    "pieces IS NULL AND paid": lambda row: row["pieces"] is None and row["paid"] is True,
    "share BETWEEN 28.6 AND 29.2": lambda row: row["share"] is not None and 28.6 <= row["share"] <= 29.2,
    "id > 1060": lambda row: row["id"] > 1060,
}
"""By which readers leave partitions and files out: what the table says of them has to be right."""


class Orders(Dataset):
    """A dataset of every type, partitioned by the month of a timestamp and the beginning of a text."""

    def partition(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The partition of a row, as engines write it."""
        return {"at_month": f"{row['at']:%Y-%m}", "name_trunc_2": row["name"][:2]}


def rows(first: int, count: int) -> list[list[Row]]:
    """One file for each of a few partitions."""
    made = []
    for number in range(first, first + count):
        at, name = TIMES[number % len(TIMES)], NAMES[number % len(NAMES)]
        row: Row = {
            "id": number,
            "name": name,
            "at": at.replace(tzinfo=dt.UTC),
            "day": at.date() if number % 2 else None,
            "price": Decimal(number) / 1000 if number % 3 else None,
            "count": -number if number % 4 else None,
            "share": number / 7 if number % 5 else None,
            "paid": [True, False, None][number % 3],
        }
        made.append(row)
    by_partition = itertools.groupby(sorted(made, key=_place), key=_place)
    return [list(those) for _, those in by_partition]


def _place(row: Row) -> tuple[str, str]:
    return f"{row['at']:%Y-%m}", row["name"][:2]


class Story:
    """What becomes of a table, and the rows that it then has; `states` has those of each snapshot that is kept."""

    def __init__(self) -> None:
        document = {"columns": COLUMNS, "primary_key": ["id"], "partition_by": ["month(at)", "truncate[2](name)"]}
        self.dataset = Orders(make_resources(LAKE), **document)
        self.files: dict[str, list[Row]] = {}
        self.states: dict[int, list[Row]] = {}
        self.batches: list[str] = []
        self.names: dict[str, str] = {}

    def publish(self, name: str, first: int, count: int) -> None:
        """Publish a file, again where it is there already."""
        again = name in self.files
        purpose = REPLACE if again else LANDED
        batch = self.dataset.open(name, purpose)
        staged = [
            [{self.names.get(key, key): row[key] for key in row} for row in those] for those in rows(first, count)
        ]
        seen = self.dataset.stage(batch, name, staged, purpose)
        assert self.dataset.decide(batch, seen).verdict == "PUBLISHED"
        self.batches.append(batch)
        self.files[name] = [row for those in staged for row in those]
        self.keep()

    def keep(self) -> None:
        """Remember the rows of the snapshot that the table is at."""
        snapshot = self.dataset.iceberg().metadata.current_snapshot_id
        assert snapshot is not None
        self.states[snapshot] = [dict(row) for row in itertools.chain(*self.files.values())]

    def rename(self, name: str, new: str) -> None:
        """Have a column of the contract and of the rows bear another name."""
        columns = (
            replace(column, name=new, former_names=(name,)) if column.name == name else column
            for column in self.dataset.contract.columns
        )
        self.dataset.contract = replace(self.dataset.contract, version="1.1.0", columns=tuple(columns))
        self.names[name] = new
        for row in itertools.chain(*self.files.values()):
            row[new] = row.pop(name)


PARSERS: dict[str, Callable[[str], Any]] = {
    "bigint": int,
    "integer": int,
    "double": float,
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
    "date": dt.date.fromisoformat,
    "timestamp with time zone": lambda text: dt.datetime.fromisoformat(text.removesuffix(" UTC")),
    "varchar": str,
}


def parsed(said: Said) -> list[Row]:
    """The rows of an answer of Athena's form."""
    assert not said.error, said.error
    parsers = [PARSERS[kind.partition("(")[0]] for kind in said.types]
    return [
        {
            name: None if text is None else parse(text)
            for name, text, parse in zip(said.columns, row, parsers, strict=True)
        }
        for row in said.rows
    ]


def quick_says(engines: Engines, sql: str) -> Said:
    """What the emulator's own Athena answers."""
    return said_by_quick(engines.world.athena, LAKE, f"s3://{BUCKET}/results/", sql)


def plain(rows_: Iterable[Row]) -> list[Row]:
    """Rows as all readers give them: times are in UTC and have no zone, and the pipeline's own columns are left out."""
    return [
        {name: value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for name, value in row.items()}
        for row in sorted(rows_, key=lambda row: row["id"])
    ]


@pytest.fixture
def story(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Story:
    for name, value in {
        "AWS_ENDPOINT_URL": engines.emulator.endpoint,
        "AWS_DEFAULT_REGION": engines.emulator.region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Story()


@pytest.fixture
def session(engines: Engines) -> Iterator[SparkSession]:
    with spark.spark_of(CACHE, engines.emulator.endpoint, engines.emulator.region, ACCESS_KEY) as session:
        yield session


def test_every_reader_sees_the_rows_of_the_reports(story: Story, engines: Engines, session: SparkSession) -> None:
    dataset = story.dataset

    def check(snapshot: int | None = None) -> None:
        """Have each reader read the table, or one of its states."""
        table = dataset.iceberg()
        at = snapshot or table.metadata.current_snapshot_id
        assert at is not None
        expected = plain(story.states[at])
        columns = ", ".join(f'"{name}"' for name in expected[0])
        version = f" FOR VERSION AS OF {at}" if snapshot else ""
        sql = f"SELECT {columns} FROM {dataset.name}{version}"
        readers = {
            "PyIceberg": table.scan(snapshot_id=snapshot, selected_fields=tuple(expected[0])).to_arrow().to_pylist(),
            "Spark": spark.rows_of(
                session,
                f"SELECT {columns.replace(chr(34), '`')} FROM lake.{LAKE}.{dataset.name}"
                + (f" VERSION AS OF {at}" if snapshot else ""),
            ),
            "Trino": parsed(said_by_trino(engines.trino, LAKE, sql)),
            "the quick engine": parsed(quick_says(engines, sql)),
        }
        for name, found in readers.items():
            assert plain(found) == expected, name

    story.publish("a.csv", 0, 20)
    check()
    story.publish("b.csv", 20, 10)
    story.publish("a.csv", 100, 7)
    check()
    # What was there before has the rows that it had, whatever the columns are called now.
    story.rename("count", "pieces")
    story.publish("c.csv", 200, 5)
    check()
    undone = dict(story.files)
    story.publish("d.csv", 300, 5)
    gone = dataset.roll_back(list(story.batches)[-2])
    assert gone == [story.batches[-1]]
    story.files = undone
    story.keep()
    check()
    for number in range(LEAST_FILES):
        story.publish(f"small {number}.csv", 1_000 + 15 * number, 15)
    before = len(dataset.live().files)
    done = maintain(dataset.table, dataset.contract, dt.datetime.now(dt.UTC))
    assert done.merged_files
    assert len(dataset.live().files) < before
    story.keep()
    check()
    for condition, holds in CONDITIONS.items():
        expected = sum(holds(row) for row in story.states[dataset.iceberg().metadata.current_snapshot_id or 0])
        sql = f"SELECT count(*) AS n FROM {{}}{dataset.name} WHERE {condition}"
        found = {
            "Spark": spark.rows_of(session, sql.format(f"lake.{LAKE}.")),
            "Trino": parsed(said_by_trino(engines.trino, LAKE, sql.format(""))),
            "the quick engine": parsed(quick_says(engines, sql.format(""))),
        }
        assert expected > 0
        for name, rows_ in found.items():
            assert rows_ == [{"n": expected}], (name, condition)
    for state in [state.snapshot for state in history(dataset.iceberg())]:
        check(int(state))
