"""No file imports another one in a circle; which package may import which is said in pyproject.toml (make lint)."""

import sys
import tomllib
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from recording.program import ROOT

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]


def test_no_files_import_each_other_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), str(ROOT / "lambdas" / "layers"), *sys.path])
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 150, "a rule about no modules proves nothing"
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"imported in a circle: {' -> '.join(error.args[1])}")


def test_every_package_of_the_project_is_held_to_the_rules() -> None:
    folders = (*ROOT.glob("*/__init__.py"), *ROOT.glob("lambdas/layers/*/__init__.py"))
    found = {path.parent.name for path in folders if path.parent.name != "tests"}
    assert found == set(PACKAGES)
