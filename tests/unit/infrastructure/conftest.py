import pytest

from tests.unit.infrastructure.cloud import STACKS, Cloud, pipeline


@pytest.fixture(params=STACKS)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """What every stack declares: rules hold in all of them."""
    return pipeline(request.param)


@pytest.fixture
def dev() -> Cloud:
    return pipeline("dev")


@pytest.fixture
def prod() -> Cloud:
    return pipeline("prod")
