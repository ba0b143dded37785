"""`make local` says what to type next, and ends cleanly."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from local import deploying, one_run, up
from local.demo import Demo, main
from local.deployer import CreatedResource, Deployment, DeploymentError
from local.driver import PipelineError
from local.emulator import Emulator, EmulatorError, client, free_port, port_is_free
from tests.integration.local.conftest import allow, eventually, policy

ROOT = Path(__file__).parents[3]
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
    landed = re.search(r"data-pipeline land (\S+) --dataset planes --wait\n", text)
    assert landed, text
    assert Path(landed[1]).is_file(), "the file is there"
    assert f"{emulator.workdir}/land/<dataset>/<file>" in re.sub(r"[\s│]", "", text)
    outputs = re.search(r"DATA_PIPELINE_OUTPUTS=(\S+)", text)
    assert outputs, text
    assert json.loads(Path(outputs[1]).read_text()) == OUTPUTS
    assert "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1\n" in text


def test_a_dataset_of_ones_own_needs_a_file_of_ones_own(emulator: Emulator) -> None:
    console = Console(record=True, width=80)
    up.describe(emulator, {**OUTPUTS, "datasets": ["orders"]}, console)
    assert "data-pipeline land <your orders.csv> --dataset orders --wait\n" in console.export_text()


def test_nothing_that_is_to_be_copied_is_cut_short(emulator: Emulator) -> None:
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{'x' * 60}"
    console = Console(record=True, width=80)
    up.describe(emulator, {**OUTPUTS, "state_machine_arn": arn, "database": "[/x]", "raw_bucket": "[/x]"}, console)
    assert arn in re.sub(r"[^\w:-]", "", console.export_text())


def test_a_deployment_says_what_it_made_and_what_it_left_out(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = CreatedResource("aws:s3/bucket:Bucket", "raw[/x]", "raw-1", {})

    def deploy(*_: object, progress: Any, **__: object) -> Deployment:
        progress(made)
        return Deployment({}, [made], [("aws:ssm/document:Document", "runbook", "no API [/x]")])

    monkeypatch.setattr(deploying, "deploy", deploy)
    console = Console(record=True, width=120)
    deploying.deploy_with_progress(emulator, console)
    text = console.export_text()
    assert "deployed 1 resources" in text
    assert "aws:ssm/document:Document 'runbook' (no API [/x])" in text


def test_a_deployment_that_fails_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deploy(*_: object, **__: object) -> Deployment:
        raise DeploymentError("aws:s3/bucket:Bucket 'raw': BucketAlreadyExists")

    monkeypatch.setattr(deploying, "deploy", deploy)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert up.main(["--workdir", str(tmp_path), "--port", str(free_port())]) == 1
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
    assert up.main(["--empty", "--workdir", str(tmp_path), "--port", str(free_port())]) == 1
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


def processes_of(workdir: Path) -> list[str]:
    """Command lines of the processes that have anything to do with a directory: servers, functions, JVMs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            lives = "State:\tZ" not in (folder / "status").read_text()
            if lives and (str(workdir) in command or str(workdir) in os.readlink(folder / "cwd")):
                found.append(command)
    return found


def begun(workdir: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local.up", "--workdir", str(workdir), *options]
    # A session of its own and signals as a terminal gives them: what runs the tests may ignore some, as nohup does.
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=ROOT,
        preexec_fn=heed_signals,
    )


def heed_signals() -> None:
    for signum in one_run.ENDING:
        signal.signal(signum, signal.SIG_DFL)


def ended(process: subprocess.Popen[str], seconds: float = 20) -> tuple[int, str, str]:
    try:
        output, errors = process.communicate(timeout=seconds)
    finally:
        process.kill()
        # Closes its pipes, also when it did not end in time.
        process.communicate()
    return process.returncode, output, errors


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it_with_everything_it_started(tmp_path: Path, signum: signal.Signals) -> None:
    port = free_port()
    process = begun(tmp_path, "--empty", "--port", str(port))
    assert process.stdout is not None
    assert process.stdout.readline().strip().endswith(f":{port}")
    assert not port_is_free(port)
    try:
        # A JVM of Spark is what stays longest.
        run_a_job(port, tmp_path)
        assert any("java" in command for command in processes_of(tmp_path)), processes_of(tmp_path)
    finally:
        process.send_signal(signum)
    code, output, _ = ended(process)
    assert (code, "stopped" in output) == ((-9, False) if signum == signal.SIGKILL else (0, True))
    eventually(lambda: port_is_free(port), 15)
    eventually(lambda: processes_of(tmp_path) == [], 15)


def run_a_job(port: int, workdir: Path) -> None:
    """Have the emulator start a JVM for a Glue run."""
    endpoint = f"http://127.0.0.1:{port}"
    s3, iam, glue = (client(endpoint, name) for name in ("s3", "iam", "glue"))
    s3.create_bucket(Bucket="jobs")
    s3.put_object(Bucket="jobs", Key="job.py", Body=b"import time\ntime.sleep(600)\n")
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}})
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy(allow("s3:GetObject", "*")))
    glue.create_job(Name="j", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://jobs/job.py"})
    glue.start_job_run(JobName="j")
    eventually(lambda: list((workdir / "glue").glob("jr_*/jvm.pid")), 60)


def test_a_second_run_in_a_directory_is_refused_by_one_sentence_that_names_the_first(tmp_path: Path) -> None:
    first_port, second_port = free_port(), free_port()
    first = begun(tmp_path, "--empty", "--port", str(first_port))
    try:
        assert first.stdout is not None
        first.stdout.readline()
        (tmp_path / "outputs.json").write_text("of the first")
        log = (tmp_path / "emulator.log").stat().st_mtime_ns
        code, output, errors = ended(begun(tmp_path, "--empty"))
        holder = f"process {first.pid} at http://127.0.0.1:{first_port}"
        assert (code, output) == (2, "")
        assert re.fullmatch(rf"{re.escape(str(tmp_path))} is in use by {holder}: .*--port\.\n", errors), errors
        second = begun(tmp_path, "--empty", "--port", str(second_port))
        assert second.stdout is not None
        assert second.stdout.readline().strip().endswith(f":{second_port}")
        assert (tmp_path / f"port-{second_port}" / "emulator.log").exists(), "a directory of its own"
        assert (tmp_path / "outputs.json").read_text() == "of the first"
        assert (tmp_path / "emulator.log").stat().st_mtime_ns == log
        second.send_signal(signal.SIGTERM)
        assert ended(second)[0] == 0
        assert not port_is_free(first_port), "the first goes on"
    finally:
        first.kill()
        first.communicate()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        code, output, errors = ended(begun(tmp_path, "--empty", "--port", str(taken)))
    assert (code, output) == (2, ""), errors
    assert errors == f"Port {taken} is taken: stop what listens there, or choose another by --port.\n"


@pytest.mark.parametrize("port", ["0", "70000", "65536", "x", "-1", "", "45 66", "4566.0", "٤"])
def test_a_wrong_port_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert up.main([f"--port={port}", "--workdir", str(tmp_path / "x")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"--port {port!r} is no port: allowed is a number from 1 to 65535.\n"
    assert not (tmp_path / "x").exists(), "nothing was begun"


@pytest.mark.parametrize("port", ["1024", "65535"])
def test_ports_at_the_ends_are_ports(port: str) -> None:
    assert one_run.port_of(port) == int(port)


@pytest.mark.parametrize(
    ("java", "sentence"),
    [
        (None, "There is no Java that can be started"),
        ('openjdk version "11.0.2" 2019', "is Java 11, and Spark needs Java 17"),
        ('java version "1.8.0_392"', "is Java 8, and Spark needs Java 17"),
        ('openjdk version "21" 2023', "is Java 21, and Spark needs Java 17"),
        ("nonsense", "is no Java, and Spark needs Java 17"),
    ],
)
def test_a_missing_java_is_said_before_the_demo_starts_on_spark(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    java: str | None,
    sentence: str,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Emulator, "start", lambda _: pytest.fail("nothing is started"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if java is not None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\necho '{java}' >&2\n")
        (tmp_path / "bin" / "java").chmod(0o755)
    assert main(["--engine", "spark"], workdir=tmp_path / "demo") == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert (captured.out, captured.err.count("\n"), captured.err[-2:]) == ("", 1, ".\n")


@pytest.mark.parametrize(
    "command",
    [
        lambda workdir: up.main(["--workdir", str(workdir), "--port", str(free_port())]),
        lambda workdir: main(workdir=workdir / "demo"),
    ],
)
def test_what_small_batches_need_starts_without_java_and_spark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[[Path], int]
) -> None:
    def start(_: Emulator) -> None:
        raise EmulatorError("started")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Emulator, "start", start)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyspark" else find(name))
    assert command(tmp_path) == 1
    with pytest.raises(one_run.RefusedError, match=r"^Spark is not installed .* `make setup` installs it\.$"):
        one_run.check_spark()


def test_the_java_that_is_here_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    one_run.check_spark()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    one_run.check_spark()


@pytest.mark.parametrize(("free", "code"), [(999, 2), (1_000, 1)])
def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free: int, code: int
) -> None:
    def start(_: Emulator) -> None:
        raise EmulatorError("started")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Emulator, "start", start)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 10**6))
    assert up.main(["--workdir", str(tmp_path), "--port", str(free_port())]) == code
    assert main(workdir=tmp_path / "demo") == code
    said = capsys.readouterr().err
    assert said.count("1000 MB have to be free in") == (2 if code == 2 else 0), said


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(one_run.RefusedError, match=r"cannot be used \(.*\): choose another by --workdir\.$"):
        one_run.check_room(tmp_path / "file" / "below")


def test_a_second_demo_leaves_the_first_ones_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with one_run.claimed(tmp_path, "http://127.0.0.1:1"):
        (tmp_path / "table").write_text("of the first")
        assert main(workdir=tmp_path) == 2
        assert f"is in use by process {os.getpid()} at http://127.0.0.1:1" in capsys.readouterr().err
        assert (tmp_path / "table").exists()
    assert not one_run.is_claimed(tmp_path)
    one_run.empty(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_nohup_keeps_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda signum: signal.SIG_IGN if signum == signal.SIGHUP else None)
    assert one_run.ending_signals() == [signal.SIGINT, signal.SIGTERM]
