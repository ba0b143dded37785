"""Deploy the Pulumi program into the emulator, without the Pulumi CLI: each declared resource is really created.

The program runs through the SDK's mock monitor. Its `new_resource` creates what the program declares with boto3 and
returns the outputs that the AWS provider would return. There is no second description of the infrastructure.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime import mocks

from config.stack_file import StackFileError, unchecked
from local.resources import HANDLERS, NOT_EMULATED
from local.resources.base import Aws, Handler, Json, ResourceRequest
from recording.runner import main_program, run

_STACK: Final = "pulumi:pulumi:Stack"
_PROVIDER: Final = "pulumi:providers:aws"
_SECRET_KEY: Final = "4dabf18193072939515e22adb298388d"


class DeploymentError(Exception):
    """The program or one of its resources failed; the message names the resource and says what AWS answered."""


@dataclass(frozen=True)
class CreatedResource:
    """A resource that was created: Pulumi type, logical name, physical id and outputs."""

    type: str
    name: str
    id: str
    outputs: Json


@dataclass(frozen=True)
class Deployment:
    """What the program exported and created; `skipped` are (type, name, reason)."""

    outputs: Json
    resources: list[CreatedResource]
    skipped: list[tuple[str, str, str]]


@dataclass
class _Monitor(mocks.Mocks):
    aws: Aws
    directory: Path
    progress: Callable[[CreatedResource], None]
    handlers: dict[str, Handler] = field(default_factory=lambda: HANDLERS)
    resources: list[CreatedResource] = field(default_factory=list)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    default_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs = _plain(args.inputs)
        if not args.custom:
            return "", inputs
        if args.typ == _PROVIDER:
            self.default_tags[args.name] = _default_tags(inputs)
            return f"{args.name}-id", inputs
        try:
            return self._create(args, inputs)
        except (ClientError, BotoCoreError, ValueError, KeyError, OSError, LookupError) as error:
            problem = f"{args.typ} {args.name!r}: {_explained(error)}"
            with self.lock:
                self.failures.append(problem)
            raise DeploymentError(problem) from error

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        answers: dict[str, Json] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": self.aws.account,
                "arn": f"arn:aws:iam::{self.aws.account}:root",
                "id": self.aws.account,
                "userId": self.aws.account,
            },
            "aws:index/getRegion:getRegion": {
                "name": self.aws.region,
                "region": self.aws.region,
                "id": self.aws.region,
                "description": "the emulator",
                "endpoint": f"ec2.{self.aws.region}.amazonaws.com",
            },
            "aws:index/getPartition:getPartition": {
                "partition": "aws",
                "id": "aws",
                "dnsSuffix": "amazonaws.com",
                "reverseDnsPrefix": "com.amazonaws",
            },
        }
        if args.token not in answers:
            problem = (
                f"the program calls {args.token}, which the deployer does not answer: "
                f"it knows {', '.join(sorted(answers))}; add it to `call` in local/deployer.py"
            )
            with self.lock:
                self.failures.append(problem)
            raise DeploymentError(problem)
        return answers[args.token], []

    def _create(self, args: mocks.MockResourceArgs, inputs: Json) -> tuple[str, Json]:
        if reason := NOT_EMULATED.get(args.typ):
            with self.lock:
                self.skipped.append((args.typ, args.name, reason))
            return f"{args.name}-not-emulated", inputs
        handler = self.handlers.get(args.typ)
        if handler is None:
            raise LookupError(
                "the deployer does not know this type. Add a function that creates it to the module of its service "
                "in local/resources/ and to that module's HANDLERS, or, if the emulator lacks its API, add the type "
                "with the reason to NOT_EMULATED in local/resources/__init__.py"
            )
        declared = ResourceRequest(args.typ, args.name, inputs, self.aws, self.directory, self._tags_of(args.provider))
        made = handler(declared)
        outputs = {**inputs, **{key: value for key, value in made.outputs.items() if value is not None}}
        resource = CreatedResource(args.typ, args.name, made.id, outputs)
        with self.lock:
            self.resources.append(resource)
            self.progress(resource)
        return made.id, outputs

    def _tags_of(self, provider: str | None) -> dict[str, str]:
        # A provider reference is `<urn>::<id>`, and the urn ends with the provider's logical name.
        parts = (provider or "").split("::")
        return self.default_tags.get(parts[3], {}) if len(parts) > 3 else {}


def deploy(
    endpoint: str,
    stack_name: str,
    project_dir: Path,
    *,
    program: Callable[[], object] | None = None,
    config: Json | None = None,
    progress: Callable[[CreatedResource], None] = lambda _: None,
) -> Deployment:
    """Run a Pulumi program against the emulator at `endpoint`.

    `program` is the project's `__main__.py` unless given, `config` what `Pulumi.<stack>.yaml` says unless given.
    `progress` hears of every resource that was created, from several threads.

    Raises:
        DeploymentError: if the program raises, or a resource is unknown or refused.
    """
    project = _project_name(project_dir)
    settings_of_stack = read_config(project_dir, stack_name) if config is None else config
    region = settings_of_stack.get("aws:region") or Aws(endpoint).region
    monitor = _Monitor(Aws(endpoint, region), project_dir, progress)
    try:
        outputs = run(
            program or _main_program(project_dir),
            monitor,
            project=project,
            stack_name=stack_name,
            config={key if ":" in key else f"{project}:{key}": value for key, value in settings_of_stack.items()},
        )
    except Exception as error:
        raise DeploymentError(_summary(monitor.failures, error)) from error
    if monitor.failures:
        raise DeploymentError(_summary(monitor.failures, None))
    return Deployment(outputs, monitor.resources, monitor.skipped)


def read_config(project_dir: Path, stack_name: str) -> Json:
    """The `config` of `Pulumi.<stack>.yaml`.

    Raises:
        DeploymentError: if there is no such file, or it cannot be read.
    """
    path = project_dir / f"Pulumi.{stack_name}.yaml"
    if not path.exists():
        known = sorted(found.name.split(".")[1] for found in project_dir.glob("Pulumi.*.yaml"))
        raise DeploymentError(f"There is no {path.name}; the stacks of this project are: {', '.join(known)}.")
    try:
        return unchecked(stack_name, project_dir)
    except StackFileError as error:
        raise DeploymentError(str(error)) from error


def _main_program(project_dir: Path) -> Callable[[], object]:
    def program() -> None:
        if str(project_dir) not in sys.path:
            sys.path.insert(0, str(project_dir))
        main_program(project_dir)

    return program


def _project_name(project_dir: Path) -> str:
    path = project_dir / "Pulumi.yaml"
    if not path.exists():
        return project_dir.resolve().name
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["name"])


def _plain(value: Any) -> Any:
    # Secrets arrive wrapped, whole numbers as floats.
    if isinstance(value, dict):
        if value.get(_SECRET_KEY):
            return _plain(value.get("value"))
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _default_tags(inputs: Json) -> dict[str, str]:
    given = inputs.get("defaultTags")
    parsed = json.loads(given) if isinstance(given, str) else given
    return dict((parsed or {}).get("tags") or {})


def _explained(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the input {error} is missing"
    return re.sub(r"\s+", " ", str(error))


def _summary(failures: Iterable[str], error: Exception | None) -> str:
    lines = list(dict.fromkeys(failures))
    if isinstance(error, pulumi.RunError) and not lines:
        # What is wrong in files that users write, said once and for people.
        return str(error)
    if error is not None and not any(line in str(error) for line in lines):
        lines.append(f"{type(error).__name__}: {error}")
    return "The deployment failed:\n" + "\n".join(f"  - {line}" for line in lines)
