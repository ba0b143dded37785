"""The role of pull requests: their stacks and no other, and what looking at samples takes."""

import functools
from fnmatch import fnmatchcase
from typing import Any

import pytest

from bootstrap.account import WAIVERS
from bootstrap.services import UNSCOPED
from bootstrap.settings import SettingsError, parse
from policies.model import check, unwaived
from policies.rules import RULES
from recording.program import Recording
from tests.unit.bootstrap.account import BOUNDARY, SETTINGS, account, deploy
from tests.unit.bootstrap.test_account import MANAGED_POLICY_CHARACTERS, is_known, policy_program
from tests.unit.infrastructure.cloud import Cloud, main_program, stack_config
from tests.unit.infrastructure.cloud import deploy as deploy_pipeline
from tests.unit.policies.test_parliament import findings

HERE = "eu-central-1:111122223333"
ROLE = "delivery-deploy-review"
OTHERS = ("dev", "prod", "feature-x", "dev-review-1")


@functools.cache
def reviewed() -> Recording:
    return deploy(environments={"dev": {"permissions_boundary_arn": BOUNDARY}}, reviews=True)


@functools.cache
def review_stack() -> Cloud:
    return deploy_pipeline(main_program, config=stack_config("dev"), stack="review-12")


def statements() -> list[dict[str, Any]]:
    found = [one for one in reviewed().resources if one.type.endswith(":Policy") and one.name.startswith(f"{ROLE}-")]
    assert {one.name.removeprefix(f"{ROLE}-") for one in found} == {"data", "compute", "rest", "samples"}
    attached = [one for one in reviewed().resources if one.type.endswith(":RolePolicyAttachment")]
    assert {one.name for one in attached if one.inputs["role"] == ROLE} == {one.name for one in found}
    return [statement for policy in found for statement in policy.json("policy")["Statement"]]


def may(action: str, arn: str) -> bool:
    allowing = (one for one in statements() if one["Effect"] == "Allow" and action in one["Action"])
    return any(fnmatchcase(arn, pattern) for one in allowing for pattern in one["Resource"])


def state(path: str) -> str:
    (bucket,) = [one.outputs["arn"] for one in reviewed().resources if one.type.endswith(":Bucket")]
    return f"{bucket}/.pulumi/{path}"


def test_only_jobs_of_the_environment_review_assume_it() -> None:
    (role,) = [one for one in reviewed().resources if one.type == "aws:iam/role:Role" and one.name == ROLE]
    (trust,) = role.json("assumeRolePolicy")["Statement"]
    subject = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == f"{SETTINGS['subject']}:environment:review"
    assert reviewed().exports["review_role"] == role.outputs["arn"]


def test_an_account_that_is_not_asked_for_reviews_has_no_role_for_them() -> None:
    assert [one.name for one in account().resources if ROLE in one.name] == []
    assert "review_role" not in account().exports
    assert set(account().exports["secrets_providers"]) == {"dev", "staging", "prod"}


@pytest.mark.parametrize(
    ("type_", "action"),
    [
        ("athena.Workgroup", "athena:CreateWorkGroup"),
        ("dynamodb.Table", "dynamodb:CreateTable"),
        ("glue.Job", "glue:CreateJob"),
        ("iam.Role", "iam:CreateRole"),
        ("lambda.Function", "lambda:CreateFunction"),
        ("s3.Bucket", "s3:CreateBucket"),
        ("s3.Bucket", "s3:DeleteBucket"),
        ("sfn.StateMachine", "states:CreateStateMachine"),
        ("sns.Topic", "sns:CreateTopic"),
        ("sqs.Queue", "sqs:CreateQueue"),
    ],
)
def test_it_makes_what_the_stack_of_a_pull_request_has(type_: str, action: str) -> None:
    for declared in review_stack().of(type_):
        assert may(action, declared.outputs["arn"]), f"{action} on {declared.outputs['arn']}"
    (database,) = review_stack().of("glue.CatalogDatabase")
    assert may("glue:CreateDatabase", f"arn:aws:glue:{HERE}:database/{database.inputs['name']}")


@pytest.mark.parametrize("stack", OTHERS)
def test_what_is_named_after_another_stack_is_not_its_to_change(stack: str) -> None:
    database = stack.replace("-", "_")
    assert not may("glue:DeleteDatabase", f"arn:aws:glue:{HERE}:database/data_pipeline_{database}")
    assert not may("states:UpdateStateMachine", f"arn:aws:states:{HERE}:stateMachine:data-pipeline-{stack}")
    assert not may("athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/data-pipeline-{stack}")
    for path in (f"stacks/data-pipeline/{stack}.json", f"history/data-pipeline/{stack}/1"):
        assert not may("s3:GetObject", state(path)), path
        assert not may("s3:PutObject", state(path)), path


def test_it_has_the_state_of_pull_requests_and_secrets_of_their_own() -> None:
    for path in ("stacks/data-pipeline/review-12.json", "locks/organization/data-pipeline/review-12/1.json"):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may(action, state(path)), (action, path)
    contexts = [one["Condition"]["StringEquals"] for one in statements() if "kms:Decrypt" in one["Action"]]
    assert {"kms:EncryptionContext:environment": "review"} in contexts
    assert {"kms:EncryptionContext:environment": "dev"} not in contexts
    assert reviewed().exports["secrets_providers"]["review"].endswith("&context_environment=review")


def test_its_stacks_keep_the_tag_of_dev_and_reach_no_other() -> None:
    (denied,) = [one for one in statements() if one.get("Sid") == "OtherEnvironments"]
    assert denied["Condition"]["StringNotEquals"] == {"aws:ResourceTag/Environment": "dev"}
    compared = [one["Condition"].get("StringEquals", {}) for one in statements() if "Condition" in one]
    tags = [value for pairs in compared for key, value in pairs.items() if key.endswith("Tag/Environment")]
    assert len(tags) > 3
    assert set(tags) == {"dev"}


def test_samples_are_landed_and_followed_and_named_queries_asked() -> None:
    assert may("s3:PutObject", "arn:aws:s3:::data-pipeline-raw-0a1b2c3/flights/2013/a.csv")
    assert not may("s3:PutObject", "arn:aws:s3:::data-pipeline-curated-0a1b2c3/tables/flights/a.parquet")
    execution = f"arn:aws:states:{HERE}:execution:data-pipeline-review-12:flights-1"
    assert may("states:DescribeExecution", execution)
    assert may("states:GetExecutionHistory", execution)
    workgroup = f"arn:aws:athena:{HERE}:workgroup/data-pipeline-review-12"
    for action in ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "ListNamedQueries"):
        assert may(f"athena:{action}", workgroup)
    # Athena reads tables and writes results as who asks (Athena user guide, "Access to Amazon S3", 2026-11).
    assert may("glue:GetPartitions", f"arn:aws:glue:{HERE}:table/data_pipeline_review_12/flights")
    for table in review_stack().of("glue.CatalogTable"):
        location = table.inputs["storageDescriptor"]["location"].removeprefix("s3://")
        assert may("s3:GetObject", f"arn:aws:s3:::{location}a"), location
    assert may("s3:GetObject", "arn:aws:s3:::data-pipeline-curated-0a1b2c3/tables/flights/a.parquet")
    assert may("s3:PutObject", "arn:aws:s3:::data-pipeline-query-results-0a1b2c3/results/1.csv")


def test_a_boundary_of_dev_bounds_the_roles_that_it_makes() -> None:
    (making,) = [one for one in statements() if "iam:CreateRole" in one["Action"]]
    assert making["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}


def test_its_policies_are_within_the_limit_and_keep_the_rules() -> None:
    texts = {
        one.name: str(one.inputs["policy"])
        for one in reviewed().resources
        if one.type.endswith(":Policy") and one.name.startswith(ROLE)
    }
    assert {name for name, text in texts.items() if len(text.replace(" ", "")) > MANAGED_POLICY_CHARACTERS} == set()
    assert [found for found in findings(list(texts.items())) if not is_known(found[1], found[2])] == []
    found = check(policy_program(reviewed(), UNSCOPED), [rule for rule in RULES if rule.id.startswith("IAM")])
    assert [str(finding) for finding in unwaived(found, WAIVERS)] == []


@pytest.mark.parametrize("others", [{"prod": {}}, {"dev": {}, "prod": {}}, {"staging": {}}])
def test_reviews_are_refused_where_anything_but_dev_lives(others: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="reviews = True: allowed is false, but in an account that has dev and"):
        parse({**SETTINGS, "environments": others, "reviews": True}, "Pulumi.example.yaml")
    assert parse({**SETTINGS, "environments": {"dev": {}}, "reviews": True}, "Pulumi.example.yaml").reviews
