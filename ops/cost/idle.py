"""What an environment costs in a month in which nothing lands, from the resources that the program declares."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from config import prices
from ops.cost.usage import dollars_of, measured
from recording.program import DeclaredResource, short_type

_RATE = re.compile(r"^rate\((\d+) (minute|hour|day)s?\)$")
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
_MINUTES_A_MONTH = prices.HOURS_A_MONTH * 60
_MAINTENANCE = "maintenance"
"""How the name of the schedule of maintenance ends, and what a round of it was measured as; other schedules tick."""


def idle_dollars_per_month(resources: Sequence[DeclaredResource]) -> dict[str, float]:
    """Sum up by service what the declared resources cost when nothing lands.

    What grows with data (storage, logs, requests) is nothing here.

    Raises:
        ValueError: a schedule is not one that can be counted.

    """
    found: dict[str, float] = defaultdict(float)
    for resource in resources:
        cost = _COSTS.get(short_type(resource.type)) if resource.type.startswith("aws:") else None
        if cost is not None:
            for service, dollars in cost(resource).items():
                found[service] += dollars
    return dict(sorted(found.items()))


def unpriced(resources: Sequence[DeclaredResource]) -> set[str]:
    """Return the types of resources of which nobody has said what they cost idle, not even that it is nothing."""
    types = {short_type(resource.type) for resource in resources if resource.type.startswith("aws:")}
    return types - _COSTS.keys() - FREE


def _monthly(service: str, price: str) -> Callable[[DeclaredResource], Mapping[str, float]]:
    """What costs the same each month, whatever it is like."""
    return lambda _: {service: prices.load()[price]}


def _alarm(alarm: DeclaredResource) -> Mapping[str, float]:
    # An alarm on an expression is billed for each metric in it.
    metrics = sum("metric" in query for query in alarm.inputs.get("metricQueries") or [{"metric": alarm.name}])
    return {"CloudWatch": metrics * prices.load()["cloudwatch_alarm_metric_month"]}


def _crawler(crawler: DeclaredResource) -> Mapping[str, float]:
    if not (schedule := crawler.inputs.get("schedule")):
        return {}
    if not re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", schedule):
        raise ValueError(f"{crawler.name}: schedule {schedule!r} is not a daily one; count its runs here too")
    return {"Glue": prices.HOURS_A_MONTH / 24 * prices.crawl_dollars()}


def _rule(rule: DeclaredResource) -> Mapping[str, float]:
    if not (schedule := rule.inputs.get("scheduleExpression")):
        return {}
    if not (found := _RATE.match(schedule)):
        raise ValueError(f"{rule.name}: schedule {schedule!r} is not a rate; count its ticks here too")
    if rule.inputs.get("state") == "DISABLED":
        return {}
    ticks = _MINUTES_A_MONTH / (int(found.group(1)) * _MINUTES[found.group(2)])
    # A metric is billed by the hour in which it is sent, however often.
    hours = min(ticks, prices.HOURS_A_MONTH)
    one = measured()[_MAINTENANCE if rule.name.endswith(_MAINTENANCE) else "idle_tick"]
    usage = {unit: count * (hours if unit == "cloudwatch_metric_hours" else ticks) for unit, count in one.items()}
    return dollars_of(usage)


def _poller(_: DeclaredResource) -> Mapping[str, float]:
    polls = prices.POLLERS * _MINUTES_A_MONTH * 60 / prices.POLL_SECONDS
    return dollars_of({"sqs_requests": polls})


def _endpoint(endpoint: DeclaredResource) -> Mapping[str, float]:
    if endpoint.inputs.get("vpcEndpointType") != "Interface":
        return {}  # gateway endpoints are free
    zones = len(endpoint.inputs["subnetIds"])
    return {"VPC": zones * prices.HOURS_A_MONTH * prices.load()["vpc_interface_endpoint_hour"]}


_COSTS: Mapping[str, Callable[[DeclaredResource], Mapping[str, float]]] = {
    "kms.Key": _monthly("KMS", "kms_key_month"),
    "ec2.VpcEndpoint": _endpoint,
    "cloudwatch.MetricAlarm": _alarm,
    "cloudwatch.CompositeAlarm": _monthly("CloudWatch", "cloudwatch_composite_alarm_month"),
    "cloudwatch.Dashboard": _monthly("CloudWatch", "cloudwatch_dashboard_month"),
    "cloudwatch.EventRule": _rule,
    "glue.Crawler": _crawler,
    "lambda.EventSourceMapping": _poller,
}

FREE = frozenset(
    f"{service}.{kind}"
    for service, kinds in {
        "athena": "NamedQuery Workgroup",
        "budgets": "Budget",
        "cloudwatch": "EventBus EventTarget LogGroup QueryDefinition",
        "dynamodb": "Table",
        "ec2": "DefaultSecurityGroup FlowLog RouteTable RouteTableAssociation SecurityGroup Subnet Vpc",
        "glue": "CatalogDatabase CatalogTable Connection Job SecurityConfiguration",
        "iam": "Role RolePolicy",
        "kms": "Alias",
        "lambda": "Function FunctionEventInvokeConfig LayerVersion Permission",
        "s3": "Bucket BucketLifecycleConfiguration BucketNotification BucketObjectLockConfiguration BucketObjectv2 "
        "BucketOwnershipControls BucketPolicy BucketPublicAccessBlock BucketServerSideEncryptionConfiguration "
        "BucketVersioning",
        "sfn": "StateMachine",
        "sns": "Topic TopicPolicy TopicSubscription",
        "ssm": "Parameter",
        "sqs": "Queue QueuePolicy RedriveAllowPolicy",
    }.items()
    for kind in kinds.split()
)
"""What costs nothing while nothing lands: it is free, or billed by what is stored in it, sent to it or run by it."""
