"""`make local` that is stopped, or killed, in the middle of a batch."""

import io
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.emulator import Emulator, client
from local.kept import FILE, Kept
from local.running import FOLDER, Running
from tests.integration.local.conftest import eventually
from tests.integration.local.local_runs import Local


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with closing(Local(tmp_path)) as found:
        yield found


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
