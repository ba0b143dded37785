"""The program as a whole: every stack, known and unknown values, names, tags, outputs."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from tests.unit.infrastructure.cloud import ROOT, STACKS, Cloud, pipeline, short_type

OUTPUTS = {
    "raw_bucket",
    "curated_bucket",
    "quarantine_bucket",
    "artifacts_bucket",
    "query_results_bucket",
    "ledger_table",
    "database",
    "workgroup",
    "state_machine_arn",
    "event_bus_name",
    "notifications_topic_arn",
    "alarms_topic_arn",
    "arrivals_queue_url",
    "arrivals_dead_letters_url",
    "job_name",
    "datasets",
    "functions",
    "crawlers",
    "dashboard_name",
}
OF_AN_UNKNOWN = re.compile(
    r"\bNone\b|\[unknown\]|__str__|<pulumi|<function|object at 0x|04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)
"""What Python and Pulumi write for a value that is not there (yet); the last is Pulumi's own mark for it."""
DATASETS = {file.name.removesuffix(".odcs.yaml") for file in (ROOT / "contracts").glob("*.odcs.yaml")}


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_of_a_new_stack_declares_what_the_deployment_creates(stack: str) -> None:
    previewed, deployed = pipeline(stack, preview=True), pipeline(stack)
    assert len(deployed.aws()) > 100, "the program declares more than a hundred resources, or it did not run"
    assert sorted(r.urn for r in previewed.resources) == sorted(r.urn for r in deployed.resources)


def texts(value: Any) -> Iterator[str]:
    """Every text in a value: keys too, and what is inside of it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for key, inner in value.items() for text in (*texts(key), *texts(inner)))
    elif isinstance(value, list):
        yield from (text for inner in value for text in texts(inner))


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", [True, False])
def test_nothing_is_made_of_what_is_not_known(stack: str, preview: bool) -> None:
    cloud = pipeline(stack, preview=preview)
    seen = [(r.name, text) for r in cloud.aws() for text in texts({r.name: r.inputs})]
    assert len(seen) > 1_000
    assert [(name, text) for name, text in seen if OF_AN_UNKNOWN.search(text)] == []
    assert [text for text in texts(cloud.exports) if OF_AN_UNKNOWN.search(text)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_preview_says_of_a_resource_is_what_will_be(stack: str) -> None:
    deployed = {r.urn: r for r in pipeline(stack).resources}
    previewed = pipeline(stack, preview=True).resources
    told = {
        f"{r.name}.{key}": (value, deployed[r.urn].inputs.get(key))
        for r in previewed
        for key, value in r.inputs.items()
        if not isinstance(value, pulumi.Archive | pulumi.Asset)
    }
    assert len(told) > 500, "a preview that knows nothing proves nothing"
    assert {key: both for key, both in told.items() if not agree(*both)} == {}


def agree(told: Any, then: Any) -> bool:
    """Whether what a preview tells is what is then; what it does not know it may leave open."""
    if isinstance(told, pulumi.output.Unknown):
        return True
    if isinstance(told, dict) and isinstance(then, dict):
        return told.keys() <= then.keys() and all(agree(told[key], then[key]) for key in told)
    if isinstance(told, list) and isinstance(then, list):
        return len(told) == len(then) and all(map(agree, told, then))
    return bool(told == then)


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_knows_who_is_protected_and_what_was_renamed(stack: str) -> None:
    options = [
        {r.urn: (r.protect, r.retain_on_delete, r.aliases) for r in pipeline(stack, preview=preview).resources}
        for preview in (True, False)
    ]
    assert options[0] == options[1]


def test_no_two_resources_share_type_and_name(cloud: Cloud) -> None:
    twice = [key for key, count in Counter((r.type, r.name) for r in cloud.resources).items() if count > 1]
    assert twice == [], "the engine refuses what the mocks accept"


def test_every_aws_resource_uses_the_one_provider_with_the_tags(cloud: Cloud) -> None:
    (provider,) = [r for r in cloud.resources if r.type == "pulumi:providers:aws"]
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert tags.keys() >= {"Project", "Environment", "Stack", "ManagedBy"}
    assert [r.name for r in cloud.aws() if not r.provider.startswith(provider.urn)] == []


def test_every_resource_is_inside_a_component(cloud: Cloud) -> None:
    assert [r.name for r in cloud.aws() if "pipeline:" not in r.parent] == []


def test_component_types_have_three_parts(cloud: Cloud) -> None:
    components = [r.type for r in cloud.resources if not r.type.startswith(("aws:", "pulumi:"))]
    assert len(components) > 20
    assert [token for token in components if not re.fullmatch(r"pipeline:[a-z_]+:[A-Z]\w+", token)] == []


def test_the_outputs_are_what_others_read(cloud: Cloud) -> None:
    assert cloud.exports.keys() >= OUTPUTS


def test_every_dataset_has_its_contract_and_its_place_in_the_index_and_a_crawler_if_it_asks(dev: Cloud) -> None:
    assert {r.inputs["name"] for r in dev.of("glue.Crawler")} == {"data-pipeline-dev_planes"}
    objects = {r.inputs["key"]: r for r in dev.of("s3.BucketObjectv2")}
    assert objects.keys() >= {f"contracts/{name}.json" for name in DATASETS}
    index = objects["contracts/index.json"].json("content")
    assert set(index["datasets"]) == DATASETS
    about = {item["dataset"]: item for item in index["about"]}
    assert set(about) == DATASETS, "for people, all of these say what they are for"
    assert about["airlines"]["purpose"] == "Carriers by their two-character IATA code."
    names = {key.rpartition("/")[2] for key in objects if key.startswith("glue/")}
    assert names == {"raw_to_curated.py", "libraries.zip"}


def test_a_dataset_adds_no_job_no_function_and_no_state_machine(dev: Cloud) -> None:
    assert len(dev.of("glue.Job")) == 1
    assert len(dev.of("sfn.StateMachine")) == 1
    assert len(dev.of("lambda.Function")) == 10


def test_nothing_is_declared_that_the_deployer_was_not_told_of(cloud: Cloud) -> None:
    allowed = {
        "kms.Key",
        "kms.Alias",
        "s3.Bucket",
        "s3.BucketVersioning",
        "s3.BucketServerSideEncryptionConfiguration",
        "s3.BucketPublicAccessBlock",
        "s3.BucketOwnershipControls",
        "s3.BucketPolicy",
        "s3.BucketLifecycleConfiguration",
        "s3.BucketNotification",
        "s3.BucketObjectLockConfiguration",
        "s3.BucketObjectv2",
        "dynamodb.Table",
        "iam.Role",
        "iam.RolePolicy",
        "lambda.Function",
        "lambda.EventSourceMapping",
        "lambda.LayerVersion",
        "lambda.Permission",
        "lambda.FunctionEventInvokeConfig",
        "sqs.Queue",
        "sqs.QueuePolicy",
        "sqs.RedriveAllowPolicy",
        "sns.Topic",
        "sns.TopicPolicy",
        "sns.TopicSubscription",
        "cloudwatch.EventBus",
        "cloudwatch.EventRule",
        "cloudwatch.EventTarget",
        "cloudwatch.LogGroup",
        "cloudwatch.MetricAlarm",
        "cloudwatch.CompositeAlarm",
        "budgets.Budget",
        "cloudwatch.Dashboard",
        "cloudwatch.QueryDefinition",
        "sfn.StateMachine",
        "glue.CatalogDatabase",
        "glue.CatalogTable",
        "glue.Crawler",
        "glue.Job",
        "glue.SecurityConfiguration",
        "athena.Workgroup",
        "athena.NamedQuery",
    }
    assert {short_type(r.type) for r in cloud.aws()} <= allowed


def test_prod_calls_a_person(prod: Cloud) -> None:
    alarms = prod.one("sns.Topic", "data-pipeline-alarms").outputs["arn"]
    assert [r for r in prod.of("sns.TopicSubscription") if r.inputs["topic"] == alarms]


def test_the_emulators_endpoints_reach_the_provider() -> None:
    (provider,) = [r for r in pipeline("local").resources if r.type == "pulumi:providers:aws"]
    (endpoints,) = json.loads(provider.inputs["endpoints"])
    used = {r.type.split(":")[1].split("/")[0] for r in pipeline("local").aws()}
    # CloudWatch's package holds three services.
    assert used - {"cloudwatch"} | {"cloudwatch", "cloudwatchlogs", "cloudwatchevents", "sts"} <= endpoints.keys()
    assert not any("endpoints" in r.inputs for r in pipeline("prod").resources if r.type == "pulumi:providers:aws"), (
        "prod talks to AWS"
    )
