"""The README's first command, in a clone where nothing was set up: no test's package, no Spark and no Java."""

import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from local import demo
from tests.integration.clone import copy_repository


@pytest.fixture
def no_java(tmp_path: Path) -> Path:
    """A directory before all others of the PATH, where `java` is what a machine without one has in its place."""
    (java := tmp_path / "bin" / "java").parent.mkdir()
    java.write_text("#!/bin/sh\necho 'java was started' >&2\nexit 127\n")
    java.chmod(0o755)
    return java.parent


def test_make_demo_sets_itself_up_checks_every_row_and_every_answer_and_finds_nothing_wrong(
    tmp_path: Path, no_java: Path
) -> None:
    clone = copy_repository(tmp_path / "clone")
    env = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "VIRTUAL_ENV")}
    env |= {"PATH": f"{no_java}:{os.environ['PATH']}", "COLUMNS": "120"}

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", *arguments], cwd=clone, env=env, capture_output=True, text=True, check=False)

    done = make("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flights  │ 336,776 │ 336,776 │           0 │          0 │       336,776" in done.stdout
    assert done.stdout.count("rows read from") == 6
    installed = {path.name.partition("-")[0] for path in clone.glob(".venv/lib/python*/site-packages/*.dist-info")}
    assert {"duckdb", "ministack", "pyarrow"} <= installed
    assert not {"mypy", "moto", "pandas", "pyspark", "pytest"} & installed
    large = subprocess.run(
        [clone / ".venv" / "bin" / "python", "-m", "local.demo", "--engine", "spark"],
        cwd=clone, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (large.returncode, large.stdout) == (2, "")
    assert large.stderr == "Spark is not installed in this environment: `make setup` installs it.\n"


def test_the_demo_finds_nothing_wrong_where_everything_is_installed(tmp_path: Path) -> None:
    console = Console(record=True, width=120)
    code = demo.main((), console, tmp_path / "demo")
    text = console.export_text()
    assert code == 0, text
    assert text.count("rows read from") == 6
