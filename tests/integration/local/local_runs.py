"""A copy of the project, and `make local` in it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.emulator import client, free_port
from tests.engine.engine import copy_project
from tests.integration.local.conftest import eventually
from tests.integration.local.test_up import heed_signals


class Local:
    """A copy of the project, and runs of it one after the other."""

    def __init__(self, folder: Path) -> None:
        self.project, self.workdir, self.port = folder / "project", folder / "run", free_port()
        copy_project(self.project)
        self.log = folder / "said.txt"
        self.process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def run(self, *options: str) -> Iterator[None]:
        """Have it up while the block lasts, and end it as Ctrl-C does."""
        process = self.start(*options)
        try:
            self.wait(lambda: "Ctrl-C ends it" in self.said())
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "local.up", "--workdir", str(self.workdir), "--port", str(self.port), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.project,
                # Wider than any line of it.
                env={**os.environ, "PYTHONPATH": "", "COLUMNS": "400"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=heed_signals,
            )
        return self.process

    def said(self) -> str:
        return self.log.read_text()

    def wait(self, condition: Any, seconds: float = 240) -> None:
        def look() -> bool:
            assert self.process is not None
            assert condition() or self.process.poll() is None, self.said()
            return bool(condition())

        try:
            eventually(look, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.said()}") from None

    def put(self, path: str, text: str) -> None:
        target = self.workdir / "land" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.project / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def ask(self, sql: str) -> list[list[str | None]]:
        outputs = json.loads((self.workdir / "outputs.json").read_text())
        functions = client(f"http://127.0.0.1:{self.port}", "lambda")
        asked = functions.invoke(FunctionName=outputs["functions"]["query"], Payload=json.dumps({"sql": sql}).encode())
        answer = json.loads(asked["Payload"].read())
        assert "FunctionError" not in asked, answer
        rows: list[list[str | None]] = answer["rows"]
        return rows

    def close(self) -> None:
        """Leave nothing running that a failed test has left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
