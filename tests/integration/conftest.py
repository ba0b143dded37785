"""One emulator with the pipeline deployed for each module of integration tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deployer import deploy
from local.emulator import Emulator
from local.run import Pipeline

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def pipeline(emulator: Emulator) -> Pipeline:
    pipeline = Pipeline(emulator, deploy(emulator.endpoint, "local", REPOSITORY))
    pipeline.subscribe()
    return pipeline
