"""What tests leave for after the run: lines of the table of faults, and IAM's decisions."""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.emulator import Emulator

DECISIONS_VARIABLE = "PIPELINE_DECISIONS"


@dataclass(frozen=True)
class Result:
    """One line of the table of faults."""

    fault: str
    injected: int
    rows_in: int
    rows_out: int
    lost: int
    doubled: int


RESULTS: pytest.StashKey[list[Result]] = pytest.StashKey()


def keep_decisions(emulator: Emulator) -> None:
    """Keep IAM's decisions of an emulator that has stopped, for tests/privileges."""
    if folder := os.environ.get(DECISIONS_VARIABLE):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(emulator.decisions, Path(folder) / f"{uuid.uuid4().hex}.jsonl")
