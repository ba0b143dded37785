"""The bootstrap program: whom the roles trust, what they may do, and that the state outlives mistakes."""

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from bootstrap.account import WAIVERS
from bootstrap.services import UNSCOPED
from bootstrap.settings import SettingsError, parse
from policies.model import Program, Resource, check, unused, unwaived
from policies.rules import RULES
from recording.program import ROOT, Recording, short_type
from tests.unit.bootstrap.account import BOUNDARY, SETTINGS, account, deploy, of, statements
from tests.unit.infrastructure.cloud import pipeline
from tests.unit.policies.test_parliament import findings

DEPLOY = ("delivery-deploy-dev", "delivery-deploy-staging", "delivery-deploy-prod")
PREVIEW = "delivery-preview"
MANAGED_POLICY_CHARACTERS = 6_144
"""IAM and STS quotas (IAM user guide, 2026-11): without white space."""


def allowed(role: str) -> set[str]:
    return {action for one in statements(role) if one["Effect"] == "Allow" for action in one["Action"]}


def resources(role: str, action: str) -> list[str]:
    return [
        arn
        for one in statements(role)
        if one["Effect"] == "Allow" and action in one["Action"]
        for arn in one["Resource"]
    ]


def may(role: str, action: str, arn: str) -> bool:
    """Whether an Allow without regard to its conditions fits."""
    return any(fnmatchcase(arn, pattern) for pattern in resources(role, action))


@pytest.mark.parametrize("role", [*DEPLOY, PREVIEW])
def test_only_jobs_of_its_own_environment_of_this_repository_assume_a_role(role: str) -> None:
    (found,) = [one for one in of("Role") if one.name == role]
    (trust,) = found.json("assumeRolePolicy")["Statement"]
    environment = role.rsplit("-", 1)[1]
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"{SETTINGS['subject']}:environment:{environment}",
        }
    }
    assert trust["Principal"] == {"Federated": of("OpenIdConnectProvider")[0].outputs["arn"]}
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_a_provider_that_the_account_has_already_is_used() -> None:
    arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    recording = deploy(oidc_provider_arn=arn)
    types = [one.type for one in recording.resources]
    assert "aws:iam/openIdConnectProvider:OpenIdConnectProvider" not in types
    roles = [one for one in recording.resources if one.type == "aws:iam/role:Role"]
    assert {one.json("assumeRolePolicy")["Statement"][0]["Principal"]["Federated"] for one in roles} == {arn}


def test_the_preview_role_changes_nothing() -> None:
    verbs = {action.split(":")[1] for action in allowed(PREVIEW)} - {"ViewBudget", "Decrypt"}
    changing = [verb for verb in verbs if not verb.startswith(("Describe", "Get", "List", "Validate"))]
    assert changing == []
    assert "lambda:InvokeFunction" not in allowed(PREVIEW)
    lake = "arn:aws:s3:::data-pipeline-raw-0a1b2c3/flights/x.csv"
    assert not may(PREVIEW, "s3:GetObject", lake), "a preview compares resources, not data"


@pytest.mark.parametrize("role", DEPLOY)
def test_a_deployment_cannot_change_what_it_may_do_itself(role: str) -> None:
    ours = {one.outputs["arn"] for one in [*of("Role"), *of("Policy")]}
    writes = {
        action
        for action in allowed(role)
        if action.startswith("iam:") and not action.startswith(("iam:Get", "iam:List"))
    }
    assert {"iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"} <= writes
    assert [(action, arn) for action in writes for arn in ours if may(role, action, arn)] == []
    assert not any(action.startswith(("iam:Attach", "iam:CreatePolicy", "iam:CreateUser", "sts:")) for action in writes)


@pytest.mark.parametrize("role", DEPLOY)
def test_a_deployment_passes_roles_to_the_services_of_the_program_only(role: str) -> None:
    (passing,) = [one for one in statements(role) if "iam:PassRole" in one["Action"]]
    trusted = {
        service["Service"]
        for declared in pipeline("dev").of("iam.Role")
        for service in [declared.json("assumeRolePolicy")["Statement"][0]["Principal"]]
    }
    assert set(passing["Condition"]["StringEquals"]["iam:PassedToService"]) == trusted


def test_with_a_boundary_no_role_is_made_or_given_permissions_without_it() -> None:
    (making,) = [one for one in statements("delivery-deploy-staging") if "iam:CreateRole" in one["Action"]]
    assert {"iam:CreateRole", "iam:PutRolePolicy"} <= {*making["Action"]}
    assert making["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert "iam:DeleteRolePermissionsBoundary" not in allowed("delivery-deploy-staging")
    (unbound,) = [one for one in statements("delivery-deploy-dev") if "iam:CreateRole" in one["Action"]]
    assert "Condition" not in unbound


def test_only_where_it_is_asked_for_a_deployment_may_delete_what_holds_data() -> None:
    deleting = {"s3:DeleteBucket", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion"}
    assert deleting <= allowed("delivery-deploy-dev")
    for role in ("delivery-deploy-staging", "delivery-deploy-prod"):
        assert deleting & allowed(role) == set()
        for lake in ("curated-0a1b2c3/tables/x", "raw-0a1b2c3/contracts/x", "artifacts-0a1b2c3/batches/x"):
            assert not may(role, "s3:DeleteObjectVersion", f"arn:aws:s3:::data-pipeline-{lake}"), lake
        assert not may(role, "s3:DeleteObject", "arn:aws:s3:::data-pipeline-curated-0a1b2c3/tables/x")
    assert may("delivery-deploy-dev", "s3:DeleteObjectVersion", "arn:aws:s3:::data-pipeline-raw-0a1b2c3/x")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_object_that_the_program_puts_can_go_or_get_another_key(environment: str) -> None:
    role = f"delivery-deploy-{environment}"
    buckets = {one.outputs["bucket"]: one.outputs["arn"] for one in pipeline(environment).of("s3.Bucket")}
    objects = pipeline(environment).of("s3.BucketObjectv2")
    assert {one.inputs["key"].split("/")[0] for one in objects} == {"contracts", "glue", "layers", "lineage"}
    for one in objects:
        bucket = buckets[one.inputs["bucket"]]
        # The provider lists the versions of a key and deletes each; without an id, S3 would write a delete marker only.
        assert may(role, "s3:ListBucketVersions", bucket)
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            assert may(role, action, f"{bucket}/{one.inputs['key']}"), one.inputs["key"]
    assert not may(PREVIEW, "s3:DeleteObjectVersion", f"{bucket}/contracts/flights.json")
    if environment != "dev":
        assert not may(role, "s3:DeleteObjectVersion", f"{bucket}/lineage/events/dataset=flights/date=d/b-end.json")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_environment_reaches_its_own_state_and_no_other(environment: str) -> None:
    role, others = f"delivery-deploy-{environment}", {"dev", "staging", "prod"} - {environment}
    state = next(one.outputs["arn"] for one in of("Bucket"))
    for path in (
        "stacks/data-pipeline/{}.json",
        "locks/organization/data-pipeline/{}/1.json",
        "history/data-pipeline/{}/1",
    ):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may(role, action, f"{state}/.pulumi/{path.format(environment)}"), (action, path)
            assert [one for one in others if may(role, action, f"{state}/.pulumi/{path.format(one)}")] == []
        assert may(PREVIEW, "s3:GetObject", f"{state}/.pulumi/{path.format(environment)}")
        assert not may(PREVIEW, "s3:PutObject", f"{state}/.pulumi/{path.format(environment)}")
    assert not may(role, "s3:PutObject", f"{state}/.pulumi/meta.yaml")


@pytest.mark.parametrize("role", ["delivery-deploy-dev", "delivery-deploy-staging", "delivery-deploy-prod", PREVIEW])
def test_a_file_of_the_state_that_is_not_there_yet_is_seen_as_missing_and_not_as_forbidden(role: str) -> None:
    state = next(one.outputs["arn"] for one in of("Bucket"))
    listing = [one for one in statements(role) if "s3:ListBucket" in one["Action"] and state in one["Resource"]]
    assert [one.get("Condition") for one in listing] == [None], (
        "a GetObject has no prefix that a condition could compare"
    )


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_secrets_of_another_environment_cannot_be_decrypted(environment: str) -> None:
    key = next(one.outputs["arn"] for one in of("Key"))
    uses = [
        one
        for one in statements(f"delivery-deploy-{environment}")
        if one["Effect"] == "Allow" and "kms:Decrypt" in one["Action"] and key in one["Resource"]
    ]
    conditions = [one["Condition"]["StringEquals"] for one in uses]
    assert {"kms:EncryptionContext:environment": environment} in conditions
    assert all({"kms:ViaService", "kms:EncryptionContext:environment"} & one.keys() for one in conditions)
    assert f"context_environment={environment}" in account().exports["secrets_providers"][environment]


@pytest.mark.parametrize("role", DEPLOY)
def test_resources_of_another_environment_are_denied_by_their_tag(role: str) -> None:
    (denied,) = [one for one in statements(role) if one.get("Sid") == "OtherEnvironments"]
    provider = next(one for one in pipeline("dev").resources if one.type == "pulumi:providers:aws")
    tags = (
        provider.json("defaultTags")["tags"]
        if isinstance(provider.inputs["defaultTags"], str)
        else provider.inputs["defaultTags"]["tags"]
    )
    assert denied["Condition"]["StringEquals"] == {"aws:ResourceTag/Project": tags["Project"]}
    assert denied["Condition"]["StringNotEquals"]["aws:ResourceTag/Environment"] == role.rsplit("-", 1)[1]
    assert "Environment" in tags


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_name_that_the_program_gives_or_begins_is_one_that_the_role_may_make(environment: str) -> None:
    creates = {
        "dynamodb.Table": "dynamodb:CreateTable",
        "glue.Job": "glue:CreateJob",
        "glue.Crawler": "glue:UpdateCrawler",
        "lambda.Function": "lambda:CreateFunction",
        "sqs.Queue": "sqs:CreateQueue",
        "sns.Topic": "sns:CreateTopic",
        "s3.Bucket": "s3:CreateBucket",
        "iam.Role": "iam:CreateRole",
        "sfn.StateMachine": "states:CreateStateMachine",
        "athena.Workgroup": "athena:CreateWorkGroup",
        "cloudwatch.EventRule": "events:PutRule",
        "cloudwatch.EventBus": "events:CreateEventBus",
        "cloudwatch.LogGroup": "logs:CreateLogGroup",
        "cloudwatch.MetricAlarm": "cloudwatch:PutMetricAlarm",
    }
    role = f"delivery-deploy-{environment}"
    for type_, action in creates.items():
        for declared in pipeline(environment).of(type_):
            assert may(role, action, declared.outputs["arn"]), f"{action} on {declared.outputs['arn']}"


def test_the_smoke_test_has_its_permissions_and_no_table_to_read() -> None:
    role = "delivery-deploy-prod"
    here = "eu-central-1:111122223333"
    assert may(role, "s3:PutObject", "arn:aws:s3:::data-pipeline-raw-0a1b2c3/canary/2026-11-24/x.csv")
    assert not may(role, "s3:PutObject", "arn:aws:s3:::data-pipeline-raw-0a1b2c3/flights/x.csv")
    assert may(role, "lambda:InvokeFunction", f"arn:aws:lambda:{here}:function:data-pipeline-query-0a1b2c3")
    assert not may(role, "lambda:InvokeFunction", f"arn:aws:lambda:{here}:function:data-pipeline-processing-0a1b2c3")
    assert may(role, "states:DescribeExecution", f"arn:aws:states:{here}:execution:data-pipeline-prod:canary-1")
    assert not may(role, "s3:GetObject", "arn:aws:s3:::data-pipeline-curated-0a1b2c3/tables/flights/x.parquet")


def test_state_and_key_outlive_whoever_destroys_the_stack() -> None:
    (bucket,), (key,) = of("Bucket"), of("Key")
    assert bucket.protect
    assert bucket.inputs.get("forceDestroy") is not True
    assert key.protect
    assert key.retain_on_delete
    assert key.inputs["enableKeyRotation"]
    assert not fnmatchcase(bucket.outputs["arn"], "arn:aws:s3:::data-pipeline-*"), "a deployment could delete its state"


def policy_program(recording: Recording, unscoped_actions: Collection[str]) -> Program:
    """The program as the rules see it: they know inline policies, and look at the managed ones as if they were."""
    types = {"iam.Policy": "iam.RolePolicy"}
    return Program(
        environment="prod",
        stack="prod",
        resources=tuple(
            Resource(
                type=types.get(short_type(one.type), short_type(one.type)),
                name=one.name,
                inputs=one.inputs,
                outputs=one.outputs,
                provider=one.provider,
                protect=one.protect,
            )
            for one in recording.resources
            if one.type.startswith("aws:")
        ),
        unscoped_actions=unscoped_actions,
    )


def test_the_program_keeps_the_rules_that_the_pipeline_keeps() -> None:
    found = check(
        policy_program(account(), UNSCOPED), [rule for rule in RULES if rule.id.startswith(("IAM", "S3", "KMS"))]
    )
    assert [str(finding) for finding in unwaived(found, WAIVERS)] == []
    assert unused(WAIVERS, found) == []


def test_every_policy_is_within_the_limit_and_names_only_what_aws_knows() -> None:
    texts = {one.name: str(one.inputs["policy"]) for one in of("Policy")}
    assert {name for name, text in texts.items() if len(text.replace(" ", "")) > MANAGED_POLICY_CHARACTERS} == set()
    assert [found for found in findings(list(texts.items())) if not is_known(found[1], found[2])] == []


def is_known(issue: str, detail: Any) -> bool:
    """What parliament says of what is meant: see the reason at each."""
    if issue == "RESOURCE_POLICY_PRIVILEGE_ESCALATION":
        return True  # Who deploys buckets writes their policies: docs/deployment.md says so.
    if issue == "MISMATCHED_TYPE_BUT_USABLE":
        return True  # AWS's own examples compare iam:PermissionsBoundary as text: no pattern can slip in.
    if issue == "RESOURCE_STAR":
        return bool(detail == ["cloudwatch:DescribeAlarms"])  # Composite alarms are described over the account only.
    # It wants all the kinds of resources that an action can be about, not one of them.
    others = ("athena:ListTagsForResource", "athena:TagResource", "athena:UntagResource", "states:DescribeExecution")
    return issue == "RESOURCE_MISMATCH" and all(one["action"] in others for one in detail)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"subject": "repo:example-org/*"}, r"subject = 'repo:example-org/\*': allowed is .*repo:OWNER/REPO"),
        ({"subject": "example-org/data-pipeline"}, "subject"),
        ({"account_id": "1111"}, "account_id = '1111': allowed is an account's twelve digits, in quotes"),
        ({"oidc_provider_arn": "github"}, "oidc_provider_arn = 'github': allowed is the ARN of an OIDC provider, like"),
        ({"environments": {}}, "environments"),
        ({"environments": {"qa": {}}}, "environments.qa"),
        ({"environments": {"prod": {"may_destroy": True}}}, "environments.prod.may_destroy = True: allowed is false"),
        ({"environments": {"dev": {"may_destroy": "no"}}}, "environments.dev.may_destroy = 'no'"),
        ({"more": 1}, "more = 1"),
    ],
)
def test_settings_that_would_trust_too_many_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse({**SETTINGS, **changes}, "Pulumi.example.yaml")


def test_the_example_can_be_used() -> None:
    text = (ROOT / "bootstrap" / "Pulumi.example.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)["config"]
    assert parse(config["data-pipeline-bootstrap:settings"], "Pulumi.example.yaml").environments["dev"].may_destroy
