"""Of batches whose execution ended with the emulator, `make local` takes those that etl_trigger has not taken since."""

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.driver import Pipeline

STARTED, TIMEOUT = 2_000_000_000.7, 900
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:pipeline"


class MissingError(Exception):
    """There is no such execution."""


def recovered(monkeypatch: pytest.MonkeyPatch, execution: dict[str, Any] | None, lease: int) -> list[dict[str, Any]]:
    """What error_handler is asked at two starts of one emulator, a minute after it began."""
    asked: list[dict[str, Any]] = []

    def described(*, executionArn: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        assert executionArn == MACHINE.replace(":stateMachine:", ":execution:") + ":b1"
        if execution is None:
            raise MissingError
        return execution

    with mock_aws():
        ledger = boto3.client("dynamodb")
        ledger.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        dataset = {"pk": {"S": "dataset#orders"}}
        ledger.put_item(TableName="ledger", Item={**dataset, "sk": {"S": "state"}, "running": {"SS": ["b1"]}})
        ledger.put_item(TableName="ledger", Item={**dataset, "sk": {"S": "batch#b1"}, "lease_until": {"N": str(lease)}})
        clients = {
            "dynamodb": ledger,
            "stepfunctions": SimpleNamespace(
                describe_execution=described, exceptions=SimpleNamespace(ExecutionDoesNotExist=MissingError)
            ),
            "lambda": SimpleNamespace(
                get_function_configuration=lambda FunctionName: {"Timeout": TIMEOUT},  # noqa: N803
                invoke=lambda **call: asked.append(call),
            ),
        }
        outputs = {
            "datasets": ["orders", "never_landed"],
            "ledger_table": "ledger",
            "state_machine_arn": MACHINE,
            "functions": {"processing": "p", "error_handler": "e"},
        }
        emulator: Any = SimpleNamespace(client=clients.get)
        deployment: Any = SimpleNamespace(outputs=outputs)
        monkeypatch.setattr("local.driver.time", SimpleNamespace(time=lambda: STARTED + 60))
        for _ in range(2):
            Pipeline(emulator, deployment).recover_aborted(STARTED)
    assert all(call["FunctionName"] == "e" and call["InvocationType"] == "Event" for call in asked)
    return [json.loads(call["Payload"]) for call in asked]


@pytest.mark.parametrize("lease", [1_999_999_000, 2_000_000_000, 2_000_000_000 + TIMEOUT - 1])
def test_one_that_nobody_took_since_is_recovered_once(monkeypatch: pytest.MonkeyPatch, lease: int) -> None:
    [asked] = recovered(monkeypatch, {"status": "ABORTED", "cause": "stopped"}, lease)
    assert (asked["dataset"], asked["batch_id"], asked["left"]) == ("orders", "b1", True)
    assert (asked["error"]["Error"], asked["error"]["Cause"]) == ("ABORTED", "stopped")


@pytest.mark.parametrize("lease", [2_000_000_000 + TIMEOUT, 2_000_000_000 + TIMEOUT + 1])
def test_one_that_etl_trigger_took_since_is_left_to_it(monkeypatch: pytest.MonkeyPatch, lease: int) -> None:
    assert recovered(monkeypatch, {"status": "ABORTED", "cause": "stopped"}, lease) == []


def test_one_that_a_person_stopped_without_a_word_is_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    [asked] = recovered(monkeypatch, {"status": "ABORTED"}, 0)
    assert asked["error"]["Error"] == "ABORTED"


@pytest.mark.parametrize("execution", [None, {"status": "RUNNING"}, {"status": "SUCCEEDED"}])
def test_one_whose_execution_was_not_aborted_is_left(
    monkeypatch: pytest.MonkeyPatch, execution: dict[str, Any] | None
) -> None:
    assert recovered(monkeypatch, execution, 0) == []
