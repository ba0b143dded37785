"""Alarms that call a person, and the dashboard that shows where data is."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, Resource, ResourceOptions

from components.monitoring.alarms import INCIDENTS, METRIC_ID, Alarm, Incident, alarms
from components.monitoring.budget import Budget, BudgetArgs
from components.monitoring.dashboard import dashboard
from components.monitoring.log_queries import LogQueries, LogQueriesArgs
from components.monitoring.monitored import Monitored
from components.names import stack_name

COMPARISONS = {
    "Greater": "GreaterThanThreshold",
    "GreaterOrEqual": "GreaterThanOrEqualToThreshold",
    "Less": "LessThanThreshold",
}


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is monitored, who is called, whose logs the saved queries read, and what a month may cost (None: anything).

    AWS looks whether a budget may publish to the topic when it is made, so it waits for the topic's policy.
    """

    monitored: Monitored
    alarms_topic_arn: Input[str]
    alarms_policy: Resource
    log_groups: Sequence[Input[str]]
    monthly_budget_dollars: int | None
    dashboard: bool


class Monitoring(pulumi.ComponentResource):
    """Calls a person at the first failure of any kind, and shows the stack on one page.

    Example:
        monitoring = Monitoring(
            "lake",
            MonitoringArgs(
                monitored=monitored,
                alarms_topic_arn=messaging.alarms.topic.arn,
                alarms_policy=messaging.alarms_policy,
                log_groups=[],
                monthly_budget_dollars=100,
                dashboard=True,
            ),
        )
        pulumi.export("dashboard", monitoring.dashboard_name)
    """

    dashboard_name: str | None

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:monitoring:Monitoring", name, None, opts)
        child = ResourceOptions(parent=self)
        self._name, self._args = name, args
        stack = args.monitored.stack
        # A person who is called at night must see which stack it is.
        self._prefix = f"{name}-{stack}"
        wanted = list(alarms(args.monitored))
        made = {alarm.name: self._alarm(alarm) for alarm in wanted}
        for incident in INCIDENTS:
            self._incident(incident, [made[one.name].name for one in wanted if one.incident == incident.name])
        self.dashboard_name = stack_name(stack) if args.dashboard else None
        if self.dashboard_name is not None:
            aws.cloudwatch.Dashboard(
                f"{name}-dashboard",
                dashboard_name=self.dashboard_name,
                # Those of single failures are in the composite ones too, and it is they that say which.
                dashboard_body=Output.json_dumps(dashboard(args.monitored, [alarm.arn for alarm in made.values()])),
                opts=child,
            )
        LogQueries(f"{name}-logs", LogQueriesArgs(stack=stack, log_groups=args.log_groups), child)
        if args.monthly_budget_dollars is not None:
            Budget(
                f"{name}-budget",
                BudgetArgs(
                    stack=stack,
                    monthly_dollars=args.monthly_budget_dollars,
                    alarms_topic_arn=args.alarms_topic_arn,
                ),
                ResourceOptions(parent=self, depends_on=[args.alarms_policy]),
            )
        self.register_outputs({"dashboard": self.dashboard_name})

    def _alarm(self, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        topic, metric = [self._args.alarms_topic_arn], alarm.metric
        common = aws.cloudwatch.MetricAlarmArgs(
            name=f"{self._prefix}-{alarm.name}",
            alarm_description=alarm.description,
            comparison_operator=COMPARISONS[alarm.compare],
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=1,
            treat_missing_data=alarm.missing_data,
            alarm_actions=None if alarm.incident else topic,
            ok_actions=topic if alarm.tells_when_over else None,
        )
        if alarm.expression:
            common.metric_queries = [
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id=METRIC_ID,
                    metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                        namespace=metric.namespace,
                        metric_name=metric.name,
                        dimensions=dict(metric.dimensions),
                        period=alarm.period_seconds,
                        stat=metric.statistic,
                    ),
                ),
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="result", expression=alarm.expression, label=alarm.expression, return_data=True
                ),
            ]
        else:
            common.namespace, common.metric_name = metric.namespace, metric.name
            common.dimensions, common.statistic = dict(metric.dimensions), metric.statistic
            common.period = alarm.period_seconds
        return aws.cloudwatch.MetricAlarm(f"{self._name}-{alarm.name}", common, ResourceOptions(parent=self))

    def _incident(self, incident: Incident, alarms: Sequence[Output[str]]) -> None:
        aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{incident.name}",
            alarm_name=f"{self._prefix}-{incident.name}",
            alarm_description=incident.description,
            alarm_rule=Output.all(*alarms).apply(alarm_rule),
            alarm_actions=[self._args.alarms_topic_arn],
            opts=ResourceOptions(parent=self),
        )


def alarm_rule(names: Sequence[str]) -> str:
    """Write the rule of a composite alarm: any of them."""
    return " OR ".join(f'ALARM("{name}")' for name in sorted(names))
