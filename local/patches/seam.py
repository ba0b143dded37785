"""Replace functions of MiniStack, and say loudly when the function to replace is no longer there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final

WRITTEN_FOR: Final = "1.5.33"
"""The MiniStack release whose internals the adapters of this package were written against."""


class SeamMovedError(AttributeError):
    """A function or table of MiniStack that an adapter replaces is missing or has another signature."""

    def __init__(self, seam: str, problem: str) -> None:
        super().__init__(
            f"MiniStack's {seam} {problem}. The adapters in local/ were written for ministack {WRITTEN_FOR}, "
            f"installed is {version('ministack')}: pin that release in requirements/dev.in, "
            f"or adapt the module in local/ that replaces {seam}."
        )


def value(module: ModuleType, name: str, kind: type) -> Any:
    """Return a module's table or setting after checking that it is still one of that `kind`.

    Raises:
        SeamMovedError: if it is missing or of another type.
    """
    seam = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        raise SeamMovedError(seam, "is gone")
    found = getattr(module, name)
    if not isinstance(found, kind):
        raise SeamMovedError(seam, f"is a {type(found).__name__}, not a {kind.__name__}")
    return found


def function(module: ModuleType, name: str, parameters: str) -> Callable[..., Any]:
    """Return a module's function after checking its parameter names (comma-separated, in order).

    Raises:
        SeamMovedError: if it is missing or its parameters differ.
    """
    seam = f"{module.__name__}.{name}"
    found = getattr(module, name, None)
    if not callable(found):
        raise SeamMovedError(seam, "is gone")
    actual = ", ".join(inspect.signature(found).parameters)
    if actual != parameters:
        raise SeamMovedError(seam, f"takes ({actual}), not ({parameters})")
    return found  # type: ignore[no-any-return]  # MiniStack has no types


def replace(module: ModuleType, name: str, parameters: str, new: Callable[..., Any]) -> Callable[..., Any]:
    """Put `new` in the place of a module's function and return the original.

    Raises:
        SeamMovedError: if the original is missing or its parameters differ.
    """
    original = function(module, name, parameters)
    setattr(module, name, new)
    return original
