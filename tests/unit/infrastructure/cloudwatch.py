"""What CloudWatch would make of data points: the state of an alarm as declared, and of one over others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# How many periods more than it evaluates CloudWatch asks for: where the last ones are missing, it takes older ones.
EARLIER_PERIODS = 3
COMPARISONS = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


@dataclass(frozen=True)
class Point:
    """A value of a metric, by the id that the alarm gives it; `minutes` ago by its own time."""

    metric: str
    minutes: float
    value: float


def metrics(alarm: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics that an alarm looks at, by id; the only one of an alarm without an expression is `m`."""
    if "metricQueries" not in alarm:
        names = ("namespace", "metricName", "dimensions", "period")
        return {"m": {**{name: alarm[name] for name in names}, "stat": alarm["statistic"]}}
    return {query["id"]: query["metric"] for query in alarm["metricQueries"] if "metric" in query}


def state(alarm: Mapping[str, Any], points: Sequence[Point], before: str = "OK") -> str:
    """Say OK or ALARM. Missing data, late data and M of N are treated as CloudWatch's guide describes it."""
    if not points and alarm["treatMissingData"] == "ignore":
        return before
    wanted = int(alarm["evaluationPeriods"])
    found = [_value(alarm, points, back) for back in range(wanted + EARLIER_PERIODS)]
    if sum(value is not None for value in found) >= wanted:
        considered = [value for value in found if value is not None][:wanted]
        breaching = sum(_breaches(alarm, value) for value in considered)
    else:
        breaching = sum(
            alarm["treatMissingData"] == "breaching" if value is None else _breaches(alarm, value)
            for value in found[:wanted]
        )
    return "ALARM" if breaching >= int(alarm["datapointsToAlarm"]) else "OK"


def _breaches(alarm: Mapping[str, Any], value: float) -> bool:
    return bool(COMPARISONS[alarm["comparisonOperator"]](value, alarm["threshold"]))


def _value(alarm: Mapping[str, Any], points: Sequence[Point], back: int) -> float | None:
    values = {
        id_: _statistic(metric["stat"], [point.value for point in points if _in(point, id_, metric["period"], back)])
        for id_, metric in metrics(alarm).items()
    }
    expressions = [query["expression"] for query in alarm.get("metricQueries", []) if "expression" in query]
    if not expressions:
        return values["m"]
    try:
        result = eval(expressions[0], {"FILL": lambda one, other: other if one is None else one}, values)
    except (TypeError, ZeroDivisionError):
        # An expression over a missing value, or divided by zero, has no data point.
        return None
    return None if result is None else float(result)


def _in(point: Point, id_: str, period: float, back: int) -> bool:
    return point.metric == id_ and back * period <= point.minutes * 60 < (back + 1) * period


def _statistic(name: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    match name:
        case "Sum":
            return sum(values)
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case _:
            raise NotImplementedError(name)


def composite_state(rule: str, states: Mapping[str, str]) -> str:
    """Say OK or ALARM for a rule that is `ALARM("a") OR ALARM("b")`."""
    parts = rule.split(" OR ")
    names = [re.fullmatch(r'ALARM\("([^"]+)"\)', part) for part in parts]
    assert all(names), f"{rule} is another kind of rule"
    return "ALARM" if any(name and states[name[1]] == "ALARM" for name in names) else "OK"
