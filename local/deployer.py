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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime import mocks

from components.storage.contracts import EvolutionError, compare
from config.stack_file import StackFileError, unchecked
from local.kept import Kept, KeptResource, digest
from local.resources import CHANGED_IN_PLACE, HANDLERS, NOT_EMULATED, REMOVED
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
    """What the program exported and has; `skipped` are (type, name, reason).

    Of its resources, `created` are new and `changed` are others than before; `left` were declared once, and stay.
    """

    outputs: Json
    resources: list[CreatedResource]
    skipped: list[tuple[str, str, str]]
    created: int = 0
    changed: int = 0
    left: tuple[str, ...] = ()


@dataclass
class _Monitor(mocks.Mocks):
    aws: Aws
    directory: Path
    progress: Callable[[CreatedResource], None]
    kept: Kept
    handlers: dict[str, Handler] = field(default_factory=lambda: HANDLERS)
    resources: list[CreatedResource] = field(default_factory=list)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    default_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs = _plain(args.inputs)
        if not args.custom:
            self._compare(inputs.get("contracts"))
            return "", inputs
        if args.typ == _PROVIDER:
            self.default_tags[args.name] = _default_tags(inputs)
            return f"{args.name}-id", inputs
        try:
            return self._create(args, inputs)
        except (ClientError, BotoCoreError, ValueError, KeyError, OSError, LookupError) as error:
            raise self._failed(f"{args.typ} {args.name!r}: {_explained(error)}") from error

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
            raise self._failed(
                f"the program calls {args.token}, which the deployer does not answer: "
                f"it knows {', '.join(sorted(answers))}; add it to `call` in local/deployer.py"
            )
        return answers[args.token], []

    def _failed(self, problem: str) -> DeploymentError:
        with self.lock:
            self.failures.append(problem)
        return DeploymentError(problem)

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
        before, wanted = self.kept.resources.get((args.typ, args.name)), digest(declared)
        if before is None:
            made = handler(declared)
        elif before.digest == wanted:
            made = before.created
        elif args.typ in CHANGED_IN_PLACE:
            made = handler(replace(declared, before=before.created))
        else:
            raise ValueError(
                "it is declared otherwise than before, and cannot be changed here while data is kept: "
                "`make local FRESH=yes` forgets the data and begins anew"
            )
        given = {key: value for key, value in made.outputs.items() if value is not None}
        resource = CreatedResource(args.typ, args.name, made.id, {**inputs, **given})
        with self.lock:
            self.kept.remember(KeptResource(args.typ, args.name, wanted, made.id, given))
            self.created += before is None
            self.changed += before is not None and before.digest != wanted
            self.resources.append(resource)
            self.progress(resource)
        return made.id, resource.outputs

    def _compare(self, contracts: Json | None) -> None:
        """Refuse contracts that the engine would refuse to change so."""
        if contracts is None:
            return
        try:
            compare(
                pulumi.ResourceHookArgs(
                    "", "", "", "", old_inputs={"contracts": self.kept.contracts}, new_inputs={"contracts": contracts}
                )
            )
        except EvolutionError as error:
            raise self._failed(str(error)) from error
        self.kept.contracts = contracts

    def remove(self) -> tuple[str, ...]:
        """Remove what the program declares no more; returns what stays all the same."""
        left = []
        declared = {(resource.type, resource.name) for resource in self.resources}
        for key in self.kept.resources.keys() - declared:
            if key[0] in REMOVED:
                REMOVED[key[0]](self.aws, self.kept.resources.pop(key).created)
            else:
                left.append(" ".join(key))
        return tuple(sorted(left))

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
    kept: Kept | None = None,
) -> Deployment:
    """Run a Pulumi program against the emulator at `endpoint`.

    `program` is the project's `__main__.py` unless given, `config` what `Pulumi.<stack>.yaml` says unless given.
    `progress` hears of every resource, from several threads. What `kept` has of an earlier deployment is not made
    again; it is told what there is then, also if the deployment fails.

    Raises:
        DeploymentError: if the program raises, or a resource is unknown or refused.
    """
    project = _project_name(project_dir)
    settings_of_stack = read_config(project_dir, stack_name) if config is None else config
    region = settings_of_stack.get("aws:region") or Aws(endpoint).region
    monitor = _Monitor(Aws(endpoint, region), project_dir, progress, Kept(endpoint) if kept is None else kept)
    left: tuple[str, ...] = ()
    try:
        outputs = run(
            program or _main_program(project_dir),
            monitor,
            project=project,
            stack_name=stack_name,
            config={key if ":" in key else f"{project}:{key}": value for key, value in settings_of_stack.items()},
        )
        if not monitor.failures:
            left = monitor.remove()
    except Exception as error:
        raise DeploymentError(_summary(monitor.failures, error)) from error
    finally:
        monitor.kept.save()
    if monitor.failures:
        raise DeploymentError(_summary(monitor.failures, None))
    return Deployment(outputs, monitor.resources, monitor.skipped, monitor.created, monitor.changed, left)


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
