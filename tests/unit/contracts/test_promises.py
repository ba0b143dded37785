"""What a contract promises of its batches: how often they come, and how soon their rows are there."""

from pathlib import Path
from typing import Any

import pytest

from contracts.compiler.checks import LEAST_FREQUENT_HOURS
from tests.unit.contracts.compiling import compiled, refused


@pytest.mark.parametrize("unit", ["h", "hour", "hours", "d", "day", "days"])
def test_a_promise_is_in_hours_whatever_its_unit(tmp_path: Path, unit: str) -> None:
    sla = [{"property": "frequency", "value": 3, "unit": unit}]
    hours = 3.0 * (24 if unit.startswith("d") else 1)
    assert compiled(tmp_path, contract={"slaProperties": sla}).document["frequency_hours"] == hours


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        *[(unit, 1) for unit in ("s", "sec", "second", "seconds")],
        *[(unit, 60) for unit in ("min", "minute", "minutes")],
        *[(unit, 3_600) for unit in ("h", "hour", "hours")],
        *[(unit, 86_400) for unit in ("d", "day", "days")],
    ],
)
def test_a_promised_latency_is_in_seconds_whatever_its_unit(tmp_path: Path, unit: str, seconds: int) -> None:
    sla = [{"property": "latency", "value": 2, "unit": unit}]
    assert compiled(tmp_path, contract={"slaProperties": sla}).document["latency_seconds"] == 2 * seconds


@pytest.mark.parametrize(
    ("value", "taken"),
    [(0, None), (-1, None), (1, 1), (1.9, 1), (2_592_000, 2_592_000), (2_592_001, None), (float("nan"), None)],
)
def test_a_promised_latency_is_up_to_thirty_days(tmp_path: Path, value: float, taken: int | None) -> None:
    sla = {"slaProperties": [{"property": "latency", "value": value, "unit": "s"}]}
    if taken is not None:
        assert compiled(tmp_path, contract=sla).document["latency_seconds"] == taken
    else:
        said = f"orders.odcs.yaml: slaProperties.0: {value} s; allowed are up to 30 days; "
        assert refused(tmp_path, contract=sla) == f"{said}leave it out where nothing is promised"


@pytest.mark.parametrize("unit", ["ms", "millisecond", "milliseconds"])
def test_a_latency_of_an_interface_is_said_not_to_be_watched(tmp_path: Path, unit: str) -> None:
    def sla(value: int) -> dict[str, Any]:
        return {"slaProperties": [{"property": "latency", "value": value, "unit": unit}]}

    for value, seconds in ((1_001, 1), (1_000, 1), (999, None), (1, None)):
        made = compiled(tmp_path, contract=sla(value))
        assert made.document["latency_seconds"] == seconds
        assert any("a shorter latency is not watched" in notice for notice in made.notices) == (seconds is None)
    for value in (0, -1):
        assert f"{value} {unit}; allowed are up to 30 days" in refused(tmp_path, contract=sla(value))


@pytest.mark.parametrize(("value", "unit"), [(True, "s"), ("1", "s"), (1, None), (1, "m"), (1, "y"), (None, "s")])
def test_a_promised_latency_that_is_no_number_of_a_known_unit_is_refused(tmp_path: Path, value: Any, unit: Any) -> None:
    sla = {"slaProperties": [{"property": "latency", "value": value, "unit": unit}]}
    assert "slaProperties.0" in refused(tmp_path, contract=sla)


@pytest.mark.parametrize(
    ("hours", "taken"), [(0, False), (0.5, True), (LEAST_FREQUENT_HOURS, True), (LEAST_FREQUENT_HOURS + 1, False)]
)
def test_a_promise_is_within_what_an_alarm_can_watch(tmp_path: Path, hours: float, taken: bool) -> None:
    sla = {"slaProperties": [{"property": "frequency", "value": hours, "unit": "h"}]}
    if taken:
        assert compiled(tmp_path, contract=sla).document["frequency_hours"] == hours
    else:
        said = f"orders.odcs.yaml: slaProperties.0: {hours} h; allowed are up to 7 days, which is as far as an alarm "
        assert refused(tmp_path, contract=sla) == f"{said}looks back; leave it out where batches come less often"


@pytest.mark.parametrize(("value", "unit"), [(True, "d"), ("1", "d"), (1, None), (1, "D"), (None, "d")])
def test_a_promise_that_is_no_number_of_hours_or_days_is_refused(tmp_path: Path, value: Any, unit: Any) -> None:
    sla = {"slaProperties": [{"property": "frequency", "value": value, "unit": unit}]}
    assert "slaProperties.0" in refused(tmp_path, contract=sla)
