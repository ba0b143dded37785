"""Small files to land, and what the table must show of them. Nothing of the pipeline is involved."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

Row = dict[str, str]

CODES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Source:
    """Makes rows of one dataset; no two have the same key."""

    dataset: str
    made: int = 0

    def rows(self, count: int) -> list[Row]:
        """Valid rows with keys of their own."""
        first, self.made = self.made, self.made + count
        return [row(self.dataset, number) for number in range(first, self.made)]


@dataclass
class File:
    """A file as it is landed: valid rows, and rows that the contract refuses."""

    key: str
    good: list[Row]
    bad: list[Row] = field(default_factory=list)

    @property
    def dataset(self) -> str:
        """Its first folder."""
        return self.key.partition("/")[0]

    @property
    def content(self) -> bytes:
        """CSV, the refused rows in the middle."""
        middle = len(self.good) // 2
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.good[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*self.good[:middle], *self.bad, *self.good[middle:]])
        return text.getvalue().encode()


def row(dataset: str, number: int) -> Row:
    """The valid row of a number, each value written as the table's typed value is."""
    hour = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    calendar = {"year": str(hour.year), "month": str(hour.month), "day": str(hour.day), "hour": str(hour.hour)}
    at = f"{hour:%Y-%m-%dT%H:%M:%SZ}"
    if dataset == "airlines":
        return {"carrier": CODES[number // 36] + CODES[number % 36], "name": f"Carrier {number}"}
    if dataset == "planes":
        made = {"year": str(1950 + number % 70), "type": "Fixed wing", "manufacturer": "ACME", "model": f"M{number}"}
        return {"tailnum": f"N{number:05d}"} | made | {"engines": "2", "seats": "100", "speed": "", "engine": "Turbo"}
    if dataset == "weather":
        measured = {"temp": f"{number % 90}.5", "dewp": "", "humid": "50.0", "wind_dir": "270", "precip": "0.0"}
        return {"origin": "JFK"} | calendar | measured | {"visib": "10.0", "time_hour": at}
    assert dataset == "flights", dataset
    times = {"dep_time": "", "sched_dep_time": "515", "dep_delay": "-2", "sched_arr_time": "819", "carrier": "UA"}
    way = {"flight": str(1 + number % 9_999), "tailnum": "", "origin": "EWR", "dest": "IAH", "distance": "1400"}
    return calendar | times | way | {"minute": "15", "time_hour": at}


def spoiled(good: Row) -> Row:
    """The row with a value that no contract accepts, in the column that makes it recognisable."""
    column = {"carrier": "name", "tailnum": "seats", "origin": "visib"}.get(next(iter(good)), "distance")
    return good | {column: "" if column == "name" else "none at all"}


def chunks(rows: list[Row], count: int) -> Iterator[list[Row]]:
    """The rows in `count` parts of nearly the same length."""
    for place in range(count):
        yield rows[place * len(rows) // count : (place + 1) * len(rows) // count]
