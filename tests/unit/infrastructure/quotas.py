"""What AWS takes at most of what grows with the datasets, and how much of it a program uses."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recording.program import short_type
from tests.unit.infrastructure.cloud import DeclaredResource

Used = Mapping[str, int]


@dataclass(frozen=True)
class Quota:
    """The most of something, where AWS says so (read 2026-11), and how much of it each resource uses, by name."""

    most: int
    source: str
    used: Callable[[Iterable[DeclaredResource]], Used]


def of(resources: Iterable[DeclaredResource], kind: str) -> list[DeclaredResource]:
    return [one for one in resources if short_type(one.type) == kind]


def size(kind: str, *path: str) -> Callable[[Iterable[DeclaredResource]], Used]:
    """Bytes of one input of each resource of a type."""

    def used(resources: Iterable[DeclaredResource]) -> Used:
        found = {}
        for one in of(resources, kind):
            value: Any = one.inputs
            for part in path:
                value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                found[one.name] = len((value if isinstance(value, str) else json.dumps(value)).encode())
        return found

    return used


def count(kind: str, key: str) -> Callable[[Iterable[DeclaredResource]], Used]:
    """How many resources of a type have the same value of an input."""
    return lambda resources: Counter(str(one.inputs[key]) for one in of(resources, kind))


def inline_policies(resources: Iterable[DeclaredResource]) -> Used:
    """Characters of a role's inline policies together; white space does not count."""
    found: dict[str, int] = defaultdict(int)
    for policy in of(resources, "iam.RolePolicy"):
        found[policy.inputs["role"]] += len(re.sub(r"\s", "", policy.inputs["policy"]))
    return found


def environments(resources: Iterable[DeclaredResource]) -> Used:
    """Bytes of a function's variables together."""
    return {
        one.name: sum(len(f"{name}={value}".encode()) for name, value in one.inputs["environment"]["variables"].items())
        for one in of(resources, "lambda.Function")
    }


def function_policies(resources: Iterable[DeclaredResource]) -> Used:
    """Bytes of the statements that let rules call a function: each permission is one, of some 400 bytes and ARNs."""
    found: dict[str, int] = defaultdict(int)
    for one in of(resources, "lambda.Permission"):
        found[str(one.inputs["function"])] += 400 + len(json.dumps(one.inputs))
    return found


def rules_of_alarms(resources: Iterable[DeclaredResource]) -> Used:
    """Alarms in a composite alarm's rule."""
    return {one.name: one.inputs["alarmRule"].count("ALARM(") for one in of(resources, "cloudwatch.CompositeAlarm")}


def widgets(resources: Iterable[DeclaredResource]) -> Used:
    """Metrics of a dashboard."""
    return {
        one.name: sum(len(widget["properties"].get("metrics", ())) for widget in one.json("dashboardBody")["widgets"])
        for one in of(resources, "cloudwatch.Dashboard")
    }


def parameters(resources: Iterable[DeclaredResource]) -> Used:
    """Bytes of the longest property of a table."""
    return {
        one.name: max(len(str(value).encode()) for value in one.inputs["parameters"].values())
        for one in of(resources, "glue.CatalogTable")
    }


def log_groups(resources: Iterable[DeclaredResource]) -> Used:
    """Log groups of a saved query."""
    return {one.name: len(one.inputs["logGroupNames"]) for one in of(resources, "cloudwatch.QueryDefinition")}


def number(kind: str) -> Callable[[Iterable[DeclaredResource]], Used]:
    """How many resources of a type there are."""
    return lambda resources: {kind: len(of(resources, kind))}


QUOTAS: Mapping[str, Quota] = {
    "inline policies of a role": Quota(10_240, "IAM user guide, 'IAM and AWS STS quotas'", inline_policies),
    "trust policy": Quota(2_048, "IAM user guide, 'IAM and AWS STS quotas'", size("iam.Role", "assumeRolePolicy")),
    "environment of a function": Quota(4_096, "Lambda developer guide, 'Lambda quotas'", environments),
    "policy of a function": Quota(20_480, "Lambda developer guide, 'Lambda quotas'", function_policies),
    "definition of a state machine": Quota(
        1_048_576, "Step Functions developer guide, 'Service quotas'", size("sfn.StateMachine", "definition")
    ),
    "targets of a rule": Quota(
        5, "EventBridge user guide, 'Amazon EventBridge quotas'", count("cloudwatch.EventTarget", "rule")
    ),
    "event pattern": Quota(
        2_048, "EventBridge user guide, 'Amazon EventBridge quotas'", size("cloudwatch.EventRule", "eventPattern")
    ),
    "rules of a bus": Quota(
        100, "EventBridge user guide, quotas: 300, in some regions 100", number("cloudwatch.EventRule")
    ),
    "policy of a queue": Quota(
        8_192, "SQS developer guide, 'Amazon SQS policy quotas'", size("sqs.QueuePolicy", "policy")
    ),
    "policy of a topic": Quota(
        30_720, "SNS endpoints and quotas, AWS general reference", size("sns.TopicPolicy", "policy")
    ),
    "policy of a bucket": Quota(20_480, "S3 user guide, 'Bucket policies'", size("s3.BucketPolicy", "policy")),
    "policy of a key": Quota(32_768, "KMS developer guide, 'Resource quotas'", size("kms.Key", "policy")),
    "alarms in a composite alarm": Quota(100, "CloudWatch user guide, 'CloudWatch service quotas'", rules_of_alarms),
    "rule of a composite alarm": Quota(
        10_240, "CloudWatch API reference, PutCompositeAlarm", size("cloudwatch.CompositeAlarm", "alarmRule")
    ),
    "metrics of a dashboard": Quota(2_500, "CloudWatch user guide, 'CloudWatch service quotas'", widgets),
    "property of a table": Quota(512_000, "Glue API reference, 'Common data types'", parameters),
    "log groups of a saved query": Quota(50, "CloudWatch Logs API reference, PutQueryDefinition", log_groups),
    "crawlers": Quota(1_000, "AWS Glue endpoints and quotas, AWS general reference", number("glue.Crawler")),
    "alarms": Quota(5_000, "CloudWatch user guide, 'CloudWatch service quotas'", number("cloudwatch.MetricAlarm")),
    "roles": Quota(1_000, "IAM user guide, 'IAM and AWS STS quotas'", number("iam.Role")),
}


def exceeded(resources: Iterable[DeclaredResource]) -> list[str]:
    """Say what of a program AWS would refuse."""
    kept = list(resources)
    return [
        f"{title}: {name} has {used}, AWS takes {quota.most} ({quota.source})"
        for title, quota in QUOTAS.items()
        for name, used in quota.used(kept).items()
        if used > quota.most
    ]
