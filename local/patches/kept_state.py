"""End the Glue runs that an emulator which keeps its data had when it was stopped: nobody runs them any more.

They are STOPPED, as runs are that a person has stopped, which the pipeline recovers from by itself.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.services import glue

from local.patches import monkeypatch

CAUSE: Final = "the emulator was stopped"


def install() -> None:
    """Look at what is restored.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(glue, "_job_runs", object)
    restore = monkeypatch.function(glue, "load_persisted_state", "data")

    def load(data: Any) -> None:
        restore(data)
        for runs in glue._job_runs._data.values():
            for run in runs:
                if run["JobRunState"] in ("STARTING", "RUNNING", "WAITING", "STOPPING"):
                    run |= {"JobRunState": "STOPPED", "ErrorMessage": CAUSE}

    glue.load_persisted_state = load
