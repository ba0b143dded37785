"""The state machine that takes one batch from its manifest to its notification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.context import StackContext
from components.names import stack_name
from components.security.iam import Statement, allow_unscoped
from components.security.role import ServiceRole, ServiceRoleArgs
from components.workflow.definition import render
from config.model import WorkflowConfig

LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]
TRACING = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
]


CALLED_FUNCTIONS = ("stage", "processing", "query", "notification", "error_handler")

# Every status in which an execution stays. PENDING_REDRIVE is none: it goes on.
FAILURES = ("FAILED", "TIMED_OUT", "ABORTED")


def end_pattern(arn: Input[str], statuses: Sequence[str]) -> dict[str, object]:
    """Match the end of an execution in one of `statuses`."""
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": list(statuses), "stateMachineArn": [arn]},
    }


@dataclass(frozen=True, kw_only=True)
class WorkflowArgs:
    """The definition, its values, and what its steps may do."""

    context: StackContext
    definition: str
    values: Mapping[str, Input[str]]
    statements: Sequence[Statement]
    settings: WorkflowConfig


class Workflow(pulumi.ComponentResource):
    """One traced and logged state machine for the batches of all datasets.

    Example:
        workflow = Workflow(
            "batch",
            WorkflowArgs(
                context=context,
                definition=load_definition(Path("state_machines/batch_workflow.asl.json")),
                values={"JobName": job.job.name},
                statements=[],
                settings=WorkflowConfig(),
            ),
        )
    """

    state_machine: aws.sfn.StateMachine
    log_group: aws.cloudwatch.LogGroup

    def __init__(self, name: str, args: WorkflowArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:workflow:Workflow", name, None, opts)
        child = ResourceOptions(parent=self)
        context = args.context
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            # Under this prefix, delivery needs no entry of its own in the resource policy, whose size is limited.
            name=f"/aws/vendedlogs/states/{stack_name(context.stack)}",
            retention_in_days=context.log_retention_days,
            kms_key_id=context.key.key.arn,
            opts=child,
        )
        role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="states.amazonaws.com",
                account=context.location.account,
                source_arns=[context.state_machine_arn],
                statements=[*args.statements, allow_unscoped(LOG_DELIVERY), allow_unscoped(TRACING)],
                permissions_boundary_arn=context.permissions_boundary_arn,
            ),
            child,
        )
        self.state_machine = aws.sfn.StateMachine(
            name,
            name=stack_name(context.stack),
            type="STANDARD",
            role_arn=role.role.arn,
            definition=Output.all(**args.values).apply(lambda values: render(args.definition, values)),
            logging_configuration={
                "level": args.settings.log_level,
                "include_execution_data": args.settings.include_execution_data,
                "log_destination": Output.concat(self.log_group.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        self.register_outputs({"arn": self.state_machine.arn})
