"""Nobody plays the schedule here: the pipeline's own ticks bring every file to its end, whoever dies beside them."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Lab, Scenario, until

MakeScenario = Callable[[str], Scenario]
SEND: dict[str, Any] = {"service": "sqs", "operation": "SendMessage"}
NOTE: dict[str, Any] = {"service": "dynamodb", "operation": "UpdateItem"}
DEATHS: dict[str, dict[str, Any]] = {
    "ingestion killed before it sent a tick": {"principal": "ingestion", "when": "before", **SEND},
    "ingestion killed when it had sent a tick": {"principal": "ingestion", "when": "after", **SEND},
    "ingestion killed when it had marked a tick": {
        "principal": "ingestion",
        "when": "after",
        "text": "due_at_ms",
        **NOTE,
    },
    "trigger killed before it took a tick": {
        "principal": "etl-trigger",
        "when": "before",
        "text": "taken_at_ms",
        **NOTE,
    },
    "trigger killed when it had taken a tick": {
        "principal": "etl-trigger",
        "when": "after",
        "text": "taken_at_ms",
        **NOTE,
    },
    "trigger killed when a tick had opened a batch": {
        "principal": "etl-trigger",
        "when": "after",
        "service": "dynamodb",
        "operation": "TransactWriteItems",
    },
}
DATASETS = ("planes", "weather", "flights")


@pytest.mark.parametrize("faults", [list(DEATHS)[:3], list(DEATHS)[3:]], ids=["ingestion", "trigger"])
def test_no_tick_is_lost_when_a_function_dies_beside_it(scenario_of: MakeScenario, faults: list[str]) -> None:
    scenarios = [scenario_of(fault) for fault in faults]
    with scenarios[0].lab.ticking():
        for scenario, dataset in zip(scenarios, DATASETS, strict=True):
            with scenario.inject({"effect": "kill", "text": dataset, **DEATHS[scenario.fault]}):
                scenario.land(dataset, 2)
            # On AWS, a lease has run out when a tick is delivered again.
            scenario.lab.expire_leases(dataset)
        for scenario in scenarios:
            scenario.settle(schedule=False)
    for scenario in scenarios:
        scenario.check()


ENDS: dict[str, dict[str, Any]] = {
    "processing killed before the tick of a batch's end": {"principal": "processing", "when": "before", **SEND},
    "processing killed after the tick of a batch's end": {"principal": "processing", "when": "after", **SEND},
}


def test_what_landed_while_a_batch_ran_is_claimed_at_its_end_though_processing_dies(scenario_of: MakeScenario) -> None:
    # Two batches of a dataset may run, so that two have to before a file waits for an end.
    scenarios = [scenario_of(fault) for fault in ENDS]
    lab = scenarios[0].lab
    slow = {"effect": "delay", "seconds": 6, "times": 2, "service": "s3", "principal": "stage"}
    with lab.ticking():
        for scenario, dataset in zip(scenarios, DATASETS, strict=False):
            kill = {"effect": "kill", "text": dataset, **ENDS[scenario.fault]}
            with scenario.inject({**slow, "operation": "PutObject", "text": f"staging/{dataset}/"}, kill):
                for number in (1, 2):
                    scenario.land(dataset, 1)
                    until(functools.partial(runs, lab, dataset, number), f"{number} batches")
                scenario.land(dataset, 1)
        for scenario in scenarios:
            scenario.settle(schedule=False)
    for scenario, dataset in zip(scenarios, DATASETS, strict=False):
        first = min(
            batch["finished_at"] for batch in lab.batches(dataset).values() if batch["batch_id"] in of(scenario)
        )
        assert max(item["claimed_at"] for item in scenario.ledger()) > first, "it did not wait"
        scenario.check()


def runs(lab: Lab, dataset: str, number: int) -> bool:
    """Whether so many batches of a dataset run."""
    return len(lab.state(dataset).get("running", ())) == number


def of(scenario: Scenario) -> set[str]:
    """The batches of a scenario's files."""
    return {item["batch_id"] for item in scenario.ledger()}
