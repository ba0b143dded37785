"""An emulator with faults for each process of the tests, and the pipeline deployed without schedule and ticks.

Batches are staged by the function, as small ones are; by Spark in a second emulator, where a test is marked so.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.deployer import deploy, read_config
from local.emulator import Emulator
from tests.integration.faults.lab import Lab, Scenario
from tests.integration.kept import RESULTS, keep_decisions
from tests.integration.ticks import let_tick

REPOSITORY = Path(__file__).parents[3]


@contextlib.contextmanager
def lab_of(workdir: Path, engine: dict[str, int]) -> Iterator[Lab]:
    """A lab; `engine` are the settings of batches that choose what stages them."""
    config = read_config(REPOSITORY, "local")
    # The tests play the schedule, so that what happens between two ticks is known.
    batches = {
        "schedule_enabled": False,
        "window_seconds": 1,
        "max_concurrent_per_dataset": 2,
        "retry_seconds": 1,
        **engine,
    }
    config["data-pipeline:settings"]["batches"] = batches
    # How long a call of processing may outlive its execution; nobody touches the batch before.
    config["data-pipeline:settings"]["functions"] = {"processing": {"timeout_seconds": 20}}
    config["data-pipeline:settings"]["ingestion"] = {"max_receive_count": 3}
    with Emulator(workdir, wait_scale=0.05, faults=True) as emulator:
        lab = Lab(emulator, deploy(emulator.endpoint, "local", REPOSITORY, config=config))
        lab.redeliver_after(2)
        let_tick(emulator, lab.pipeline, False)
        yield lab
    keep_decisions(emulator)


@pytest.fixture(scope="session")
def stage_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_of(tmp_path_factory.mktemp("faults"), {}) as lab:
        yield lab


@pytest.fixture(scope="session")
def spark_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_of(tmp_path_factory.mktemp("faults-of-spark"), {"small_megabytes": 0}) as lab:
        yield lab


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.getfixturevalue("spark_lab" if request.node.get_closest_marker("spark") else "stage_lab")
    return lab


@pytest.fixture
def scenario_of(lab: Lab, request: pytest.FixtureRequest) -> Callable[[str], Scenario]:
    """Makes scenarios; several of one test run side by side."""
    return lambda fault: Scenario(fault, lab, request.config.stash[RESULTS])


@pytest.fixture
def scenario(scenario_of: Callable[[str], Scenario], request: pytest.FixtureRequest) -> Scenario:
    return scenario_of(request.node.name)
