"""What comes after a verdict, and what nobody is told of: each scenario has a dataset of its own.

An execution that ended in any way, at any moment, and a file that no reader can stand, leave nothing behind.
"""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from local.driver import FINAL
from tests.integration.faults.lab import Scenario, until

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
    scenario.settle()
    scenario.check()


@pytest.mark.parametrize("moment", ["before it is recovered", "while it is recovered"])
def test_an_execution_that_is_aborted_while_it_publishes(scenario_of: MakeScenario, moment: str) -> None:
    scenario = scenario_of(f"execution aborted in Publish, which goes on {moment}")
    lab = scenario.lab
    scenario.land("flights", 2)
    scenario.registered()
    (batch_id,) = lab.tick("flights")
    hold = {"effect": "hold", "service": "s3", "operation": "CopyObject", "principal": "processing", "when": "after"}
    seen = {"effect": "delay", "service": "dynamodb", "operation": "GetItem", "principal": "error-handler"}
    with scenario.inject(hold, seen):
        until(lambda: lab.fired(f"{scenario.fault}-0"), "a copied file")
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
        if moment == "while it is recovered":
            until(lambda: lab.fired(f"{scenario.fault}-1"), "the error handler to look at the batch")
    scenario.settle()
    scenario.check()


def test_an_execution_that_is_aborted_after_its_batch_was_published(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted after Publish")
    lab = scenario.lab
    lab.forget("planes")
    scenario.land("planes", 2)
    scenario.registered()
    (batch_id,) = lab.tick("planes")
    # The table is there all the same: processing has made it.
    refused = {"effect": "error", "service": "glue", "operation": "StartCrawler", "code": "CrawlerRunningException"}
    with scenario.inject(refused | {"times": 0}):
        until(lambda: lab.fired(f"{scenario.fault}-0"), "the crawler to be started")
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
    scenario.settle()
    scenario.check()


def test_a_dead_execution_that_no_handler_heard_of_is_noticed(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted, error_handler killed")
    lab = scenario.lab
    scenario.land("planes", 2)
    scenario.registered()
    (batch_id,) = lab.tick("planes")
    with scenario.inject({"effect": "kill", "principal": "error-handler", "times": 0}):
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
        until(lambda: lab.fired(f"{scenario.fault}-0"), "a death")
        lab.left("planes", "etl-trigger", "error-handler")
    scenario.settle()
    scenario.check()


def test_a_publish_that_died_with_its_execution_is_carried_to_its_end(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted in Publish, which died")
    lab = scenario.lab
    scenario.land("airlines", 2)
    scenario.registered()
    (batch_id,) = lab.tick("airlines")
    with scenario.inject({**PROCESSING, "service": "s3", "operation": "CopyObject", "times": 0}):
        until(lambda: lab.fired(f"{scenario.fault}-0"), "a death")
        lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
        lab.left("airlines", "error-handler", "processing")
    scenario.settle()
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


MEETINGS: dict[str, dict[str, Any]] = {
    "conclude": {"operation": "UpdateItem", "text": "DELETE #running", "code": "TransactionConflictException"},
    "a file is claimed": {"operation": "UpdateItem", "text": "claimed_at", "code": "TransactionConflictException"},
    "a file is registered": {"operation": "PutItem", "text": "registered_at", "code": "TransactionConflictException"},
    "any transaction": {"operation": "TransactWriteItems", "code": "TransactionCanceledException"},
}


def test_a_write_that_meets_another_ones_transaction_is_tried_again_where_it_stands(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("writes of the ledger that meet a transaction")
    lab = scenario.lab
    rules = [{"effect": "error", "service": "dynamodb", "times": 2, **rule} for rule in MEETINGS.values()]
    with scenario.inject(*rules):
        scenario.land("planes", 2)
        scenario.registered()
        (batch_id,) = lab.tick("planes")
        until(lambda: batch_id not in lab.running(), "the end of the execution")
    scenario.settle()
    scenario.check()
    entered = lab.entered(lab.execution(batch_id))
    assert "Recover" not in entered
    assert (entered.count("Publish"), entered[-1]) == (1, "Published"), "no call failed for it"
