"""A contract's object is compared with the deployed one before it is updated, over the same wire as the engine's."""

import json
from typing import Any

import grpc  # type: ignore[import-untyped]  # has no stubs
from pulumi.runtime import mocks
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from tests.unit.infrastructure.cloud import Cloud, deploy, main_program, stack_config
from tests.unit.infrastructure.test_program import DATASETS

HOOK = "data-pipeline-contract-evolution"


def test_every_contract_is_compared_before_it_is_updated_in_previews_too(cloud: Cloud) -> None:
    compared = {r.inputs["key"] for r in cloud.of("s3.BucketObjectv2") if HOOK in r.before_update}
    assert compared == {f"contracts/{dataset}.json" for dataset in DATASETS}
    assert cloud.hooks.keys() == {HOOK}
    assert cloud.hooks[HOOK].on_dry_run is True
    assert cloud.hooks[HOOK].ignore_errors is False


class Engine(Cloud):
    """Calls the hook as the engine does for an update of the flights' contract."""

    answers: dict[str, str]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.inputs.get("key") == "contracts/flights.json":
            wanted = str(args.inputs["content"])
            deployed = json.loads(wanted)
            more = {**deployed, "columns": [*deployed["columns"], {"name": "x", "type": "int", "required": False}]}
            self.answers = {
                "the same": self.update(wanted, wanted),
                "one column less": self.update(json.dumps(more), wanted),
            }
        return super().new_resource(args)

    def update(self, old: str, new: str) -> str:
        request = resource_pb2.ResourceHookRequest(urn="urn", name="contract", type="aws:s3/bucketObjectv2")
        request.old_inputs.update({"content": old})
        request.new_inputs.update({"content": new})
        callback = self.hooks[HOOK].callback
        with grpc.insecure_channel(callback.target) as channel:
            stub = callback_pb2_grpc.CallbacksStub(channel)
            message = callback_pb2.CallbackInvokeRequest(token=callback.token, request=request.SerializeToString())
            answer = stub.Invoke(message, timeout=20)
        return str(resource_pb2.ResourceHookResponse.FromString(answer.response).error)


def test_the_engine_gets_the_refusal_as_the_updates_error() -> None:
    cloud = Engine()
    deploy(main_program, config=stack_config("dev"), cloud=cloud)
    assert cloud.answers["the same"] == ""
    assert "x: was int, is gone" in cloud.answers["one column less"]
