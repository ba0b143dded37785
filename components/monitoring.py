"""Alarms that call a person, and the dashboard that shows where data is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.alarms import RUNBOOK, Alarm, FailureEvent, Incident, Metric
from components.dashboard import Shown, dashboard
from components.messaging import TopicRule, TopicRuleArgs

COMPARISONS = {
    "Greater": "GreaterThanThreshold",
    "GreaterOrEqual": "GreaterThanOrEqualToThreshold",
    "Less": "LessThanThreshold",
}


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What raises an alarm, who hears it, and what is shown."""

    alarms: Sequence[Alarm]
    incidents: Sequence[Incident]
    failure_events: Sequence[FailureEvent]
    alarms_topic_arn: Input[str]
    # Where EventBridge leaves failures that it could not deliver.
    dead_letters_arn: Input[str]
    shown: Shown


class Monitoring(pulumi.ComponentResource):
    """Calls a person at the first failure of any kind, and shows the environment on one page."""

    dashboard: aws.cloudwatch.Dashboard
    # They publish to the topic, which must let them.
    rules: Sequence[TopicRule]

    def __init__(self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:monitoring:Monitoring", name, None, opts)
        self._name, self._args = name, args
        # A person who is called at night must see which environment it is.
        self._prefix = f"{name}-{args.shown.environment}"
        made = {alarm.name: self._alarm(alarm) for alarm in args.alarms}
        for incident in args.incidents:
            self._incident(incident, [made[one.name].name for one in args.alarms if one.incident == incident.name])
        self.rules = [self._rule(event) for event in args.failure_events]
        self.dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=f"data-pipeline-{args.shown.environment}",
            # Those of single failures are in the composite ones too, and it is they that say which.
            dashboard_body=Output.json_dumps(dashboard(args.shown, [alarm.arn for alarm in made.values()])),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"dashboard": self.dashboard.dashboard_name})

    def _alarm(self, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        topic = [self._args.alarms_topic_arn]
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
            common.metric_queries = _queries(alarm.metrics, alarm.expression, alarm.period_seconds)
        else:
            (metric,) = alarm.metrics.values()
            common.namespace, common.metric_name = metric.namespace, metric.name
            common.dimensions, common.period = dict(metric.dimensions), alarm.period_seconds
            if metric.statistic.startswith("p"):
                common.extended_statistic = metric.statistic
            else:
                common.statistic = metric.statistic
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

    def _rule(self, event: FailureEvent) -> TopicRule:
        message = {"alarm": f"{self._prefix}-{event.name}", "meaning": f"{event.meaning}."}
        message["what to do"] = f"{RUNBOOK}#{event.section}"
        return TopicRule(
            f"{self._name}-{event.name}",
            TopicRuleArgs(
                description=event.meaning,
                event_pattern=event.pattern,
                topic_arn=self._args.alarms_topic_arn,
                dead_letters_arn=self._args.dead_letters_arn,
                # The event goes in as it is: a message with quotes in it would break one that is put together.
                template=json.dumps(message).removesuffix("}") + ', "event": <event>}',
            ),
            ResourceOptions(parent=self),
        )


def alarm_rule(names: Sequence[str]) -> str:
    """Write the rule of a composite alarm: any of them."""
    return " OR ".join(f'ALARM("{name}")' for name in sorted(names))


def _queries(
    metrics: Mapping[str, Metric], expression: str, period_seconds: int
) -> list[Input[aws.cloudwatch.MetricAlarmMetricQueryArgs]]:
    """Say an expression over metrics as the provider wants it."""
    queries: list[Input[aws.cloudwatch.MetricAlarmMetricQueryArgs]] = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=title,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions=dict(metric.dimensions),
                period=period_seconds,
                stat=metric.statistic,
            ),
        )
        for title, metric in metrics.items()
    ]
    result = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="result", expression=expression, label=expression, return_data=True
    )
    return [*queries, result]
