"""What waits for what: the engine makes the rest at the same time, and AWS refuses what is made too early.

No preview shows it, nor does a second deployment, when all is there.
"""

from collections.abc import Callable

import pytest

from tests.unit.infrastructure.cloud import Cloud, DeclaredResource, pipeline_in_network

ZONES = {"raw", "curated", "quarantine", "artifacts", "query-results"}
# S3 locks only buckets that have versions (S3 user guide, "Object Lock considerations", 2026-11), and refuses a change
# of a bucket's access while another one is at work (409 OperationAborted). A lifecycle's rules are about old versions.
OF_A_BUCKET = [
    ("s3.BucketObjectLockConfiguration", "s3.BucketVersioning", {"raw"}),
    ("s3.BucketPolicy", "s3.BucketPublicAccessBlock", ZONES),
    ("s3.BucketLifecycleConfiguration", "s3.BucketVersioning", ZONES),
]


@pytest.mark.parametrize(("waiting", "needed", "zones"), OF_A_BUCKET)
def test_what_guards_a_bucket_waits_for_what_s3_wants_of_the_same_bucket_first(
    prod: Cloud, waiting: str, needed: str, zones: set[str]
) -> None:
    names = {bucket.outputs["bucket"]: bucket.name.removeprefix("data-pipeline-") for bucket in prod.of("s3.Bucket")}
    first = {one.inputs["bucket"]: one.urn for one in prod.of(needed)}
    found = {names[one.inputs["bucket"]]: first[one.inputs["bucket"]] in one.dependencies for one in prod.of(waiting)}
    assert found == dict.fromkeys(zones, True), f"{waiting} fails if it is made before {needed}"


def waits_for(one: DeclaredResource, cloud: Cloud) -> set[str]:
    """What a resource waits for: its dependencies, and those of the components that it is in.

    A resource is registered after its component, and a component after what it depends on was made.
    """
    by_urn = {each.urn: each for each in cloud.resources}
    component = by_urn.get(one.parent)
    return {*one.dependencies, *(waits_for(component, cloud) if component else ())}


def permission_to_call(target: DeclaredResource, cloud: Cloud) -> list[DeclaredResource]:
    """What lets the target's rule call the target's function."""
    (rule,) = [rule for rule in cloud.of("cloudwatch.EventRule") if rule.outputs["name"] == target.inputs["rule"]]
    (function,) = [one for one in cloud.of("lambda.Function") if one.outputs["arn"] == target.inputs["arn"]]
    wanted = {"sourceArn": rule.outputs["arn"], "function": function.outputs["name"]}
    return [one for one in cloud.of("lambda.Permission") if wanted.items() <= one.inputs.items()]


def policy_of_the_topics(budget: DeclaredResource, cloud: Cloud) -> list[DeclaredResource]:
    """What lets AWS Budgets publish to the topics that the budget tells; AWS tries when the budget is made."""
    told = {arn for one in budget.inputs["notifications"] for arn in one["subscriberSnsTopicArns"]}
    return [one for one in cloud.of("sns.TopicPolicy") if one.inputs["arn"] in told]


def log_group_of_the_crawls(crawler: DeclaredResource, cloud: Cloud) -> list[DeclaredResource]:
    """The group that Glue would make itself, without a retention, if it were not there."""
    role = crawler.inputs["role"].rpartition("/")[2]
    name = f"/aws-glue/crawlers-role/{role}-{crawler.inputs['securityConfiguration']}"
    return [one for one in cloud.of("cloudwatch.LogGroup") if one.inputs["name"] == name]


def policy_of_the_role(log: DeclaredResource, cloud: Cloud) -> list[DeclaredResource]:
    """What lets the flow log write."""
    (role,) = [one for one in cloud.of("iam.Role") if one.outputs["arn"] == log.inputs["iamRoleArn"]]
    return [one for one in cloud.of("iam.RolePolicy") if one.inputs["role"] == role.outputs["name"]]


@pytest.mark.parametrize(
    ("waiting", "needed"),
    [
        ("cloudwatch.EventTarget", permission_to_call),
        ("budgets.Budget", policy_of_the_topics),
        ("glue.Crawler", log_group_of_the_crawls),
        ("ec2.FlowLog", policy_of_the_role),
    ],
)
def test_what_aws_uses_at_once_waits_for_what_it_needs(
    waiting: str, needed: Callable[[DeclaredResource, Cloud], list[DeclaredResource]]
) -> None:
    cloud = pipeline_in_network()
    # The policy of a queue knows the rules that send to it, and so comes after them.
    found = [one for one in cloud.of(waiting) if ":sqs:" not in one.inputs.get("arn", "")]
    assert found
    for one in found:
        first = {each.urn for each in needed(one, cloud)}
        assert first, f"{one.name} has nothing to wait for"
        assert first <= waits_for(one, cloud), f"{one.name} does not wait for {sorted(first)}"
