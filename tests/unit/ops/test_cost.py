"""What the cost model says follows from what is declared, from what was measured, and from the prices."""

import pytest

from config import prices
from local.cost_measurement import _metrics
from ops.cost.batch import LOADS, Limits, Load, batch_dollars, batch_usage, job, textbook_usage
from ops.cost.idle import idle_dollars_per_month, unpriced
from ops.cost.usage import UNITS, dollars_of, measured
from tests.unit.infrastructure.cloud import pipeline, pipeline_in_network

PROD = Limits(max_files=1_000, max_bytes=20 * prices.GIGABYTE, max_workers=20, timeout_minutes=60)


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
def test_somebody_has_said_what_every_resource_costs_idle(stack: str) -> None:
    assert unpriced(pipeline(stack).resources) == set()


def test_a_network_costs_its_endpoints_by_the_hour_and_zone() -> None:
    resources = pipeline_in_network().resources
    assert unpriced(resources) == set()
    found = idle_dollars_per_month(resources)["VPC"]
    assert found == pytest.approx(9 * 2 * 730.5 * 0.01), "nine interface endpoints in two zones"
    assert "VPC" not in idle_dollars_per_month(pipeline("prod").resources)


def test_the_idle_price_is_the_sum_of_what_is_always_there() -> None:
    resources = pipeline("dev").resources
    crawlers = [each for each in resources if each.type.endswith("Crawler") and each.inputs.get("schedule")]
    assert len(crawlers) >= 5
    found = idle_dollars_per_month(resources)
    assert found["Glue"] == pytest.approx(len(crawlers) * 730.5 / 24 * 2 * 10 / 60 * 0.44)
    assert found["KMS"] >= 1
    # Two counts of a quiet month: twelve ticks an hour are twelve calls, and one hour of a metric.
    by_tick = {unit: count for unit, count in measured()["idle_tick"].items() if unit == "cloudwatch_metric_hours"}
    assert by_tick["cloudwatch_metric_hours"] * 0.30 == pytest.approx(
        dollars_of({"cloudwatch_metric_hours": by_tick["cloudwatch_metric_hours"] * 730.5})["CloudWatch"]
    )


def test_every_load_on_the_page_can_be_run_before_the_timeout() -> None:
    for load in LOADS:
        assert sum(batch_dollars(load, PROD).values()) > 0


def test_a_load_whose_run_would_be_killed_has_no_price() -> None:
    load = Load(title="a terabyte at once", files=1, bytes=1_000 * prices.GIGABYTE)
    with pytest.raises(ValueError, match=r"a terabyte at once: .* is killed after 60; lower batches\.max_gigabytes"):
        batch_usage(load, Limits(max_files=1, max_bytes=load.bytes, max_workers=20, timeout_minutes=60))


def test_a_flood_of_bytes_is_as_many_batches_as_a_run_can_read() -> None:
    load = Load(title="", files=100, bytes=100 * prices.GIGABYTE)
    seconds = 5 * 20 * job().seconds(20 * prices.GIGABYTE, 20)
    assert batch_usage(load, PROD)["glue_dpu_seconds"] == pytest.approx(seconds)


def test_a_run_is_billed_for_a_minute_and_a_crawl_for_ten() -> None:
    one = Load(title="", files=1, bytes=1_000)
    assert batch_usage(one, PROD)["glue_dpu_seconds"] == 2 * 60, "two workers, a minute"
    assert textbook_usage(one, max_workers=20)["glue_dpu_seconds"] == 2 * 60 + 2 * 600


def test_every_unit_that_was_measured_has_a_price_and_every_price_a_use() -> None:
    counted = {unit for run in ("batch_of_one_file", "batch_of_many_files") for unit in measured()[run]["usage"]}
    assert counted | measured()["idle_tick"].keys() <= UNITS.keys()
    with pytest.raises(KeyError):
        dollars_of({"a_unit_without_a_price": 1})


def test_metrics_in_the_log_are_counted_once_for_each_set_of_dimensions() -> None:
    line = (
        '{"_aws": {"CloudWatchMetrics": [{"Namespace": "N", "Dimensions": [["service", "dataset"]], '
        '"Metrics": [{"Name": "A"}, {"Name": "B"}]}]}, "service": "processing", "dataset": "%s"}'
    )
    found = {metric for name in ("x", "y", "x") for metric in _metrics(line % name)}
    assert len(found) == 4
    assert list(_metrics('{"level": "INFO"}')) == []
    assert list(_metrics("START RequestId")) == []
