"""Grants that AWS may ask for and no emulator does; docs/first-deployment.md says where to look if one lacks."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.unit.infrastructure.cloud import ACCOUNT, REGION, Cloud, pipeline_in_network
from tests.unit.infrastructure.test_absence import as_list


def statements(cloud: Cloud, role: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.one("iam.RolePolicy", f"data-pipeline-{role}-role-policy").json("policy")[
        "Statement"
    ]
    return found


def granted(cloud: Cloud, role: str, action: str) -> set[str]:
    """The resources that a role has an action on."""
    return {
        resource
        for statement in statements(cloud, role)
        if action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def test_athena_may_look_for_the_default_database_and_sees_no_table_of_it(cloud: Cloud) -> None:
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}:"
    assert {f"{glue}catalog", f"{glue}database/default"} <= granted(cloud, "query", "glue:GetDatabase")
    for action in ("glue:GetTable", "glue:GetTables", "glue:GetPartitions"):
        assert not [arn for arn in granted(cloud, "query", action) if "default" in arn]


def test_the_flow_logs_role_may_list_the_accounts_log_groups_and_writes_to_its_own_only() -> None:
    cloud = pipeline_in_network()
    assert granted(cloud, "network-flows", "logs:DescribeLogGroups") == {"*"}
    (written,) = granted(cloud, "network-flows", "logs:PutLogEvents")
    assert "network-flows" in written


def test_a_crawler_may_look_up_what_it_encrypts_with(cloud: Cloud) -> None:
    assert granted(cloud, "crawlers", "glue:GetSecurityConfiguration") == {"*"}


@pytest.mark.parametrize(
    ("prefix", "allowed"),
    [
        ("tables/canary/", True),
        ("tables/canary", True),
        ("tables/canary/day=2026-01-01/", True),
        ("tables/", True),
        ("tables", True),
        ("staging/", False),
        ("tables2/", False),
        ("", False),
    ],
)
def test_the_crawlers_may_list_the_tables_with_and_without_the_slash_and_nothing_else(
    cloud: Cloud, prefix: str, allowed: bool
) -> None:
    (listing,) = [one for one in statements(cloud, "crawlers") if "s3:ListBucket" in as_list(one["Action"])]
    assert any(fnmatchcase(prefix, one) for one in listing["Condition"]["StringLike"]["s3:prefix"]) is allowed
