"""Runs a Pulumi program with a mock monitor in the engine's place, as the recorder and the local deployer both do."""

import asyncio
import gc
import json
import runpy
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, settings, stack

ROOT = Path(__file__).resolve().parent.parent
THREADS = 6


def run(
    program: Callable[[], object],
    answers: mocks.Mocks,
    *,
    project: str,
    stack_name: str,
    config: Mapping[str, Any],
    secret_keys: Collection[str] = (),
    monitor: mocks.MockMonitor | None = None,
    preview: bool = False,
) -> dict[str, Any]:
    """Run a program and return what it exports, as values, when every registration has landed.

    `answers` answers registrations and calls; `monitor`, where one is given, sees them first. `config` is by the full
    name of a key (`aws:region`). With `preview`, what `answers` does not know is unknown, as in `pulumi preview`.

    Raises:
        Exception: whatever the program or `answers` raises.
    """
    exports: dict[str, Any] = {}

    async def finish() -> None:
        await stack.run_pulumi_func(lambda: _nothing(program()))
        root = settings.get_root_resource()
        assert isinstance(root, stack.Stack)
        exports.update(root.outputs if preview else await pulumi.Output.all(**root.outputs).future() or {})

    with _uncollected(), _fresh_runtime() as loop:
        mocks.set_mocks(answers, project=project, stack=stack_name, preview=preview, monitor=monitor)
        flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        pulumi.runtime.set_all_config(flat, list(secret_keys))
        loop.run_until_complete(finish())
    return exports


def main_program(root: Path = ROOT) -> None:
    """Be the program that `pulumi up` runs."""
    runpy.run_path(str(root / "__main__.py"))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage in cycles, as the program itself does not (see __main__.py)."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _nothing(_: object) -> None:
    """Forget what a program returns: Pulumi would await it."""


@contextmanager
def _fresh_runtime() -> Iterator[asyncio.AbstractEventLoop]:
    """Give Pulumi's runtime a loop of its own; nothing of an earlier run of this process is seen."""
    loop = asyncio.new_event_loop()
    loops = [loop]

    def give_thread_a_loop() -> None:
        # The SDK makes one where there is none, and leaves it open.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    executor = ThreadPoolExecutor(max_workers=THREADS, initializer=give_thread_a_loop)
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    settings.ROOT.set(None)
    settings.SETTINGS.rpc_manager.clear()
    settings.SETTINGS.outputs.clear()
    try:
        yield loop
    finally:
        executor.shutdown()
        for opened in loops:
            opened.close()
        asyncio.set_event_loop(None)
