"""Runs a Pulumi program under mocks and hands back everything it declared, as plain data."""

import asyncio
import functools
import json
import runpy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, settings

ROOT = Path(__file__).resolve().parents[3]
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
    "aws:glue/crawler:Crawler": _IN_REGION + "crawler/{name}",
    "aws:glue/job:Job": _IN_REGION + "job/{name}",
    "aws:kms/key:Key": _IN_REGION + "key/{name}",
    "aws:lambda/function:Function": _IN_REGION + "function:{name}",
    "aws:sfn/stateMachine:StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws:sns/topic:Topic": _IN_REGION + "{name}",
    "aws:sqs/queue:Queue": _IN_REGION + "{name}",
}
_NAME_PROPERTIES = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:lambda/layerVersion:LayerVersion": "layerName",
}
_ANSWERS = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": REGION, "name": REGION, "id": REGION},
    "aws:index/getPartition:getPartition": {"partition": "aws", "id": "aws"},
}


@dataclass(frozen=True)
class Declared:
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

    def json(self, key: str) -> Any:
        """Parse an input that holds a JSON document."""
        return json.loads(self.inputs[key])


@dataclass
class Cloud(mocks.Mocks):
    """Records every resource. A call that it does not know is an error."""

    known: bool = True
    resources: list[Declared] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    # By name, how the engine would call a hook.
    hooks: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        name_property = _NAME_PROPERTIES.get(args.typ, "name")
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
        if args.token not in _ANSWERS:
            raise NotImplementedError(args.token)
        return _ANSWERS[args.token], []

    def of(self, *types: str) -> list[Declared]:
        """All resources of some types (`s3.Bucket` for `aws:s3/bucket:Bucket`): never none."""
        found = [resource for resource in self.resources if short_type(resource.type) in types]
        assert found, f"a rule about no {' or '.join(types)} proves nothing"
        return found

    def one(self, type_: str, name: str) -> Declared:
        """The resource of that type with that logical name."""
        (found,) = [resource for resource in self.of(type_) if resource.name == name]
        return found

    def aws(self) -> list[Declared]:
        """All resources of AWS."""
        found = [resource for resource in self.resources if resource.type.startswith("aws:")]
        assert found, "a program without resources proves nothing"
        return found

    def documents(self) -> Iterator[tuple[Declared, str, Any]]:
        """Every policy document: its resource, its property, and itself."""
        for resource in self.aws():
            for key in ("policy", "assumeRolePolicy"):
                if isinstance(resource.inputs.get(key), str):
                    yield resource, key, resource.json(key)


class _Monitor(mocks.MockMonitor):
    """Sees the options too, which the mocks' own interface leaves out."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.cloud = cloud

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  gRPC's name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's mocks
        if request.type != "pulumi:pulumi:Stack":
            registered = self.get_registered_resources()[answer.urn]
            inputs = {key: _plain(value) for key, value in rpc.deserialize_properties(request.object).items()}
            with self.cloud.lock:
                self.cloud.resources.append(
                    Declared(
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
                    )
                )
        return answer

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802  gRPC's name
        self.cloud.hooks[request.name] = request
        return super().RegisterResourceHook(request)  # type: ignore[no-untyped-call]  # Pulumi's mocks


def short_type(token: str) -> str:
    """Write `aws:s3/bucket:Bucket` as `s3.Bucket`."""
    return f"{token.split(':')[1].split('/')[0]}.{token.split(':')[-1]}"


def _plain(value: Any) -> Any:
    """Unwrap secrets, which the provider's keys are."""
    if isinstance(value, dict) and rpc._special_secret_sig in value.values():
        return value["value"]
    return value


def deploy(
    program: Callable[[], object],
    *,
    config: dict[str, Any] | None = None,
    stack: str = "dev",
    preview: bool = False,
    cloud: Cloud | None = None,
) -> Cloud:
    """Run `program` and return when every registration has landed."""
    cloud = cloud or Cloud(known=not preview)
    loop = asyncio.new_event_loop()
    loops: list[asyncio.AbstractEventLoop] = []

    def give_thread_a_loop() -> None:
        # The SDK makes one where there is none, and leaves it open.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    executor = ThreadPoolExecutor(max_workers=4, initializer=give_thread_a_loop)
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    try:
        # The stack of an earlier test must not be seen by this one.
        settings.ROOT.set(None)
        mocks.set_mocks(
            cloud,
            project="data-pipeline",
            stack=stack,
            preview=preview,
            monitor=_Monitor(cloud),
        )
        pulumi.runtime.set_all_config(_flat(config or {}))

        @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's
        def run() -> None:
            program()
            root = settings.get_root_resource()
            assert isinstance(root, pulumi.runtime.stack.Stack)
            cloud.exports.update(root.outputs)

        run()
    finally:
        executor.shutdown()
        for each in (loop, *loops):
            each.close()
        asyncio.set_event_loop(None)
    return cloud


def _flat(config: dict[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def stack_config(stack: str) -> dict[str, Any]:
    """Read what `Pulumi.<stack>.yaml` says."""
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["config"])


def main_program() -> None:
    """Be the program that `pulumi up` runs."""
    runpy.run_path(str(ROOT / "__main__.py"))


@functools.cache
def pipeline(stack: str, *, preview: bool = False) -> Cloud:
    """Deploy the whole program of a stack; once, since nothing that is recorded changes."""
    return deploy(main_program, config=stack_config(stack), stack=stack, preview=preview)
