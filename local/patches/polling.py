"""Make the emulator's pollers quick enough to watch."""

from __future__ import annotations

from typing import Final

from ministack.services import eventbridge, lambda_svc, scheduler

from local.patches import monkeypatch

TICK_SECONDS: Final = 1
"""How often scheduled rules are looked at; MiniStack does so every ten seconds."""


def install() -> None:
    """Shorten the sweeps.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(eventbridge, "_SCHEDULER_TICK_INTERVAL", int)
    monkeypatch.value(scheduler, "_SCHEDULE_TICK_INTERVAL", int)
    monkeypatch.value(lambda_svc, "_ESM_BACKOFF_SECONDS", float)
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_SECONDS
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS
