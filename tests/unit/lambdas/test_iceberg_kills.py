"""Whoever changes an Iceberg table is killed before and after each of its calls, and called again as Lambda does."""

import datetime as dt
import os
from collections.abc import Callable

import pytest
from table_formats.history import history
from table_formats.maintenance import LEAST_FILES, maintain

from tests.iceberg_batches import Dataset, publisher_of
from tests.kills import Kills
from tests.unit.lambdas.conftest import Cloud

Make = Callable[..., Dataset]


@pytest.fixture
def dataset_of(cloud: Cloud) -> Make:
    """Make a dataset of its own; all are of one processing."""
    publisher = publisher_of(os.environ["TICKS_QUEUE_URL"])
    return lambda **changes: Dataset(publisher, **changes)


@pytest.fixture
def kills(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Kills:
    return Kills(monkeypatch)


def test_the_first_publish_of_a_table_ends_the_same_wherever_it_is_killed(dataset_of: Make, kills: Kills) -> None:
    def publish(dataset: Dataset, kill: tuple[int, bool] | None) -> list[tuple[int, bool]]:
        batch, seen = dataset.landed("a.csv", 1, 2)
        points = []
        if kill is None:
            points = kills.of(lambda: dataset.decide(batch, seen))
        else:
            assert kills.kill(lambda: dataset.decide(batch, seen), *kill)
            assert dataset.decide(batch, seen).verdict == "PUBLISHED"
        assert dataset.ids() == [1, 2], kill
        assert (dataset.status("a.csv"), dataset.runs()) == ("PUBLISHED", ["PUBLISHED"]), kill
        assert dataset.batches.state(dataset.name).published == 1
        dataset.check_whole()
        return points

    points = publish(dataset_of(), None)
    assert {"glue.CreateTable", "glue.UpdateTable", "s3.CopyObject", "dynamodb.TransactWriteItems"} <= set(kills.calls)
    for point in points:
        publish(dataset_of(), point)


def test_a_replacement_ends_the_same_wherever_it_is_killed(dataset_of: Make, kills: Kills) -> None:
    """Each replaces what the one before wrote, so that none can be lost or doubled unseen."""
    dataset = dataset_of()
    dataset.decide(*dataset.landed("a.csv", 1, 2))
    dataset.decide(*dataset.landed("b.csv", 3))

    def replace(number: int, kill: tuple[int, bool] | None) -> list[tuple[int, bool]]:
        batch, seen = dataset.again("a.csv", number, number + 1)
        points = []
        if kill is None:
            points = kills.of(lambda: dataset.decide(batch, seen))
        else:
            assert kills.kill(lambda: dataset.decide(batch, seen), *kill)
            assert dataset.decide(batch, seen).verdict == "PUBLISHED"
        assert dataset.ids() == [3, number, number + 1], kill
        dataset.check_whole()
        return points

    points = replace(10, None)
    for number, point in enumerate(points, 2):
        replace(10 * number, point)
    assert dataset.status("a.csv") == "PUBLISHED"
    assert dataset.runs() == ["PUBLISHED"] * (len(points) + 3)
    assert dataset.batches.state(dataset.name).published == len(points) + 3


def test_a_rollback_ends_the_same_wherever_it_is_killed(dataset_of: Make, kills: Kills) -> None:
    dataset = dataset_of()
    base, seen = dataset.landed("base.csv", 1)
    dataset.decide(base, seen)
    # Read again by the second of the batches that are rolled back, the first of which published it.
    dataset.decide(*dataset.landed("kept.csv", 2))
    dataset.roll_back(base)

    def roll_back(number: int, kill: tuple[int, bool] | None) -> list[tuple[int, bool]]:
        name = f"{number}.csv"
        first = dataset.landed(name, 10)
        dataset.decide(*first)
        second = dataset.again(name, 11, 12)
        dataset.decide(*second)
        assert dataset.ids() == [1, 11, 12]
        states = len(list(history(dataset.iceberg())))
        points = []
        if kill is None:
            points = kills.of(lambda: dataset.roll_back(base))
        else:
            assert kills.kill(lambda: dataset.roll_back(base), *kill)
            assert dataset.roll_back(base) == [second[0], first[0]], kill
        assert dataset.ids() == [1], kill
        assert dataset.status(name) == "ROLLED_BACK", kill
        assert dataset.runs()[-2:] == ["ROLLED_BACK"] * 2, kill
        assert len(list(history(dataset.iceberg()))) == states + 1, kill
        dataset.check_whole()
        return points

    points = roll_back(0, None)
    assert {"glue.UpdateTable", "dynamodb.UpdateItem", "s3.PutObject"} <= set(kills.calls)
    for number, point in enumerate(points, 1):
        roll_back(number, point)


def test_upkeep_ends_the_same_and_changes_no_row_wherever_it_is_killed(dataset_of: Make, kills: Kills) -> None:
    """Each round merges files, deletes the rows of the round before, expires states and sweeps their files up."""
    dataset = dataset_of(retention_days=10, retention_column="at")
    start = dt.datetime.now(dt.UTC)

    def maintain_once(number: int, kill: tuple[int, bool] | None) -> list[tuple[int, bool]]:
        now = start + (number + 1) * dt.timedelta(days=11)
        batch = dataset.open(f"{number}.csv")
        rows = [[{"id": 10 * number + at, "part": 1, "at": now - dt.timedelta(days=1)}] for at in range(LEAST_FILES)]
        dataset.decide(batch, dataset.stage(batch, f"{number}.csv", rows))
        there = dataset.ids()
        kept = [10 * number + at for at in range(LEAST_FILES)]
        assert set(kept) < set(there) or not number
        points = []
        if kill is None:
            points = kills.of(lambda: maintain(dataset.table, dataset.contract, now))
        else:
            assert kills.kill(lambda: maintain(dataset.table, dataset.contract, now), *kill)
            assert dataset.ids() in (there, kept), kill
            maintain(dataset.table, dataset.contract, now)
        assert dataset.ids() == kept, kill
        assert len(dataset.live().files) == 1, kill
        assert len(list(history(dataset.iceberg()))) == 1, kill
        dataset.check_whole()
        return points

    maintain_once(0, None)
    maintain_once(1, None)
    points = maintain_once(2, None)
    assert kills.calls.count("glue.UpdateTable") == 3, "merge, retention, expiry"
    assert "s3.DeleteObjects" in kills.calls
    for number, point in enumerate(points, 3):
        maintain_once(number, point)
    # What was killed has left files behind, which two more rounds find.
    last = start + (len(points) + 5) * dt.timedelta(days=11)
    for days in (0, 4):
        maintain(dataset.table, dataset.contract, last + dt.timedelta(days=days))
    assert dataset.lost(last) == 0
