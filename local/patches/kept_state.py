"""End what an emulator that keeps its data ran when it was stopped: on AWS it would have gone on, here nobody runs it.

An execution is ABORTED and a Glue run STOPPED, as if a person had stopped it, and EventBridge tells of the execution:
the pipeline recovers from that by itself.
"""

from __future__ import annotations

from typing import Final

from ministack import app
from ministack.services import glue, stepfunctions

from local.patches import monkeypatch

CAUSE: Final = "the emulator was stopped"
_LOST: Final = "States.ServiceRestart"
"""The error that MiniStack gives an execution which ran when it was stopped; it tells nobody."""


def install() -> None:
    """Look at what is restored.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(stepfunctions, "_executions", object)
    monkeypatch.value(glue, "_job_runs", object)
    monkeypatch.function(stepfunctions, "_emit_execution_status_event", "execution")
    restore = monkeypatch.function(app, "_load_persisted_state", "")

    def load() -> None:
        restore()
        for runs in glue._job_runs._data.values():
            for run in runs:
                if run["JobRunState"] in ("STARTING", "RUNNING", "WAITING", "STOPPING"):
                    run |= {"JobRunState": "STOPPED", "ErrorMessage": CAUSE}
        for execution in stepfunctions._executions.all_values():
            if execution.get("error") == _LOST:
                execution |= {"status": "ABORTED", "error": None, "cause": CAUSE}
                stepfunctions._emit_execution_status_event(execution)

    monkeypatch.replace(app, "_load_persisted_state", "", load)
