"""What the people of a dataset are told, and who of them: by batch, by state, and by a rollback."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from pipeline_core.channels import Channels, Severity
from pipeline_core.fields import DocumentError, Fields
from pipeline_core.pauses import Pause

from lambdas.freshness.logic import for_owners as late_for_owners
from lambdas.maintenance.rollback import for_owners as rolled_back
from lambdas.notification.message import Notification, for_owners, severity
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud, verdict
from tests.unit.lambdas.test_freshness import late

Call = Callable[..., Any]
MACHINE = "arn:aws:states:eu-central-1:111122223333:stateMachine:data-pipeline-dev"
CHANNELS = [
    {
        "dataset": "flights",
        "channels": {"email:ada": "warning", "slack:data": "information", "slack:night": "critical"},
    },
    {"dataset": "planes", "channels": {"email:ada": "critical", "email:bob": "information"}},
]


def notification(outcome: str = "PUBLISHED", dataset: str = "flights", **counts: Any) -> Notification:
    return Notification(batch_id="b-1", dataset=dataset, outcome=outcome, verdict=verdict(**counts))


@pytest.mark.parametrize(
    ("outcome", "counts", "expected"),
    [
        ("PUBLISHED", {"rows_read": 100, "rows_quarantined": 1}, "information"),
        ("PUBLISHED", {"rows_read": 100, "rows_quarantined": 2}, "warning"),
        ("PUBLISHED", {"rows_read": 0}, "warning"),
        ("PUBLISHED", {"rows_read": 1, "seconds_to_published": 60, "latency_seconds": 60}, "information"),
        ("PUBLISHED", {"rows_read": 1, "seconds_to_published": 61, "latency_seconds": 60}, "warning"),
        ("RELEASED", {"rows_read": 1}, "information"),
        ("SPLIT", {"rows_read": 1}, "information"),
        ("QUARANTINED", {"rows_read": 1}, "critical"),
        ("PUBLISHING", {"rows_read": 1}, "critical"),
        ("FAILED", {"rows_read": 100, "rows_quarantined": 2}, "critical"),
    ],
)
def test_how_much_a_batch_concerns_its_people(outcome: str, counts: dict[str, Any], expected: str) -> None:
    assert severity(notification(outcome, **counts), 1) is Severity(expected)


def test_the_message_has_what_happened_what_is_wrong_and_what_to_do() -> None:
    message = for_owners(notification(rows_read=100, rows_curated=98, rows_quarantined=2), 1, MACHINE)
    assert message.subject == "[PUBLISHED] flights: b-1"
    said = message.body.splitlines()
    assert any("98 curated + 2 quarantined + 0 duplicates." in line for line in said)
    concern = "2 % of 100 rows are quarantined; allowed are 1 %"
    assert said[-1] == f"To look at: {concern}. What to do: docs/runbook.md#rows-quarantined"
    changes = for_owners(notification(rows_read=9, rows_updated=4, rows_unchanged=3, rows_deleted=2), 1, MACHINE)
    assert "+ 0 duplicates + 4 updated + 3 unchanged + 2 deleted." in changes.body
    failed = for_owners(notification("FAILED", rows_read=1), 1, MACHINE)
    assert ".venv/bin/data-pipeline replay flights --batch b-1" in failed.body


@pytest.fixture
def heard(cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[tuple[str, str]]]:
    """Who was told by the topic of owners since the last time, with the subject."""
    key = "contracts/index.json"
    index = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps({**index, "channels": CHANNELS}))
    client, found = boto3.client("sns"), list[tuple[str, str]]()
    real = client.publish

    def publish(**arguments: Any) -> Any:
        answer = real(**arguments)
        if arguments["TopicArn"].endswith(":owners"):
            attributes = arguments["MessageAttributes"]
            if "channels" in attributes:
                found.extend((each, arguments["Subject"]) for each in json.loads(attributes["channels"]["StringValue"]))
            else:
                found.append((f"slack:{attributes['slack']['StringValue']}", arguments["Subject"]))
        return answer

    monkeypatch.setattr(client, "publish", publish)

    def read() -> list[tuple[str, str]]:
        taken, found[:] = sorted(found), []
        return taken

    return read


def event(outcome: str, dataset: str, batch_id: str = "b-1") -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "dataset": dataset,
        "outcome": outcome,
        "verdict": verdict(rows_read=10, rows_curated=10).to_document(),
    }


@pytest.mark.parametrize(
    ("outcome", "dataset", "told"),
    [
        ("PUBLISHED", "flights", ["slack:data"]),
        ("FAILED", "flights", ["email:ada", "slack:data", "slack:night"]),
        ("PUBLISHED", "planes", ["email:bob"]),
        ("QUARANTINED", "planes", ["email:ada", "email:bob"]),
        ("FAILED", "airlines", []),
    ],
)
def test_those_are_told_whose_dataset_it_is_and_who_want_to_hear_of_it(
    call: Call, heard: Any, told: list[str], outcome: str, dataset: str
) -> None:
    call("notification", event(outcome, dataset))
    assert heard() == [(channel, f"[{outcome}] {dataset}: b-1") for channel in told]
    call("notification", event(outcome, dataset))
    assert heard() == [], "once"


def test_a_message_that_fails_half_way_is_sent_again_and_lost_for_nobody(
    call: Call, heard: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("sns")
    real, published = client.publish, list[str]()

    def once(**arguments: Any) -> Any:
        if len(published) == 2:
            raise ConnectionError("between two messages")
        published.append(arguments["TopicArn"])
        return real(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(client, "publish", once)
        with pytest.raises(ConnectionError):
            call("notification", event("FAILED", "flights"))
    assert published[0].endswith(":notifications"), "operators' messages rest on no contract"
    heard()
    call("notification", event("FAILED", "flights"))
    assert {channel for channel, _ in heard()} == {"email:ada", "slack:data", "slack:night"}


def test_each_topic_gets_what_its_subscribers_filter_by(
    call: Call, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, published = boto3.client("sns"), list[tuple[str, str, dict[str, str]]]()
    real = client.publish

    def publish(**given: Any) -> Any:
        said = {name: value["StringValue"] for name, value in given.get("MessageAttributes", {}).items()}
        published.append((given["TopicArn"].rpartition(":")[2], given["Subject"], said))
        return real(**given)

    monkeypatch.setattr(client, "publish", publish)
    counts = verdict(rows_read=100, rows_curated=90, rows_quarantined=10).to_document()
    answer = call("notification", {**event("PUBLISHED", "flights"), "verdict": counts})
    assert answer.keys() == {"message_id"}
    subject, of_all = "[PUBLISHED] flights: b-1", {"outcome": "PUBLISHED", "severity": "warning"}
    assert published == [
        ("alarms", "[ROWS] flights: 10 % of 100 rows are quarantined; allowed are 1 %", {}),
        ("notifications", subject, {"dataset": "flights", **of_all}),
        ("owners", subject, {"datasets": '["flights"]', **of_all, "channels": '["email:ada"]'}),
        ("owners", subject, {"datasets": '["flights"]', **of_all, "slack": "data"}),
    ]


def channels() -> Channels:
    return Channels.from_index(Fields({"channels": CHANNELS}, "index"))


def test_each_channel_hears_of_its_own_late_datasets_and_of_their_end() -> None:
    told = {tuple(who): message for message, who in late_for_owners(channels(), late("flights", "planes"), [])}
    assert set(told) == {("email:ada", "slack:data"), ("email:bob",)}
    assert "planes" not in told["email:ada", "slack:data"].body, "it wants to hear of that one only if it is critical"
    assert told["email:bob",].subject == "[LATE] planes"
    (over,) = [message for message, who in late_for_owners(channels(), [], ["planes"]) if who == ["email:bob"]]
    assert (over.outcome, over.severity) == ("FRESH", Severity.WARNING)
    assert "planes: in time again" in over.body


def test_others_datasets_are_no_news() -> None:
    assert list(late_for_owners(channels(), late("flights", "weather"), ["flights"])) == []
    (news,) = late_for_owners(channels(), late("flights", "planes"), ["flights"])
    assert news[1] == ["email:bob"]


def test_a_long_pause_is_told_like_lateness() -> None:
    at = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
    pause = Pause(dataset="planes", paused_at=at, by="user/a", reason="why")
    ((message, who),) = late_for_owners(channels(), [pause], [], {"planes": pause})
    assert who == ["email:bob"]
    assert "paused since" in message.body


def test_channels_of_the_same_datasets_get_one_message() -> None:
    same = Channels.from_index(
        Fields({"channels": [{"dataset": "flights", "channels": {"email:a": "warning", "email:b": "warning"}}]}, "i")
    )
    ((_, who),) = late_for_owners(same, late("flights"), [])
    assert who == ["email:a", "email:b"]


def test_a_rollback_says_what_went_and_how_it_comes_back() -> None:
    message = rolled_back("flights", "flights-1", ["flights-3", "flights-2"])
    assert message.severity is Severity.WARNING
    assert message.subject == "[ROLLED_BACK] flights: to flights-1"
    assert (message.datasets, message.outcome) == (("flights",), "ROLLED_BACK")
    assert message.body.splitlines() == [
        "The table of dataset flights was rolled back to what it was after batch flights-1.",
        "Batches whose rows went: flights-3, flights-2.",
        "Their files are ROLLED_BACK; to have them read again: .venv/bin/data-pipeline backfill flights --again",
    ]
    nothing_left = rolled_back("flights", "flights-1", []).body.splitlines()
    assert nothing_left[1] == "Batches whose rows went: none that was there still."


def test_an_index_of_an_earlier_release_has_no_channels_and_a_wrong_severity_is_refused() -> None:
    assert Channels.from_index(Fields({"datasets": []}, "index")).hearing("flights", Severity.CRITICAL) == []
    with pytest.raises(DocumentError, match="email:a hears of 'all'; allowed: information, warning, critical"):
        Channels.from_index(Fields({"channels": [{"dataset": "a", "channels": {"email:a": "all"}}]}, "index"))


def test_without_an_index_it_is_said_what_to_do(cloud: Cloud, call: Call) -> None:
    cloud.s3.delete_object(Bucket=ARTIFACTS, Key="contracts/index.json")
    with pytest.raises(RuntimeError, match=r"contracts/index.json is missing; deploy the stack again"):
        call("notification", event("FAILED", "flights"))
