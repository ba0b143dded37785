"""A table to which the engine stages batches."""

import pytest

from tests.carriers import Carrier, engine
from tests.lake import lake, lake_of

__all__ = ["lake", "lake_of"]


@pytest.fixture
def carrier() -> Carrier:
    return engine()
