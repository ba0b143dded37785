"""The program is not held up by looks for garbage, and what records it leaves the collector as it was."""

import gc
import runpy
import sys

import pytest

from tests.unit.infrastructure.cloud import ROOT, deploy


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_nothing_is_collected_while_a_program_is_recorded(before: bool, fails: bool) -> None:
    seen = []

    def program() -> None:
        seen.append(gc.isenabled())
        if fails:
            raise ArithmeticError

    (gc.enable if before else gc.disable)()
    try:
        if fails:
            with pytest.raises(ArithmeticError):
                deploy(program)
        else:
            deploy(program)
        assert seen == [False]
        assert gc.isenabled() is before
    finally:
        gc.enable()


@pytest.mark.parametrize(("name", "collected"), [("__main__", False), ("recorded", True)])
def test_the_program_that_the_engine_runs_collects_nothing_from_its_imports_on(
    name: str, collected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its first import fails.
    monkeypatch.setitem(sys.modules, "pulumi", None)
    try:
        with pytest.raises(ImportError):
            runpy.run_path(str(ROOT / "__main__.py"), run_name=name)
        assert gc.isenabled() is collected
    finally:
        gc.enable()
