"""Run the Pulumi program without AWS and without the Pulumi CLI, and keep everything it declares, as plain data."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc

from config.stack_file import opened, read
from recording import naming
from recording.runner import ROOT, main_program, run

__all__ = ["ROOT", "DeclaredResource", "Recording", "main_program", "record", "short_type", "stack_config"]

STACKS = ("local", "dev", "staging", "prod")
ACCOUNT, REGION = "111122223333", "eu-central-1"
# As AWS writes them: policies are checked against these shapes.
_IN_REGION = "arn:aws:{service}:{region}:{account}:"
_ARNS = {
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:athena/workgroup:Workgroup": _IN_REGION + "workgroup/{name}",
    "aws:cloudwatch/eventBus:EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": _IN_REGION + "alarm:{name}",
    "aws:dynamodb/table:Table": _IN_REGION + "table/{name}",
    "aws:ec2/vpc:Vpc": _IN_REGION + "vpc/{name}",
    "aws:glue/connection:Connection": _IN_REGION + "connection/{name}",
    "aws:glue/crawler:Crawler": _IN_REGION + "crawler/{name}",
    "aws:glue/job:Job": _IN_REGION + "job/{name}",
    "aws:kms/key:Key": _IN_REGION + "key/{name}",
    "aws:lambda/function:Function": _IN_REGION + "function:{name}",
    "aws:sfn/stateMachine:StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws:sns/topic:Topic": _IN_REGION + "{name}",
    "aws:sqs/queue:Queue": _IN_REGION + "{name}",
}
NAME_PROPERTIES = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
}
_ANSWERS = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": REGION, "name": REGION, "id": REGION},
    "aws:index/getPartition:getPartition": {"partition": "aws", "id": "aws"},
}


@dataclass(frozen=True)
class DeclaredResource:
    """One resource: what the program asked for, and the options that the engine would see."""

    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    parent: str
    provider: str
    protect: bool
    dependencies: frozenset[str]
    urn: str
    # The names of the hooks that the engine would call before it updates the resource.
    before_update: tuple[str, ...]
    retain_on_delete: bool
    # The URNs that the resource had before.
    aliases: tuple[str, ...]
    # The names of the inputs that are secret: whoever shows inputs must not show these.
    secrets: frozenset[str]

    def json(self, key: str) -> Any:
        """Parse an input that holds a JSON document."""
        return json.loads(self.inputs[key])


@dataclass
class Recording(mocks.Mocks):
    """Everything that one run of a program declared and exported. A call that it does not know is an error."""

    known: bool = True
    resources: list[DeclaredResource] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    # By name, how the engine would call a hook.
    hooks: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Answer with what AWS would have made up: id, ARN, URL."""
        name_property = NAME_PROPERTIES.get(args.typ, "name")
        name = args.inputs.get(name_property) or f"{args.name}-0a1b2c3"
        outputs: dict[str, Any] = {**args.inputs}
        if not args.custom or args.typ.startswith("pulumi:"):
            return f"{args.name}-id", outputs
        if not self.known:
            # A preview of a new stack: what AWS makes up is not known yet, and neither is the id.
            return None, outputs
        service = args.typ.split(":")[1].split("/")[0]
        arn = _ARNS.get(args.typ, _IN_REGION + args.typ.split("/")[-1] + "/{name}")
        outputs[name_property] = name
        outputs["arn"] = arn.format(service=service, name=name, account=ACCOUNT, region=REGION)
        outputs |= {"url": f"https://sqs.example/{name}", "keyId": f"{name}-id"}
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Answer what the program asks about the account.

        Raises:
            NotImplementedError: for a question that it does not know.

        """
        if args.token not in _ANSWERS:
            raise NotImplementedError(args.token)
        return _ANSWERS[args.token], []


class _Monitor(mocks.MockMonitor):
    """Sees the options too, which the mocks' own interface leaves out."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.recording = recording
        # By URN, the URNs that a resource had before.
        self.former: dict[str, tuple[str, ...]] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Name a resource as the engine does."""
        return naming.urn(pulumi.get_stack(), pulumi.get_project(), parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  gRPC's name
        """Keep what the engine would be told."""
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's mocks
        if request.type != "pulumi:pulumi:Stack":
            registered = self.get_registered_resources()[answer.urn]
            found = rpc.deserialize_properties(request.object)
            inputs = {key: rpc.unwrap_rpc_secret(value) for key, value in found.items()}
            self.former[answer.urn] = tuple(dict.fromkeys(naming.former_urns(request, answer.urn, self.former)))
            with self.recording.lock:
                self.recording.resources.append(
                    DeclaredResource(
                        type=request.type,
                        name=request.name,
                        inputs=inputs,
                        outputs=registered.state,
                        parent=request.parent,
                        provider=request.provider,
                        protect=request.protect,
                        dependencies=frozenset(request.dependencies),
                        urn=answer.urn,
                        before_update=tuple(request.hooks.before_update),
                        retain_on_delete=request.retainOnDelete,
                        aliases=self.former[answer.urn],
                        secrets=frozenset(key for key, value in found.items() if rpc.is_rpc_secret(value)),
                    )
                )
        return answer

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802  gRPC's name
        """Keep how the engine would call a hook."""
        self.recording.hooks[request.name] = request
        return super().RegisterResourceHook(request)  # type: ignore[no-untyped-call]  # Pulumi's mocks


def short_type(token: str) -> str:
    """Write `aws:s3/bucket:Bucket` as `s3.Bucket`."""
    return f"{token.split(':')[1].split('/')[0]}.{token.split(':')[-1]}"


def record(
    program: Callable[[], object],
    *,
    config: dict[str, Any] | None = None,
    stack: str = "dev",
    project: str = "data-pipeline",
    preview: bool = False,
    recording: Recording | None = None,
) -> Recording:
    """Run `program` for a stack of a project and return when every registration has landed.

    With `preview`, nothing that AWS makes up is known, as in `pulumi preview` on a new stack. A stand-in takes the
    place of what is encrypted in `config`, and is as secret to the program as with the Pulumi CLI.

    Raises:
        Exception: whatever the program raises.

    """
    recording = recording or Recording(known=not preview)
    plain, secret_keys = opened(config or {})
    recording.exports |= run(
        program,
        recording,
        project=project,
        stack_name=stack,
        config=plain,
        secret_keys=secret_keys,
        monitor=_Monitor(recording),
        preview=preview,
    )
    return recording


def stack_config(stack: str, root: Path = ROOT) -> dict[str, Any]:
    """Read what `Pulumi.<stack>.yaml` says.

    Raises:
        StackFileError: it cannot be used.

    """
    return read(stack, root)


API_KEY_PARAMETER = "/data-pipeline/local/lineage-api-key"


def with_lineage(config: dict[str, Any], url: str = "https://lineage.example.com") -> dict[str, Any]:
    """Return the configuration of a stack with all of lineage switched on, of which the stack `local` has nothing."""
    lineage = {"enabled": True, "url": url, "api_key_parameter": API_KEY_PARAMETER}
    return config | {"data-pipeline:settings": {**config["data-pipeline:settings"], "lineage": lineage}}
