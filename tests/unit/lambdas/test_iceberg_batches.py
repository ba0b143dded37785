"""What happens to an Iceberg table beside a batch, or after its job read it: ledger and history decide."""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import botocore.client
import pytest
from pipeline_core.batches import PublishingError
from pipeline_core.manifest import REPLACE
from table_formats import StaleTableError
from table_formats.history import HistoryError
from table_formats.iceberg import MAINTENANCE, properties_of
from table_formats.maintenance import LEAST_FILES, Done, maintain

from tests.iceberg_batches import Dataset, publisher_of
from tests.kills import Kills
from tests.unit.lambdas.conftest import Cloud

HISTORY_DAYS = 7
COMMIT = "glue.UpdateTable", True
"""To be killed right after a commit."""


@pytest.fixture
def dataset(cloud: Cloud) -> Dataset:
    return Dataset(publisher_of(os.environ["TICKS_QUEUE_URL"]))


def upkeep(dataset: Dataset, days: float = 0) -> Done:
    publishing = dataset.batches.state(dataset.name).publishing or ""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return maintain(dataset.table, dataset.contract, now, publishing=publishing)


def small_files(dataset: Dataset) -> list[int]:
    """Batches whose files are worth merging; returns the ids of their rows."""
    for number in range(LEAST_FILES):
        dataset.decide(*dataset.landed(f"small-{number}.csv", number))
    return list(range(LEAST_FILES))


def before_update(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do something just before the catalog gets the next commit, which it then refuses as Glue does, if it is late."""
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # private, as moto's own patch
    is_first = True

    def make(client: Any, operation: str, parameters: Any) -> Any:
        nonlocal is_first
        if operation == "UpdateTable" and is_first:
            is_first = False
            action()
            name = {"DatabaseName": parameters["DatabaseName"], "Name": parameters["TableInput"]["Name"]}
            if original(client, "GetTable", name)["Table"]["VersionId"] != parameters["VersionId"]:
                answer: Any = {"Error": {"Code": "ConcurrentModificationException", "Message": ""}}
                raise client.exceptions.ConcurrentModificationException(answer, operation)
        return original(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make)


@pytest.mark.parametrize(("part", "verdict"), [(1, "CONFLICT"), (2, "PUBLISHED")])
def test_of_two_batches_on_one_partition_the_second_is_staged_again(dataset: Dataset, part: int, verdict: str) -> None:
    first, second = dataset.landed("a.csv", 1), dataset.landed("b.csv", 2, part=part)
    assert dataset.decide(*first).verdict == "PUBLISHED"
    assert dataset.decide(*second).verdict == verdict
    if verdict == "CONFLICT":
        assert dataset.ids() == [1]
        again = dataset.stage(second[0], "b.csv", [[{"id": 2, "part": part}]])
        assert dataset.decide(second[0], again).verdict == "PUBLISHED"
    assert dataset.ids() == [1, 2]
    assert dataset.runs() == ["PUBLISHED"] * 2
    dataset.check_whole()


def test_a_batch_waits_for_another_that_publishes(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = dataset.landed("a.csv", 1), dataset.landed("b.csv", 2, part=2)

    def other() -> None:
        with pytest.raises(PublishingError, match=f"{first[0]} is publishing"):
            dataset.decide(*second)

    before_update(monkeypatch, other)
    assert dataset.decide(*first).verdict == "PUBLISHED"
    assert dataset.decide(*second).verdict == "PUBLISHED"
    assert dataset.ids() == [1, 2]


def test_an_engine_that_read_an_older_list_than_it_counted_publishes_is_not_believed(dataset: Dataset) -> None:
    """The ledger has nothing against its batch, which has seen all publishes; the table's history has."""
    dataset.decide(*dataset.landed("a.csv", 1))
    stale = dataset.landed("b.csv", 1)
    dataset.decide(*dataset.landed("c.csv", 2))
    decided = dataset.decide(stale[0], 2)
    assert (decided.verdict, dataset.ids()) == ("CONFLICT", [1, 2])
    assert "did not see the rows of" in decided.violations[0]
    assert dataset.batches.state(dataset.name).publishing is None
    again = dataset.stage(stale[0], "b.csv", [[{"id": 3, "part": 1}]])
    assert (again, dataset.decide(stale[0], again).verdict, dataset.ids()) == (3, "PUBLISHED", [1, 2, 3])
    dataset.check_whole()


def test_a_foreign_commit_is_seen_by_the_next_attempt(dataset: Dataset) -> None:
    """Somebody deletes with Athena while a batch is staged."""
    dataset.decide(*dataset.landed("a.csv", 1, 2))
    batch, seen = dataset.landed("b.csv", 3)
    dataset.iceberg().delete("id = 2")
    assert dataset.decide(batch, seen).verdict == "CONFLICT"
    dataset.check_live()
    assert dataset.decide(batch, dataset.stage(batch, "b.csv", [[{"id": 3, "part": 1}]])).verdict == "PUBLISHED"
    assert dataset.ids() == [1, 3]
    dataset.check_whole()


@pytest.mark.parametrize("days", [HISTORY_DAYS - 0.1, HISTORY_DAYS + 0.1])
def test_a_replay_is_the_same_also_when_its_snapshot_has_expired(dataset: Dataset, days: float) -> None:
    batch, seen = dataset.landed("a.csv", 1)
    verdict = dataset.decide(batch, seen)
    dataset.decide(*dataset.landed("b.csv", 2))
    assert upkeep(dataset, days).snapshots_expired == (days > HISTORY_DAYS)
    location = dataset.iceberg().metadata_location
    # The count of its rows asks the snapshot that it has made, while there is one.
    assert dataset.decide(batch, seen) == (replace(verdict, snapshot="") if days > HISTORY_DAYS else verdict)
    assert (dataset.ids(), dataset.iceberg().metadata_location) == ([1, 2], location)
    assert dataset.batches.state(dataset.name).published == 2


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_batch_that_died_after_its_commit_is_known_however_late_it_is_repeated(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, seen_before: bool
) -> None:
    """The ledger does not know of its commit yet; its files are merged, and its state is older than the history."""
    kills = Kills(monkeypatch)
    if seen_before:
        dataset.decide(*dataset.landed("z.csv", 99))
    batch = dataset.open("a.csv")
    rows = [[{"id": number, "part": 1}] for number in range(LEAST_FILES)]
    seen = dataset.stage(batch, "a.csv", rows)
    assert kills.kill(lambda: dataset.decide(batch, seen), *COMMIT)
    there = dataset.ids()
    assert len(there) == LEAST_FILES + seen_before
    upkeep(dataset, HISTORY_DAYS + 0.1)
    upkeep(dataset, HISTORY_DAYS + 0.2)
    assert dataset.decide(batch, seen).verdict == "PUBLISHED"
    assert dataset.ids() == there
    assert dataset.batches.state(dataset.name).published == 1 + seen_before
    dataset.check_whole()
    assert upkeep(dataset, HISTORY_DAYS + 0.3).snapshots_expired >= 1, "once it is known to the ledger"


def test_a_batch_that_was_staged_before_a_merge_is_published_after_it(dataset: Dataset) -> None:
    ids = small_files(dataset)
    batch, seen = dataset.landed("a.csv", 10)
    assert upkeep(dataset).merged_files == LEAST_FILES
    assert dataset.decide(batch, seen).verdict == "PUBLISHED"
    assert dataset.ids() == [*ids, 10]
    dataset.check_whole()


def test_a_merge_comes_while_a_batch_commits(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = small_files(dataset)
    batch, seen = dataset.landed("a.csv", 10)
    before_update(monkeypatch, lambda: upkeep(dataset))
    assert dataset.decide(batch, seen).verdict == "PUBLISHED"
    assert dataset.ids() == [*ids, 10]
    assert MAINTENANCE in properties_of(dataset.iceberg().snapshots()[-2]), "both have committed"
    dataset.check_whole()


def test_a_batch_comes_while_a_merge_commits(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = small_files(dataset)
    batch, seen = dataset.landed("a.csv", 10)
    before_update(monkeypatch, lambda: dataset.decide(batch, seen))
    assert upkeep(dataset).yielded == ("merged_files",)
    assert dataset.ids() == [*ids, 10]
    dataset.check_whole()
    assert upkeep(dataset).merged_files == LEAST_FILES + 1
    assert dataset.ids() == [*ids, 10]


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_merge_takes_away_what_a_batch_replaces(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    small_files(dataset)
    batch, seen = dataset.again("small-1.csv", 20, 21)
    if when == "before":
        upkeep(dataset)
    else:
        before_update(monkeypatch, lambda: upkeep(dataset))
    decided = dataset.decide(batch, seen)
    assert decided.verdict == "CONFLICT"
    assert "no longer of the table" in decided.violations[0]
    assert dataset.ids() == [0, 1, 2, 3, 4]
    seen = dataset.stage(batch, "small-1.csv", [[{"id": 20, "part": 1}, {"id": 21, "part": 1}]], REPLACE)
    assert dataset.decide(batch, seen).verdict == "PUBLISHED"
    assert dataset.ids() == [0, 2, 3, 4, 20, 21]
    dataset.check_whole()


def test_a_replacement_comes_while_its_files_are_merged(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    small_files(dataset)
    batch, seen = dataset.again("small-1.csv", 20, 21)
    before_update(monkeypatch, lambda: dataset.decide(batch, seen))
    assert upkeep(dataset).yielded == ("merged_files",)
    assert dataset.ids() == [0, 2, 3, 4, 20, 21]
    dataset.check_whole()


def test_a_rollback_waits_for_what_its_batches_have_still_to_do(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is decided on marks its files after the commit: PUBLISHED, over what a rollback has said."""
    kills = Kills(monkeypatch)
    base, seen = dataset.landed("base.csv", 1)
    points = kills.of(lambda: dataset.decide(base, seen))
    commit = kills.calls.index("glue.UpdateTable") + 1
    for number, point in enumerate([point for point in points if point >= (commit, True)], 1):
        batch, seen = dataset.landed(f"{number}.csv", 10)
        was_killed = kills.kill(lambda batch=batch, seen=seen: dataset.decide(batch, seen), *point)  # type: ignore[misc]
        if was_killed and dataset.batches.state(dataset.name).running:
            with pytest.raises(HistoryError, match=f"{batch} .*try again"):
                dataset.roll_back(base)
            assert dataset.ids() == [1, 10], point
        dataset.decide(batch, seen)
        assert dataset.roll_back(base) == [batch]
        assert (dataset.ids(), dataset.status(f"{number}.csv"), dataset.runs()[-1]) == (
            [1],
            "ROLLED_BACK",
            "ROLLED_BACK",
        ), point
        dataset.check_whole()


@pytest.mark.parametrize("point", ["load", "commit"])
def test_a_batch_comes_while_a_rollback_is_at_work(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    base, seen = dataset.landed("base.csv", 1)
    dataset.decide(base, seen)
    dataset.decide(*dataset.landed("a.csv", 2))
    batch, seen = dataset.landed("b.csv", 3)
    kills = Kills(monkeypatch)
    if point == "load":
        # It has committed, and dies; the rollback has looked at the ledger before.
        load = dataset.table.load

        def loading() -> Any:
            assert kills.kill(lambda: dataset.decide(batch, seen), *COMMIT)
            return load()

        with monkeypatch.context() as patched:
            patched.setattr(dataset.table, "load", loading)
            with pytest.raises(HistoryError, match=f"{batch} .*try again"):
                dataset.roll_back(base)
    else:
        before_update(monkeypatch, lambda: dataset.decide(batch, seen))
        with pytest.raises(StaleTableError, match="try again"):
            dataset.roll_back(base)
    assert dataset.ids() == [1, 2, 3]
    assert dataset.status("a.csv") == "PUBLISHED"
    assert dataset.decide(batch, seen).verdict == "PUBLISHED"
    assert dataset.roll_back(base)[0] == batch
    assert dataset.ids() == [1]
    assert {dataset.status(name) for name in ("a.csv", "b.csv")} == {"ROLLED_BACK"}
    dataset.check_whole()


def test_a_rollback_that_died_before_it_was_noted_is_noted_by_the_next(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In between, upkeep merged the files that there are, and another batch was published."""
    kills = Kills(monkeypatch)
    batch = dataset.open("base.csv")
    rows = [[{"id": number, "part": 1}] for number in range(LEAST_FILES)]
    dataset.decide(batch, dataset.stage(batch, "base.csv", rows))
    dataset.decide(*dataset.landed("a.csv", 10))
    assert kills.kill(lambda: dataset.roll_back(batch), *COMMIT)
    assert dataset.status("a.csv") == "PUBLISHED", "nobody has noted it yet"
    assert upkeep(dataset).merged_files == LEAST_FILES
    dataset.decide(*dataset.landed("b.csv", 11))
    later = dataset.roll_back(batch)
    assert len(later) == 1
    assert (dataset.status("a.csv"), dataset.status("b.csv")) == ("ROLLED_BACK", "ROLLED_BACK")
    assert dataset.runs() == ["PUBLISHED", "ROLLED_BACK", "ROLLED_BACK"]
    assert dataset.ids() == list(range(LEAST_FILES))
    dataset.check_whole()
