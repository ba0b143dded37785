"""What the cost model says follows from what is declared, from what was measured, and from the prices."""

import copy
from dataclasses import replace

import pytest

from config import prices
from local.cost_measurement import _metrics
from ops.cost.batch import LOADS, Limits, Load, batch_dollars, batch_usage, job, textbook_dollars, textbook_usage
from ops.cost.idle import idle_dollars_per_month, unpriced
from ops.cost.usage import UNITS, dollars_of, measured
from tests.unit.infrastructure.cloud import deploy, main_program, pipeline, pipeline_in_network, stack_config
from tests.unit.infrastructure.test_many_datasets import program_of

PROD = Limits(
    max_files=1_000, max_bytes=20 * prices.GIGABYTE, small_bytes=256_000_000, max_workers=20, timeout_minutes=60
)
SPARK_ONLY = replace(PROD, small_bytes=0)
TEXTBOOK_SHARE = 100
"""A batch of a megabyte costs at most that part of the textbook design."""


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
    alarms = [each for each in resources if each.type.endswith(":MetricAlarm")]
    found = idle_dollars_per_month(resources)
    rounds = prices.HOURS_A_MONTH / 6
    metric = dollars_of({"cloudwatch_metric_hours": rounds * measured()["maintenance"]["cloudwatch_metric_hours"]})
    expected = len(alarms) * 0.10 + 0.50 + metric["CloudWatch"]
    assert found["CloudWatch"] == pytest.approx(expected, abs=0.01), "alarms, one of them composite, and what is behind"
    assert "Glue" not in found, "no crawler runs by itself"
    assert found["KMS"] >= 1


def test_a_crawler_costs_its_daily_runs_only_where_there_are_some() -> None:
    config = copy.deepcopy(stack_config("dev"))
    config["data-pipeline:settings"]["glue"] = {"crawl_daily_at_utc": "03:30"}
    resources = deploy(main_program, config=config, stack="dev").resources
    (crawler,) = [each for each in resources if each.type.endswith(":Crawler")]
    assert crawler.inputs["schedule"] == "cron(30 3 * * ? *)"
    assert idle_dollars_per_month(resources)["Glue"] == pytest.approx(730.5 / 24 * 2 * 10 / 60 * 0.44)


def test_a_quiet_month_of_dev_costs_eight_dollars_at_most_with_all_its_alarms() -> None:
    assert 4 < sum(idle_dollars_per_month(pipeline("dev").resources).values()) <= 8


def test_a_quiet_month_costs_no_more_with_two_hundred_datasets() -> None:
    """But for the looks at them: each is a read every quarter of an hour."""
    few, many = (sum(idle_dollars_per_month(program_of(count, False).resources).values()) for count in (2, 200))
    assert many == pytest.approx(few)


def test_a_round_of_maintenance_is_counted_as_it_was_measured() -> None:
    schedules = [each for each in pipeline("dev").resources if each.inputs.get("scheduleExpression")]
    [maintenance] = [each for each in schedules if each.inputs["scheduleExpression"] == "rate(6 hours)"]
    rounds = prices.HOURS_A_MONTH / 6
    expected = {unit: rounds * count for unit, count in measured()["maintenance"].items()}
    assert idle_dollars_per_month([maintenance]) == pytest.approx(dollars_of(expected))
    ticks = {unit: 24 * 4 * 730.5 / 24 * count for unit, count in measured()["idle_tick"].items()}
    ticks["cloudwatch_metric_hours"] = 730.5 * measured()["idle_tick"].get("cloudwatch_metric_hours", 0)
    for schedule in schedules:
        if schedule is not maintenance:
            assert idle_dollars_per_month([schedule])["Lambda"] == pytest.approx(dollars_of(ticks)["Lambda"])
    assert measured()["maintenance"]["s3_reads"] > measured()["idle_tick"].get("s3_reads", 0)


def test_a_batch_of_a_megabyte_costs_a_hundredth_of_the_textbook_design() -> None:
    ours, textbook = sum(batch_dollars(LOADS[0], PROD).values()), textbook_dollars(LOADS[0], max_workers=20)
    assert LOADS[0].bytes == 1_000_000
    assert 0 < ours <= textbook / TEXTBOOK_SHARE


def test_the_engine_of_a_batch_is_the_one_that_the_trigger_would_choose() -> None:
    small, large = (Load(title="", files=1, bytes=size) for size in (PROD.small_bytes, PROD.small_bytes + 1))
    assert "glue_dpu_seconds" not in batch_usage(small, PROD)
    assert batch_usage(large, PROD)["glue_dpu_seconds"] >= 2 * 60


def test_every_load_on_the_page_can_be_run_before_the_timeout() -> None:
    for load in LOADS:
        assert sum(batch_dollars(load, PROD).values()) > 0


def test_a_load_whose_run_would_be_killed_has_no_price() -> None:
    load = Load(title="a terabyte at once", files=1, bytes=1_000 * prices.GIGABYTE)
    with pytest.raises(ValueError, match=r"a terabyte at once: .* is killed after 60; lower batches\.max_gigabytes"):
        batch_usage(load, replace(PROD, max_files=1, max_bytes=load.bytes))


def test_a_flood_of_bytes_is_as_many_batches_as_a_run_can_read() -> None:
    load = Load(title="", files=100, bytes=100 * prices.GIGABYTE)
    seconds = 5 * 20 * job().seconds(20 * prices.GIGABYTE, 20)
    assert batch_usage(load, PROD)["glue_dpu_seconds"] == pytest.approx(seconds)


def test_a_run_is_billed_for_a_minute_and_a_crawl_for_ten() -> None:
    one = Load(title="", files=1, bytes=1_000)
    assert batch_usage(one, SPARK_ONLY)["glue_dpu_seconds"] == 2 * 60, "two workers, a minute"
    assert textbook_usage(one, max_workers=20)["glue_dpu_seconds"] == 2 * 60 + 2 * 600


def test_every_unit_that_was_measured_has_a_price_and_every_price_a_use() -> None:
    counted = {
        unit
        for engine in ("stage", "spark")
        for run in ("batch_of_one_file", "batch_of_many_files", "batch_of_changes")
        for unit in measured()[engine][run]["usage"]
    }
    assert counted | measured()["idle_tick"].keys() | measured()["maintenance"].keys() <= UNITS.keys()
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
