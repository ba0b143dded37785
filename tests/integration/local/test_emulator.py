"""An emulator is a world of its own: nothing leaks in, nothing is left behind."""

import os
import signal
from pathlib import Path

import pytest

from local.emulator import Emulator, EmulatorError
from tests.integration.local.conftest import eventually


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_emulators_do_not_see_each_other(emulator: Emulator, tmp_path: Path) -> None:
    with Emulator(tmp_path) as other:
        other.client("s3").create_bucket(Bucket="only-here")
        names = [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]]
        assert "only-here" not in names
        assert other.endpoint != emulator.endpoint
        assert other.running()
    assert not other.running()
    assert emulator.running(), "stopping one must not stop the other"


def test_nothing_of_the_callers_aws_settings_reaches_the_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.com")
    with Emulator(tmp_path) as emulator:
        process = emulator._process
        assert process is not None
        settings = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
        assert emulator.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    leaked = [line for line in settings if "AKIAREAL" in line or "ap-south-1" in line or "example.com" in line]
    assert settings
    assert leaked == []


def test_stopping_ends_the_server_and_is_harmless_twice(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    emulator.start()
    process = emulator._process
    assert process is not None
    emulator.stop()
    emulator.stop()
    eventually(lambda: not alive(process.pid), 5)


def test_a_port_that_is_taken_is_refused(tmp_path: Path, emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match=f"port {emulator.port} is taken"):
        Emulator(tmp_path, port=emulator.port).start()


def test_an_emulator_that_cannot_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = Emulator(tmp_path)
    monkeypatch.setattr(emulator, "_environment", lambda: {"AUTH": "false", "PATH": os.environ["PATH"]})
    with pytest.raises(EmulatorError, match="needs AUTH=true"):
        emulator.start()


def test_an_emulator_whose_process_died_is_not_running(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        process = emulator._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not emulator.running(), 5)
