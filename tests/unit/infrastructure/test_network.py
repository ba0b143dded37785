"""With a network of its own, an environment's functions and job reach AWS's services, and nothing else."""

import re
from typing import Any

import pytest

from components.security.network import GATEWAYS, INTERFACES
from config.load import ConfigError, load, parse
from tests.unit.infrastructure.cloud import Cloud, deploy, pipeline_in_network

ZONES = ["eu-central-1a", "eu-central-1b"]


def test_without_the_setting_there_is_no_network(cloud: Cloud) -> None:
    assert [r.name for r in cloud.aws() if r.type.startswith("aws:ec2")] == []
    assert [f.name for f in cloud.of("lambda.Function") if f.inputs.get("vpcConfig")] == []


def test_every_function_and_the_job_run_in_the_subnets() -> None:
    cloud = pipeline_in_network()
    subnets = {f"{subnet.name}-id" for subnet in cloud.of("ec2.Subnet")}
    # Resources are registered side by side: in which order is chance.
    assert sorted(subnet.inputs["cidrBlock"] for subnet in cloud.of("ec2.Subnet")) == ["10.8.0.0/22", "10.8.4.0/22"]
    assert len(cloud.of("lambda.Function")) == 10
    for function in cloud.of("lambda.Function"):
        assert set(function.inputs["vpcConfig"]["subnetIds"]) == subnets, function.name
    (job,) = cloud.of("glue.Job")
    connected = {c.inputs["name"]: c.inputs["physicalConnectionRequirements"] for c in cloud.of("glue.Connection")}
    assert set(job.inputs["connections"]) == connected.keys()
    assert {one["subnetId"] for one in connected.values()} == subnets


def test_there_is_no_way_to_the_internet() -> None:
    cloud = pipeline_in_network()
    kinds = {r.type.split(":")[-1] for r in cloud.aws() if r.type.startswith("aws:ec2")}
    assert kinds & {"InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "Route"} == set()
    (group,) = cloud.of("ec2.SecurityGroup")
    for rule in (*group.inputs["ingress"], *group.inputs["egress"]):
        assert "cidrBlocks" not in rule, rule
        assert "ipv6CidrBlocks" not in rule, rule
        assert rule.get("self") or rule["prefixListIds"], rule
    (default,) = cloud.of("ec2.DefaultSecurityGroup")
    assert default.inputs.keys() <= {"vpcId", "tags", "tagsAll"}, "no rule at all"


def test_every_service_that_is_called_has_an_endpoint_for_this_account_only() -> None:
    cloud = pipeline_in_network()
    endpoints = {e.inputs["serviceName"].rpartition(".")[2]: e for e in cloud.of("ec2.VpcEndpoint")}
    assert endpoints.keys() == {*GATEWAYS, *INTERFACES}
    for endpoint in endpoints.values():
        (statement,) = endpoint.json("policy")["Statement"]
        assert statement["Condition"]["StringEquals"].keys() == {"aws:PrincipalAccount"}
    called = {
        action.split(":")[0]
        for function in cloud.of("iam.RolePolicy")
        if function.name.endswith(
            tuple(f"-{name}-role-policy" for name in ("processing", "query", "notification", "etl-trigger"))
        )
        for statement in function.json("policy")["Statement"]
        for action in statement["Action"]
    }
    # SQS, KMS, X-Ray and logs: Lambda itself, or the service that is called, asks them for a function.
    assert called - {"sqs", "kms", "xray", "logs", "ec2"} <= {*GATEWAYS, *INTERFACES}


def test_the_roles_may_have_interfaces_made_and_functions_may_not_make_them_themselves() -> None:
    cloud = pipeline_in_network()
    for policy in cloud.of("iam.RolePolicy"):
        for statement in policy.json("policy")["Statement"]:
            if "ec2:CreateNetworkInterface" in statement["Action"] and "raw-to-curated" not in policy.name:
                assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}, policy.name


@pytest.mark.parametrize(
    ("vpc", "refused"),
    [
        ({"cidr": "8.8.0.0/20"}, "security.vpc.cidr = '8.8.0.0/20': allowed is private addresses, /16 to /24"),
        ({"cidr": "10.0.0.0/28"}, "security.vpc.cidr = '10.0.0.0/28': allowed is private addresses, /16 to /24"),
        ({"availability_zones": ["eu-central-1a", "eu-west-1a"]}, "allowed is different zones of one region"),
        ({"availability_zones": ["eu-central-1a", "eu-central-1a"]}, "allowed is different zones of one region"),
    ],
)
def test_a_network_that_cannot_work_is_refused(vpc: dict[str, Any], refused: str) -> None:
    settings: dict[str, Any] = {"vpc": {"cidr": "10.8.0.0/20", "availability_zones": ZONES} | vpc}
    with pytest.raises(ConfigError, match=re.escape(refused)):
        parse({"environment": "dev", "security": settings}, "Pulumi.dev.yaml")


def test_the_network_is_in_the_region_of_the_stack() -> None:
    vpc = {"availability_zones": ["us-east-1a", "us-east-1b"]}
    given = {"data-pipeline:settings": {"environment": "dev", "security": {"vpc": vpc}}}
    said = r"security.vpc.availability_zones = .*'us-east-1b'\]: allowed is zones of aws:region, which is eu-central-1$"
    with pytest.raises(ConfigError, match=said):
        deploy(load, config={**given, "aws:region": "eu-central-1"})
    deploy(load, config={**given, "aws:region": "us-east-1"})
