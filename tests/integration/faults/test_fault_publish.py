"""Publishing stops half-way, or meets another publish; the table gets every row once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Scenario, until
from tests.integration.faults.sources import File

MakeScenario = Callable[[str], Scenario]
PROCESSING = {"effect": "kill", "principal": "processing", "when": "after"}
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "the table was marked": ("planes", {"service": "dynamodb", "operation": "TransactWriteItems"}),
    "one file was copied": ("weather", {"service": "s3", "operation": "CopyObject"}),
}


def test_a_killed_publish_leaves_no_half(scenario_of: MakeScenario) -> None:
    scenarios = []
    for step, (dataset, rule) in STEPS.items():
        scenario = scenario_of(f"processing killed when {step}")
        scenarios.append(scenario)
        # Weather of more than a month: several partitions, so that there is more than one file to copy.
        scenario.land(dataset, 3, size=500 if dataset == "weather" else 30)
        scenario.registered()
        with scenario.inject({**PROCESSING, **rule}):
            assert scenario.lab.tick(dataset)
    for scenario in scenarios:
        scenario.settle()
        scenario.check()


def test_a_publish_that_fails_for_good_is_taken_up_again_by_the_workflow(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("processing refused by S3")
    lab = scenario.lab
    scenario.land("planes", 1)
    scenario.registered()
    # The emulator names every error of a function Runtime.HandlerError, which is not worth another try; on AWS this
    # one has its own name and six tries, after which the way is the same.
    rule = {"effect": "error", "service": "s3", "operation": "CopyObject", "principal": "processing"}
    with scenario.inject(rule | {"code": "AccessDenied"}):
        (batch_id,) = lab.tick("planes")
        until(lambda: lab.fired(f"{scenario.fault}-0") == 1, "the refusal")
    scenario.settle()
    scenario.check()
    entered = lab.entered(lab.execution(batch_id))
    assert (entered.count("Recover"), entered.count("WaitToPublish"), entered[-1]) == (1, 1, "Published")


@pytest.mark.spark
def test_an_execution_that_is_aborted_while_spark_runs_gives_its_files_back(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("execution aborted in Stage")
    lab = scenario.lab
    scenario.land("planes", 2)
    scenario.registered()
    (batch_id,) = lab.tick("planes")
    until(lambda: lab.spark("java"), "Spark to run")
    lab.workflows.stop_execution(executionArn=lab.execution(batch_id))
    scenario.injected += 1
    scenario.settle()
    scenario.check()
    assert lab.batches("planes")[batch_id]["status"] == "RELEASED"


def test_a_crawler_that_runs_already_is_waited_for(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("crawler running already")
    rule = {"effect": "error", "service": "glue", "operation": "StartCrawler", "code": "CrawlerRunningException"}
    scenario.lab.forget("planes")
    scenario.land("planes", 1)
    scenario.registered()
    with scenario.inject(rule | {"times": 4}):
        scenario.lab.tick("planes")
        until(lambda: scenario.lab.fired(f"{scenario.fault}-0") == 4, "four refusals")
    scenario.settle()
    scenario.check()


def test_a_first_crawl_that_takes_its_time_is_waited_for(scenario_of: MakeScenario) -> None:
    """On AWS it takes minutes, and Glue knows of no last crawl meanwhile."""
    scenario = scenario_of("first crawl slower than the first look at it")
    lab = scenario.lab
    lab.forget("planes")
    scenario.land("planes", 1)
    scenario.registered()
    with scenario.inject({"effect": "hold", "service": "glue", "operation": "GetTable", "principal": "crawler"}):
        (batch_id,) = lab.tick("planes")
        until(
            lambda: lab.entered(lab.execution(batch_id)).count("WaitForCrawler") > 1 or batch_id not in lab.running(),
            "a second look at the crawl",
        )
    scenario.settle()
    scenario.check()
    assert lab.entered(lab.execution(batch_id))[-1] == "Published"


def test_two_batches_of_one_dataset_at_once_with_the_same_keys(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("two batches at once with overlapping keys")
    lab = scenario.lab
    rows = scenario.rows("airlines", 60)
    scenario.put(File("airlines/overlap-0.csv", rows[:40]))
    scenario.registered()
    slow = {"effect": "delay", "seconds": 4, "times": 2, "service": "s3", "operation": "PutObject"}
    with scenario.inject({**slow, "principal": "stage", "text": "staging/airlines/"}):
        started = lab.tick("airlines")
        scenario.put(File("airlines/overlap-1.csv", rows[20:]))
        scenario.registered()
        started += lab.tick("airlines")
        assert len(started) == 2
        assert set(lab.running()) == set(started), "both run"
    scenario.settle()
    runs = [lab.entered(lab.execution(batch_id)).count("StageSmall") for batch_id in started]
    assert sorted(runs) == [1, 2], "the slower one read the table again"
    scenario.check()
