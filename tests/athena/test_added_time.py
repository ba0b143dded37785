"""The quick engine answers a dashboard in hardly more time than DuckDB alone."""

import pytest

from tests.benchmarks.athena import measured

pytestmark = pytest.mark.athena


def test_the_quick_engine_adds_at_most_thirty_milliseconds() -> None:
    added = [found.milliseconds for found in measured()]
    assert len(added) == 12
    assert max(added) <= 30, added
