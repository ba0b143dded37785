"""CloudWatch, CloudWatch Logs and Budgets."""

from __future__ import annotations

from local.resources.base import Created, Handler, Json, ResourceRequest, pascal


def log_group(declared: ResourceRequest) -> Created:
    """A log group."""
    name = declared.physical(512)
    logs = declared.client("logs")
    extra = declared.pick(kmsKeyId="kmsKeyId", logGroupClass="logGroupClass")
    logs.create_log_group(logGroupName=name, tags=declared.tags, **extra)
    if days := declared.inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    outputs = {"name": name, "arn": declared.aws.arn("logs", f"log-group:{name}")}
    return Created(name, outputs | declared.tagged())


def metric_alarm(declared: ResourceRequest) -> Created:
    """An alarm on a metric or on an expression over metrics."""
    inputs = declared.inputs
    name = declared.physical(255)
    request: Json = declared.pick(
        AlarmDescription="alarmDescription",
        ActionsEnabled="actionsEnabled",
        AlarmActions="alarmActions",
        OKActions="okActions",
        InsufficientDataActions="insufficientDataActions",
        ComparisonOperator="comparisonOperator",
        EvaluationPeriods="evaluationPeriods",
        DatapointsToAlarm="datapointsToAlarm",
        Threshold="threshold",
        ThresholdMetricId="thresholdMetricId",
        TreatMissingData="treatMissingData",
        MetricName="metricName",
        Namespace="namespace",
        Period="period",
        Statistic="statistic",
        ExtendedStatistic="extendedStatistic",
        Unit="unit",
    )
    for key in ("EvaluationPeriods", "DatapointsToAlarm", "Period"):
        if key in request:
            request[key] = int(request[key])
    if dimensions := inputs.get("dimensions"):
        request["Dimensions"] = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    if queries := inputs.get("metricQueries"):
        request["Metrics"] = [_metric_query(query) for query in queries]
    declared.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=declared.tag_list, **request)
    outputs = {"name": name, "arn": declared.aws.arn("cloudwatch", f"alarm:{name}")}
    return Created(name, outputs | declared.tagged())


def _metric_query(query: Json) -> Json:
    made: Json = pascal({key: value for key, value in query.items() if key != "metric"})
    if "Period" in made:
        made["Period"] = int(made["Period"])
    if metric := query.get("metric"):
        found = {"MetricName": metric["metricName"], "Namespace": metric.get("namespace") or ""}
        dimensions = [{"Name": key, "Value": value} for key, value in (metric.get("dimensions") or {}).items()]
        made["MetricStat"] = {
            "Metric": {**found, "Dimensions": dimensions},
            "Period": int(metric["period"]),
            "Stat": metric["stat"],
        }
    return made


def composite_alarm(declared: ResourceRequest) -> Created:
    """An alarm on the states of other alarms."""
    name = declared.inputs["alarmName"]
    declared.knows("alarmName", "alarmDescription", "alarmRule", "alarmActions", "okActions", "tags")
    request = declared.pick(
        AlarmDescription="alarmDescription", AlarmRule="alarmRule", AlarmActions="alarmActions", OKActions="okActions"
    )
    declared.client("cloudwatch").put_composite_alarm(AlarmName=name, Tags=declared.tag_list, **request)
    return Created(name, {"arn": declared.aws.arn("cloudwatch", f"alarm:{name}")} | declared.tagged())


def budget(declared: ResourceRequest) -> Created:
    """What may be spent in a month, and who hears of it. The emulator spends nothing, so nobody ever does."""
    inputs = declared.inputs
    declared.knows("name", "budgetType", "limitAmount", "limitUnit", "timeUnit", "costFilters", "notifications", "tags")
    name = declared.physical(100)
    described: Json = {
        "BudgetName": name,
        "BudgetType": inputs["budgetType"],
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
        "TimeUnit": inputs["timeUnit"],
        "CostFilters": {one["name"]: one["values"] for one in inputs.get("costFilters") or []},
    }
    notices = [
        {
            "Notification": {
                "NotificationType": notice["notificationType"],
                "ComparisonOperator": notice["comparisonOperator"],
                "Threshold": notice["threshold"],
                "ThresholdType": notice["thresholdType"],
            },
            "Subscribers": [
                {"SubscriptionType": "SNS", "Address": topic} for topic in notice["subscriberSnsTopicArns"]
            ],
        }
        for notice in inputs.get("notifications") or []
    ]
    declared.client("budgets").create_budget(
        AccountId=declared.aws.account,
        Budget=described,
        NotificationsWithSubscribers=notices,
        ResourceTags=declared.tag_list,
    )
    arn = f"arn:aws:budgets::{declared.aws.account}:budget/{name}"
    return Created(f"{declared.aws.account}:{name}", {"name": name, "arn": arn} | declared.tagged())


def dashboard(declared: ResourceRequest) -> Created:
    """A CloudWatch dashboard."""
    name = declared.physical(255, given="dashboardName")
    body = declared.inputs["dashboardBody"]
    declared.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
    # Dashboards have no region in their ARN.
    arn = f"arn:aws:cloudwatch::{declared.aws.account}:dashboard/{name}"
    return Created(name, {"dashboardName": name, "dashboardArn": arn})


HANDLERS: dict[str, Handler] = {
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": metric_alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": composite_alarm,
    "aws:cloudwatch/dashboard:Dashboard": dashboard,
    "aws:budgets/budget:Budget": budget,
}
