"""Replace functions of MiniStack, and say loudly when the function to replace is no longer there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final

WRITTEN_FOR: Final = "1.5.33"
"""The MiniStack release whose internals the adapters of this package were written against."""


class PatchedNameMissingError(AttributeError):
    """A function or table of MiniStack that an adapter replaces is missing or has another signature."""

    def __init__(self, patched: str, problem: str) -> None:
        super().__init__(
            f"MiniStack's {patched} {problem}. The adapters in local/ were written for ministack {WRITTEN_FOR}, "
            f"installed is {version('ministack')}: pin that release in requirements/dev.in, "
            f"or adapt the module in local/ that replaces {patched}."
        )


def value(module: ModuleType, name: str, kind: type) -> Any:
    """Return a module's table or setting after checking that it is still one of that `kind`.

    Raises:
        PatchedNameMissingError: if it is missing or of another type.
    """
    patched = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        raise PatchedNameMissingError(patched, "is gone")
    found = getattr(module, name)
    if not isinstance(found, kind):
        raise PatchedNameMissingError(patched, f"is a {type(found).__name__}, not a {kind.__name__}")
    return found


def function(module: ModuleType, name: str, parameters: str) -> Callable[..., Any]:
    """Return a module's function after checking its parameter names (comma-separated, in order).

    Raises:
        PatchedNameMissingError: if it is missing or its parameters differ.
    """
    patched = f"{module.__name__}.{name}"
    found = getattr(module, name, None)
    if not callable(found):
        raise PatchedNameMissingError(patched, "is gone")
    actual = ", ".join(inspect.signature(found).parameters)
    if actual != parameters:
        raise PatchedNameMissingError(patched, f"takes ({actual}), not ({parameters})")
    return found  # type: ignore[no-any-return]  # MiniStack has no types


def replace(module: ModuleType, name: str, parameters: str, new: Callable[..., Any]) -> Callable[..., Any]:
    """Put `new` in the place of a module's function and return the original.

    Raises:
        PatchedNameMissingError: if the original is missing or its parameters differ.
    """
    original = function(module, name, parameters)
    setattr(module, name, new)
    return original
