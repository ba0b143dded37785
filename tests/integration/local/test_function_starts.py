"""Environments of functions that are forked: what they share, what they do not, and how they end."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator
from local.patches import function_starts
from local.patches.function_starts import LIBRARIES, Forked
from tests.integration.local.conftest import policy

SCRIPT = """
import json, os, sys
had = sorted(name for name in sys.modules if name.partition(".")[0] in ("pyarrow", "local", "aws_xray_sdk"))
print(json.dumps({"had": had, "argv": sys.argv, "folder": os.getcwd(), "path": sys.path, "env": dict(os.environ)}))
sys.stdout.flush()
print("told", file=sys.stderr)
for line in sys.stdin:
    print("heard " + line, end="", flush=True)
sys.exit(int(os.environ["CODE"]))
"""


@pytest.fixture(scope="module")
def context() -> Any:
    found = get_context("forkserver")
    found.set_forkserver_preload(["pyarrow"])
    return found


@pytest.fixture
def started(context: Any, tmp_path: Path) -> Iterator[Forked]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "folder").mkdir()
    with Forked(context, script, str(tmp_path / "folder"), {"CODE": "7", "OWN": "é"}) as process:
        yield process


def test_a_fork_is_what_an_interpreter_of_its_own_would_be(started: Forked, tmp_path: Path) -> None:
    said = json.loads(started.stdout.readline())
    assert "pyarrow" in said["had"]
    assert not {"local", "aws_xray_sdk"} & {name.partition(".")[0] for name in said["had"]}
    assert said["argv"] == [str(tmp_path / "script.py")]
    assert said["folder"] == str(tmp_path / "folder")
    assert said["env"] == {"CODE": "7", "OWN": "é"}
    assert said["path"][0] == str(tmp_path)
    assert not {"", os.getcwd()} & set(said["path"])
    assert started.stderr.readline() == "told\n"
    started.stdin.write("é\n")
    assert started.stdout.readline() == "heard é\n"
    assert started.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0)
    started.stdin.close()
    assert started.wait(60) == 7
    assert started.poll() == 7
    assert started.stdout.read() == ""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_fork_that_is_ended_says_by_what(started: Forked, how: signal.Signals) -> None:
    started.stdout.readline()
    if how == signal.SIGTERM:
        started.terminate()
    else:
        started.kill()
    assert started.wait(60) == -how
    assert started.stdout.read() == ""


def test_two_forks_have_descriptors_of_their_own(started: Forked, context: Any, tmp_path: Path) -> None:
    started.stdout.readline()
    with Forked(context, tmp_path / "script.py", str(tmp_path), {"CODE": "0"}) as other:
        other.stdin.close()
        # The first is there, and holds no end of what was the second's.
        assert other.wait(60) == 0
        assert len(other.stdout.read().splitlines()) == 1
    assert started.poll() is None


def test_what_is_imported_ahead_exists_and_does_not_read_the_environment() -> None:
    # Whether it traces is decided by the variables of the environment that it is imported in.
    code = f"import importlib, sys\nfor name in {LIBRARIES!r}: importlib.import_module(name)\n"
    code += "import threading\nprint('aws_xray_sdk' in sys.modules, threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Only the thread that forks comes along.
    assert done.stdout.split() == ["False", "1"]


def test_code_is_unpacked_once_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    places = []
    for name, text in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        file = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("code/module.py"), text)
        folder = tmp_path / name
        folder.mkdir()
        with function_starts.SharedZip(file) as shared:
            assert shared.namelist() == ["code/module.py"]
            shared.extractall(folder)
        assert (folder / "code" / "module.py").read_text() == text
        places.append(folder.resolve())
    assert places[0] == places[1] != places[2]
    assert len(list((tmp_path / "unpacked").iterdir())) == 2


def test_code_is_unpacked_once_for_a_burst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = tmp_path / "code.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("module.py", "x = 1")
    folders = [tmp_path / str(number) for number in range(8)]
    begun, unpacked = threading.Barrier(len(folders)), []

    def extract(archive: zipfile.ZipFile, path: str) -> None:
        unpacked.append(path)
        # As slow as many files are: whoever does not wait begins, too.
        time.sleep(0.2)
        Path(path, "module.py").write_bytes(archive.read("module.py"))

    monkeypatch.setattr(zipfile.ZipFile, "extractall", extract)

    def unpack(folder: Path) -> str:
        folder.mkdir()
        begun.wait()
        with function_starts.SharedZip(file) as shared:
            shared.extractall(folder)
        return (folder / "module.py").read_text()

    with ThreadPoolExecutor(len(folders)) as pool:
        assert set(pool.map(unpack, folders)) == {"x = 1"}
    assert len(unpacked) == 1


def test_an_emulator_in_a_deep_folder_runs_functions(tmp_path: Path) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    with Emulator(tmp_path / ("x" * 100) / ("y" * 100)) as emulator:
        trust = policy(
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        )
        role = emulator.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        functions = emulator.client("lambda")
        functions.create_function(
            FunctionName="f",
            Role=role,
            Runtime="python3.13",
            Handler="index.handler",
            Code={"ZipFile": code.getvalue()},
        )
        # The path of a socket is shorter than this folder's name.
        assert functions.invoke(FunctionName="f", Payload=b"7")["Payload"].read() == b"7"
