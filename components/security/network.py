"""A network for the functions and the job without a way to the internet: AWS's services are reached by endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Location, Statement, allow, allow_unscoped, document
from components.security.key import EncryptionKey
from components.security.role import ServiceRole, ServiceRoleArgs
from policies.model import Waiver

GATEWAYS = ("s3", "dynamodb")
# What the functions and the job call, and for what. Their logs and traces, and the polling of the queue, Lambda does
# itself, outside of the network.
INTERFACES = {
    "athena": "query",
    "events": "processing tells the bus",
    "glue": "processing registers partitions; the job's own calls",
    "lambda": "etl_trigger and error_handler call functions",
    "logs": "the job's logs",
    "monitoring": "the job's metrics",
    "sns": "notification and freshness",
    "sqs": "ingestion, processing and error_handler send ticks",
    "states": "etl_trigger starts executions",
}
HTTPS = 443
SUBNET_BITS = 2
"""The network is cut in four: three zones at most, and one part to spare."""

WAIVERS = (
    Waiver(
        rule="IAM-04",
        resource="data-pipeline-raw-to-curated-role-policy",
        wrong="*:network-interface/*",
        reason="Glue tags the interfaces of a run's workers, whose names nobody knows before; bound by the tag's key.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Where the network is, and who may be seen in its logs."""

    stack: str
    location: Location
    key: EncryptionKey
    cidr: IPv4Network
    availability_zones: Sequence[str]
    log_retention_days: int
    permissions_boundary_arn: str | None


class Network(pulumi.ComponentResource):
    """Private subnets in some zones, endpoints of the services that are called, and flow logs.

    Example:
        network = Network(
            "network",
            NetworkArgs(
                stack="prod",
                location=location,
                key=key,
                cidr=IPv4Network("10.20.0.0/20"),
                availability_zones=["eu-central-1a", "eu-central-1b"],
                log_retention_days=365,
                permissions_boundary_arn=None,
            ),
        )
    """

    subnet_ids: Sequence[Output[str]]
    security_group_id: Output[str]
    # One for each subnet: Glue tries the next where it finds no room.
    connections: Sequence[aws.glue.Connection]

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:security:Network", name, None, opts)
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            name,
            cidr_block=str(args.cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": f"data-pipeline-{args.stack}"},
            opts=self._child,
        )
        # Whatever is started without a group of its own can talk to nobody.
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=self._vpc.id, opts=self._child)
        self._subnets = self._make_subnets()
        self.subnet_ids = [subnet.id for subnet in self._subnets]
        self.security_group_id = self._make_endpoints()
        self._log_flows()
        self.connections = [
            aws.glue.Connection(
                f"{name}-{zone}",
                name=f"data-pipeline-{args.stack}-{zone}",
                connection_type="NETWORK",
                physical_connection_requirements={
                    "availability_zone": zone,
                    "subnet_id": subnet.id,
                    "security_group_id_lists": [self.security_group_id],
                },
                opts=self._child,
            )
            for zone, subnet in zip(args.availability_zones, self._subnets, strict=True)
        ]
        self.register_outputs({"vpc_id": self._vpc.id})

    def _make_subnets(self) -> list[aws.ec2.Subnet]:
        ranges = self._args.cidr.subnets(prefixlen_diff=SUBNET_BITS)
        return [
            aws.ec2.Subnet(
                f"{self._name}-{zone}",
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=str(part),
                map_public_ip_on_launch=False,
                tags={"Name": f"data-pipeline-{self._args.stack}-{zone}"},
                opts=self._child,
            )
            for zone, part in zip(self._args.availability_zones, ranges, strict=False)
        ]

    def _make_endpoints(self) -> Output[str]:
        """Make the endpoints and the group of those who may use them; answers the group's id."""
        name, vpc_id, location = self._name, self._vpc.id, self._args.location
        routes = aws.ec2.RouteTable(f"{name}-routes", vpc_id=vpc_id, opts=self._child)
        for zone, subnet in zip(self._args.availability_zones, self._subnets, strict=True):
            aws.ec2.RouteTableAssociation(
                f"{name}-{zone}-routes", subnet_id=subnet.id, route_table_id=routes.id, opts=self._child
            )
        # Credentials of another account are of no use from here.
        only_this_account = document(
            [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": location.account}},
                }
            ]
        )
        gateways = [
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=Output.concat("com.amazonaws.", location.region, f".{service}"),
                route_table_ids=[routes.id],
                policy=only_this_account,
                opts=self._child,
            )
            for service in GATEWAYS
        ]
        group = aws.ec2.SecurityGroup(
            f"{name}-members",
            description="The functions and the job of the data pipeline, and the endpoints that they call",
            vpc_id=vpc_id,
            # Glue's workers talk to each other on any port, and Glue refuses a group that does not say so.
            ingress=[{"protocol": "tcp", "from_port": 0, "to_port": 65_535, "self": True, "description": "members"}],
            egress=[
                {"protocol": "tcp", "from_port": 0, "to_port": 65_535, "self": True, "description": "members"},
                {
                    "protocol": "tcp",
                    "from_port": HTTPS,
                    "to_port": HTTPS,
                    "prefix_list_ids": [gateway.prefix_list_id for gateway in gateways],
                    "description": "S3 and DynamoDB",
                },
            ],
            opts=self._child,
        )
        for service in INTERFACES:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc_id,
                vpc_endpoint_type="Interface",
                service_name=Output.concat("com.amazonaws.", location.region, f".{service}"),
                subnet_ids=self.subnet_ids,
                security_group_ids=[group.id],
                private_dns_enabled=True,
                policy=only_this_account,
                opts=self._child,
            )
        return group.id

    def _log_flows(self) -> None:
        args = self._args
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-flows",
            name=f"/data-pipeline-{args.stack}/network-flows",
            retention_in_days=args.log_retention_days,
            kms_key_id=args.key.key.arn,
            opts=self._child,
        )
        write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        role = ServiceRole(
            f"{self._name}-flows-role",
            ServiceRoleArgs(
                service="vpc-flow-logs.amazonaws.com",
                account=args.location.account,
                source_arns=[args.location.arn("ec2", "vpc-flow-log/*")],
                statements=[
                    allow(write, [Output.concat(logs.arn, ":*")]),
                    # In AWS's own policy for this role (VPC user guide, flow logs to CloudWatch, 2026-11).
                    allow_unscoped(["logs:DescribeLogGroups"]),
                ],
                permissions_boundary_arn=args.permissions_boundary_arn,
            ),
            self._child,
        )
        aws.ec2.FlowLog(
            f"{self._name}-flows",
            vpc_id=self._vpc.id,
            # What was refused says more than what went through, for a fraction of the bill.
            traffic_type="REJECT",
            log_destination=logs.arn,
            iam_role_arn=role.role.arn,
            opts=ResourceOptions(parent=self, depends_on=[role.policy]),
        )

    def let_function_in(self) -> list[Statement]:
        """Let Lambda, and not the function's code, make the interfaces of a function.

        Lambda asks for these on all resources of the account (Lambda developer guide, 2026-11).
        """
        interfaces = [
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]
        not_from_code = {"Null": {"lambda:SourceFunctionArn": "true"}}
        return [
            allow(interfaces, [self._args.location.arn("ec2", "*/*")], not_from_code),
            allow_unscoped(["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], not_from_code),
        ]

    def let_job_in(self) -> list[Statement]:
        """Let Glue make the interfaces of a run's workers (AWS Glue developer guide, 2026-11)."""
        location = self._args.location
        describe = ("NetworkInterfaces", "RouteTables", "SecurityGroups", "Subnets", "VpcEndpoints")
        return [
            allow(
                ["glue:GetConnection"],
                [location.arn("glue", "catalog"), *(connection.arn for connection in self.connections)],
            ),
            allow_unscoped([f"ec2:Describe{what}" for what in describe]),
            allow(["ec2:DescribeVpcAttribute"], [self._vpc.arn]),
            allow(["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"], [location.arn("ec2", "*/*")]),
            allow(
                ["ec2:CreateTags", "ec2:DeleteTags"],
                [location.arn("ec2", "network-interface/*")],
                {"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
            ),
        ]


def vpc_config(network: Network | None) -> aws.lambda_.FunctionVpcConfigArgs | None:
    """Say where a function runs; nothing without a network."""
    if network is None:
        return None
    security_groups: list[Input[str]] = [network.security_group_id]
    return aws.lambda_.FunctionVpcConfigArgs(subnet_ids=list(network.subnet_ids), security_group_ids=security_groups)
