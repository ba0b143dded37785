"""One emulator with the pipeline deployed for each module, and what is told or kept when all of them are done."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.deployer import deploy, read_config
from local.driver import Pipeline
from local.emulator import ACCESS_KEY, Emulator
from ops.__main__ import app
from tests import workers
from tests.integration.kept import RESULTS, Result, keep_decisions

REPOSITORY = Path(__file__).parents[2]
# They take longest: first, so that all processes of the tests end at about the same time.
FIRST = (
    "test_fault_job",
    "test_demo",
    "test_answers",
    "test_quarantine_and_replay",
    "test_fault_ends",
    "test_fault_sprinkled",
    "test_tutorial",
    "test_runbook",
    "test_fault_stage",
    "test_fault_publish",
    "test_hostile_input",
    "test_end_to_end",
    "test_stopped",
    "test_running",
    "test_spark_jvm",
    "test_up",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    # A fifth of the time, they wait for what the emulator does.
    return workers.automatic(more=1)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def pytest_sessionfinish(session: pytest.Session) -> None:
    # A worker of pytest-xdist hands its lines over; plain data only.
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["faults"] = [asdict(result) for result in session.config.stash[RESULTS]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[RESULTS].extend(Result(**line) for line in getattr(node, "workeroutput", {}).get("faults", []))


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


@pytest.fixture
def operator(
    emulator: Emulator, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs the operator's commands against the module's pipeline."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(pipeline.outputs))
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS_KEY)

    def run(*command: str) -> str:
        result = CliRunner().invoke(app, [*command, "--outputs", str(outputs)], env={"COLUMNS": "160"})
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    return run


@pytest.fixture(scope="session", autouse=True)
def measured_processes() -> None:
    """Measure no process that a test starts: what is measured takes longer, and tests/integration/local covers it."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def with_spark(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a stack, but that Spark does every batch."""
    settings = config["data-pipeline:settings"]
    batches = settings.get("batches", {}) | {"small_megabytes": 0}
    return config | {"data-pipeline:settings": settings | {"batches": batches}}


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """The settings that the pipeline is deployed with; a module may have others."""
    return read_config(REPOSITORY, "local")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    # The demo and the tutorial wait as AWS does.
    with Emulator(tmp_path_factory.mktemp("emulator"), wait_scale=0.05) as emulator:
        yield emulator
    keep_decisions(emulator)


@pytest.fixture(scope="module")
def pipeline(emulator: Emulator, config: dict[str, Any]) -> Pipeline:
    pipeline = Pipeline(emulator, deploy(emulator.endpoint, "local", REPOSITORY, config=config))
    pipeline.subscribe()
    return pipeline
