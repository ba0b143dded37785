"""The shape of every role: one service, one account, named statements."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.security.iam import Statement, document, trust

ROLE_NAME_CHARACTERS = 64
"""IAM's limit (IAM API reference, CreateRole, 2026-11)."""


PULUMI_SUFFIX = len("-0a1b2c3")


@dataclass(frozen=True, kw_only=True)
class ServiceRoleArgs:
    """Who assumes the role, on whose behalf, and what it may do."""

    service: str
    account: Input[str]
    statements: Sequence[Statement]
    source_arns: Sequence[Input[str]] = ()
    permissions_boundary_arn: str | None = None


def fitting_role_name(name: str) -> str:
    """Return a logical name that makes a role's name which IAM takes: a long one ends in a digest of itself."""
    most = ROLE_NAME_CHARACTERS - PULUMI_SUFFIX
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: most - len(digest) - 1]}-{digest}"


class ServiceRole(pulumi.ComponentResource):
    """A role for one service and one purpose, with one inline policy.

    Example:
        role = ServiceRole(
            "ingestion-role",
            ServiceRoleArgs(
                service="lambda.amazonaws.com",
                account=location.account,
                statements=[zone.read("contracts/")],
                permissions_boundary_arn=None,
            ),
        )
    """

    role: aws.iam.Role
    # What is created with the role waits for its permissions: AWS checks them at creation.
    policy: aws.iam.RolePolicy

    def __init__(self, name: str, args: ServiceRoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:security:ServiceRole", name, None, opts)
        child = ResourceOptions(parent=self)
        self.role = aws.iam.Role(
            fitting_role_name(name),
            assume_role_policy=trust(args.service, args.account, args.source_arns),
            permissions_boundary=args.permissions_boundary_arn,
            opts=child,
        )
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy", role=self.role.name, policy=document(args.statements), opts=child
        )
        self.register_outputs({"arn": self.role.arn})
