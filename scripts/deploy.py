"""Deploys one stack with the Pulumi Automation API: `python scripts/deploy.py --help`.

What changes something is previewed with the engine first, shown, and then done as it was shown.

Progress goes to stderr; stdout has the outputs of the stack as JSON, and nothing else.
"""

import json
import sys
import tempfile
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.text import Text

# The script is called by its path, which puts its own folder on the module path, not the repository.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config.model import PipelineConfig
from ops.smoke import PATIENCE_SECONDS, Canary, Deployed, SmokeError, smoke
from ops.target import TargetError, choose
from plain_console import PlainConsole
from scripts.display import Display
from scripts.stacks import (
    Action,
    DeployError,
    DriftError,
    carry_out,
    check_credentials,
    check_settings,
    open_stack,
    outputs,
    preview,
    settings,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Exit(IntEnum):
    """How the script ends, for those who call it; 2 is a wrong or refused command."""

    FAILED = 1
    REFUSED = 2
    DRIFT = 3
    SMOKE = 4
    INTERRUPTED = 130


@app.command()
def deploy(
    name: Annotated[
        str, typer.Option("--stack", "--environment", help="Which stack: what Pulumi.<stack>.yaml is called after.")
    ],
    only_preview: Annotated[bool, typer.Option("--preview", help="Say what would change, and change nothing.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Delete everything; asks for the stack's name.")] = False,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Take over into the state what AWS has; with another action, before it."),
    ] = False,
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help="With --preview: changes are an error (exit code 3).")
    ] = False,
    confirm: Annotated[str | None, typer.Option(help="The stack's name, so that --destroy does not ask.")] = None,
    outputs_file: Annotated[
        Path | None, typer.Option("--outputs", help="Write the outputs to this file, not to stdout.")
    ] = None,
    smoke_test: Annotated[
        bool, typer.Option("--smoke/--no-smoke", help="After a deployment, wait until Athena answers a canary.")
    ] = True,
    secrets_provider: Annotated[
        str | None,
        typer.Option(envvar="DATA_PIPELINE_SECRETS_PROVIDER", help="For a new stack: who encrypts its secrets."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="The Pulumi CLI's own output, too.")] = False,
) -> None:
    """Deploy a stack: without --preview, --destroy or --refresh, make it what the program says."""
    # The colons in ARNs are no emoji.
    console = PlainConsole(stderr=True)
    try:
        action = _action(preview=only_preview, destroy=destroy, refresh=refresh)
        _check(action, expect_no_changes=expect_no_changes, confirm=confirm, outputs_file=outputs_file)
        _check_stack(action, check_settings(name))
        if action is Action.DESTROY:
            _confirm(name, confirm)
        caller = check_credentials(name)
        stack = open_stack(name, create=action is Action.DEPLOY, secrets_provider=secrets_provider)
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder, "plan.json") if action is Action.DEPLOY else None
            what = name if action is Action.PREVIEW else f"{action.value} of {name}"
            with Display(console, f"preview {what}, as {caller}", verbose=verbose) as display:
                preview(stack, action, display, plan=plan, refresh=refresh, expect_no_changes=expect_no_changes)
            display.summary(planned=True)
            if action is not Action.PREVIEW:
                with Display(console, f"{action.value} {name}", verbose=verbose) as display:
                    carry_out(stack, action, display, plan=plan, refresh=refresh)
                display.summary(planned=False)
        if action in (Action.DEPLOY, Action.REFRESH):
            found = outputs(stack)
            _write(json.dumps(found, indent=1), outputs_file)
            if action is Action.DEPLOY and smoke_test:
                _smoke(console, name, choose(Deployed, found, f"stack {name}"))
    except typer.BadParameter:
        raise
    except DriftError as error:
        display.summary(planned=True)
        _end(console, Exit.DRIFT, error)
    except SmokeError as error:
        _end(console, Exit.SMOKE, f"{name} is deployed, but the smoke test failed: {error}")
    except (DeployError, TargetError, BotoCoreError, ClientError, OSError) as error:
        _end(console, Exit.FAILED, error)
    except KeyboardInterrupt:
        _end(console, Exit.INTERRUPTED, f"interrupted; if {name} stays locked: pulumi cancel --stack {name}")


def _action(*, preview: bool, destroy: bool, refresh: bool) -> Action:
    if preview and destroy:
        raise typer.BadParameter("--preview and --destroy are two actions; give one of them")
    if preview:
        return Action.PREVIEW
    if destroy:
        return Action.DESTROY
    return Action.REFRESH if refresh else Action.DEPLOY


def _check(action: Action, *, expect_no_changes: bool, confirm: str | None, outputs_file: Path | None) -> None:
    """Refuse options that do not go together."""
    if expect_no_changes and action is not Action.PREVIEW:
        raise typer.BadParameter("--expect-no-changes goes with --preview: a deployment has changed things already")
    if outputs_file is not None and action in (Action.PREVIEW, Action.DESTROY):
        raise typer.BadParameter(f"--outputs goes with a deployment or --refresh: {action.value} has none")
    if confirm is not None and action is not Action.DESTROY:
        raise typer.BadParameter("--confirm goes with --destroy: nothing else is confirmed")


def _confirm(name: str, confirm: str | None) -> None:
    """Have a person confirm what cannot be taken back."""
    if confirm is None and sys.stdin.isatty():
        confirm = typer.prompt(f"This deletes {name}. Type the name of the stack to go on", err=True)
    if confirm != name:
        raise typer.BadParameter(f"--destroy of {name} was not confirmed; give --confirm {name} (not {confirm!r})")


def _check_stack(action: Action, settings: PipelineConfig) -> None:
    """Refuse what no engine has to be asked about."""
    if settings.environment == "local":
        raise typer.BadParameter(f"the stack {settings.stack} is the emulator's: make local (README.md)")
    if action is Action.DESTROY and not settings.storage.allow_destroy:
        raise typer.BadParameter(
            f"--destroy of {settings.stack} is refused: storage.allow_destroy is false in "
            f"Pulumi.{settings.stack}.yaml. Where the environment's rules allow true: set it, deploy that, then destroy"
        )


def _write(text: str, path: Path | None) -> None:
    if path is None:
        print(text)
    else:
        path.write_text(text + "\n", encoding="utf-8")


def _smoke(console: Console, name: str, deployed: Deployed) -> None:
    config = settings(name)
    boto3.setup_default_session(profile_name=config.get("aws:profile"), region_name=config.get("aws:region"))
    canary = Canary(deployed)
    with console.status("smoke test: landing a canary") as line:
        observation = smoke(
            canary,
            patience_seconds=PATIENCE_SECONDS,
            show=lambda observation: line.update(Text(f"smoke test: {canary.key}: {observation.where}")),
        )
    console.print(
        f"[green]✓[/] Athena answers the canary's rows (batch {escape(str(observation.batch_id))})", highlight=False
    )


def _end(console: Console, code: Exit, why: object) -> None:
    console.print(f"error: {why}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
