"""Stands in for the AWS provider: takes every resource, makes up what AWS would, and keeps it in a folder, the cloud.

The engine starts it as `pulumi-resource-aws`. What AWS thinks of a resource, it does not know.
STAND_IN_CLOUD names the folder: one file for each resource, which tests alter and delete behind the engine's back,
and `log`, a line for each call that changes something, in the order in which they come. What is of the type that
STAND_IN_REFUSES names is not created.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # has no stubs
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]  # has no stubs
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from recording.program import NAME_PROPERTIES, Recording
from tests.engine.plugin import serve

VERSION = "7.51.1"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the protocol writes a text that is not known yet (Pulumi's SDK, rpc.UNKNOWN)."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks assets, archives and secrets among plain values."""
REPLACED = {"bucket", "functionName", "layerName", "dashboardName", "hashKey", "rangeKey", "key", "queryString", "name"}
"""Properties that AWS cannot change of a resource that exists."""

Properties = dict[str, Any]


class Cloud:
    """What exists, a file for each URN."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, urn: str) -> Path:
        """The file of a resource, whether it exists or not."""
        return self.folder / f"{hashlib.sha256(urn.encode()).hexdigest()}.json"

    def keep(self, what: str, urn: str, properties: Properties) -> None:
        """Create or update a resource."""
        self.log(what, urn)
        self.file(urn).write_text(json.dumps({"urn": urn, "properties": properties}))

    def delete(self, urn: str) -> None:
        """Delete a resource."""
        self.log("delete", urn)
        self.file(urn).unlink(missing_ok=True)

    def log(self, what: str, urn: str) -> None:
        """Add a line to the log."""
        with (self.folder / "log").open("a") as log:
            log.write(f"{what} {urn}\n")


def outputs(urn: str, inputs: Properties, *, known: bool) -> tuple[str, Properties]:
    """Make up what AWS would, as the recording of the program's tests does: the id and all properties."""
    type_, name = urn.split("::")[2].split("$")[-1], urn.rsplit("::", 1)[-1]
    end = hashlib.sha256(urn.encode()).hexdigest()[:7]
    named = NAME_PROPERTIES.get(type_, "name")
    given = {**inputs} if isinstance(inputs.get(named), str) else {**inputs, named: f"{name}-{end}"}
    args = MockResourceArgs(typ=type_, name=name, inputs=given, provider="", resource_id="", custom=True)
    id_, made = Recording().new_resource(args)
    # What was asked for is what there is: a target's ARN is another resource's.
    made |= given
    if not known:
        made = {key: inputs.get(key, UNKNOWN) for key in made}
    return f"{id_}-{end}", made


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The calls of Pulumi's provider protocol that the engine makes."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's names, here and below
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            answer, _ = Recording().call(MockCallArgs(token=request.tok, args={}, provider=""))
        except NotImplementedError:
            context.abort(grpc.StatusCode.NOT_FOUND, f"the stand-in knows no answer to {request.tok}")
        return provider_pb2.InvokeResponse(**{"return": struct(answer)})

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        old, new = plain(request.old_inputs), plain(request.news)
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        changes = provider_pb2.DiffResponse.DIFF_SOME if keys else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=keys, replaces=[key for key in keys if key in REPLACED])

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        id_, made = outputs(request.urn, plain(request.properties), known=not request.preview)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=struct(made))
        if request.urn.split("::")[2].split("$")[-1] == os.environ.get("STAND_IN_REFUSES"):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "AccessDenied: the stand-in was told to refuse it")
        self.cloud.keep("create", request.urn, made)
        return provider_pb2.CreateResponse(id=id_, properties=struct(made))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        file = self.cloud.file(request.urn)
        if not file.exists():
            return provider_pb2.ReadResponse()
        made = json.loads(file.read_text())["properties"]
        # The contents of assets are not in the state.
        found = {key: value for key, value in made.items() if SIGNATURE not in json.dumps(value)}
        inputs = plain(request.inputs)
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=struct({**plain(request.properties), **found}),
            inputs=struct({key: found.get(key, value) for key, value in inputs.items()}),
        )

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        _, made = outputs(request.urn, plain(request.news), known=True)
        if not request.preview:
            self.cloud.keep("update", request.urn, made)
        return provider_pb2.UpdateResponse(properties=struct(made))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.cloud.delete(request.urn)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


def plain(properties: Any) -> Properties:
    """Read a message's properties."""
    found: Properties = json_format.MessageToDict(properties)
    return found


def struct(properties: Properties) -> Any:
    """Write properties into a message."""
    made = struct_pb2.Struct()
    made.update(properties)
    return made


def main() -> None:
    """Serve the engine that started this process."""
    cloud = Cloud(Path(os.environ["STAND_IN_CLOUD"]))
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(cloud), server))


if __name__ == "__main__":
    main()
