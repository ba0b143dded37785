"""How long a landed file takes to SQL on AWS: a model, from config/latencies.yaml and a stack's settings."""

import random
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import yaml
from pipeline_core.ticks import SETTLE_SECONDS
from pydantic import BaseModel, ConfigDict, model_validator

from config.model import PipelineConfig

FILE: Final = Path(__file__).parent.parent / "config" / "latencies.yaml"
RUNS: Final = 20_000
# A logarithm of 1.6449 standard deviations lies above nineteen in twenty.
P95_DEVIATIONS: Final = 1.6449


class Step(BaseModel):
    """One step: how long it takes by its median and its 95th percentile, or which setting says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    p50: float = 0
    p95: float = 0
    source: str = ""
    setting: str = ""

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "Step":
        if bool(self.setting) == bool(self.source) or (self.source and not 0 < self.p50 <= self.p95):
            raise ValueError(f"{self.step}: either a setting, or a source with 0 < p50 <= p95")
        return self

    def of(self, settings: PipelineConfig) -> "Step":
        """The step with its times, where a setting says them."""
        if not self.setting:
            return self
        section, name = self.setting.split(".")
        seconds = float(getattr(getattr(settings, section), name))
        if self.setting == "batches.window_seconds":
            seconds += SETTLE_SECONDS
        return Step(step=self.step, p50=max(seconds, 0.001), p95=max(seconds, 0.001), source=f"`{self.setting}`")


class Latencies(BaseModel):
    """The steps, one after the other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: object
    steps: tuple[Step, ...]


def steps(settings: PipelineConfig) -> list[Step]:
    """Read the steps, for a stack with these settings."""
    return [
        step.of(settings) for step in Latencies.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8"))).steps
    ]


def landing_to_sql(taken: list[Step]) -> tuple[float, float]:
    """Return the median and the 95th percentile of all steps together: each by itself, with a log-normal distribution.

    The same numbers come out each time.
    """
    chance = random.Random(1)
    sums = [
        sum(step.p50 * (step.p95 / step.p50) ** (chance.gauss(0, 1) / P95_DEVIATIONS) for step in taken)
        for _ in range(RUNS)
    ]
    return median(sums), quantiles(sums, n=20)[-1]
