"""IAM policy documents as data: statements, trust, and the short list of what cannot be scoped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

Statement = dict[str, Any]
POLICY_VERSION = "2012-10-17"

# Actions that AWS offers no resource-level permission for. Nothing else may stand beside `Resource: "*"`.
UNSCOPED_ACTIONS: Mapping[str, str] = {
    "xray:PutTraceSegments": "X-Ray traces are not resources",
    "xray:PutTelemetryRecords": "X-Ray traces are not resources",
    "xray:GetSamplingRules": "Step Functions asks for all sampling rules of the account",
    "xray:GetSamplingTargets": "Step Functions asks for all sampling rules of the account",
    "cloudwatch:PutMetricData": "metrics are not resources; bound by the cloudwatch:namespace condition",
    **{
        f"ec2:Describe{what}": "a list over the account; asked by Lambda and Glue in a network of ours"
        for what in (
            "NetworkInterfaces",
            "RouteTables",
            "SecurityGroups",
            "Subnets",
            "VpcEndpoints",
        )
    },
    "glue:GetSecurityConfiguration": "security configurations are no resources",
    "logs:CreateLogDelivery": "the log delivery API that Step Functions uses knows no resources",
    "logs:GetLogDelivery": "the log delivery API that Step Functions uses knows no resources",
    "logs:UpdateLogDelivery": "the log delivery API that Step Functions uses knows no resources",
    "logs:DeleteLogDelivery": "the log delivery API that Step Functions uses knows no resources",
    "logs:ListLogDeliveries": "the log delivery API that Step Functions uses knows no resources",
    "logs:PutResourcePolicy": "Step Functions lets the delivery service write; resource policies are the account's",
    "logs:DescribeResourcePolicies": "resource policies are the account's",
    "logs:DescribeLogGroups": "a list over the account",
}


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the stack lives: what ARNs are made of before their resource exists."""

    partition: Input[str]
    region: Input[str]
    account: Input[str]

    @classmethod
    def of(cls, component: pulumi.Resource) -> Self:
        """Ask the provider of a component where it is."""
        lookup = pulumi.InvokeOutputOptions(parent=component)
        return cls(
            partition=aws.get_partition_output(opts=lookup).partition,
            region=aws.get_region_output(opts=lookup).region,
            account=aws.get_caller_identity_output(opts=lookup).account_id,
        )

    def arn(self, service: str, rest: Input[str]) -> Output[str]:
        """Make the ARN of `rest` in `service`, in this region and account."""
        return Output.concat("arn:", self.partition, f":{service}:", self.region, ":", self.account, ":", rest)

    def global_arn(self, service: str, rest: Input[str]) -> Output[str]:
        """Make the ARN of `rest` in a `service` that has no regions, in this account."""
        return Output.concat("arn:", self.partition, f":{service}::", self.account, ":", rest)


def allow(
    actions: Sequence[str],
    resources: Sequence[Input[str]],
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """Grant `actions` on `resources`, never on all.

    Raises:
        ValueError: if an action has a wildcard of its own, or a resource is "*".

    """
    for action in actions:
        if "*" in action:
            raise ValueError(f"action {action!r} has a wildcard: name the actions that are used")
    if "*" in resources:
        raise ValueError(f'{", ".join(actions)} on "*": name the resources, or use allow_unscoped')
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    if conditions:
        statement["Condition"] = conditions
    return statement


def allow_unscoped(actions: Sequence[str], conditions: Mapping[str, Mapping[str, Any]] | None = None) -> Statement:
    """Grant `actions` on everything, which only those in UNSCOPED_ACTIONS may.

    Raises:
        ValueError: if an action is not on that list.

    """
    if unlisted := [action for action in actions if action not in UNSCOPED_ACTIONS]:
        raise ValueError(f"{', '.join(unlisted)}: not in UNSCOPED_ACTIONS; scope it, or list it with its reason")
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if conditions:
        statement["Condition"] = conditions
    return statement


def document(statements: Sequence[Statement]) -> Output[str]:
    """Make the JSON of a policy with `statements`."""
    return Output.json_dumps({"Version": POLICY_VERSION, "Statement": list(statements)})


def trust(service: str, account: Input[str], source_arns: Sequence[Input[str]] = ()) -> Output[str]:
    """Let `service` assume the role, on behalf of this account (and those sources) only."""
    return document(
        [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": service},
                "Condition": source_condition(account, source_arns),
            }
        ]
    )


def allow_service(
    title: str,
    service: str,
    actions: str | Sequence[str],
    resource: Input[str],
    account: Input[str],
    source_arns: Sequence[Input[str]],
) -> Statement:
    """Let `service` do something to a resource by the resource's own policy, on behalf of those sources only."""
    return {
        "Sid": title,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
        "Resource": resource,
        "Condition": source_condition(account, source_arns),
    }


def source_condition(account: Input[str], source_arns: Sequence[Input[str]] = ()) -> dict[str, dict[str, Any]]:
    """Bind a service principal to the account, and to `source_arns` where they are known: no confused deputy."""
    condition: dict[str, dict[str, Any]] = {"StringEquals": {"aws:SourceAccount": account}}
    if source_arns:
        condition["ArnLike"] = {"aws:SourceArn": list(source_arns)}
    return condition


def tls_only(actions: Sequence[str], resources: Sequence[Input[str]]) -> Statement:
    """Deny `actions` to whoever comes without TLS."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def tracing() -> Statement:
    """Let a function send its traces."""
    return allow_unscoped(["xray:PutTraceSegments", "xray:PutTelemetryRecords"])


def glue_logs(location: Location, prefix: str) -> list[Statement]:
    """Let a Glue role write logs under `prefix`; Glue adds the security configuration and the role to the name."""
    groups = location.arn("logs", f"log-group:{prefix}*")
    return [
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [groups]),
        # Glue sets the key of the security configuration on its log groups itself.
        allow(["logs:AssociateKmsKey"], [groups]),
    ]
