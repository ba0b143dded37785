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
from local.deployer import Deployment, DeploymentError, Resource
from local.emulator import Emulator, port_is_free
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
    up.describe(emulator, {**OUTPUTS, "state_machine_arn": arn}, console)
    assert arn in re.sub(r"[^\w:-]", "", console.export_text())


def test_a_deployment_says_what_it_made_and_what_it_left_out(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Resource("aws:s3/bucket:Bucket", "raw", "raw-1", {})

    def deploy(*_: object, progress: Any, **__: object) -> Deployment:
        progress(made)
        return Deployment({}, [made], [("aws:ssm/document:Document", "runbook", "no API")])

    monkeypatch.setattr(up, "deploy", deploy)
    console = Console(record=True, width=120)
    up.deploy_with_progress(emulator, console)
    text = console.export_text()
    assert "deployed 1 resources" in text
    assert "aws:ssm/document:Document 'runbook' (no API)" in text


def test_a_deployment_that_fails_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deploy(*_: object, **__: object) -> Deployment:
        raise DeploymentError("aws:s3/bucket:Bucket 'raw': BucketAlreadyExists")

    monkeypatch.setattr(up, "deploy", deploy)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert up.main(["--workdir", str(tmp_path)]) == 1
    assert "BucketAlreadyExists" in capsys.readouterr().out


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
