"""The function that stages small batches dies; Spark stages the batch then, and the table gets it once."""

from collections.abc import Callable
from typing import Any

from pipeline_core.report import SPARK

from tests.integration.faults.lab import Scenario

MakeScenario = Callable[[str], Scenario]
KILL: dict[str, Any] = {"effect": "kill", "service": "s3", "principal": "stage"}
MOMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "while it reads": ("flights", {"operation": "GetObject", "when": "after", "text": "flights/"}),
    "before its report": ("planes", {"operation": "PutObject", "text": "staging/planes/"}),
    "after its report": ("weather", {"operation": "PutObject", "when": "after", "text": "report.json"}),
}


def test_a_batch_of_a_function_that_is_killed_is_done_by_spark(scenario_of: MakeScenario) -> None:
    scenarios = []
    for moment, (dataset, rule) in MOMENTS.items():
        scenario = scenario_of(f"stage killed {moment}")
        scenarios.append((dataset, scenario))
        scenario.land(dataset)
        scenario.registered()
        with scenario.inject({**KILL, **rule}):
            scenario.lab.tick(dataset)
    for dataset, scenario in scenarios:
        scenario.settle()
        scenario.check()
        *_, batch_id = scenario.lab.batches(dataset)
        entered = scenario.lab.entered(scenario.lab.execution(batch_id))
        assert (entered.count("StageSmall"), entered.count("Stage"), entered[-1]) == (1, 1, "Published")
        assert scenario.lab.pipeline.report(dataset, batch_id)["engine"] == SPARK
