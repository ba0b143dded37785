"""Sees every AWS call of this process, and lets the process die, be overtaken or wait at any of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3


class Crash(BaseException):
    """The process is gone: nothing catches this, and every later call of it fails too."""


class Wire:
    """Sees every AWS call before it is made and after; what is armed happens at the n-th of these moments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: int | None = None
        self._act: Callable[[], None] | None = None
        self._quiet = 0
        self._dead = False
        self.moments = 0
        self.slower: Recovering | None = None

    def attach(self) -> None:
        """Listen to all clients that are made from now on."""
        boto3.setup_default_session()
        events = boto3._get_default_session()._session.get_component("event_emitter")
        for moment in ("before-call", "after-call"):
            events.register(moment, self._moment)

    def _moment(self, **_: Any) -> None:
        slower = self.slower
        if slower is not None and threading.current_thread() is slower.thread:
            slower.wait()
            return
        if self._quiet:
            return
        if self._dead:
            raise Crash
        with self._lock:
            self.moments += 1
            hit = self._at == self.moments
        if not hit:
            return
        act, self._act = self._act, None
        if act is None:
            self._dead = True
            raise Crash
        # Without the lock: what happens here uses threads of its own.
        with self.quiet():
            act()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing happens at calls that are made meanwhile."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def run(self, step: Callable[[], Any], at: int | None, act: Callable[[], None] | None) -> bool:
        """Run a step; at the moment `at` it dies, or `act` happens inside it. False if it died."""
        self.moments, self._at, self._act, self._dead = 0, at, act, False
        try:
            step()
        except Crash:
            return False
        finally:
            self._at, self._act, self._dead = None, None, False
        return True


class Recovering:
    """A step in a thread of its own, that waits at its n-th moment until it may go on."""

    def __init__(self, wire: Wire, step: Callable[[], None], at: int) -> None:
        self._wire, self._step, self._left = wire, step, at
        self._paused, self._go = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._error: Exception | None = None

    def _run(self) -> None:
        try:
            self._step()
        except Exception as error:  # noqa: BLE001  it is raised where the thread is joined
            self._error = error
        finally:
            self._paused.set()

    def wait(self) -> None:
        """Called by the wire at every call of the thread."""
        self._left -= 1
        if self._left == 0:
            self._paused.set()
            self._go.wait()

    def begin(self) -> None:
        """Run until the step waits, or ends before."""
        self._wire.slower = self
        self.thread.start()
        self._paused.wait()

    def end(self) -> None:
        """Let the step go on to its end."""
        with self._wire.quiet():
            self._go.set()
            self.thread.join()
        self._wire.slower = None
        if self._error is not None:
            raise self._error
