"""Every component has an example in its docstring, which gives it arguments that it has."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator

import pulumi
import pytest

import components


def classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(components.__path__, "components."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == found.name
            ):
                yield value


COMPONENTS = sorted(classes(), key=lambda one: one.__name__)


def test_there_are_components() -> None:
    assert len(COMPONENTS) > 25


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.__name__)
def test_a_component_has_an_example_that_fits_it(component: type) -> None:
    said = inspect.getdoc(component) or ""
    _, marker, example = said.partition("\nExample:\n")
    assert marker, f"{component.__name__} has no Example in its docstring"
    tree = ast.parse(textwrap.dedent(example))
    calls = {
        node.func.id: node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert component.__name__ in calls
    module = importlib.import_module(component.__module__)
    args = getattr(module, f"{component.__name__}Args", None)
    if args is None:
        return
    given = {keyword.arg for keyword in calls[args.__name__].keywords}
    known = {field.name: field for field in dataclasses.fields(args)}
    assert given <= known.keys()
    needed = {
        name
        for name, field in known.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert needed <= given
