"""One emulator with faults a module, the pipeline deployed without its schedule, and a table at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.deployer import deploy, read_config
from local.emulator import Emulator
from tests.integration.faults.lab import Lab, Result, Scenario

REPOSITORY = Path(__file__).parents[3]
RESULTS: pytest.StashKey[list[Result]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = []


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    config = read_config(REPOSITORY, "local")
    # The tests play the schedule, so that what happens between two ticks is known.
    config["data-pipeline:settings"]["batches"] = {"schedule_enabled": False, "max_concurrent_per_dataset": 2}
    # How long a call of processing may outlive its execution; nobody touches the batch before.
    config["data-pipeline:settings"]["functions"] = {"processing": {"timeout_seconds": 20}}
    config["data-pipeline:settings"]["ingestion"] = {"batching_window_seconds": 1, "max_receive_count": 3}
    with Emulator(tmp_path_factory.mktemp("faults"), wait_scale=0.05, faults=True) as emulator:
        lab = Lab(emulator, deploy(emulator.endpoint, "local", REPOSITORY, config=config))
        lab.redeliver_after(2)
        yield lab


@pytest.fixture
def scenario_of(lab: Lab, request: pytest.FixtureRequest) -> Callable[[str], Scenario]:
    """Makes scenarios; several of one test run side by side."""
    return lambda fault: Scenario(fault, lab, request.config.stash[RESULTS])


@pytest.fixture
def scenario(scenario_of: Callable[[str], Scenario], request: pytest.FixtureRequest) -> Scenario:
    return scenario_of(request.node.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    results = config.stash[RESULTS]
    if not results:
        return
    terminalreporter.section("faults")
    width = max(len(result.fault) for result in results)
    line = f"{{:<{width}}}  {{:>8}}  {{:>7}}  {{:>8}}  {{:>4}}  {{:>7}}"
    terminalreporter.write_line(line.format("fault", "injected", "rows in", "rows out", "lost", "doubled"))
    for result in results:
        terminalreporter.write_line(
            line.format(result.fault, result.injected, result.rows_in, result.rows_out, result.lost, result.doubled)
        )
    sums = [sum(getattr(r, name) for r in results) for name in ("injected", "rows_in", "rows_out", "lost", "doubled")]
    terminalreporter.write_line(line.format("all", *sums))
