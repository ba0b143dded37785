"""Contracts are compared with those of the last deployment before anything changes, over the engine's own wire."""

from typing import Any

import grpc  # type: ignore[import-untyped]  # has no stubs
from pulumi.runtime import mocks
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from contracts.compiler import evolution
from tests.unit.infrastructure.cloud import Cloud, DeclaredResource, deploy, main_program, stack_config
from tests.unit.infrastructure.test_program import DATASETS

HOOK = "data-pipeline-contract-evolution"
KIND = "pipeline:data_pipeline:DataPipeline"


def test_every_contract_is_compared_before_it_is_updated_in_previews_too(cloud: Cloud) -> None:
    compared = pipeline_of(cloud)
    assert compared.before_update == (HOOK,)
    assert compared.inputs["contracts"].keys() == set(DATASETS)
    written = {r.inputs["key"]: r.json("content") for r in cloud.of("s3.BucketObjectv2") if "content" in r.inputs}
    for dataset, found in compared.inputs["contracts"].items():
        assert found == evolution.form(written[f"contracts/{dataset}.json"])
    assert cloud.hooks.keys() == {HOOK, "data-pipeline-engine-fetched"}
    assert cloud.hooks[HOOK].on_dry_run is True
    assert cloud.hooks[HOOK].ignore_errors is False


class Engine(Cloud):
    """Calls the hook as the engine does for an update of the flights' contract."""

    answers: dict[str, str]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == KIND:
            wanted = args.inputs["contracts"]
            flights = wanted["flights"]
            columns = [*flights["columns"], {"name": "x", "type": "int", "required": False}]
            more = {**wanted, "flights": {**flights, "columns": columns}}
            self.answers = {
                "the same": self.update(wanted, wanted),
                "one column less": self.update(more, wanted),
            }
        return super().new_resource(args)

    def update(self, old: Any, new: Any) -> str:
        request = resource_pb2.ResourceHookRequest(urn="urn", name="data-pipeline", type=KIND)
        request.old_inputs.update({"contracts": old})
        request.new_inputs.update({"contracts": new})
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


def pipeline_of(cloud: Cloud) -> DeclaredResource:
    (found,) = [resource for resource in cloud.resources if resource.type == KIND]
    return found


def test_everything_of_aws_waits_for_that_comparison(cloud: Cloud) -> None:
    """A child is registered once its parent is, and the engine compares before it registers the parent."""
    parents = {resource.urn: resource.parent for resource in cloud.resources}
    compared = pipeline_of(cloud).urn

    def inside(urn: str) -> bool:
        return urn == compared or (urn in parents and inside(parents[urn]))

    assert [resource.urn for resource in cloud.aws() if not inside(resource.urn)] == []


def test_a_contract_is_written_after_all_the_code_that_reads_it(cloud: Cloud) -> None:
    code = {one.urn for one in cloud.of("lambda.Function", "lambda.LayerVersion", "glue.Job", "sfn.StateMachine")}
    code |= {one.urn for one in cloud.of("s3.BucketObjectv2") if one.inputs["key"].startswith("glue/")}
    for one in cloud.of("s3.BucketObjectv2"):
        if one.inputs["key"].startswith("contracts/"):
            assert code - before(cloud, one) == set(), one.name


def test_files_of_a_dataset_are_taken_when_all_that_it_needs_is_there(cloud: Cloud) -> None:
    """Ingestion takes files of a dataset that has a contract, and etl_trigger batches those that the index names."""
    written = [
        one
        for one in cloud.of("s3.BucketObjectv2")
        if one.inputs["key"].startswith("contracts/") and one.inputs["key"] != "contracts/_ready.json"
    ]
    (index,) = [one for one in written if one.inputs["key"] == "contracts/index.json"]
    assert len(written) == len(DATASETS) + 1
    needed = cloud.of(
        "glue.Crawler", "glue.CatalogTable", "iam.RolePolicy", "athena.NamedQuery", "cloudwatch.MetricAlarm"
    )
    for one in written:
        waits = before(cloud, one)
        assert [other.name for other in needed if other.urn not in waits] == [], one.name
    assert {one.urn for one in written if one is not index} <= before(cloud, index)


def test_nothing_ticks_before_there_is_an_index(cloud: Cloud) -> None:
    """etl_trigger fails without one: on a first deployment, that would call a person."""
    (index,) = [one for one in cloud.of("s3.BucketObjectv2") if one.inputs["key"] == "contracts/index.json"]
    by_urn = {one.urn: one for one in cloud.resources}
    targets = [one for one in cloud.of("cloudwatch.EventTarget") if "etl-trigger" in str(one.inputs["arn"])]
    assert len(targets) == 1, "the schedule"
    trigger = next(one for one in cloud.of("lambda.Function") if one.name == "data-pipeline-etl-trigger")
    mappings = cloud.of("lambda.EventSourceMapping")
    queues = [one for one in mappings if one.inputs["functionName"] == trigger.outputs["name"]]
    assert len(queues) == 1, "the queue of ticks"
    for target in [*targets, *queues]:
        assert index.urn in before(cloud, by_urn[target.parent]), f"{target.name} is registered after its component"


def before(cloud: Cloud, last: DeclaredResource) -> set[str]:
    """Everything that is there before a resource is made."""
    by_urn, left = {one.urn: one for one in cloud.resources}, [last.urn]
    found: set[str] = set()
    while left:
        for urn in by_urn[left.pop()].dependencies - found:
            found.add(urn)
            left.append(urn)
    return found
