"""Which deployment a command works on is what the option says, and it is said before anything is done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.main import get_command

from ops import __main__ as ops
from ops.target import TargetError, read
from tests.unit.lambdas.conftest import Cloud
from tests.unit.ops.conftest import Operator
from tests.unit.ops.test_ops import failure

MakeStack = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeStack:
    """Put a Pulumi CLI on the PATH that knows a stack with these outputs."""

    def make(name: str, outputs: dict[str, Any]) -> None:
        fake = tmp_path / "pulumi"
        (tmp_path / f"{name}.json").write_text(json.dumps(outputs))
        fake.write_text(f'#!/bin/sh\nfor last; do :; done\ncat "{tmp_path}/$last.json"\n')
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    return make


@pytest.fixture
def by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "local.json"
    path.write_text(json.dumps({"raw_bucket": "of-the-variable"}))
    monkeypatch.setenv("DATA_PIPELINE_OUTPUTS", str(path))
    return path


def test_a_stack_that_is_named_wins_over_the_variable(by_variable: Path, stack: MakeStack) -> None:
    stack("prod", {"raw_bucket": "of-prod"})
    assert read(None, "prod") == ({"raw_bucket": "of-prod"}, "stack prod")


def test_a_file_that_is_named_wins_over_the_variable(by_variable: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"raw_bucket": "of-the-file"}')
    assert read(tmp_path / "other.json", None)[0] == {"raw_bucket": "of-the-file"}
    assert read(None, None) == ({"raw_bucket": "of-the-variable"}, str(by_variable))


def test_a_variable_that_is_empty_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_PIPELINE_OUTPUTS", "")
    with pytest.raises(TargetError, match="say which deployment"):
        read(None, None)


def test_a_stack_and_a_file_that_disagree_are_refused(tmp_path: Path, stack: MakeStack) -> None:
    stack("prod", {"raw_bucket": "of-prod"})
    path = tmp_path / "outputs.json"
    path.write_text('{"raw_bucket": "of-dev"}')
    with pytest.raises(TargetError, match=f"--stack prod and --outputs {path} are two deployments"):
        read(path, "prod")
    path.write_text('{"raw_bucket": "of-prod"}')
    assert read(path, "prod")[0] == {"raw_bucket": "of-prod"}


COMMANDS = {
    "file": ["nobody/knows.csv"],
    "status": [],
    "runs": ["flights"],
    "quarantined": ["flights"],
    "logs": ["--batch", "flights-20261127T090000Z-000007"],
    "land": [__file__, "--dataset", "flights"],
    "pause": ["flights"],
    "resume": ["flights"],
    "cancel": ["flights-20261127T090000Z-000007"],
    "replay": ["flights", "--dry-run"],
    "backfill": ["flights", "--dry-run"],
    "smoke": [],
    "query": ["recent_runs", "flights"],
    "history": ["flights"],
    "rollback": ["flights", "--to", "b", "--yes"],
    "adopt": ["flights", "--yes"],
    "maintain": ["flights", "--dry-run"],
    "page": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_first_what_it_works_on(
    cloud: Cloud, operator: Operator, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What asks no account at all has nothing to say.
    assert {*COMMANDS, "preview", "contract", "review", "try"} == set(get_command(ops.app).commands)  # type: ignore[attr-defined]
    said: list[str] = []

    def nothing(*_: Any, **__: Any) -> Any:
        said.append(capsys.readouterr().err)
        raise TargetError("enough")

    monkeypatch.setattr(ops, "Canary", nothing)
    asked = ("status.look", "runs.Ledger", "logs.Ledger", "incident.Ledger", "files.Ledger", "files.make_plan")
    for name in (*asked, "page.command.Gatherer", "landing._place", "runs.answer", "query.answer"):
        monkeypatch.setattr(f"ops.{name}", nothing)
    monkeypatch.setattr("ops.tables.ask", nothing)
    result = operator.run(command, *COMMANDS[command])
    assert str(failure(result)) == "enough"
    line = (
        f"{operator.outputs}: stack feature-x, environment dev, account 123456789012, region us-east-1, endpoint AWS\n"
    )
    assert [said[0] or result.stderr] == [line]
    assert line not in result.stdout, "what is piped is the answer alone"


def test_an_endpoint_of_ones_own_is_named(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, operator: Operator) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert "endpoint http://127.0.0.1:4566" in operator.run("file", "x").stderr


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        (
            "arn:aws:states:us-east-1:999999999999:stateMachine:m",
            r"in account 999999999999, .* of account 123456789012",
        ),
        ("arn:aws:states:eu-west-1:123456789012:stateMachine:m", r"in region eu-west-1, .* of region us-east-1"),
    ],
)
def test_credentials_of_another_account_or_region_are_refused(
    cloud: Cloud, operator: Operator, arn: str, message: str
) -> None:
    outputs = json.loads(operator.outputs.read_text())
    operator.outputs.write_text(json.dumps({**outputs, "state_machine_arn": arn}))
    with pytest.raises(TargetError, match=message):
        raise failure(operator.run("backfill", "flights", "--yes"))
