"""The packages of the project: what each is, what it imports, and what pyproject.toml allows."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import grimp

from ops.pages.generate import table
from recording.program import ROOT

SHARED = "lambdas/layers"
DIVIDED = ("components",)
"""Packages whose folders are listed one by one: the others are one thing to those that import them."""


def packages() -> str:
    """List the packages with what each is and which others it imports."""
    return table(("package", "what it is", "imports"), list(_rows()))


def rules() -> str:
    """List the rules about imports, in the words of pyproject.toml."""
    return "\n".join(f"- {contract['name']}." for contract in settings()["contracts"])


def settings() -> dict[str, Any]:
    """Read the rules about imports."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return found


def _rows() -> Iterator[tuple[object, ...]]:
    # Where grimp looks for a package that is not installed.
    sys.path[:0] = [str(ROOT), str(ROOT / SHARED)]
    try:
        graph = grimp.build_graph(*settings()["root_packages"], cache_dir=None)
    finally:
        del sys.path[:2]
    imports: dict[str, set[str]] = {}
    for module in graph.modules:
        known = imports.setdefault(package_of(module), set())
        known |= {package_of(found) for found in graph.find_modules_directly_imported_by(module)}
    for package in sorted(imports):
        others = ", ".join(f"`{one}`" for one in sorted(imports[package] - {package}))
        yield f"`{package}`", _sentence(package), others or "-"


def package_of(module: str) -> str:
    """Name the package that a module is listed under."""
    first, *rest = module.split(".")
    folder = ROOT.joinpath(first, *rest[:1])
    return f"{first}.{rest[0]}" if first in DIVIDED and rest and folder.is_dir() else first


def _sentence(package: str) -> str:
    """Find the first sentence of what a package says of itself."""
    shared = ROOT / SHARED / package
    folder = shared if shared.is_dir() else ROOT.joinpath(*package.split("."))
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    if not said:
        raise ValueError(f"{folder / '__init__.py'} has no docstring: say there in a sentence what the package is")
    return said.partition("\n\n")[0].replace("\n", " ")
