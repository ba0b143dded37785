"""CloudWatch, CloudWatch Logs and Budgets."""

from __future__ import annotations

from typing import Any

from local.resources.base import Created, Handler, Json, ResourceRequest


def log_group(declared: ResourceRequest) -> Created:
    """A log group."""
    name = declared.physical(512)
    declared.call("logs", "create_log_group", logGroupName=name, tags=declared.tags)
    if declared.inputs.get("retentionInDays"):
        declared.call("logs", "put_retention_policy", logGroupName=name)
    outputs = {"name": name, "arn": declared.aws.arn("logs", f"log-group:{name}")}
    return Created(name, outputs | declared.tagged())


def metric_alarm(declared: ResourceRequest) -> Created:
    """An alarm on a metric or on an expression over metrics."""
    inputs = declared.inputs
    name = declared.physical(255)
    given: Json = {}
    if inputs.get("dimensions"):
        given["Dimensions"] = _dimensions(inputs)
    if queries := inputs.get("metricQueries"):
        given["Metrics"] = [_metric_query(declared, query) for query in queries]
    declared.call("cloudwatch", "put_metric_alarm", AlarmName=name, Tags=declared.tag_list, **given)
    outputs = {"name": name, "arn": declared.aws.arn("cloudwatch", f"alarm:{name}")}
    return Created(name, outputs | declared.tagged())


def _dimensions(metric: Json) -> list[Json]:
    return [{"Name": key, "Value": value} for key, value in (metric.get("dimensions") or {}).items()]


def _metric_query(declared: ResourceRequest, query: Json) -> Any:
    # What the API has in two structures, the provider has in one.
    metric = query.get("metric")
    parts = {**metric, "metric": {**metric, "dimensions": _dimensions(metric)}} if metric else None
    return declared.shaped("cloudwatch", "MetricDataQuery", {**query, "metricStat": parts})


def composite_alarm(declared: ResourceRequest) -> Created:
    """An alarm on the states of other alarms."""
    name = declared.inputs["alarmName"]
    declared.knows("alarmName", "alarmDescription", "alarmRule", "alarmActions", "okActions", "tags")
    declared.call("cloudwatch", "put_composite_alarm", Tags=declared.tag_list)
    return Created(name, {"arn": declared.aws.arn("cloudwatch", f"alarm:{name}")} | declared.tagged())


def budget(declared: ResourceRequest) -> Created:
    """What may be spent in a month, and who hears of it. The emulator spends nothing, so nobody ever does."""
    inputs = declared.inputs
    declared.knows("name", "budgetType", "limitAmount", "limitUnit", "timeUnit", "costFilters", "notifications", "tags")
    name = declared.physical(100)
    described = declared.shaped("budgets", "Budget") | {
        "BudgetName": name,
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
        "CostFilters": {one["name"]: one["values"] for one in inputs.get("costFilters") or []},
    }
    notices = [
        {
            "Notification": declared.shaped("budgets", "Notification", notice),
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
