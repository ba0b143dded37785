"""Make the emulator's pollers quick enough to watch."""

from __future__ import annotations

import threading
from typing import Final

from ministack.services import eventbridge, lambda_svc, scheduler

from local.patches import monkeypatch

TICK_SECONDS: Final = 1
"""How often scheduled rules are looked at; MiniStack does so every ten seconds."""

LOOK_SECONDS: Final = 0.2
"""How often queues are looked at that functions read. MiniStack does so when something is sent, and every second: a
message that was held back comes that much too late. Lambda polls without a pause (long polling)."""


def install() -> None:
    """Shorten the sweeps.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(eventbridge, "_SCHEDULER_TICK_INTERVAL", int)
    monkeypatch.value(scheduler, "_SCHEDULE_TICK_INTERVAL", int)
    monkeypatch.value(lambda_svc, "_ESM_BACKOFF_SECONDS", float)
    wake = monkeypatch.value(lambda_svc, "_esm_wake", threading.Event)
    wait = wake.wait
    wake.wait = lambda seconds=None: wait(LOOK_SECONDS if seconds is None else min(seconds, LOOK_SECONDS))
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_SECONDS
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS
