"""The pipeline while `make local` keeps it up: deployed anew when its files change, and fed from a folder."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline_core.layout import CONTRACT_INDEX_KEY
from rich.console import Console
from rich.markup import escape

from local.deployer import Deployment, DeploymentError
from local.deploying import deploy_with_progress, leave_outputs
from local.driver import FINAL, FileState, Pipeline
from local.emulator import Emulator
from local.kept import FILE, Kept
from local.watching import LANDED, Changes, LandingFolder

FOLDER: Final = "land"
"""Of the working directory: what is put into a dataset's folder in it is landed."""
DATA: Final = ("s3", "state")
"""Where the emulator keeps what it has, in the working directory."""

_REPOSITORY: Final = Path(__file__).resolve().parent.parent


def forget(workdir: Path) -> None:
    """Remove what an earlier run kept; files that lie in the folder to be landed are landed again."""
    for name in DATA:
        shutil.rmtree(workdir / name, ignore_errors=True)
    for name in (FILE, LANDED):
        (workdir / name).unlink(missing_ok=True)


@dataclass
class Running:
    """A deployed pipeline, and what of it is still to be told."""

    emulator: Emulator
    console: Console
    kept: Kept
    deployment: Deployment = field(init=False)
    _pipeline: Pipeline = field(init=False)
    _changes: Changes = field(init=False)
    _folder: LandingFolder = field(init=False)
    _waiting: list[tuple[str, str]] = field(default_factory=list)
    """Keys and versions that were landed here, and are not at their end yet."""

    def __post_init__(self) -> None:
        # Looked at first: what changes while it is deployed is deployed again.
        self._changes = Changes(_REPOSITORY)
        self._folder = LandingFolder(self.emulator.workdir / FOLDER, self.emulator.workdir / LANDED)
        self.deploy()
        # What was stopped with the emulator ended with it, functions too.
        self._pipeline.recover_aborted(self.emulator.started_at)

    def deploy(self) -> None:
        """Deploy what is different from what is there.

        Raises:
            DeploymentError: the program or a resource fails.
        """
        self.deployment = deploy_with_progress(self.emulator, self.console, kept=self.kept)
        leave_outputs(self.emulator, self.deployment.outputs)
        self._pipeline = Pipeline(self.emulator, self.deployment)

    def look(self) -> None:
        """Take what has changed, land what has come, and tell of files that came to their end."""
        if changed := self._changes.changed():
            self._say("[yellow]~[/]", f"{', '.join(changed[:3])}{' ...' if len(changed) > 3 else ''} changed")
            try:
                self.deploy()
            except DeploymentError as error:
                self._say("[red]✗[/]", f"{error}\nWhat was deployed before stays.")
        for path in list(self._folder.complete()):
            self._land(path)
        states = self._pipeline.files(self._waiting)
        ended = {landed: file for landed, file in zip(self._waiting, states, strict=True) if file.status in FINAL}
        self._waiting = [landed for landed in self._waiting if landed not in ended]
        for file in ended.values():
            self._tell(file)

    def _tell(self, file: FileState) -> None:
        rows = ", ".join(f"{name.removeprefix('rows_')} {count:,}" for name, count in file.rows.items())
        mark = "[green]✓[/]" if file.status == "PUBLISHED" else "[yellow]![/]"
        reason = f": {file.reason}" if file.reason else ""
        self._say(mark, f"{file.key} is {file.status}{reason}; rows {rows or 'none'}")

    def _land(self, path: Path) -> None:
        datasets = self.deployment.outputs["datasets"]
        dataset = path.parts[0] if len(path.parts) > 1 else ""
        if dataset in datasets:
            key = f"{self._place(dataset)}{path.relative_to(dataset).as_posix()}"
            self._waiting += self._pipeline.land([(key, (self._folder.folder / path).read_bytes())])
            self._say("[green]✓[/]", f"{FOLDER}/{path} has landed as {key}")
        else:
            known = ", ".join(f"{FOLDER}/{name}/" for name in datasets)
            self._say("[yellow]![/]", f"{FOLDER}/{path} is in no dataset's folder, and stays: there are {known}")
        self._folder.landed(path)

    def _place(self, dataset: str) -> str:
        bucket = self.deployment.outputs["artifacts_bucket"]
        index = json.loads(self._pipeline.s3.get_object(Bucket=bucket, Key=CONTRACT_INDEX_KEY)["Body"].read())
        return next((place for place, owner in index["places"].items() if owner == dataset), f"{dataset}/")

    def _say(self, mark: str, text: str) -> None:
        self.console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {mark} {escape(text)}", soft_wrap=True)
