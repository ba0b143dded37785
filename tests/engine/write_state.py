"""Writes anew the state that tests of upgrades begin with: `.venv/bin/python -m pytest tests/engine/write_state.py`.

It deploys the program of the working tree, with the stand-in for AWS, and keeps what `pulumi stack export` says. Do so
only when a release is cut, or when CHANGELOG.md says what is replaced and how its data is kept: otherwise the program
would be compared with itself, and nothing would hold what is deployed. pytest collects this file only when it is named.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.engine import Engine
from tests.engine.upgrades import KEPT_STACKS, write_state


@pytest.mark.parametrize("stack", KEPT_STACKS)
def test_write(with_stack: Callable[[str], Engine], deployed: Callable[[str], Path], stack: str) -> None:
    exported = with_stack(stack).run("pulumi", "stack", "export", "--stack", stack)
    assert exported.code == 0, exported.text
    write_state(stack, exported.stdout, deployed(stack) / "project")
