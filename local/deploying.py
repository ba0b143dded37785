"""Deploys the local stack for a person, who sees each resource come up."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.deployer import CreatedResource, Deployment, deploy
from local.emulator import Emulator
from local.kept import Kept

STACK: Final = "local"
"""The stack that is deployed into the emulator."""
OUTPUTS: Final = "outputs.json"
"""File in the working directory with the outputs of the stack, as `pulumi stack output --json` writes them."""

_REPOSITORY: Final = Path(__file__).resolve().parent.parent


@contextmanager
def started(emulator: Emulator) -> Iterator[Emulator]:
    """Start an emulator and import the program's modules meanwhile, which takes as long; stop it in the end."""
    with ThreadPoolExecutor(1) as background:
        loaded = background.submit(importlib.import_module, "components.data_pipeline")
        with emulator:
            # Modules of the SDK cannot be imported by two threads. If one is at fault, the deployment says so.
            wait([loaded])
            yield emulator


def deploy_with_progress(
    emulator: Emulator, console: Console, config: dict[str, Any] | None = None, kept: Kept | None = None
) -> Deployment:
    """Deploy the local stack, or it with another `config` than its stack file has; show each resource as it comes up.

    What `kept` has of an earlier deployment is left or changed.

    Raises:
        DeploymentError: if the program or a resource fails.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    count = 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("deploying", total=None)

        def show(resource: CreatedResource) -> None:
            nonlocal count
            count += 1
            kind = resource.type.rsplit(":", 1)[-1]
            progress.update(task, description=f"deploying: {count} resources, {kind} [bold]{escape(resource.name)}[/]")

        began = time.monotonic()
        deployment = deploy(emulator.endpoint, STACK, _REPOSITORY, config=config, progress=show, kept=kept)
    seconds = time.monotonic() - began
    all_of = f"{len(deployment.resources)} resources in {seconds:.1f} s"
    if deployment.created == len(deployment.resources):
        console.print(f"[green]✓[/] deployed {all_of}")
    else:
        console.print(f"[green]✓[/] deployed {all_of}: {deployment.created} new, {deployment.changed} changed")
    for kind, name, reason in deployment.skipped if deployment.changed == 0 else ():
        console.print(f"[yellow]![/] not emulated: {escape(f'{kind} {name!r} ({reason})')}")
    for name in deployment.left:
        console.print(f"[yellow]![/] no longer declared, and stays: {escape(name)}")
    return deployment


def leave_outputs(emulator: Emulator, outputs: dict[str, Any]) -> None:
    """Leave the outputs where the operator's commands can read them."""
    (emulator.workdir / OUTPUTS).write_text(json.dumps(outputs, indent=1), encoding="utf-8")
