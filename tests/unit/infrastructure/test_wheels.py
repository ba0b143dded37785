"""The wheels of the layer: fetched once by their hashes, and never half there."""

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components import user_files
from components.compute import wheels
from components.compute.packaging import PackagingError


class Pip:
    """Stands in for pip: writes a wheel, or fails."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.code = 0

    def __call__(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        (folder / "pyarrow.whl").write_bytes(b"")
        return subprocess.CompletedProcess(command, self.code, "", "no network\n")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    pip = Pip()
    monkeypatch.setattr(subprocess, "run", pip)
    return pip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "layer.txt").write_text("pyarrow==26.0.1\n")
    return tmp_path


def test_they_are_fetched_once_for_lambdas_platform_by_their_hashes(project: Path, pip: Pip) -> None:
    folder = wheels.fetch_wheels(project)
    assert [path.name for path in folder.iterdir()] == ["pyarrow.whl"]
    assert wheels.fetch_wheels(project) == folder
    (command,) = pip.commands
    assert {"--require-hashes", "--only-binary=:all:", "cp313", "manylinux_2_28_aarch64"} <= set(command)
    assert list((project / wheels.WHEELS).iterdir()) == [folder], "nothing else is left"
    (project / "requirements" / "layer.txt").write_text("pyarrow==27.0.0\n")
    assert wheels.fetch_wheels(project) != folder
    assert len(pip.commands) == 2


def test_what_was_not_fetched_whole_is_not_there(project: Path, pip: Pip) -> None:
    pip.code = 1
    with pytest.raises(PackagingError, match=r"make layer\.\nno network"):
        wheels.fetch_wheels(project)
    assert list((project / wheels.WHEELS).iterdir()) == []
    pip.code = 0
    assert wheels.fetch_wheels(project).is_dir()


def test_whoever_was_faster_is_believed(project: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        (folder := wheels.wheels_folder(project)).mkdir()
        (folder / "theirs.whl").write_bytes(b"")
        return pip(command, **options)

    monkeypatch.setattr(subprocess, "run", late)
    assert [path.name for path in wheels.fetch_wheels(project).iterdir()] == ["theirs.whl"]


def test_a_preview_without_a_network_goes_on_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise PackagingError("layer: no network")

    said: list[str] = []
    monkeypatch.setattr(wheels, "fetch_wheels", refuse)
    monkeypatch.setattr("pulumi.log.warn", said.append)
    wheels.fetch_if_possible()
    assert said == ["layer: no network"]


@pytest.mark.parametrize(("name", "times"), [("__main__", 1), ("<run_path>", 0)])
def test_the_program_fetches_them_where_the_engine_runs_it_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    fetched: list[int] = []
    monkeypatch.setattr(wheels, "fetch_if_possible", lambda: fetched.append(1))
    monkeypatch.setattr(user_files, "read_with_settings", stop)
    with pytest.raises(StopError):
        runpy.run_path(str(Path(__file__).parents[3] / "__main__.py"), run_name=name)
    assert len(fetched) == times
