"""`make local` over restarts: data stay, changed contracts are taken, files that are put into a folder are landed."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.emulator import Emulator, client, free_port
from local.kept import FILE, Kept
from local.running import FOLDER, Running
from tests.engine.engine import copy_project
from tests.integration.local.conftest import eventually
from tests.integration.local.test_up import heed_signals

AIRLINES = "contracts/airlines.odcs.yaml"
NAME = "      - name: name\n"


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


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    found = Local(tmp_path)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait()


def test_data_stay_contracts_are_taken_and_a_folder_is_landed(local: Local) -> None:
    with local.run():
        local.put("airlines/2026/a.csv", "carrier,name\nAA,Alpha\nBB,Beta\n")
        local.put("nobody/a.csv", "x\n1\n")
        local.wait(lambda: "airlines/2026/a.csv is PUBLISHED; rows read 2, curated 2," in local.said())
        assert "land/nobody/a.csv is in no dataset's folder, and stays: there are land/airlines/," in local.said()

        local.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
        local.edit(AIRLINES, NAME, f"      - name: note\n        logicalType: string\n{NAME}")
        local.wait(lambda: re.search(r"contracts/airlines.odcs.yaml changed(.|\n)*: 0 new, [12] changed", local.said()))
        local.put("airlines/b.csv", "carrier,name,note\nCC,Gamma,new\n")
        local.wait(lambda: "airlines/b.csv is PUBLISHED" in local.said())

        local.edit(AIRLINES, "version: 1.1.0", "version: 1.0.0")
        local.wait(lambda: "What was deployed before stays." in local.said())
        assert "the contract of airlines from 1.1.0 to 1.0.0 is refused" in local.said()
        local.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
    assert local.said().rstrip().endswith("stopped")

    with local.run():
        assert local.ask("SELECT carrier, note FROM airlines ORDER BY carrier") == [
            ["AA", None],
            ["BB", None],
            ["CC", "new"],
        ]
        assert re.search(r"resources in [\d.]+ s: 0 new, 0 changed", local.said())
        local.put("airlines/c.csv", "carrier,name,note\nAA,Again,\nDD,Delta,x\n")
        local.wait(lambda: "airlines/c.csv is PUBLISHED; rows read 2, curated 1," in local.said())
        assert "a.csv has landed" not in local.said(), "what was landed once is not landed again"
        assert local.ask("SELECT count(*) FROM airlines") == [["4"]]

    with local.run("--fresh"):
        local.wait(lambda: "airlines/c.csv is PUBLISHED" in local.said())
        assert local.ask("SELECT count(*) FROM airlines WHERE note = 'hello'") == [["0"]]


def test_a_batch_that_ran_when_it_was_stopped_is_published_once_later(local: Local) -> None:
    with local.run():
        endpoint, outputs = f"http://127.0.0.1:{local.port}", json.loads((local.workdir / "outputs.json").read_text())
        workflows, arn = client(endpoint, "stepfunctions"), outputs["state_machine_arn"]
        local.put("airlines/a.csv", "carrier,name\nAA,Alpha\nBB,Beta\n")
        eventually(lambda: workflows.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"], 60)
    with local.run():
        local.put("airlines/b.csv", "carrier,name\nCC,Gamma\n")
        local.wait(lambda: "airlines/b.csv is PUBLISHED" in local.said())
        eventually(lambda: local.ask("SELECT count(*), count(DISTINCT carrier) FROM airlines") == [["3", "3"]], 180)


@pytest.mark.parametrize(
    ("held", "status"),
    [
        pytest.param({"service": "dynamodb", "text": "publish#"}, "STARTED", id="half-published"),
        pytest.param({"service": "events"}, "PUBLISHED", id="published, and not concluded"),
    ],
)
def test_a_batch_that_published_when_it_was_stopped_goes_on_at_once(
    tmp_path: Path, held: dict[str, str], status: str
) -> None:
    emulator, said = Emulator(tmp_path, faults=True, keep=True), io.StringIO()

    @contextmanager
    def run(*rules: dict[str, Any]) -> Iterator[Running]:
        kept = Kept.of(tmp_path / FILE, emulator.endpoint)
        with emulator:
            body = json.dumps(rules).encode()
            urllib.request.urlopen(urllib.request.Request(f"{emulator.endpoint}/_faults/", body, method="PUT")).close()
            yield Running(emulator, Console(file=said, width=400), kept)

    def publishes(running: Running) -> bool:
        running.look()
        items = emulator.client("dynamodb").scan(TableName=running.deployment.outputs["ledger_table"])["Items"]
        return any("seen" in item and item["status"]["S"] == status for item in items)

    def told(running: Running) -> bool:
        running.look()
        return "airlines/a.csv is PUBLISHED" in said.getvalue()

    target = tmp_path / FOLDER / "airlines" / "a.csv"
    with run({"id": "held", "effect": "hold", "principal": "processing", "times": 0, **held}) as running:
        target.parent.mkdir()
        target.write_text("carrier,name\nAA,Alpha\n")
        eventually(lambda: publishes(running), 120)
    with run() as running:
        target.write_text("carrier,name\nBB,Beta\n")
        eventually(lambda: told(running), 60)


def test_what_was_killed_is_not_gone_on_with(local: Local) -> None:
    process = local.start()
    local.wait(lambda: "Ctrl-C ends it" in local.said())
    # The emulator of a killed process saves what it has; one that is killed itself cannot.
    [server] = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if f"local.server\0{local.workdir}" in (folder / "cmdline").read_text(errors="replace")
    ]
    os.kill(server, signal.SIGKILL)
    assert process.wait(60) == 1
    again = local.start()
    assert again.wait(60) == 2
    assert "was killed before its data were written. `make local FRESH=yes` forgets them" in local.said()
