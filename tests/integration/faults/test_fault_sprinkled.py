"""Every service is short of capacity now and then; retries carry the batch through."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.faults.lab import Scenario

MakeScenario = Callable[[str], Scenario]
DYNAMODB: dict[str, Any] = {
    "effect": "error",
    "service": "dynamodb",
    "code": "ProvisionedThroughputExceededException",
    "times": 2,
}
S3: dict[str, Any] = {"effect": "error", "service": "s3", "code": "SlowDown", "times": 2}


@pytest.mark.parametrize("engine", ["stage", pytest.param("raw-to-curated", marks=pytest.mark.spark)])
def test_throttling_everywhere_loses_nothing(scenario_of: MakeScenario, engine: str) -> None:
    scenario = scenario_of(f"DynamoDB throttled and S3 slowed down in every function and in {engine}")
    rules = [
        DYNAMODB | {"principal": "ingestion", "nth": 2},
        S3 | {"principal": "ingestion", "nth": 2},
        DYNAMODB | {"principal": "etl-trigger", "nth": 3},
        DYNAMODB | {"principal": "etl-trigger", "operation": "TransactWriteItems"},
        S3 | {"principal": "etl-trigger", "nth": 4},
        S3 | {"principal": "etl-trigger", "operation": "PutObject"},
        DYNAMODB | {"principal": "states", "operation": "GetItem"},
        S3 | {"principal": engine, "operation": "GetObject"},
        S3 | {"principal": engine, "operation": "PutObject"},
        DYNAMODB | {"principal": "processing", "nth": 2},
        DYNAMODB | {"principal": "processing", "operation": "TransactWriteItems"},
        S3 | {"principal": "processing", "operation": "CopyObject"},
        S3 | {"principal": "processing", "operation": "GetObject", "nth": 2},
        DYNAMODB | {"principal": "notification"},
    ]
    with scenario.inject(*rules):
        scenario.land("planes", 2)
        scenario.land("weather", 2)
        scenario.registered()
        scenario.settle()
    scenario.check()
