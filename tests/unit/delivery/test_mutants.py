"""`make mutants`, which takes hours and so is not part of what has to pass, can still start."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts import mutants


def test_the_tests_that_are_asked_about_mutants_can_be_collected_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "TREE", tmp_path)
    mutants.copy(mutants.TESTS, check_types=True)
    settings = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["mutmut"]
    for path in (*settings["source_paths"], *settings["also_copy"]):
        assert (tmp_path / path).exists(), f"{path} is in mutmut's settings and not in the copy"
    collected = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q"),
            *(*settings["pytest_add_cli_args"], *settings["pytest_add_cli_args_test_selection"]),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout[-3000:]
    assert "test_decisions.py" in collected.stdout
