"""A table to which the engine stages batches."""

import pytest

from tests.carriers import Carrier, engine
from tests.iceberg_lake import iceberg_lake_of
from tests.lake import lake, lake_of

__all__ = ["iceberg_lake_of", "lake", "lake_of"]


@pytest.fixture
def carrier() -> Carrier:
    return engine()
