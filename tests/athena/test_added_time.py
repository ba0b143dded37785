"""The quick engine answers a dashboard in hardly more time than DuckDB alone."""

import pytest

from tests.benchmarks.athena import measured

pytestmark = pytest.mark.athena


def test_the_quick_engine_takes_at_most_two_and_a_half_times_what_duckdb_does() -> None:
    """A ratio in one run: milliseconds would be about the machine."""
    ratios = [found.quick / found.duckdb for found in measured()]
    assert len(ratios) == 12
    assert max(ratios) <= 2.5, ratios
