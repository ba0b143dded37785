"""End what ran when an emulator that keeps its data was stopped: on AWS it would have gone on, here nobody runs it.

An execution is ABORTED then, and a Glue run STOPPED: the pipeline finds such batches by itself, as it finds those that
a person has stopped.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core.responses import now_iso
from ministack.services import glue, stepfunctions

from local.patches import monkeypatch

CAUSE: Final = "the emulator was stopped"


def install() -> None:
    """Look at what is restored.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(stepfunctions, "_executions", object)
    monkeypatch.value(glue, "_job_runs", object)
    restore_executions = monkeypatch.function(stepfunctions, "load_persisted_state", "data")
    restore_glue = monkeypatch.function(glue, "load_persisted_state", "data")

    def executions(data: Any) -> None:
        restore_executions(data)
        for execution in stepfunctions._executions._data.values():
            if execution["status"] == "RUNNING":
                execution |= {"status": "ABORTED", "stopDate": now_iso(), "cause": CAUSE}

    def runs(data: Any) -> None:
        restore_glue(data)
        for of_job in glue._job_runs._data.values():
            for run in of_job:
                if run["JobRunState"] in ("STARTING", "RUNNING", "WAITING", "STOPPING"):
                    run |= {"JobRunState": "STOPPED", "ErrorMessage": CAUSE}

    stepfunctions.load_persisted_state = executions
    glue.load_persisted_state = runs
