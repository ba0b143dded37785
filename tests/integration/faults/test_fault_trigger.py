"""The trigger dies after each of its steps; a later tick goes on from there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Scenario

STEPS: dict[str, dict[str, Any]] = {
    "the batch was opened": {"service": "dynamodb", "operation": "TransactWriteItems"},
    "candidates were written": {"service": "s3", "operation": "PutObject", "text": "candidates.json"},
    "two files were claimed": {"service": "dynamodb", "operation": "UpdateItem", "text": "CLAIMED", "nth": 2},
    "the contract was written": {"service": "s3", "operation": "PutObject", "text": "contract.json"},
    "the manifest was written": {"service": "s3", "operation": "PutObject", "text": "manifest.json"},
    "the execution was started": {"service": "states", "operation": "StartExecution"},
}
DATASETS = ("planes", "weather", "flights")


@pytest.mark.parametrize("steps", [list(STEPS)[:3], list(STEPS)[3:]], ids=["first half", "second half"])
def test_a_killed_trigger_is_finished_by_a_later_tick(scenario_of: Callable[[str], Scenario], steps: list[str]) -> None:
    scenarios = []
    for dataset, step in zip(DATASETS, steps, strict=True):
        scenario = scenario_of(f"trigger killed when {step}")
        scenarios.append(scenario)
        lab = scenario.lab
        scenario.land(dataset, 4)
        scenario.registered()
        with scenario.inject({"effect": "kill", "principal": "etl-trigger", "when": "after", **STEPS[step]}):
            assert lab.tick(dataset) == []
        (opened,) = [batch_id for batch_id, batch in lab.batches(dataset).items() if batch["status"] == "OPEN"]
        assert opened not in lab.tick(dataset), "its lease has not run out"
        assert lab.expire_leases(dataset) == 1
        # Files that it had not claimed may be in another batch by then.
        unclaimed = step in ("the batch was opened", "candidates were written")
        if opened in lab.tick(dataset) or unclaimed:
            continue
        # Else it has gone on by itself.
        assert step == "the execution was started", "a tick after the lease goes on with it"
        assert lab.batches(dataset)[opened]["status"] != "OPEN"
    for scenario in scenarios:
        scenario.settle()
    for scenario in scenarios:
        scenario.check()
