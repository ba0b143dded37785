"""What a stack may cost a month, before somebody is told."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

# Per cent of the month's amount, and whether it is spent or foreseen.
NOTICES = ((80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    """How much, for which stack, and who hears of it."""

    stack: str
    monthly_dollars: int
    alarms_topic_arn: Input[str]


class Budget(pulumi.ComponentResource):
    """Tells the alarms topic when the stack's tagged resources cost more in a month than they should.

    AWS counts by a tag only once it is activated as a cost allocation tag, in the account that pays.

    Example:
        Budget("budget", BudgetArgs(stack="prod", monthly_dollars=200, alarms_topic_arn=alarms.topic.arn))
    """

    def __init__(self, name: str, args: BudgetArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:monitoring:Budget", name, None, opts)
        aws.budgets.Budget(
            name,
            name=f"data-pipeline-{args.stack}",
            budget_type="COST",
            limit_amount=str(args.monthly_dollars),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:Stack${args.stack}"]}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "notification_type": kind,
                    "subscriber_sns_topic_arns": [args.alarms_topic_arn],
                }
                for percent, kind in NOTICES
            ],
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
