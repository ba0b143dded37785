"""The program as a whole: every stack, known and unknown values, names, tags, outputs."""

import json
import re
from collections import Counter

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
DATASETS = {file.name.removesuffix(".odcs.yaml") for file in (ROOT / "contracts").glob("*.odcs.yaml")}


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_of_a_new_stack_declares_what_the_deployment_creates(stack: str) -> None:
    previewed, deployed = pipeline(stack, preview=True), pipeline(stack)
    assert len(deployed.aws()) > 100, "the program declares more than a hundred resources, or it did not run"
    assert sorted(r.urn for r in previewed.resources) == sorted(r.urn for r in deployed.resources)


def test_no_two_resources_share_type_and_name(cloud: Cloud) -> None:
    twice = [key for key, count in Counter((r.type, r.name) for r in cloud.resources).items() if count > 1]
    assert twice == [], "the engine refuses what the mocks accept"


def test_every_aws_resource_uses_the_one_provider_with_the_tags(cloud: Cloud) -> None:
    (provider,) = [r for r in cloud.resources if r.type == "pulumi:providers:aws"]
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert tags.keys() >= {"Project", "Environment", "ManagedBy"}
    assert [r.name for r in cloud.aws() if not r.provider.startswith(provider.urn)] == []


def test_every_resource_is_inside_a_component(cloud: Cloud) -> None:
    assert [r.name for r in cloud.aws() if "pipeline:" not in r.parent] == []


def test_component_types_have_three_parts(cloud: Cloud) -> None:
    components = [r.type for r in cloud.resources if not r.type.startswith(("aws:", "pulumi:"))]
    assert len(components) > 20
    assert [token for token in components if not re.fullmatch(r"pipeline:[a-z_]+:[A-Z]\w+", token)] == []


def test_the_outputs_are_what_others_read(cloud: Cloud) -> None:
    assert cloud.exports.keys() >= OUTPUTS


def test_every_dataset_has_its_crawler_its_contract_and_its_place_in_the_index(dev: Cloud) -> None:
    assert {r.inputs["name"] for r in dev.of("glue.Crawler")} == {f"data-pipeline-dev-{name}" for name in DATASETS}
    objects = {r.inputs["key"]: r for r in dev.of("s3.BucketObjectv2")}
    assert objects.keys() >= {f"contracts/{name}.json" for name in DATASETS}
    assert set(objects["contracts/index.json"].json("content")["datasets"]) == DATASETS
    assert "glue/raw_to_curated.py" in objects
    assert "glue/libraries.zip" in objects


def test_a_dataset_adds_no_job_no_function_and_no_state_machine(dev: Cloud) -> None:
    assert len(dev.of("glue.Job")) == 1
    assert len(dev.of("sfn.StateMachine")) == 1
    assert len(dev.of("lambda.Function")) == 6


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
        "s3.BucketObjectv2",
        "dynamodb.Table",
        "iam.Role",
        "iam.RolePolicy",
        "lambda.Function",
        "lambda.LayerVersion",
        "lambda.EventSourceMapping",
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
