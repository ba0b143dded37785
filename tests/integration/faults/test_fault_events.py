"""Events come twice, late, in another order, or to a function that dies; every version is registered once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Lab, Scenario, until
from tests.integration.faults.sources import File, spoiled

MakeScenario = Callable[[str], Scenario]
QUEUE, DEAD = "arrivals_queue_url", "arrivals_dead_letters_url"


def taken(scenario: Scenario, dataset: str, count: int) -> list[str]:
    """Land files and keep their events from the function; returns the events."""
    with scenario.lab.paused():
        scenario.land(dataset, count)
        return scenario.lab.take(QUEUE, count)


def test_duplicate_and_reordered_events_change_nothing(scenario_of: MakeScenario) -> None:
    twice, reordered = scenario_of("duplicate events, also after publication"), scenario_of("reordered events")
    lab = twice.lab
    events = taken(twice, "planes", 3)
    lab.send(events * 10)
    late = taken(reordered, "weather", 4)
    lab.send(late[:1:-1])
    reordered.lab.drained()
    lab.tick("weather")
    lab.send(late[1::-1])
    lab.drained()
    for scenario, count in ((twice, len(events) * 20 - 3), (reordered, len(late))):
        scenario.injected = count
        scenario.settle()
    lab.send(events * 10)
    lab.drained()
    assert lab.tick("planes") == [], "a published file is not pending again"
    twice.settle()
    twice.check()
    reordered.check()


def test_an_object_overwritten_before_it_was_read_is_two_files(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("overwritten before it was read, events late and swapped")
    lab = scenario.lab
    first, second = scenario.rows("flights", 30), scenario.rows("flights", 30)
    with lab.paused():
        scenario.put(File("flights/overwritten.csv", first, [spoiled(first[0])]))
        scenario.put(File("flights/overwritten.csv", second))
        old, new = lab.take(QUEUE, 2)
    lab.send([new])
    lab.drained()
    lab.tick("flights")
    lab.send([old, new, old])
    lab.drained()
    assert len(lab.versions("flights/overwritten.csv")) == 2
    scenario.injected = 3
    scenario.settle()
    scenario.check()


def test_a_version_that_is_gone_when_its_event_comes_is_ignored_and_no_dead_letter(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("version deleted before ingestion looked at it")
    lab = scenario.lab
    gone = [f"flights/gone{ending}" for ending in (".csv", ".csv.gz", ".jsonl", ".parquet")]
    with lab.paused():
        for key in gone:
            landed = lab.s3.put_object(Bucket=lab.outputs["raw_bucket"], Key=key, Body=b"some bytes, not many")
            lab.s3.delete_object(Bucket=lab.outputs["raw_bucket"], Key=key, VersionId=landed["VersionId"])
        scenario.land("flights", 1)
        events = lab.take(QUEUE, len(gone) + 1)
    lab.send(events)
    lab.drained()
    scenario.registered()
    for key in gone:
        (item,) = lab.versions(key)
        assert item["status"] == "IGNORED", "one look is enough to know that it is gone"
        assert item["reason"].startswith("deleted: ")
    bodies = lab.sqs.receive_message(QueueUrl=lab.outputs[DEAD], MaxNumberOfMessages=10).get("Messages", [])
    assert not [body for body in bodies if any(key in body["Body"] for key in gone)]
    scenario.injected = len(gone)
    scenario.settle()
    scenario.check()


DEATHS: dict[str, dict[str, Any]] = {
    "ingestion killed before the ledger write": {"operation": "PutItem", "when": "before"},
    "ingestion killed between ledger write and acknowledgement": {"operation": "PutItem", "when": "after"},
}


def test_an_ingestion_that_dies_gets_its_messages_again(scenario_of: MakeScenario) -> None:
    scenarios = []
    for dataset, (fault, rule) in zip(("planes", "weather"), DEATHS.items(), strict=True):
        scenario = scenario_of(fault)
        scenarios.append(scenario)
        with scenario.inject({"effect": "kill", "service": "dynamodb", "principal": "ingestion", **rule}):
            scenario.land(dataset, 3)
        scenario.registered()
        scenario.lab.drained()
    for scenario in scenarios:
        scenario.settle()
        scenario.check()


@pytest.fixture
def failing_ingestion() -> dict[str, Any]:
    return {"effect": "error", "service": "dynamodb", "principal": "ingestion", "code": "ResourceNotFoundException"}


def redrive(lab: Lab, count: int) -> None:
    lab.send(lab.take(DEAD, count))


def test_a_dead_letter_that_is_moved_back_is_registered(
    scenario_of: MakeScenario, failing_ingestion: dict[str, Any]
) -> None:
    scenario = scenario_of("ingestion fails until the dead-letter queue, redriven")
    lab = scenario.lab
    count = ["ApproximateNumberOfMessages"]

    def dead() -> int:
        found = lab.sqs.get_queue_attributes(QueueUrl=lab.outputs[DEAD], AttributeNames=count)
        return int(found["Attributes"][count[0]])

    # On a slow machine, events of other tests may have been taken too often before they were acknowledged.
    before = dead()
    with scenario.inject(failing_ingestion | {"times": 0}):
        scenario.land("airlines", 2)
        until(lambda: dead() == before + 2, "two more messages in the dead-letter queue")
        assert [item["status"] for item in scenario.ledger()] == ["", ""]
    redrive(lab, before + 2)
    scenario.registered()
    scenario.settle()
    scenario.check()
