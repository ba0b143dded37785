"""Kills a function, here in this process, before or after one of its AWS calls; what is killed makes no further one."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client
import pytest

WRITES = ("Put", "Copy", "Update", "Create", "Delete", "Transact", "Send", "Batch", "Complete")
"""How operations begin that change something."""

EVERY_CALL = os.environ.get("KILLS") == "every call"
"""Else only before the first call, before each that changes something, and after the last: to be killed anywhere
between two of them leaves the same behind."""


class Killed(BaseException):
    """The process is lost. No code expects it, so that nothing is put in order on the way out."""


class Kills:
    """Watches the AWS calls of this process, but those of threads that are left alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._at: int | str = 0
        self._after, self._dead, self._watched = False, False, False
        self._lock = threading.Lock()
        self._original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # as moto's own patch

        def make(client: Any, operation: str, parameters: Any) -> Any:
            if not self._watched:
                return self._original(client, operation, parameters)
            is_hit = self._counted(f"{client.meta.service_model.service_name}.{operation}")
            if is_hit and not self._after:
                self._die()
            try:
                return self._original(client, operation, parameters)
            finally:
                # Also where AWS says no, such as that there is no such object.
                if is_hit:
                    self._die()

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make)

    def _counted(self, call: str) -> bool:
        with self._lock:
            if self._dead:
                raise Killed
            self.calls.append(call)
            return self._at in (len(self.calls), call)

    def _die(self) -> None:
        with self._lock:
            self._dead = True
        raise Killed

    @contextmanager
    def _watch(self, at: int | str, after: bool) -> Iterator[None]:
        self.calls, self._at, self._after, self._dead, self._watched = [], at, after, False, True
        try:
            yield
        finally:
            self._watched = False

    def of(self, action: Callable[[], object]) -> list[tuple[int, bool]]:
        """Carry an action out; returns where it can be killed: number of the call, and whether after it."""
        with self._watch(0, False):
            action()
        numbers = range(1, len(self.calls) + 1)
        if EVERY_CALL:
            return [(number, after) for number in numbers for after in (False, True)]
        writes = [number for number in numbers if self.calls[number - 1].partition(".")[2].startswith(WRITES)]
        return [*((number, False) for number in sorted({1, *writes})), (writes[-1], True)]

    def kill(self, action: Callable[[], object], at: int | str, after: bool) -> bool:
        """Carry an action out and kill it, at the n-th call or the first of a name; returns whether it got there."""
        with self._watch(at, after):
            try:
                action()
            except Killed:
                return True
        # A thread may have been killed whose end nobody waited for.
        return self._dead
