"""Opens stacks and runs the engine on them by the Automation API; what a person can put right becomes one sentence."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pulumi import automation as auto

from config.load import ConfigError, parse
from config.model import PipelineConfig
from config.stack_file import SETTINGS, StackFileError, opened, read
from scripts.display import PERMALINK, Display

ROOT = Path(__file__).resolve().parent.parent
SECRET = "[secret]"
"""What stands in the place of a secret output, as in `pulumi stack output --json`."""

HINTS = {
    "PULUMI_ACCESS_TOKEN must be set": "log in to the state first: pulumi login 's3://<state bucket>?region=<region>', "
    "or set PULUMI_BACKEND_URL (docs/deployment.md)",
    "no Pulumi.yaml project file": "run it from the repository that the script belongs to",
    "PULUMI_CONFIG_PASSPHRASE": "the stack has no secrets provider: commit the secretsprovider and encryptedkey that "
    "`pulumi stack init` wrote into its file (docs/deployment.md)",
    "AccessDenied": "the role lacks a permission: deploy bootstrap/ again, or use the role of this environment",
    "marked for protection": "what holds data is protected where storage.allow_destroy is false, and where it was when "
    "the stack was last deployed (docs/architecture.md)",
    "violates plan": "the program, the settings or what AWS has changed since the preview: deploy again",
}
"""By what the Pulumi CLI says: what to do about it."""


class Action(StrEnum):
    """What to do with a stack."""

    DEPLOY = "deploy"
    PREVIEW = "preview"
    REFRESH = "refresh"
    DESTROY = "destroy"


class DeployError(Exception):
    """Nothing was done, or not all; the message says what to do."""


class DriftError(Exception):
    """There are changes where none were expected."""


def settings(name: str) -> dict[str, Any]:
    """Read the `config` of a stack's file.

    Raises:
        DeployError: there is no such file, or it cannot be used.
    """
    try:
        return read(name, ROOT)
    except StackFileError as error:
        raise DeployError(str(error)) from error


def check_settings(name: str) -> PipelineConfig:
    """Check what a stack's file says, as the program will.

    Raises:
        DeployError: it breaks a rule, or claims another environment than the stack is called after; lists all of it.
    """
    plain, secret = opened(settings(name))
    region = plain.get("aws:region")
    try:
        return parse(plain.get(SETTINGS), f"Pulumi.{name}.yaml", stack=name, region=region, secret=SETTINGS in secret)
    except ConfigError as error:
        raise DeployError(str(error)) from error


def check_credentials(name: str) -> str:
    """Ask AWS who we are, before anything begins; returns the ARN.

    Raises:
        DeployError: nobody, or somebody of another account than the stack's settings name.
    """
    config = settings(name)
    session = boto3.Session(profile_name=config.get("aws:profile"), region_name=config.get("aws:region"))
    try:
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"no AWS credentials that work: {error}. Sign in (aws sso login), or set AWS_PROFILE; "
            "in GitHub Actions, let configure-aws-credentials assume the role of this environment"
        ) from error
    security = (config.get(SETTINGS) or {}).get("security")
    wanted = security.get("account_id") if isinstance(security, Mapping) else None
    if wanted is not None and str(wanted) != identity["Account"]:
        raise DeployError(
            f"these are credentials of account {identity['Account']} ({identity['Arn']}), but Pulumi.{name}.yaml "
            f"allows security.account_id {wanted} only; use those of that account"
        )
    return identity["Arn"]


def open_stack(name: str, *, create: bool, secrets_provider: str | None) -> auto.Stack:
    """Select a stack; with `create` and a secrets provider, make it if there is none.

    Raises:
        DeployError: the Pulumi CLI is missing or too old, nobody is logged in, or there is no such stack.
    """
    try:
        options = auto.LocalWorkspaceOptions(
            work_dir=str(ROOT), secrets_provider=secrets_provider, pulumi_command=auto.PulumiCommand()
        )
        if create and secrets_provider:
            return auto.create_or_select_stack(name, work_dir=str(ROOT), opts=options)
        return auto.select_stack(name, work_dir=str(ROOT), opts=options)
    except FileNotFoundError as error:
        raise DeployError(
            "the Pulumi CLI is not installed, or not on the PATH: https://www.pulumi.com/docs/install/"
        ) from error
    except auto.InvalidVersionError as error:
        raise DeployError(f"the Pulumi CLI cannot be used with this SDK: {error}") from error
    except auto.StackNotFoundError as error:
        how = "--secrets-provider 'awskms://alias/<alias>?region=<region>' (docs/deployment.md)"
        raise DeployError(
            f"there is no stack {name!r} in this state; deploy it for the first time with {how}, "
            "or look whether it is the right state: pulumi whoami --verbose"
        ) from error
    except auto.CommandError as error:
        raise DeployError(explain(error)) from error


def preview(
    stack: auto.Stack,
    action: Action,
    display: Display,
    *,
    plan: Path | None = None,
    refresh: bool = False,
    expect_no_changes: bool = False,
) -> None:
    """Have the engine say what an action would do, and show it; a deployment's steps are kept in the file `plan`.

    Raises:
        DeployError: the engine refuses it, another one runs, or the stack is locked.
        DriftError: there are changes, and none were expected.
    """
    steps: dict[Action, Callable[..., object]] = {
        Action.DEPLOY: stack.preview,
        Action.PREVIEW: stack.preview,
        Action.REFRESH: stack.preview_refresh,
        Action.DESTROY: stack.preview_destroy,
    }
    options: dict[str, Any] = {} if action is Action.REFRESH else {"refresh": refresh}
    if action in (Action.DEPLOY, Action.PREVIEW):
        options |= {"plan": None if plan is None else str(plan), "expect_no_changes": expect_no_changes}
    _run(stack, steps[action], display, options, expect_no_changes=expect_no_changes)


def carry_out(
    stack: auto.Stack, action: Action, display: Display, *, plan: Path | None = None, refresh: bool = False
) -> None:
    """Have the engine do what was shown; a deployment does what `plan` says, or fails.

    Raises:
        DeployError: it failed, another one runs, or the stack is locked.
    """
    steps: dict[Action, Callable[..., object]] = {
        Action.DEPLOY: stack.up,
        Action.REFRESH: stack.refresh,
        Action.DESTROY: stack.destroy,
    }
    options: dict[str, Any] = {"show_secrets": False}
    if action is not Action.REFRESH:
        options["refresh"] = refresh
    if action is Action.DEPLOY:
        options["plan"] = None if plan is None else str(plan)
    _run(stack, steps[action], display, options)


def _run(
    stack: auto.Stack,
    step: Callable[..., object],
    display: Display,
    options: Mapping[str, Any],
    *,
    expect_no_changes: bool = False,
) -> None:
    try:
        step(on_event=display.event, on_output=display.output, on_error=display.output, color="never", **options)
    except auto.ConcurrentUpdateError as error:
        raise DeployError(
            f"the stack {stack.name} is locked: another deployment runs, or one was killed. Wait for it; if nobody "
            f"deploys, take the lock away with: pulumi cancel --stack {stack.name}"
        ) from error
    except auto.CommandError as error:
        if not (expect_no_changes and display.changed and not display.errors):
            raise DeployError(explain(error, display.errors)) from error
    except RuntimeError as error:
        # The SDK's own complaint when the engine told nothing of a preview.
        raise DeployError(f"the Pulumi CLI ended without a summary: {error}") from error
    if display.errors:
        raise DeployError(explain(RuntimeError(), display.errors))
    if expect_no_changes and display.changed:
        raise DriftError(
            f"{display.changed} resources of {stack.name} differ from the program: what AWS has was changed by hand, "
            "or what was merged is not deployed"
        )


def explain(error: Exception, known: list[str] | None = None) -> str:
    """Say what went wrong, in the words of the Pulumi CLI, and what to do about it."""
    text = "\n".join(line for line in str(error).splitlines() if PERMALINK not in line)
    lines = [line.strip() for line in text.splitlines() if "error:" in line]
    said = "\n".join(known or dict.fromkeys(lines) or [text.strip()])
    hints = [hint for sign, hint in HINTS.items() if sign in text or sign in said]
    return "\n".join([said, *(f"→ {hint}" for hint in hints)])


def outputs(stack: auto.Stack) -> dict[str, Any]:
    """The outputs of a stack, as `pulumi stack output --json` writes them: secrets are not shown."""
    return {name: SECRET if output.secret else output.value for name, output in stack.outputs().items()}
