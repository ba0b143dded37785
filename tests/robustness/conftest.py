"""The engine and the Spark job on a bench, beside the oracle."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from record_engine import Limits

from tests.carriers import Carrier, engine, spark_job
from tests.lake import lake, lake_of
from tests.robustness.bad_files import ZOO
from tests.robustness.compare import Bench, MakeBench
from tests.sparks import spark

__all__ = ["lake", "lake_of", "spark"]

DEFAULT = Limits()


@pytest.fixture(params=["engine", "spark"])
def carrier_within(request: pytest.FixtureRequest) -> Callable[[Limits | None], Carrier]:
    """Who stages the batches, within limits."""
    return engine if request.param == "engine" else partial(spark_job, request.getfixturevalue("spark"))


@pytest.fixture
def carrier(carrier_within: Callable[[Limits | None], Carrier]) -> Carrier:
    """Who stages the batches."""
    return carrier_within(None)


@pytest.fixture
def bench(carrier_within: Callable[[Limits | None], Carrier], tmp_path: Path) -> MakeBench:
    """Make a bench that compares with the oracle, for the contract of the bad files or one that differs.

    `limits` are those of the engine.
    """

    def make(*, limits: Limits = DEFAULT, **changes: Any) -> Bench:
        return Bench(carrier_within(limits), tmp_path, {**ZOO, **changes})

    return make
