"""The deploy script in front of a Pulumi CLI that is not one, with credentials that are none."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scripts import deploy, stacks

URN = "urn:pulumi:dev::data-pipeline::pipeline:storage:Zone$aws:s3/bucket:Bucket::data-pipeline-raw"
OUTPUTS = {
    "raw_bucket": "data-pipeline-raw-0a1b2c3",
    "ledger_table": "data-pipeline-ledger-0a1b2c3",
    "state_machine_arn": "arn:aws:states:eu-central-1:111122223333:stateMachine:data-pipeline-dev",
    "functions": {"etl_trigger": "trigger-0a1b2c3", "query": "query-0a1b2c3"},
    "datasets": ["canary", "flights"],
    "token": "hunter2",
}
HISTORY = {
    "kind": "update",
    "startTime": "2026-11-24T03:00:00.000Z",
    "message": "",
    "environment": {},
    "config": {},
    "result": "succeeded",
}


def step(op: str, urn: str = URN, **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": urn, "type": "aws:s3/bucket:Bucket", "provider": "", **more}


def done(op: str, **more: Any) -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": step(op, **more)}}


def summary(**changes: int) -> dict[str, Any]:
    return {"summaryEvent": {"durationSeconds": 3, "resourceChanges": changes}}


def previews(call: list[str]) -> bool:
    """Whether a call of the CLI changes nothing."""
    return call[0] == "preview" or "--preview-only" in call


@dataclass
class Cli:
    """The Pulumi CLI of a test: what it answers, and how it was called."""

    folder: Path
    answers: dict[str, Any]

    def answer(self, command: str, **answer: Any) -> None:
        self.answers[command] = answer
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    @property
    def calls(self) -> list[list[str]]:
        log = self.folder / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [call for call in map(json.loads, lines) if call != ["version"]]

    def engine(self) -> list[str]:
        """The one call that changes something; a preview without one is it."""
        found = self.engines()
        (call,) = [call for call in found if not previews(call)] or found
        return call

    def engines(self) -> list[list[str]]:
        """The calls that the engine ran for, in their order."""
        return [call for call in self.calls if call[0] in ("up", "preview", "refresh", "destroy")]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    fake = Path(__file__).with_name("fake_pulumi.py")
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_PULUMI", str(tmp_path))
    monkeypatch.setattr(deploy, "check_credentials", lambda _: "arn:aws:sts::111122223333:assumed-role/deploy/me")
    cli = Cli(tmp_path, {})
    # A CLI before 3.205 writes its events into a file, which is quicker than gRPC.
    cli.answer("version", stdout="v3.200.0")
    cli.answer("stack output", stdout=json.dumps({**OUTPUTS, "token": stacks.SECRET}))
    cli.answer("stack output --show-secrets", stdout=json.dumps(OUTPUTS))
    cli.answer("stack history", stdout=json.dumps([HISTORY]))
    cli.answer("up", events=[done("create"), done("update"), done("same"), summary(create=1, update=1, same=198)])
    cli.answer("preview", events=[done("update", diffs=["tags"]), summary(update=1, same=199)])
    cli.answer("refresh", events=[done("refresh"), summary(refresh=200)])
    return cli


@pytest.fixture
def script(cli: Cli) -> Callable[..., Result]:
    """Run the script; a deployment is not followed by a smoke test unless that is asked for."""

    def run(*arguments: str, smoke: bool = False) -> Result:
        command = [*arguments] if smoke else [*arguments, "--no-smoke"]
        return CliRunner().invoke(deploy.app, command, env={"COLUMNS": "200"})

    return run
