"""Alarms that call a person, and the dashboard that shows where data is."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.alarms import Alarm
from components.dashboard import Shown, dashboard


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What raises an alarm, who hears it, and what is shown."""

    alarms: Sequence[Alarm]
    alarms_topic_arn: Input[str]
    shown: Shown


class Monitoring(pulumi.ComponentResource):
    """Calls a person at the first failure of any kind, and shows the environment on one page."""

    dashboard: aws.cloudwatch.Dashboard

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:monitoring:Monitoring", name, None, opts)
        child = ResourceOptions(parent=self)
        for alarm in args.alarms:
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                alarm_description=alarm.description,
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                dimensions=dict(alarm.dimensions),
                statistic=alarm.statistic,
                comparison_operator="GreaterThanThreshold",
                threshold=alarm.above,
                period=alarm.period_seconds,
                evaluation_periods=1,
                treat_missing_data=alarm.missing_data,
                alarm_actions=[args.alarms_topic_arn],
                opts=child,
            )
        self.dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=f"data-pipeline-{args.shown.environment}",
            dashboard_body=Output.json_dumps(dashboard(args.shown)),
            opts=child,
        )
        self.register_outputs({"dashboard": self.dashboard.dashboard_name})
