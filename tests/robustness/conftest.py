"""The engine and the Spark job on a bench, beside the oracle."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from record_engine import Limits

from tests.carriers import Carrier, engine, spark_job
from tests.iceberg_lake import iceberg_lake_of
from tests.lake import lake, lake_of
from tests.robustness.bad_files import ZOO
from tests.robustness.compare import Bench, MakeBench
from tests.sparks import spark

__all__ = ["iceberg_lake_of", "lake", "lake_of", "spark"]

DEFAULT = Limits()
READING = ("test_bad_input", "test_dialects", "test_json", "test_written_values")
"""Tests of how files are read: both carriers call the same function of the record engine for each of them."""
LONGEST = ("test_iceberg_reader", "test_interleavings")
"""Begun first, so that all processes of the tests end at about the same time."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest first; where SPARK=half, leave out every other case of what Spark only reads."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)
    if os.environ.get("SPARK") != "half":
        return
    left_out = [
        item
        for item in items
        if item.path.stem in READING and "[spark" in item.name and crc32(item.nodeid.encode()) % 2
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


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
