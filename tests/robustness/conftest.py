"""The engine and the Spark job on a bench, beside the oracle."""

from pathlib import Path
from typing import Any

import pytest
from record_engine import Limits

from tests.carriers import Carrier, engine, engine_within, spark_job
from tests.lake import lake, lake_of
from tests.robustness.bad_files import ZOO
from tests.robustness.compare import Bench, MakeBench
from tests.sparks import spark

__all__ = ["lake", "lake_of", "spark"]


@pytest.fixture(params=["engine", "spark"])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """Who stages the batches."""
    return engine if request.param == "engine" else spark_job(request.getfixturevalue("spark"))


@pytest.fixture
def bench(carrier: Carrier, tmp_path: Path) -> MakeBench:
    """Make a bench that compares with the oracle, for the contract of the bad files or one that differs.

    `limits` are those of the engine.
    """

    def make(*, limits: Limits | None = None, **changes: Any) -> Bench:
        if limits is None:
            return Bench(carrier, tmp_path, {**ZOO, **changes})
        return Bench(engine_within(limits), tmp_path, {**ZOO, **changes}, limits.max_record_bytes)

    return make
