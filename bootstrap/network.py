"""What the roles may do about a network of the pipeline's own (`security.vpc` of a stack): plain data.

EC2 makes up the names of everything in a network, so statements are bound to the tags that the program gives.
"""

from collections.abc import Sequence
from typing import Any

from policies.model import Waiver

Statement = dict[str, Any]
PART = "network"
PROJECT = "data-pipeline"
KINDS = ("route-table", "security-group", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log")

READS = (
    "DescribeFlowLogs",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaces",
    "DescribePrefixLists",
    "DescribeRouteTables",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcEndpoints",
    "DescribeVpcs",
)
"""Lists over the account; Lambda asks whoever puts a function into a network for some of them, too."""

CREATES = (
    "CreateFlowLogs",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateSubnet",
    "CreateVpc",
    "CreateVpcEndpoint",
)
CHANGES = (
    "AssociateRouteTable",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "DeleteFlowLogs",
    "DeleteRouteTable",
    "DeleteSecurityGroup",
    "DeleteSubnet",
    "DeleteVpc",
    "DeleteVpcEndpoints",
    "DisassociateRouteTable",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ModifyVpcEndpoint",
    "ReplaceRouteTableAssociation",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
)
UNSCOPED = tuple(f"ec2:{action}" for action in READS)

WAIVERS = (
    Waiver(
        rule="IAM-04",
        resource="delivery-*-network",
        wrong="it is about arn:aws:ec2:*/*",
        reason="EC2 makes up the names: what is made or changed is bound to the environment by its tags.",
    ),
    Waiver(
        rule="IAM-04",
        resource="delivery-deploy-*-network",
        wrong="it is about arn:aws:route53:::hostedzone/*",
        reason="The zone of a service's private name is AWS's own, and known to nobody before.",
    ),
)


def reads(partition: str, here: str, environments: Sequence[str]) -> list[Statement]:
    """Let a role compare the networks of some environments with the program."""
    connections = [f"arn:{partition}:glue:{here}:connection/{PROJECT}-{name}-*" for name in environments]
    groups = [_log_group(partition, here, name) for name in environments]
    return [
        allow(UNSCOPED, ["*"]),
        allow(["ec2:DescribeVpcAttribute"], [f"arn:{partition}:ec2:{here}:vpc/*"]),
        allow(["glue:GetConnection", "glue:GetTags"], [f"arn:{partition}:glue:{here}:catalog", *connections]),
        allow(["logs:ListTagsForResource"], groups),
    ]


def writes(partition: str, here: str, account: str, environment: str) -> list[Statement]:
    """Let a role make, change and delete the network of one environment."""
    catalog, connection = (
        f"arn:{partition}:glue:{here}:{what}" for what in ("catalog", f"connection/{PROJECT}-{environment}-*")
    )
    parts = [f"arn:{partition}:ec2:{here}:{kind}/*" for kind in KINDS]
    group = f"arn:{partition}:ec2:{here}:security-group/*"
    tags = {"Project": PROJECT, "Environment": environment}
    requested = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    ours = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    creates = [f"ec2:{action}" for action in CREATES]
    return [
        # Of what is made, the request has the tags; what it is made in, a VPC say, has them already.
        allow(creates, parts, {"StringEquals": requested}),
        allow([*creates, *(f"ec2:{action}" for action in CHANGES)], parts, {"StringEquals": ours}),
        allow(["ec2:CreateTags"], parts, {"StringEquals": {**requested, "ec2:CreateAction": list(CREATES)}}),
        allow(["ec2:CreateTags", "ec2:DeleteTags"], parts, {"StringEquals": ours}),
        # AWS makes the default group of a VPC, without tags; the provider tags it, then takes its rules away.
        allow(
            ["ec2:CreateTags"],
            [group],
            {"StringEquals": requested, "Null": {"aws:ResourceTag/Project": "true", "ec2:CreateAction": "true"}},
        ),
        # An endpoint with a private name is one more network of the service's zone.
        allow(["route53:AssociateVPCWithHostedZone"], [f"arn:{partition}:route53:::hostedzone/*"]),
        allow(
            ["glue:CreateConnection", "glue:DeleteConnection", "glue:UpdateConnection"],
            [catalog, connection],
        ),
        allow(["glue:TagResource", "glue:UntagResource"], [connection]),
        allow(
            [
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            [_log_group(partition, here, environment)],
        ),
        allow(
            ["iam:PassRole"],
            [f"arn:{partition}:iam::{account}:role/{PROJECT}-*"],
            {"StringEquals": {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}},
        ),
    ]


def _log_group(partition: str, here: str, environment: str) -> str:
    return f"arn:{partition}:logs:{here}:log-group:/{PROJECT}-{environment}/*"


def allow(actions: Sequence[str], resources: Sequence[str], condition: Any = None) -> Statement:
    """Let a role do something, where the condition holds, if there is one."""
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, "Condition": condition} if condition else statement
