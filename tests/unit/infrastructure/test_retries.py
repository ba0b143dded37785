"""How long AWS tries to deliver what calls a function, as docs/guarantees.md promises it. What is left then waits."""

from typing import Any

from tests.unit.infrastructure.cloud import Cloud, DeclaredResource

HOUR, DAY = 3_600, 86_400
# What EventBridge does unless it is told otherwise, and the most that it takes (API reference, RetryPolicy, 2026-11).
EVENTBRIDGES_OWN = {"maximumEventAgeInSeconds": DAY, "maximumRetryAttempts": 185}


def retries(cloud: Cloud, service: str) -> dict[str, Any]:
    """How every target of that service is tried, by the target's name."""
    targets: list[DeclaredResource] = [
        one for one in cloud.of("cloudwatch.EventTarget") if f":{service}:" in one.inputs["arn"]
    ]
    assert targets, "a rule about no targets proves nothing"
    return {one.name: one.inputs.get("retryPolicy", EVENTBRIDGES_OWN) for one in targets}


def test_the_event_of_a_landed_file_is_tried_for_a_day_as_often_as_eventbridge_can(cloud: Cloud) -> None:
    assert retries(cloud, "sqs") == {"data-pipeline-arrival-target": EVENTBRIDGES_OWN}


def test_what_calls_a_function_is_tried_24_times_more_within_an_hour(cloud: Cloud) -> None:
    promised = {"maximumEventAgeInSeconds": HOUR, "maximumRetryAttempts": 24}
    assert [name for name, found in retries(cloud, "lambda").items() if found != promised] == []


def test_a_function_that_fails_on_an_event_is_called_twice_more_within_an_hour(cloud: Cloud) -> None:
    found = [
        (one.inputs["maximumRetryAttempts"], one.inputs["maximumEventAgeInSeconds"])
        for one in cloud.of("lambda.FunctionEventInvokeConfig")
    ]
    # Lambda repeats a call that failed after one minute, and then after two (Lambda developer guide, "Asynchronous
    # invocation", 2026-11); twice is the most that it takes.
    # In the stack local, nobody is told of lineage.
    assert found == [(2, HOUR)] * (6 if any("lineage" in one.name for one in cloud.of("lambda.Function")) else 5)
