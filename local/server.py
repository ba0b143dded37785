"""Run MiniStack with this package's adapters in this process: `python -m local.server WORKDIR`.

`local.emulator.Emulator` starts it; the settings come from the environment that it prepares.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

_GRACE_SECONDS = 5


def install(workdir: Path) -> None:
    """Install every adapter; `workdir` receives logs, mirrors and the runs' files.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than the adapters were written for.
    """
    from local import service_descriptions
    from local.athena import access, engine
    from local.athena.quick import QuickEngine
    from local.athena.tables import FileCache
    from local.athena.trino import server as trino
    from local.athena.trino.engine import TrinoEngine
    from local.emulator import ACCESS_KEY
    from local.glue import crawler, jobs
    from local.iam import decisions, resources, roles, service_policies
    from local.patches import (
        function_starts,
        glue_tables,
        kept_state,
        operator_calls,
        polling,
        s3_absence,
        s3_events,
        s3_ranges,
        sns_delivery,
        tls,
    )
    from local.step_functions import tasks

    service_descriptions.share()
    endpoint = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    roles.check_names()
    resources.install()
    decisions.install(workdir / "iam_decisions.jsonl")
    runs_of_a_jvm = int(os.environ["PIPELINE_RUNS_OF_A_JVM"])
    jobs.install(workdir / "glue", Path(os.environ["PIPELINE_CACHE"]), endpoint, runs_of_a_jvm)
    tasks.install()
    crawler.install(endpoint)
    glue_tables.install()
    access.check_names()
    athena = os.environ["PIPELINE_ATHENA"]
    if athena == trino.QUICK:
        engine.install(QuickEngine(FileCache(workdir / "athena")))
    else:
        cache = Path(os.environ["PIPELINE_CACHE"])
        server = trino.choose(athena, workdir / "trino", cache, endpoint, os.environ["MINISTACK_REGION"], ACCESS_KEY)
        server.address()
        engine.install(TrinoEngine(server))
    s3_absence.install()
    s3_events.install()
    s3_ranges.install()
    service_policies.install()
    sns_delivery.install()
    polling.install()
    function_starts.install()
    operator_calls.install()
    tls.install()
    if _keeps():
        kept_state.install()
    if os.environ.get("PIPELINE_FAULTS") == "true":
        from local.patches import faults

        faults.install()


def _keeps() -> bool:
    return os.environ.get("PERSIST_STATE") == "1"


async def _serve(app: Any, host: str, port: str) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{host}:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.5
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopped.set)

    async def shutdown() -> None:
        await stopped.wait()

    await serve(app, config, shutdown_trigger=shutdown)


_ORPHANED = threading.Event()


def _end_with_whoever_started_this() -> None:
    """End when standard input does, whatever became of who holds its other end."""
    while os.read(0, 1024):
        pass
    _ORPHANED.set()
    os.kill(os.getpid(), signal.SIGTERM)
    from local.emulator import SAVE_SECONDS

    time.sleep(SAVE_SECONDS if _keeps() else _GRACE_SECONDS)
    _kill_group()


def _kill_group() -> None:
    """Kill what was started here, too: it is a process group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve until a signal arrives, or standard input ends."""
    threading.Thread(target=_end_with_whoever_started_this, daemon=True).start()
    workdir = Path(sys.argv[1])
    workdir.mkdir(parents=True, exist_ok=True)
    from ministack import app

    from local.emulator import SAVED

    if not app.AUTH:
        raise SystemExit("local.server needs AUTH=true: without it a missing permission goes unseen.")
    # What measures this process is not for the functions: they run copies of the code, which no report would find.
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    install(workdir)
    saved = workdir / SAVED
    saved.unlink(missing_ok=True)
    logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
    asyncio.run(_serve(app.app, os.environ["BIND_HOST"], os.environ["GATEWAY_PORT"]))
    if _keeps():
        saved.touch()
    atexit._run_exitfuncs()  # what was registered for a clean end; coverage data is written there
    if _ORPHANED.is_set():
        _kill_group()
    os._exit(0)  # MiniStack's pollers are daemon threads that would hold the interpreter up


if __name__ == "__main__":
    main()
