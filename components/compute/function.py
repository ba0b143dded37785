"""What runs code: the functions and the Spark job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.compute import packaging
from components.context import StackContext
from components.names import metrics_namespace
from components.security.iam import Statement, allow, tracing
from components.security.network import vpc_config
from components.security.role import ServiceRole, ServiceRoleArgs
from config.model import FunctionConfig

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
ASYNC_EVENT_AGE_SECONDS = 3_600
ASYNC_RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class PipelineFunctionArgs:
    """One function: its code's name, its limits, its environment and its permissions."""

    function: str
    config: FunctionConfig
    context: StackContext
    variables: Mapping[str, Input[str]]
    statements: Sequence[Statement]
    # Where events of asynchronous calls go that failed for good; empty for functions that are called directly.
    failed_events_arn: Input[str] | None = None
    layers: Sequence[Input[str]] = ()


class PipelineFunction(pulumi.ComponentResource):
    """One function with its own role and its own encrypted, expiring logs.

    Example:
        query = PipelineFunction(
            "query",
            PipelineFunctionArgs(
                function="query",
                config=FunctionConfig(timeout_seconds=300),
                context=context,
                variables={"WORKGROUP": catalog.workgroup.name},
                statements=permissions.query(context, storage, catalog),
            ),
        )
    """

    function: aws.lambda_.Function
    log_group: aws.cloudwatch.LogGroup
    role: ServiceRole

    def __init__(self, name: str, args: PipelineFunctionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:PipelineFunction", name, None, opts)
        child = ResourceOptions(parent=self)
        context = args.context
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/data-pipeline-{context.stack}-{args.function.replace('_', '-')}",
            retention_in_days=context.log_retention_days,
            kms_key_id=context.key.key.arn,
            opts=child,
        )
        self.role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="lambda.amazonaws.com",
                account=context.location.account,
                statements=[
                    *args.statements,
                    write_logs(self.log_group),
                    tracing(),
                    # Lambda decrypts the function's environment with the function's own role.
                    context.key.decrypt("lambda"),
                    *(context.network.let_function_in() if context.network else []),
                ],
                permissions_boundary_arn=context.permissions_boundary_arn,
            ),
            child,
        )
        self.function = aws.lambda_.Function(
            name,
            role=self.role.role.arn,
            # All that the function imports: one call changes it, and no code runs with libraries of another deployment.
            code=pulumi.FileArchive(str(packaging.build_function(args.function))),
            handler=f"lambdas.{args.function}.handler.handler",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            layers=list(args.layers) or None,
            timeout=args.config.timeout_seconds,
            memory_size=args.config.memory_mb,
            reserved_concurrent_executions=args.config.reserved_concurrency,
            environment={
                "variables": {
                    "POWERTOOLS_SERVICE_NAME": args.function,
                    "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(context.stack),
                    "POWERTOOLS_LOG_LEVEL": context.log_level,
                    **args.variables,
                }
            },
            kms_key_arn=context.key.key.arn,
            vpc_config=vpc_config(context.network),
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "log_group": self.log_group.name,
                # With JSON Lambda has a level of its own, INFO unless it is told, and Powertools obeys that one first.
                "application_log_level": context.log_level,
            },
            opts=ResourceOptions(parent=self, depends_on=[self.role.policy]),
        )
        if args.failed_events_arn is not None:
            aws.lambda_.FunctionEventInvokeConfig(
                f"{name}-async",
                function_name=self.function.name,
                maximum_event_age_in_seconds=ASYNC_EVENT_AGE_SECONDS,
                maximum_retry_attempts=ASYNC_RETRIES,
                destination_config={"on_failure": {"destination": args.failed_events_arn}},
                opts=child,
            )
        self.register_outputs({"name": self.function.name})

    def invoke(self) -> Statement:
        """Let another function's role call this one."""
        return allow(["lambda:InvokeFunction"], [self.function.arn])


def write_logs(*groups: aws.cloudwatch.LogGroup) -> Statement:
    """Let a role write to log groups that exist already."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [Output.concat(group.arn, ":*") for group in groups])
