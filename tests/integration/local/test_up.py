"""`make local` says what to type next, and ends cleanly."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local import up
from local.demo import Demo, main
from local.deployer import Deployment, DeploymentError, Resource
from local.emulator import Emulator, port_is_free
from local.run import PipelineError
from tests.integration.local.conftest import eventually

OUTPUTS: dict[str, Any] = {
    "raw_bucket": "raw-1",
    "datasets": ["orders", "planes"],
    "functions": {"etl_trigger": "trigger-1"},
    "database": "db",
    "workgroup": "wg",
}


def test_what_is_printed_can_be_typed(emulator: Emulator) -> None:
    console = Console(record=True, width=80)
    up.describe(emulator, OUTPUTS, console)
    text = console.export_text()
    landed = re.search(rf"aws --endpoint-url {emulator.endpoint} s3 cp (\S+) s3://raw-1/planes/planes.csv\n", text)
    assert landed, text
    assert Path(landed[1]).is_file(), "the file is there"
    assert "lambda invoke --function-name trigger-1 /dev/stdout\n" in text
    outputs = re.search(r"DATA_PIPELINE_OUTPUTS=(\S+)", text)
    assert outputs, text
    assert json.loads(Path(outputs[1]).read_text()) == OUTPUTS
    assert "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1\n" in text


def test_a_dataset_of_ones_own_needs_a_file_of_ones_own(emulator: Emulator) -> None:
    console = Console(record=True, width=80)
    up.describe(emulator, {**OUTPUTS, "datasets": ["orders"]}, console)
    assert "s3 cp <your orders.csv> s3://raw-1/orders/orders.csv\n" in console.export_text()


def test_nothing_that_is_to_be_copied_is_cut_short(emulator: Emulator) -> None:
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{'x' * 60}"
    console = Console(record=True, width=80)
    up.describe(emulator, {**OUTPUTS, "state_machine_arn": arn, "database": "[/x]", "raw_bucket": "[/x]"}, console)
    assert arn in re.sub(r"[^\w:-]", "", console.export_text())


def test_a_deployment_says_what_it_made_and_what_it_left_out(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Resource("aws:s3/bucket:Bucket", "raw[/x]", "raw-1", {})

    def deploy(*_: object, progress: Any, **__: object) -> Deployment:
        progress(made)
        return Deployment({}, [made], [("aws:ssm/document:Document", "runbook", "no API [/x]")])

    monkeypatch.setattr(up, "deploy", deploy)
    console = Console(record=True, width=120)
    up.deploy_with_progress(emulator, console)
    text = console.export_text()
    assert "deployed 1 resources" in text
    assert "aws:ssm/document:Document 'runbook' (no API [/x])" in text


def test_a_deployment_that_fails_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deploy(*_: object, **__: object) -> Deployment:
        raise DeploymentError("aws:s3/bucket:Bucket 'raw': BucketAlreadyExists")

    monkeypatch.setattr(up, "deploy", deploy)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert up.main(["--workdir", str(tmp_path)]) == 1
    assert "BucketAlreadyExists" in capsys.readouterr().out


STRANGE = "[/x] [x] :x:"
"""To a console, the end of a style, a style, and an emoji."""


def test_what_the_emulator_said_last_is_shown_letter_by_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Emulator, "running", lambda _: False)
    monkeypatch.setattr(Emulator, "log_tail", lambda _: STRANGE)
    assert up.main(["--empty", "--workdir", str(tmp_path)]) == 1
    assert STRANGE in capsys.readouterr().out


def test_what_a_demo_found_and_what_stopped_it_is_shown_letter_by_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(demo: Demo) -> int:
        demo.check(False, f"found {STRANGE}")
        raise PipelineError(f"stopped {STRANGE}")

    monkeypatch.setattr(Demo, "run", run)
    assert main(workdir=tmp_path / "[x]") == 1
    text = capsys.readouterr().out.replace("\n", "")
    for words in (f"found {STRANGE}", f"stopped {STRANGE}", "[x]/emulator.log"):
        assert words in text


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_everything_it_started(tmp_path: Path, signum: signal.Signals) -> None:
    command = [sys.executable, "-m", "local.up", "--empty", "--workdir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rsplit(":", 1)[-1])
        assert not port_is_free(port)
        process.send_signal(signum)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert "stopped" in process.stdout.read()
    eventually(lambda: port_is_free(port), 5)
