"""The alarms of a stack, as CloudWatch has them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import boto3

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ON: Final = "ALARM"
"""The state of an alarm that somebody should look at."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm of CloudWatch; `state` is OK, ALARM or INSUFFICIENT_DATA."""

    name: str
    state: str
    since: datetime | None = None
    reason: str = ""
    description: str = ""


def alarms(stack: str, state: Literal["ALARM"] | None = None) -> tuple[Alarm, ...]:
    """List a stack's alarms, or those in one state, by name."""
    client: CloudWatchClient = boto3.client("cloudwatch")
    asked: dict[str, Any] = {"StateValue": state} if state else {}
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"data-pipeline-{stack}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"], **asked
    )
    found = [
        Alarm(
            name=alarm["AlarmName"],
            state=alarm["StateValue"],
            since=alarm["StateUpdatedTimestamp"].astimezone(UTC) if "StateUpdatedTimestamp" in alarm else None,
            reason=alarm.get("StateReason", ""),
            description=alarm.get("AlarmDescription", ""),
        )
        for page in pages
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        if state in (None, alarm["StateValue"])
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.name))
