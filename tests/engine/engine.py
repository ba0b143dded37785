"""A clone of the project in front of the real Pulumi CLI and engine, with a state and a cloud of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from components.compute.wheels import wheels_folder

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CLI_VERSION = "3.274.1"
"""What is built where no Pulumi CLI is on the PATH; cli/go.mod pins it."""
ONE_CHECKPOINT = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The state is written at the end only, not before and after each resource, which takes longer than all the rest; not
where a deployment is interrupted."""
QUICKLY = [
    "-gcflags=all=-N -l",
    *(f"-gcflags={packages}=" for packages in ("std", "github.com/pulumi/...", "google.golang.org/...")),
]
"""Of what a program is built from, only what works in the tests is optimised: the rest is most of it, for the CLI the
SDKs of all clouds."""
COUNTED = re.compile(r"(\d+) (?:to )?(create|update|delete|replace|unchanged)d?")


def pulumi_cli() -> Path:
    """Find the Pulumi CLI on the PATH, or build it from its Go modules: minutes, once a clone.

    Raises:
        RuntimeError: there is neither a CLI nor Go.
    """
    if found := shutil.which("pulumi"):
        return Path(found)
    flag = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{CLI_VERSION}"
    return _built("pulumi", "cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", flag)


def yaml_host() -> Path:
    """Find Pulumi's language host for YAML on the PATH, where the CLI's releases have it, or build it: a minute.

    Raises:
        RuntimeError: there is neither a host nor Go.
    """
    if found := shutil.which("pulumi-language-yaml"):
        return Path(found)
    package = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
    return _built("pulumi-language-yaml", "yaml_host", package, "-s -w")


def sdk_generator() -> Path:
    """Build what writes the SDKs of a schema, with the CLI's own generators: half a minute, once a clone.

    Raises:
        RuntimeError: there is no Go.
    """
    return _built("sdks", "cli", "./sdks", "-s -w")


def _built(name: str, module: str, package: str, flags: str) -> Path:
    if shutil.which("go") is None:
        raise RuntimeError(f"neither {name} nor go is on the PATH: install the Pulumi CLI, or Go to build it")
    built = ROOT / ".local" / "engine" / CLI_VERSION / name
    built.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{built}.lock"):
        if not built.exists():
            part = built.with_suffix(".part")
            command = ["go", "build", *QUICKLY, "-ldflags", flags, "-o", str(part), package]
            # The compiler is a process for each package: it ends before it would have to collect its garbage.
            subprocess.run(command, cwd=HERE / module, env={**os.environ, "GOGC": "400"}, check=True)
            part.rename(built)
    return built


@dataclass(frozen=True)
class Run:
    """A command that has ended: its exit code, and what it wrote to stdout and stderr."""

    code: int
    text: str
    stdout: str

    @property
    def counts(self) -> dict[str, int]:
        """By what was done, or would be, the number of resources; of the summary at the end."""
        summary = self.text[self.text.rfind("\nResources:") :]
        return {word: int(number) for number, word in COUNTED.findall(summary)}


class Engine:
    """One project folder, its state and its cloud; stacks in it know nothing of those of another one."""

    def __init__(self, root: Path, sts_port: int) -> None:
        self.root, self.project, self.cloud = root, root / "project", root / "cloud"
        bin_ = root / "bin"
        for folder in (bin_, self.cloud, root / "state"):
            folder.mkdir(parents=True)
        (bin_ / "pulumi").symlink_to(pulumi_cli())
        self._plugin(bin_ / "pulumi-resource-aws", "provider")
        if shutil.which("pulumi-language-python") is None:
            self._plugin(bin_ / "pulumi-language-python", "host")
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_", "DATA_"))}
        self.env = {
            **own,
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{root}/state",
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **ONE_CHECKPOINT,
            "STAND_IN_CLOUD": str(self.cloud),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{sts_port}",
        }
        copy_project(self.project)

    def _plugin(self, file: Path, module: str) -> None:
        path = f"{ROOT}:{ROOT / 'lambdas' / 'layers'}"
        file.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" -m tests.engine.{module} "$@"\n')
        file.chmod(0o755)

    def run(self, *command: str, cwd: Path | None = None, **env: str) -> Run:
        """Run a command in the project's folder."""
        done = subprocess.run(
            command, cwd=cwd or self.project, env={**self.env, **env}, capture_output=True, text=True, check=False
        )
        return Run(done.returncode, done.stdout + done.stderr, done.stdout)

    def pulumi(self, command: str, stack: str, *more: str, cwd: Path | None = None, **env: str) -> Run:
        """Run a command of the Pulumi CLI on a stack."""
        return self.run("pulumi", *command.split(), "--stack", stack, "--non-interactive", *more, cwd=cwd, **env)

    def up(self, stack: str) -> Run:
        """Deploy without a preview, which nobody has to make."""
        return self.pulumi("up --yes --skip-preview", stack)

    def deploy(self, stack: str, *more: str) -> Run:
        """Run the deploy command, without its smoke test."""
        return self.run(sys.executable, "scripts/deploy.py", "--stack", stack, "--no-smoke", *more)

    def new_stack(self, stack: str, like: str | None = None, cwd: Path | None = None) -> None:
        """Make a stack; with `like`, its settings are those of another one."""
        if like is not None:
            shutil.copy(self.project / f"Pulumi.{like}.yaml", self.project / f"Pulumi.{stack}.yaml")
        done = self.run("pulumi", "stack", "init", stack, cwd=cwd)
        assert done.code == 0, done.text

    def resources(self, stack: str) -> dict[str, Any]:
        """What the state has, by URN."""
        done = self.run("pulumi", "stack", "export", "--stack", stack)
        assert done.code == 0, done.text
        return {one["urn"]: one for one in json.loads(done.stdout)["deployment"].get("resources") or []}

    def of_aws(self, stack: str) -> dict[str, Any]:
        """Ids and inputs of what the state has of AWS, by URN: what a deployment would have changed."""
        found = self.resources(stack)
        return {urn: (one.get("id"), one.get("inputs")) for urn, one in found.items() if one["type"].startswith("aws:")}

    def log(self) -> list[tuple[str, str]]:
        """What was done in the cloud so far: create, update or delete, and the URN."""
        file = self.cloud / "log"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(what, urn) for what, _, urn in (line.partition(" ") for line in lines)]

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.project / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the project where `old` stands."""
        text = (self.project / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file of the project."""
        self.write(path, (self.project / path).read_text(encoding="utf-8") + text)

    def kept(self, part: str) -> list[Path]:
        """The files of the cloud whose URN has a part in it."""
        files = [file for file in self.cloud.glob("*.json") if part in json.loads(file.read_text())["urn"]]
        assert files, f"the cloud has no {part}"
        return files

    def interrupted_up(self, stack: str, after: int) -> None:
        """Deploy, and press Ctrl-C once `after` resources exist."""
        begun = len(self.log())
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack]
        env = {name: value for name, value in self.env.items() if name not in ONE_CHECKPOINT}
        with subprocess.Popen(
            command, cwd=self.project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None and len(self.log()) < begun + after:
                time.sleep(0.05)
            process.send_signal(2)


def copy_project(to: Path) -> None:
    """Copy what git has or would take of the working tree, and lend it this environment's interpreter."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (source := ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)
    (to / ".venv").symlink_to(Path(sys.prefix))
    # No test here asks a network for a layer that a stand-in takes.
    wheels_folder(to).mkdir(parents=True)
    with zipfile.ZipFile(wheels_folder(to) / "pyarrow-0-cp313-cp313-any.whl", "w") as wheel:
        wheel.writestr(zipfile.ZipInfo("pyarrow/__init__.py"), b"")


def changes(counts: dict[str, int]) -> Counter[str]:
    """What a summary counts, but for what stays as it is."""
    return Counter({word: number for word, number in counts.items() if word != "unchanged"})
