"""The log of authorisation decisions can be asked for denials while it is being written."""

import json
from dataclasses import asdict
from pathlib import Path

from recording.decisions import Decision, denials, read_decisions

ALLOWED = Decision(1.0, "arn:aws:iam::000000000000:root", "s3:PutObject", "*", True, "allowed", deployer=True)
DENIED = Decision(2.0, "arn:aws:sts::000000000000:assumed-role/r/s", "s3:GetObject", "b/k", False, "no policy")


def test_denials_are_the_decisions_that_refused(tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    log.write_text("".join(json.dumps(asdict(decision)) + "\n" for decision in (ALLOWED, DENIED)))
    assert list(read_decisions(log)) == [ALLOWED, DENIED]
    assert denials(log) == [DENIED]


def test_a_line_that_is_still_being_written_is_left_for_the_next_reading(tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    log.write_text(json.dumps(asdict(DENIED)) + "\n" + '{"time": 3')
    assert list(read_decisions(log)) == [DENIED]


def test_a_log_that_does_not_exist_yet_has_no_decisions(tmp_path: Path) -> None:
    assert denials(tmp_path / "none") == []
