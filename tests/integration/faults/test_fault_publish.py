"""Publishing stops half-way, or meets another publish; the table gets every row once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Scenario, until
from tests.integration.faults.sources import File

MakeScenario = Callable[[str], Scenario]
PROCESSING = {"effect": "kill", "principal": "processing", "when": "after"}
STEPS: dict[str, dict[str, Any]] = {
    "the table was marked": {"service": "dynamodb", "operation": "TransactWriteItems", "nth": 1},
    "one file was copied": {"service": "s3", "operation": "CopyObject", "nth": 1},
    "the publish was counted": {"service": "dynamodb", "operation": "TransactWriteItems", "nth": 2},
    "one file was marked": {"service": "dynamodb", "operation": "UpdateItem", "nth": 1},
}
HALVES = {
    "first half": {"weather": "one file was copied", "planes": "the table was marked"},
    "second half": {"weather": "one file was marked", "planes": "the publish was counted"},
}


@pytest.mark.parametrize("half", HALVES)
def test_a_killed_publish_leaves_no_half(scenario_of: MakeScenario, half: str) -> None:
    scenarios = []
    for dataset, step in HALVES[half].items():
        scenario = scenario_of(f"processing killed when {step}")
        scenarios.append(scenario)
        # More than a month of weather: three partitions, so that files are copied one after the other.
        scenario.land(dataset, 3, size=500 if dataset == "weather" else 30)
        scenario.registered()
        with scenario.inject({**PROCESSING, **STEPS[step]}):
            assert scenario.lab.tick(dataset)
    for scenario in scenarios:
        scenario.settle()
        scenario.check()


@pytest.mark.parametrize("state", ["Stage", "Publish"])
def test_an_execution_that_is_aborted_gives_its_files_back(scenario_of: MakeScenario, state: str) -> None:
    scenario = scenario_of(f"execution aborted in {state}")
    lab = scenario.lab
    scenario.land("planes", 2)
    scenario.registered()
    hold = {"effect": "hold", "service": "s3", "operation": "CopyObject", "principal": "processing", "when": "after"}
    (batch_id,) = lab.tick("planes")
    arn = lab.execution(batch_id)
    if state == "Stage":
        until(lambda: lab.spark("java"), "Spark to run")
        lab.workflows.stop_execution(executionArn=arn)
        scenario.injected += 1
    else:
        with scenario.inject(hold):
            until(lambda: lab.fired(f"{scenario.fault}-0"), "a copied file")
            lab.workflows.stop_execution(executionArn=arn)
    assert state in lab.entered(arn)
    scenario.settle()
    scenario.check()


def test_a_crawler_that_runs_already_is_waited_for(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("crawler running already")
    rule = {"effect": "error", "service": "glue", "operation": "StartCrawler", "code": "CrawlerRunningException"}
    scenario.land("flights", 1)
    scenario.registered()
    with scenario.inject(rule | {"times": 4}):
        scenario.lab.tick("flights")
        until(lambda: scenario.lab.fired(f"{scenario.fault}-0") == 4, "four refusals")
    scenario.settle()
    scenario.check()


def test_two_batches_of_one_dataset_at_once_with_the_same_keys(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("two batches at once with overlapping keys")
    lab = scenario.lab
    rows = scenario.rows("airlines", 60)
    hold = {"effect": "hold", "service": "states", "operation": "StartExecution", "principal": "etl-trigger"}
    with scenario.inject(hold):
        scenario.put(File("airlines/overlap-0.csv", rows[:40]))
        scenario.registered()
    started = lab.tick("airlines")
    scenario.put(File("airlines/overlap-1.csv", rows[20:]))
    scenario.registered()
    started += lab.tick("airlines")
    assert len(started) == 2
    assert set(lab.running()) == set(started), "both run"
    scenario.settle()
    conflicts = [lab.entered(lab.execution(batch_id)).count("Stage") for batch_id in started]
    assert sorted(conflicts) == [1, 2], "the slower one read the table again"
    scenario.injected = 1
    scenario.check()
