"""What comes after a verdict, and what nobody is told of: each scenario has a dataset of its own.

An execution that ended in any way, at any moment, and a file that no reader can stand, leave nothing behind.
"""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from local.run import FINAL
from tests.integration.faults.lab import Scenario, until
from tests.integration.faults.sources import File

MakeScenario = Callable[[str], Scenario]
PROCESSING: dict[str, Any] = {"effect": "kill", "principal": "processing", "when": "after"}
MARKED: dict[str, tuple[str, dict[str, Any]]] = {
    "the publish was counted": ("planes", {"service": "dynamodb", "operation": "TransactWriteItems", "nth": 2}),
    "one file was marked": ("weather", {"service": "dynamodb", "operation": "UpdateItem"}),
}


@pytest.mark.parametrize("step", MARKED)
def test_a_publish_that_was_counted_is_carried_to_its_end(scenario_of: MakeScenario, step: str) -> None:
    scenario = scenario_of(f"processing killed when {step}")
    dataset, rule = MARKED[step]
    scenario.land(dataset, 3)
    scenario.registered()
    with scenario.inject({**PROCESSING, **rule}):
        assert scenario.lab.tick(dataset)
    scenario.settle(60)
    scenario.check()


COPY = {"effect": "hold", "service": "s3", "operation": "CopyObject", "principal": "processing", "when": "after"}
DELETE = {"effect": "hold", "service": "s3", "operation": "DeleteObjects", "principal": "error-handler"}
MOMENTS = ("and goes on at once", "and goes on when it is recovered", "and ends before it is rolled back")


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_execution_that_is_aborted_while_it_publishes(scenario_of: MakeScenario, moment: str) -> None:
    scenario = scenario_of(f"execution aborted in Publish, which is at work {moment}")
    lab = scenario.lab
    scenario.land("flights", 2)
    scenario.registered()
    (batch_id,) = lab.tick("flights")
    slow = moment == MOMENTS[2]
    with scenario.inject(COPY, *([DELETE] if slow else [])):
        until(lambda: lab.fired(f"{scenario.fault}-0"), "a copied file")
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
        if moment == MOMENTS[1]:
            until(lambda: lab.batches("flights")[batch_id]["status"] == "RELEASED", "the batch to be released")
        if slow:
            until(lambda: lab.fired(f"{scenario.fault}-1"), "the error handler at its roll-back")
            lab.let_go(f"{scenario.fault}-0")
            until(lambda: lab.batches("flights")[batch_id]["status"] == "PUBLISHED", "the batch to be published", 20)
    scenario.settle(60)
    scenario.check()


def test_an_execution_that_is_aborted_after_its_batch_was_published(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted after Publish")
    lab = scenario.lab
    scenario.land("airlines", 2)
    scenario.registered()
    (batch_id,) = lab.tick("airlines")
    # The crawler is not started before the execution ends, so that nobody but a later tick can make the table known.
    refused = {"effect": "error", "service": "glue", "operation": "StartCrawler", "code": "CrawlerRunningException"}
    with scenario.inject(refused | {"times": 0}):
        until(lambda: lab.fired(f"{scenario.fault}-0"), "the crawler to be started")
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
    scenario.settle(60)
    scenario.check()


def test_a_dead_execution_that_no_handler_heard_of_is_noticed(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted, error_handler killed every time")
    lab = scenario.lab
    scenario.land("planes", 2)
    scenario.registered()
    (batch_id,) = lab.tick("planes")
    # An asynchronous invocation is tried three times; what EventBridge could not deliver goes to a queue.
    with scenario.inject({"effect": "kill", "principal": "error-handler", "times": 0}):
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
        until(lambda: lab.fired(f"{scenario.fault}-0") >= 3, "three deaths", 30)
    until(lambda: lab.tick("planes") or not lab.state("planes").get("running"), "a tick to notice", 30)
    scenario.settle(60)
    scenario.check()


def test_a_file_that_no_reader_can_stand_takes_no_neighbour_with_it(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("a truncated gzip file among good ones")
    lab = scenario.lab
    good = scenario.land("weather", 3)
    poison = gzip.compress(b"".join(b"%d,nothing\n" % number for number in range(5_000)))[:-50]
    bucket = lab.outputs["raw_bucket"]
    version = lab.s3.put_object(Bucket=bucket, Key="weather/poison.csv.gz", Body=poison)["VersionId"]
    scenario.injected = 1
    scenario.registered()
    until(lambda: lab.versions("weather/poison.csv.gz"), "the poison in the ledger")
    lab.tick("weather")

    def over() -> bool:
        items = [*scenario.ledger(), *lab.versions("weather/poison.csv.gz")]
        if any(item["status"] == "PENDING" for item in items):
            lab.tick("weather")
        return all(item["status"] in FINAL for item in items) and not lab.running()

    until(over, "every file in its final state", 180)
    (item,) = lab.versions("weather/poison.csv.gz")
    assert (item["version"], item["status"]) in [(version, "FAILED"), (version, "QUARANTINED")]
    statuses = {item["key"]: item["status"] for item in scenario.ledger()}
    assert statuses == {file.key: "PUBLISHED" for file in good}
    scenario.check()


def test_a_version_that_is_overwritten_after_it_was_claimed_is_read_all_the_same(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("overwritten after it was claimed, before Spark ran")
    lab = scenario.lab
    rows = scenario.rows("planes", 60)
    scenario.put(File("planes/overwritten.csv", rows[:30]))
    scenario.registered()
    with scenario.inject({"effect": "hold", "service": "glue", "operation": "StartJobRun"}):
        lab.tick("planes")
        until(lambda: lab.fired(f"{scenario.fault}-0"), "the job to be started")
        scenario.put(File("planes/overwritten.csv", rows[30:]))
    scenario.registered()
    scenario.settle()
    scenario.check()
