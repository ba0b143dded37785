"""Spark dies, or does not get to run; another run stages the batch, and the table gets it once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Scenario, until

MakeScenario = Callable[[str], Scenario]
pytestmark = pytest.mark.spark


@pytest.mark.parametrize("process", ["python", "java"])
def test_a_spark_that_is_killed_while_it_writes_is_run_again(scenario_of: MakeScenario, process: str) -> None:
    scenario = scenario_of(f"Spark's {process} process killed while it writes")
    scenario.land("planes", 2)
    scenario.registered()
    (batch_id,) = scenario.lab.tick("planes")
    scenario.lab.kill_spark(process)
    scenario.injected += 1
    scenario.settle()
    scenario.check()
    assert scenario.lab.entered(scenario.lab.execution(batch_id)).count("Recover") == 0, "one retry is the workflow's"


def test_no_file_is_blamed_for_a_spark_that_is_killed_in_both_runs(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("Spark's python and java process killed in the two runs of a file")
    scenario.land("weather")
    scenario.registered()
    (batch_id,) = scenario.lab.tick("weather")
    for process in ("python", "java"):
        scenario.lab.kill_spark(process)
        scenario.injected += 1
        until(lambda: not scenario.lab.staged(), "the run that was killed to end")
    scenario.settle()
    scenario.check()
    assert scenario.lab.batches("weather")[batch_id]["status"] == "RELEASED"


def test_a_job_that_dies_around_its_report_or_has_to_wait_is_run_again(scenario_of: MakeScenario) -> None:
    report = {"service": "s3", "operation": "PutObject", "principal": "raw-to-curated", "text": "report.json"}
    limit = {"effect": "error", "service": "glue", "operation": "StartJobRun", "times": 3}
    rules: dict[str, tuple[str, dict[str, Any]]] = {
        "Spark killed before its report": ("planes", report | {"effect": "kill"}),
        "Spark killed after its report": ("weather", report | {"effect": "kill", "when": "after"}),
        "Glue concurrency exceeded": ("flights", limit | {"code": "ConcurrentRunsExceededException"}),
    }
    scenarios = []
    for fault, (dataset, rule) in rules.items():
        scenario = scenario_of(fault)
        scenarios.append(scenario)
        scenario.land(dataset)
        scenario.registered()
        with scenario.inject({**rule, "text": f"staging/{dataset}/" if "text" in rule else dataset}):
            scenario.lab.tick(dataset)
            if rule.get("times") == 3:
                until(lambda: scenario.lab.fired(f"{fault}-0") == 3, "three refusals")  # noqa: B023  called here
    for scenario in scenarios:
        scenario.settle()
        scenario.check()
