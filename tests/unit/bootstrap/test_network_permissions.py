"""A network of the pipeline's own: who may make it, that it is enough, and that it is bound to the environment."""

import functools
from fnmatch import fnmatchcase
from typing import Any

import pytest

from bootstrap import network
from bootstrap.account import WAIVERS
from bootstrap.services import UNSCOPED
from policies.model import check, unused, unwaived
from policies.rules import RULES
from recording.program import DeclaredResource, Recording
from tests.unit.bootstrap.account import SETTINGS, account, deploy
from tests.unit.bootstrap.test_account import MANAGED_POLICY_CHARACTERS, policy_program
from tests.unit.infrastructure.cloud import pipeline_in_network
from tests.unit.policies.test_parliament import findings

ROLE = "delivery-deploy-prod"
EC2 = "arn:aws:ec2:eu-central-1:111122223333"
OURS = {"aws:ResourceTag/Project": "data-pipeline", "aws:ResourceTag/Environment": "prod"}


@functools.cache
def with_network() -> Recording:
    environments = {**SETTINGS["environments"], "prod": {"may_make_network": True}}
    return deploy(environments=environments)


def policies(recording: Recording) -> list[DeclaredResource]:
    return [one for one in recording.resources if one.type == "aws:iam/policy:Policy"]


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = [one for one in policies(with_network()) if one.name == f"{role}-network"]
    found: list[dict[str, Any]] = policy.json("policy")["Statement"]
    return found


def actions(role: str) -> set[str]:
    return {action for one in statements(role) for action in one["Action"]}


def test_only_the_environment_that_asks_for_it_and_the_preview_get_it() -> None:
    assert [one.name for one in policies(account()) if one.name.endswith("-network")] == []
    assert {one.name for one in policies(with_network()) if one.name.endswith("-network")} == {
        f"{ROLE}-network",
        "delivery-preview-network",
    }
    attached = [one for one in with_network().resources if one.type.endswith(":RolePolicyAttachment")]
    assert {f"{ROLE}-network", "delivery-preview-network"} <= {one.name for one in attached}
    changing = [
        one for one in actions("delivery-preview") if not one.split(":")[1].startswith(("Describe", "Get", "List"))
    ]
    assert changing == []


def test_every_kind_of_resource_of_a_network_can_be_made_and_deleted() -> None:
    named = {
        "ec2.FlowLog": ("CreateFlowLogs", "DeleteFlowLogs"),
        "ec2.RouteTable": ("CreateRouteTable", "DeleteRouteTable"),
        "ec2.RouteTableAssociation": ("AssociateRouteTable", "DisassociateRouteTable"),
        "ec2.SecurityGroup": ("CreateSecurityGroup", "DeleteSecurityGroup"),
        "ec2.DefaultSecurityGroup": ("CreateTags", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
        "ec2.Subnet": ("CreateSubnet", "DeleteSubnet"),
        "ec2.Vpc": ("CreateVpc", "DeleteVpc", "ModifyVpcAttribute"),
        "ec2.VpcEndpoint": ("CreateVpcEndpoint", "DeleteVpcEndpoints"),
    }
    program = pipeline_in_network()
    declared = {one.type for one in program.aws() if one.type.startswith("aws:ec2")}
    assert {f"ec2.{type_.split(':')[-1]}" for type_ in declared} == named.keys()
    assert {f"ec2:{action}" for needed in named.values() for action in needed} <= actions(ROLE)
    for type_, action in (("glue.Connection", "glue:CreateConnection"), ("cloudwatch.LogGroup", "logs:CreateLogGroup")):
        patterns = [arn for one in statements(ROLE) if action in one["Action"] for arn in one["Resource"]]
        found = [
            one for one in program.of(type_) if type_ == "glue.Connection" or "network-flows" in one.inputs["name"]
        ]
        assert found
        for one in found:
            kind = {"glue.Connection": "glue:{}:connection/", "cloudwatch.LogGroup": "logs:{}:log-group:"}[type_]
            arn = "arn:aws:" + kind.format("eu-central-1:111122223333") + one.inputs["name"]
            assert any(fnmatchcase(arn, pattern) for pattern in patterns), arn


def test_the_role_of_the_flow_logs_can_be_passed() -> None:
    (passing,) = [one for one in statements(ROLE) if "iam:PassRole" in one["Action"]]
    trusted = {
        one.json("assumeRolePolicy")["Statement"][0]["Principal"]["Service"]
        for one in pipeline_in_network().of("iam.Role")
        if "flows" in one.name
    }
    assert trusted == {passing["Condition"]["StringEquals"]["iam:PassedToService"]}


@pytest.mark.parametrize("action", [f"ec2:{action}" for action in network.CHANGES])
def test_what_exists_is_changed_only_with_the_tags_of_the_environment(action: str) -> None:
    conditions = [one["Condition"] for one in statements(ROLE) if action in one["Action"]]
    assert conditions == [{"StringEquals": OURS}]


def test_only_what_has_no_project_yet_can_be_tagged_as_ours() -> None:
    tagging = [one["Condition"] for one in statements(ROLE) if "ec2:CreateTags" in one["Action"]]
    assert len(tagging) == 3
    for condition in tagging:
        made = "ec2:CreateAction" in condition["StringEquals"]
        known = condition["StringEquals"].items() >= OURS.items()
        taken_over = condition.get("Null", {}).get("aws:ResourceTag/Project") == "true"
        assert made or known or taken_over


def test_its_policies_are_within_the_limit_and_name_only_what_aws_knows() -> None:
    texts = {one.name: str(one.inputs["policy"]) for one in policies(with_network()) if one.name.endswith("-network")}
    assert {name for name, text in texts.items() if len(text.replace(" ", "")) > MANAGED_POLICY_CHARACTERS} == set()
    assert findings(list(texts.items())) == []


def test_the_program_keeps_the_rules_that_it_keeps_without_a_network() -> None:
    found = check(
        policy_program(with_network(), {*UNSCOPED, *network.UNSCOPED}),
        [rule for rule in RULES if rule.id.startswith(("IAM", "S3", "KMS"))],
    )
    assert [str(finding) for finding in unwaived(found, [*WAIVERS, *network.WAIVERS])] == []
    assert unused([*WAIVERS, *network.WAIVERS], found) == []
