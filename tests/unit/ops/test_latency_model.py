"""The model of AWS's latencies keeps what is promised of it, and follows the settings."""

import pytest
from pydantic import ValidationError

from config.model import PipelineConfig
from ops.latency import Step, landing_to_sql, steps
from recording.program import stack_config

PROMISED_SECONDS = 30


def settings(stack: str, **batches: int) -> PipelineConfig:
    raw = stack_config(stack)["data-pipeline:settings"]
    return PipelineConfig.model_validate(raw | {"batches": raw.get("batches", {}) | batches})


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_small_file_is_in_sql_within_thirty_seconds_nineteen_times_in_twenty(stack: str) -> None:
    assert landing_to_sql(steps(settings(stack)))[1] <= PROMISED_SECONDS


def test_a_longer_window_takes_that_much_longer() -> None:
    short, long = (landing_to_sql(steps(settings("prod", window_seconds=seconds)))[1] for seconds in (10, 20))
    assert long - short == pytest.approx(10)
    assert long > PROMISED_SECONDS


def test_what_is_certain_adds_up_and_what_varies_is_less_than_the_sum_of_its_worst() -> None:
    certain = [Step(step="a", p50=2, p95=2, source="x"), Step(step="b", p50=3, p95=3, source="x")]
    assert list(landing_to_sql(certain)) == pytest.approx([5, 5])
    one = Step(step="c", p50=2, p95=8, source="x")
    middle, most = landing_to_sql([one])
    assert middle == pytest.approx(2, rel=0.03)
    assert most == pytest.approx(8, rel=0.03)
    assert 8 < landing_to_sql([one, one])[1] < 16


@pytest.mark.parametrize(
    "wrong",
    [{}, {"source": "x"}, {"p50": 2, "p95": 1, "source": "x"}, {"source": "x", "p50": 1, "p95": 1, "setting": "y"}],
)
def test_a_step_without_a_source_or_with_times_that_make_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="either a setting, or a source"):
        Step.model_validate({"step": "a", **wrong})
