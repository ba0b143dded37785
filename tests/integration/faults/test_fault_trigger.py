"""The trigger dies after each of its steps; a later tick goes on from there."""

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


@pytest.mark.parametrize("step", STEPS)
def test_a_trigger_that_dies_after(scenario: Scenario, step: str) -> None:
    lab = scenario.lab
    scenario.land("planes", 4)
    scenario.registered()
    with scenario.fault({"effect": "kill", "principal": "etl-trigger", "when": "after", **STEPS[step]}):
        assert lab.tick("planes") == []
    opened = [batch_id for batch_id, batch in lab.batches("planes").items() if batch["status"] == "OPEN"]
    assert len(opened) == 1
    assert opened[0] not in lab.tick("planes"), "its lease has not run out"
    assert lab.expire_leases("planes") == 1
    scenario.settle()
    scenario.check(f"trigger killed when {step}")
