"""The state machine that takes one batch from its manifest to its notification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Place, Statement, allow_unscoped
from components.security.role import ServiceRole, ServiceRoleArgs
from components.surroundings import Surroundings
from components.workflow.definition import render

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


def state_machine_name(stack: str) -> str:
    """Name the state machine; functions that it calls know it by this name before it exists."""
    return f"data-pipeline-{stack}"


def state_machine_arn(place: Place, stack: str) -> Output[str]:
    """Make the ARN that the state machine will have.

    It calls functions that ask for it in turn, so one of the two must be known before it exists.
    """
    return place.arn("states", f"stateMachine:{state_machine_name(stack)}")


def execution_arns(place: Place, stack: str) -> Output[str]:
    """Make the pattern of its executions' ARNs."""
    return place.arn("states", f"execution:{state_machine_name(stack)}:*")


# Every status in which an execution stays. PENDING_REDRIVE is none: it goes on.
FAILURES = ("FAILED", "TIMED_OUT", "ABORTED")
ENDS = ("SUCCEEDED", *FAILURES)


def end_pattern(arn: Input[str], statuses: Sequence[str] = ENDS) -> dict[str, object]:
    """Match the end of an execution in one of `statuses`."""
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": list(statuses), "stateMachineArn": [arn]},
    }


@dataclass(frozen=True, kw_only=True)
class WorkflowArgs:
    """The definition, its values, and what its steps may do."""

    surroundings: Surroundings
    definition: str
    values: Mapping[str, Input[str]]
    statements: Sequence[Statement]
    log_level: str
    include_execution_data: bool


class Workflow(pulumi.ComponentResource):
    """One traced and logged state machine for the batches of all datasets."""

    state_machine: aws.sfn.StateMachine
    log_group: aws.cloudwatch.LogGroup

    def __init__(self, name: str, args: WorkflowArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:workflow:Workflow", name, None, opts)
        child = ResourceOptions(parent=self)
        around = args.surroundings
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            # Under this prefix, delivery needs no entry of its own in the resource policy, whose size is limited.
            name=f"/aws/vendedlogs/states/{state_machine_name(around.stack)}",
            retention_in_days=around.log_retention_days,
            kms_key_id=around.key.key.arn,
            opts=child,
        )
        role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="states.amazonaws.com",
                account=around.place.account,
                source_arns=[state_machine_arn(around.place, around.stack)],
                statements=[*args.statements, allow_unscoped(LOG_DELIVERY), allow_unscoped(TRACING)],
                permissions_boundary_arn=around.permissions_boundary_arn,
            ),
            child,
        )
        self.state_machine = aws.sfn.StateMachine(
            name,
            name=state_machine_name(around.stack),
            type="STANDARD",
            role_arn=role.role.arn,
            definition=Output.all(**args.values).apply(lambda values: render(args.definition, values)),
            logging_configuration={
                "level": args.log_level,
                "include_execution_data": args.include_execution_data,
                "log_destination": Output.concat(self.log_group.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        self.register_outputs({"arn": self.state_machine.arn})
