"""How long a batch's first file waited for the publish: in the runs, the event, the notification, and the metrics."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_core import batches as batches_module
from pipeline_core.files import FileItem

from lambdas.notification.message import Notification, compose
from lambdas.processing.logic import Publisher
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud
from tests.unit.lambdas.conftest import verdict as a_verdict
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_metrics import values

Call = Callable[..., Any]
LANDED = datetime(2026, 1, 1, tzinfo=UTC)
"""When everything lands that `Cloud.land` puts."""


@pytest.fixture
def published_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the ledger's clock so many seconds after the landing."""

    def set_clock(seconds: float) -> None:
        at = (LANDED + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
        monkeypatch.setattr(batches_module, "now", lambda: at)

    return set_clock


def promise(cloud: Cloud, seconds: int | None, dataset: str = "airlines") -> None:
    key = f"contracts/{dataset}.json"
    contract = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    contract["latency_seconds"] = seconds
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(contract))


def run_of(cloud: Cloud, batch_id: str) -> dict[str, Any]:
    (key,) = [key for key in cloud.keys(ARTIFACTS, "runs/") if batch_id in key]
    found: dict[str, Any] = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    return found


@pytest.mark.parametrize(("seconds", "said"), [(12.9, 12), (13, 13), (0.2, 0), (-0.4, 0), (86_400 * 40, 3_456_000)])
def test_the_seconds_are_whole_ones_from_the_landing_to_the_publish(
    cloud: Cloud, call: Call, published_after: Callable[[float], None], seconds: float, said: int
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    published_after(seconds)
    assert decide(call, batch_id)["seconds_to_published"] == said
    assert run_of(cloud, batch_id)["seconds_to_published"] == said
    assert decide(call, batch_id)["seconds_to_published"] == said, "a call that is repeated says the same"


def test_the_file_counts_that_landed_first(cloud: Cloud, call: Call, published_after: Callable[[float], None]) -> None:
    records = [cloud.land(f"airlines/{name}.csv", b"1\n") for name in "abc"]
    for record, second in zip(records, (30, 10, 20), strict=True):
        time = (LANDED + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
        record["body"] = json.dumps({**json.loads(record["body"]), "time": time})
    call("ingestion", {"Records": records})
    (batch_id,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    cloud.stage(cloud.manifest("airlines", batch_id))
    published_after(45)
    assert decide(call, batch_id)["seconds_to_published"] == 35


def test_a_batch_that_is_refused_was_not_published_and_has_no_seconds(
    cloud: Cloud, call: Call, published_after: Callable[[float], None], emitted: Any
) -> None:
    promise(cloud, 1)
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest, curated=1, quarantined=1)
    published_after(100)
    emitted()
    answer = decide(call, batch_id)
    assert (answer["verdict"], answer["seconds_to_published"]) == ("QUARANTINED", None)
    assert run_of(cloud, batch_id)["seconds_to_published"] is None
    assert not {name for name, _, _ in emitted()} & {"LatencyMissed"}


@pytest.mark.parametrize("with_new", [False, True])
def test_a_file_that_is_read_again_does_not_count_from_its_landing(
    cloud: Cloud, call: Call, published_after: Callable[[float], None], with_new: bool, emitted: Any
) -> None:
    promise(cloud, 60)
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest, curated=1, quarantined=1)
    assert decide(call, batch_id)["verdict"] == "QUARANTINED"
    (item,) = cloud.files("airlines/a.csv")
    assert cloud.ledger.replay(FileItem.from_item(item), "", "r1")
    if with_new:
        record = cloud.land("airlines/b.csv", b"1\n")
        record["body"] = json.dumps({**json.loads(record["body"]), "time": "2026-03-01T00:00:00Z"})
        call("ingestion", {"Records": [record]})
    (batch_id,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    cloud.stage(cloud.manifest("airlines", batch_id))
    published_after((datetime(2026, 3, 1, tzinfo=UTC) - LANDED).total_seconds() + 7)
    emitted()
    assert decide(call, batch_id)["seconds_to_published"] == (7 if with_new else None)
    assert "LatencyMissed" not in {name for name, _, _ in emitted()}


@pytest.mark.parametrize(
    ("promised", "seconds", "missed"), [(60, 59, []), (60, 60, []), (60, 61, [1.0]), (None, 10**6, [])]
)
def test_a_promise_is_missed_only_by_a_later_publish(
    cloud: Cloud,
    call: Call,
    published_after: Callable[[float], None],
    emitted: Any,
    promised: int | None,
    seconds: int,
    missed: list[float],
) -> None:
    promise(cloud, promised)
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    published_after(seconds)
    emitted()
    decide(call, batch_id)
    found = emitted()
    # One alarm is for all datasets.
    assert values(found, "LatencyMissed", service="processing") == missed
    assert len([name for name, _, _ in found if name == "LatencyMissed"]) == len(missed)


def test_the_log_of_a_missed_promise_names_the_dataset(
    cloud: Cloud, call: Call, published_after: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    promise(cloud, 60)
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    published_after(61)
    decide(call, batch_id)
    (said,) = (vars(record) for record in caplog.records if record.message == "latency missed")
    assert (said["dataset"], said["seconds_to_published"], said["latency_seconds"]) == ("airlines", 61, 60)


@pytest.mark.parametrize(
    ("seconds", "promised", "said"),
    [
        (12, None, "Published 12 seconds after the first of its files had landed."),
        (60, 60, "Published 60 seconds after the first of its files had landed."),
        (
            61,
            60,
            "Published 61 seconds after the first of its files had landed: later than the 60 seconds that the contract "
            "promises.",
        ),
        (None, 60, None),
    ],
)
def test_the_notification_says_the_seconds_and_what_was_promised(
    seconds: int | None, promised: int | None, said: str | None
) -> None:
    found = a_verdict(dataset="airlines", batch_id="b", seconds_to_published=seconds, latency_seconds=promised)
    event = {"batch_id": "b", "dataset": "airlines", "outcome": "PUBLISHED", "verdict": found.to_document()}
    machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:m"
    lines = compose(Notification.from_event(event), machine)[1].splitlines()
    assert [line for line in lines if line.startswith("Published ")] == ([said] if said else [])


def test_consumers_of_the_event_learn_the_seconds(
    cloud: Cloud, call: Call, published_after: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(Publisher, "_announce", lambda _, verdict: told.append(verdict.to_event()))
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    published_after(9)
    decide(call, batch_id)
    assert [event["seconds_to_published"] for event in told] == [9]
