"""What is wrong in files that users write is one message of `make local`, without a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.engine.engine import copy_project

WRONG = {
    "contracts/wrong.odcs.yaml": ("x: 1\n", "wrong.odcs.yaml: x: "),
    "queries/wrong.sql": ("SELECT 1\n", "wrong.sql: the first line must be"),
    "state_machines/batch_workflow.asl.json": ("{", "batch_workflow.asl.json: not JSON"),
}


def test_everything_wrong_is_said_once(tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy_project(project)
    for path, (text, _) in WRONG.items():
        (project / path).write_text(text, encoding="utf-8")
    stack_file = project / "Pulumi.local.yaml"
    stack_file.write_text(stack_file.read_text().replace("window_seconds", "widow_seconds"), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    ended = subprocess.run(
        [sys.executable, "-m", "local.up", "--workdir", str(tmp_path / "run"), "--port", port],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "", "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "Traceback" not in said
    flat = " ".join(said.split())
    for line in (*(line for _, line in WRONG.values()), "batches.widow_seconds"):
        assert flat.count(line) == 1, said
