"""`pip install .` gives the command `data-pipeline`, whole, which hands over to the clone that it is called in."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import grimp
import pytest

from ops.command_line import project_of
from recording.program import ROOT

PACKAGES = ("components", "config", "contracts", "lambdas", "ops", "pipeline_core", "policies", "recording")
OUTSIDE = "from ops.command_line import main; main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `pip install .` makes, built from a copy: a build leaves files in the folder that it builds."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", ".")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            folder,
            source,
        ],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("data_pipeline-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder; nothing of the clone is on the path, all that it needs is."""
    path = [str(installed), sysconfig.get_paths()["purelib"]]
    code = f"import sys; sys.path[:0] = {path!r}; sys.argv[1:] = {list(arguments)!r}; {OUTSIDE}"
    # -S: the editable installation of the clone, a .pth file among the site packages, must not be found.
    return subprocess.run([sys.executable, "-S", "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_the_wheel_has_every_module_that_the_commands_import(wheel: Path) -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    needed = graph.find_upstream_modules("ops.__main__") | graph.find_upstream_modules("ops.preview.command")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert len(needed) > 60
    assert [
        module
        for module in sorted(needed)
        if not names & {f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"}
    ] == []


def test_it_runs_where_there_is_no_project(installed: Path, tmp_path: Path) -> None:
    assert "Usage: data-pipeline" in run(installed, tmp_path, "--help").stdout
    asked = run(installed, tmp_path, "status")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "say which deployment: --stack <name>" in asked.stderr
    preview = run(installed, tmp_path, "preview", "--stack", "dev")
    assert preview.returncode == 1
    assert "run data-pipeline preview in a clone of the project" in " ".join(preview.stderr.split())


def test_in_a_project_it_runs_the_commands_of_the_project(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: data-pipeline\n")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "__main__.py").write_text("import sys; print('the clone:', *sys.argv[1:])\n")
    below = tmp_path / "contracts"
    below.mkdir()
    for folder in (tmp_path, below):
        assert run(installed, folder, "status", "--stack", "dev").stdout == "the clone: status --stack dev\n"


def test_a_project_has_both_a_pulumi_file_and_the_commands(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Pulumi.yaml").write_text("name: something-else\n")
    assert project_of(other) is None
    (tmp_path / "Pulumi.yaml").write_text("name: data-pipeline\n")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "__main__.py").touch()
    assert project_of(other) == tmp_path
    assert project_of(tmp_path) == tmp_path
