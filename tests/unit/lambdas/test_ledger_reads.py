"""What is read of the ledger is all that is asked for, however few items DynamoDB gives at once."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pipeline_core.batches import Batches
from pipeline_core.ledger import Ledger
from pipeline_core.pauses import Pause, Pauses

from tests.unit.lambdas.conftest import RAW, Cloud, candidate

DAY = timedelta(days=1)


@pytest.fixture(params=["an item a page", "one page"])
def ledger(request: pytest.FixtureRequest, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger whose pages are as small as can be, as those of large items are, or as large as there are items."""
    query = cloud.ledger.table.query
    if request.param == "an item a page":
        monkeypatch.setattr(cloud.ledger.table, "query", lambda **asked: query(**{**asked, "Limit": 1}))
    return cloud.ledger


def test_all_pauses_are_known_and_each_is_begun_and_ended_once(ledger: Ledger) -> None:
    pauses = Pauses(ledger)
    at = {name: Pause(dataset=name, paused_at=f"2026-11-2{day}T00:00:00Z") for day, name in enumerate("abc")}
    assert [pauses.begin(pause) for pause in at.values()] == [True] * 3
    assert pauses.all() == at
    assert not pauses.begin(Pause(dataset="b", paused_at="2026-11-28T00:00:00Z", reason="again"))
    assert pauses.all() == at, "the earlier pause stays"
    assert pauses.of("b") == at["b"]
    assert (pauses.end("b"), pauses.end("b")) == (True, False)
    assert sorted(pauses.all()) == ["a", "c"]
    assert pauses.of("b") is None


def batch(ledger: Ledger, dataset: str, at: datetime, number: int) -> str:
    batch_id = f"{dataset}-{at:%Y%m%dT%H%M%SZ}-{number:06d}"
    item = {"batch_id": batch_id, "dataset": dataset, "status": "PUBLISHED", "created_at": at.isoformat()}
    ledger.table.put_item(Item={"pk": f"dataset#{dataset}", "sk": f"batch#{batch_id}", **item})
    return batch_id


def test_the_latest_batches_come_first_and_no_more_than_were_asked_for(ledger: Ledger) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    ids = [batch(ledger, "flights", noon + number * DAY, number) for number in range(5)]
    batch(ledger, "airports", noon + DAY, 9)
    ledger.table.put_item(Item={"pk": "dataset#flights", "sk": "publish#000000000001", "batch_id": ids[0]})
    ledger.table.put_item(Item={"pk": "dataset#flights", "sk": "a-counter"})
    batches = Batches(ledger)
    for limit in (1, 2, 5, 6):
        assert [found.batch_id for found in batches.latest("flights", limit)] == ids[::-1][:limit]
    assert batches.latest("planes", 5) == []


def test_the_batches_since_a_time_are_those_that_were_opened_then_or_later(ledger: Ledger) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    ids = [batch(ledger, "flights", noon + number * DAY, number) for number in range(3)]
    batches = Batches(ledger)
    for since, there in (
        (noon + DAY - timedelta(seconds=1), ids[1:]),
        (noon + DAY, ids[1:]),
        (noon + DAY + timedelta(seconds=1), ids[2:]),
        # The same moment on another clock.
        ((noon + DAY).astimezone(timezone(timedelta(hours=5))), ids[1:]),
    ):
        assert [found.batch_id for found in batches.latest("flights", 9, since)] == there[::-1]


def test_pending_files_come_in_landing_order_and_those_that_wait_keep_none_behind_them(ledger: Ledger) -> None:
    files = [candidate(key=f"flights/{n}.csv", landed_at=f"2026-01-0{9 - n}T00:00:00Z") for n in range(6)]
    for file in files:
        ledger.register(file)
    waiting = [file for file in files if file.key in ("flights/5.csv", "flights/3.csv")]
    for file in waiting:
        ledger.table.update_item(
            Key=file.item_key,
            UpdateExpression="SET not_before = :at",
            ExpressionAttributeValues={":at": "2026-11-26T00:00:00Z"},
        )
    keys = [file.key for file in files[::-1]]
    assert [found.key for found in ledger.pending("flights", 9)] == keys
    assert [found.key for found in ledger.pending("flights", 2)] == keys[:2]
    due = [key for key in keys if key not in {file.key for file in waiting}]
    assert [found.key for found in ledger.pending("flights", 9, "2026-11-25T00:00:00Z")] == due
    assert [found.key for found in ledger.pending("flights", 2, "2026-11-25T00:00:00Z")] == due[:2]
    assert [found.key for found in ledger.pending("flights", 9, "2026-11-26T00:00:00Z")] == keys
    assert ledger.pending("airports", 9) == []


def test_all_versions_of_a_key_are_told_of_and_none_of_another_key(ledger: Ledger) -> None:
    for key, version in (("a", "2"), ("a", "1"), ("a", "3"), ("ab", "4")):
        ledger.register(candidate(key=f"flights/{key}.csv", version=version))
    assert [item["version"] for item in ledger.versions(RAW, "flights/a.csv")] == ["1", "2", "3"]
    assert [item["version"] for item in ledger.versions(RAW, "flights/ab.csv")] == ["4"]
    assert ledger.versions(RAW, "flights/") == []


def test_what_was_rejected_is_counted_by_dataset_and_day_for_a_month(ledger: Ledger) -> None:
    for dataset in ("flights", "flights", "", "airports"):
        ledger.count_rejected(dataset)
    today = datetime.now(UTC).date()
    ledger.table.put_item(Item={"pk": "dataset#flights", "sk": f"rejected#{today - 2 * DAY}", "files": 10})

    def since(day: date) -> list[int]:
        return [ledger.rejected(dataset, day) for dataset in ("flights", "airports", "", "planes")]

    assert since(today) == since(today - DAY) == [2, 1, 1, 0]
    assert since(today - 2 * DAY) == [12, 1, 1, 0]
    assert since(today + DAY) == [0, 0, 0, 0]
    item = ledger.table.get_item(Key={"pk": "dataset#flights", "sk": f"rejected#{today}"})["Item"]
    kept = int(str(item["expires_at"])) - datetime.now(UTC).timestamp()
    assert 30.9 * 86_400 < kept <= 31 * 86_400


def test_a_publish_of_an_earlier_release_says_no_time(cloud: Cloud) -> None:
    batches = Batches(cloud.ledger)
    assert batches.published_at("flights") == ""
    for number, more in ((9, {"published_at": "2026-11-26T00:00:00Z"}), (10, {})):
        item = {"pk": "dataset#flights", "sk": f"publish#{number:012d}", "batch_id": "b", **more}
        cloud.ledger.table.put_item(Item=item)
        assert batches.published_at("flights") == more.get("published_at", "")
