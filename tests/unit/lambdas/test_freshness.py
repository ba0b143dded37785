"""Which datasets are late by their contracts: who is told, when, and of whom."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from pipeline_core.channels import Channels, Severity
from pipeline_core.fields import DocumentError, Fields
from pipeline_core.pauses import Pause, Pauses

from lambdas.freshness.logic import Freshness, Promise, Seen, for_owners, freshness, message, promises_of, watched
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud
from tests.unit.lambdas.test_batches import Call, decide, one_batch

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAILY = Promise(dataset="flights", hours=24)


def ago(hours: float) -> str:
    return (AT - hours * HOUR).isoformat()


@pytest.mark.parametrize(
    ("published", "since", "late"),
    [
        (24.9, 1_000, False),
        (25.0, 1_000, False),
        (25.1, 1_000, True),
        (500, 1_000, True),
        # Never published: late once the promise is over since somebody watches.
        (None, 24.9, False),
        (None, 25.1, True),
        # An old dataset whose promise is new has the time that it promises.
        (500, 24.9, False),
        (500, 25.1, True),
    ],
)
def test_a_dataset_is_late_when_promise_and_grace_are_over(published: float | None, since: float, late: bool) -> None:
    last = "" if published is None else ago(published)
    assert freshness(DAILY, last, ago(since), HOUR, AT).is_late is late


def late(*datasets: str) -> list[Freshness]:
    return [freshness(Promise(dataset=dataset, hours=24), ago(30), ago(1_000), HOUR, AT) for dataset in datasets]


def test_people_are_told_when_other_datasets_are_late_than_before_and_of_each_by_name() -> None:
    assert message([], []) is None
    assert message(late("flights"), ["flights"]) is None
    _, subject, body = message(late("flights", "weather"), ["flights", "planes"]) or ("", "", "")
    assert subject == "[LATE] flights, weather"
    assert body.splitlines() == [
        "flights: published last at 2026-11-25T06:00:00+00:00; promised every 24 h, 5.0 h late",
        "weather: published last at 2026-11-25T06:00:00+00:00; promised every 24 h, 5.0 h late",
        "planes: in time again",
        "What to do: docs/runbook.md#not-fresh",
    ]
    _, subject, body = message([], ["planes"]) or ("", "", "")
    assert subject.startswith("[FRESH]")
    assert "planes: in time again" in body


def test_the_same_datasets_in_another_order_are_no_news() -> None:
    assert message(late("flights", "weather"), ["weather", "flights"]) is None


@pytest.mark.parametrize(("length", "whole"), [(92, True), (93, True), (94, False)])
def test_a_subject_is_cut_only_where_sns_would_refuse_it(length: int, whole: bool) -> None:
    _, subject, _ = message(late("x" * length), []) or ("", "", "")
    assert (subject == f"[LATE] {'x' * length}") is whole
    assert len(subject) <= 100


@pytest.mark.parametrize("index", [None, "{"])
def test_an_index_that_cannot_be_read_is_named(cloud: Cloud, call: Call, index: str | None) -> None:
    cloud.s3.delete_object(Bucket=ARTIFACTS, Key="contracts/index.json")
    says = r"is missing; deploy the stack again$"
    if index is not None:
        cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=index)
        says = "is no JSON: "
    with pytest.raises((RuntimeError, DocumentError), match=rf"^s3://{ARTIFACTS}/contracts/index.json {says}"):
        call("freshness", {})


def test_two_hundred_late_datasets_fit_into_one_message() -> None:
    names = [f"{'x' * 46}_{number:03d}" for number in range(200)]
    _, subject, body = message(late(*names), []) or ("", "", "")
    assert len(subject) == 100, "SNS refuses a longer one, and what fits is said"
    assert subject.startswith("[LATE] 200 datasets: x")
    assert subject.endswith("x...")
    assert len(body.encode()) < 262_144, "SNS takes 256 KB"
    assert all(name in body for name in names)


def test_a_promise_that_goes_is_forgotten_and_one_that_comes_back_begins_anew() -> None:
    seen = Seen(since={"flights": ago(9), "gone": ago(9)})
    assert watched([DAILY, Promise(dataset="new", hours=1)], seen, AT) == {"flights": ago(9), "new": AT.isoformat()}


def test_an_index_of_an_earlier_release_promises_nothing() -> None:
    assert promises_of(Fields({"datasets": ["flights"]}, "index")) == ()


def test_what_was_seen_last_is_named_where_it_is_not_as_it_was_written() -> None:
    assert Seen.from_item({}) == Seen(since={})
    seen = Seen(since={"flights": ago(9)}, late=("flights",))
    assert Seen.from_item({"since": {"flights": ago(9)}, "late": ["flights"]}) == seen
    for item in ("x", {"since": "x"}, {"since": {"flights": 9}}, {"late": "flights"}):
        with pytest.raises(DocumentError, match=r"^the ledger's item of freshness"):
            Seen.from_item(item)


def test_the_people_of_a_dataset_are_told_of_its_own_only_and_why_it_is_late_no_more() -> None:
    warned = {"flights": ["air"], "weather": ["sky", "rain"]}
    channels = Channels(of={name: dict.fromkeys(who, Severity.WARNING) for name, who in warned.items()})
    paused = {"weather": Pause(dataset="weather", paused_at=ago(1), by="", reason="")}
    found = list(for_owners(channels, late("flights"), ["weather"], paused))
    assert [(message.datasets, message.subject, who) for message, who in found] == [
        (("flights",), "[LATE] flights", ["air"]),
        (("weather",), "[PAUSED] weather", ["rain", "sky"]),
    ]
    assert found[1][0].body.splitlines()[0] == f"weather: paused since {ago(1)}"


@pytest.fixture
def look(cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[str]]:
    """Have the function look, some hours from now; answers who is late."""

    def run(hours: float) -> list[str]:
        class Later(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + hours * HOUR

        with monkeypatch.context() as patch:
            patch.setattr("lambdas.freshness.handler.datetime", Later)
            answer: list[str] = call("freshness", {})["late"]
        return answer

    index = {"datasets": ["flights", "planes"], "promises": [{"dataset": "flights", "hours": 24.0}]}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(index))
    return run


def test_a_silent_dataset_becomes_late_is_told_once_and_is_in_time_again_when_it_was_published(
    cloud: Cloud,
    call: Call,
    look: Callable[[float], list[str]],
    emitted: Any,
    told: Any,
) -> None:
    emitted()
    assert look(0) == look(24.9) == []
    assert (told, emitted()) == ([], []), "what is in time costs no metric"
    assert look(25.1) == look(26) == ["flights"]
    assert emitted() == [("DatasetsLate", {"service": "freshness"}, 1)] * 2, "its alarm stays on as long as it lasts"
    ((_, body),) = told
    assert body.startswith("flights: never published; promised every 24 h, ")
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest)
    decide(call, batch_id)
    emitted()
    assert look(24.9) == []
    assert emitted() == []
    assert "flights: in time again" in told[1][1]
    assert look(25.1) == ["flights"], "by its last publish"
    assert len(told) == 3


def test_the_last_of_many_publishes_counts(cloud: Cloud, look: Callable[[float], list[str]]) -> None:
    for sequence, hours in ((9, 100), (10, 1), (2, 300)):
        at = (datetime.now(UTC) - hours * HOUR).isoformat()
        item = {"pk": "dataset#flights", "sk": f"publish#{sequence:012d}", "published_at": at}
        cloud.ledger.table.put_item(Item=item)
    look(-500)
    assert look(23.9) == []
    assert look(24.1) == ["flights"]


def test_who_was_told_is_written_down_after_it_was_done(
    cloud: Cloud,
    look: Callable[[float], list[str]],
    told: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look(0)
    with monkeypatch.context() as patch:
        patch.setattr(boto3.client("sns"), "publish", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            look(30)
    assert look(30) == ["flights"]
    assert len(told) == 1, "a message that did not go out is sent by the next look"


def test_each_dataset_with_a_promise_has_its_hours_in_the_log_for_the_dashboard(
    look: Callable[[float], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    look(0)
    look(2)
    lines = [vars(record) for record in caplog.records if record.message == "freshness"]
    assert [(line["dataset"], round(line["hours"])) for line in lines] == [("flights", 0), ("flights", 2)]


def pause(cloud: Cloud, dataset: str, hours: float) -> None:
    at = (datetime.now(UTC) - hours * HOUR).isoformat()
    Pauses(cloud.ledger).begin(Pause(dataset=dataset, paused_at=at, by="user/a", reason="the producer is wrong"))


def test_a_paused_dataset_is_not_late_for_a_day_and_then_is_told_of_until_it_is_resumed(
    cloud: Cloud, look: Callable[[float], list[str]], emitted: Any, told: Any
) -> None:
    look(0)
    # It was published, and is paused, a long time ago by its promise: planes has none.
    for dataset in ("flights", "planes"):
        pause(cloud, dataset, -30)
    emitted()
    assert look(30 + 23.9) == []
    assert (told, emitted()) == ([], []), "a person knows"
    assert look(30 + 24.1) == look(60) == ["flights", "planes"], "no pause is silent for ever"
    assert emitted() == [("DatasetsLate", {"service": "freshness"}, 2)] * 2
    ((_, body),) = told
    lines = body.splitlines()
    assert [line.split(" since ")[0] for line in lines[:2]] == ["flights: paused", "planes: paused"]
    assert lines[0].endswith(" by user/a: the producer is wrong")
    for dataset in ("flights", "planes"):
        assert Pauses(cloud.ledger).end(dataset)
    assert look(60.1) == [], "its promise counts from its pause's end"
    assert "flights: in time again" in told[1][1]
    assert look(60 + 24.9) == []
    assert look(60 + 25.2) == ["flights"]


def test_a_late_dataset_that_is_paused_is_not_called_in_time(
    cloud: Cloud, look: Callable[[float], list[str]], told: Any
) -> None:
    look(0)
    assert look(25.1) == ["flights"]
    pause(cloud, "flights", -25.2)
    assert look(25.3) == []
    assert len(told) == 2
    assert told[1][1].splitlines()[0].startswith("flights: paused since ")
    assert "in time" not in told[1][1]


def test_a_subject_says_what_the_news_is() -> None:
    paused = {"flights": Pause(dataset="flights", paused_at=ago(1), by="", reason="")}
    for names, before, subject in (
        (["weather"], ["flights"], "[LATE] weather"),
        ([], ["flights", "planes"], "[PAUSED] flights"),
        ([], ["planes"], "[FRESH] every dataset is published in time again"),
    ):
        assert (message(late(*names), before, paused) or ("", ""))[1] == subject
