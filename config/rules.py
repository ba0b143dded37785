"""What no stack's settings may break, and what prod's may not: the rules between the fields of the model."""

import re
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter, not_
from typing import Any

from config.addresses import EMAIL
from config.model import MOST_TAGS, OWN_TAGS, PipelineConfig, Subscription
from config.violations import Violation

MINIMUM_RETENTION_DAYS_IN_PROD = 90
KEY_DELETION_DAYS_IN_PROD = 30
# Glue 5.1 is in all commercial and GovCloud regions, and in the European Sovereign Cloud (AWS, "What's new", 2026-04-28
# and 2026-08-27); of these no announcement was found on 2026-11-26.
WITHOUT_GLUE_5_1 = ("cn-", "us-iso", "eu-iso")
CANARY = "canary"
QUEUE_RETENTION_SECONDS = 4 * 24 * 3_600
"""How long a message of a queue waits to be handled."""
TICKS_AT_ONCE = 5
"""Ticks that are carried out side by side at most, each of one dataset."""
WORKFLOW_WAITS_SECONDS = {"query": 305, "notification": 65}
"""How long the workflow waits for functions that might take longer, as state_machines/ says."""


def rules(config: PipelineConfig) -> Iterator[Violation]:
    """Yield what no environment may break, then what prod may not."""
    yield from _ingestion_rules(config)
    yield from _lifecycle_rules(config)
    yield from _dataset_rules(config)
    yield from _batch_rules(config)
    yield from _glue_rules(config)
    yield from _workflow_rules(config)
    for topic in ("alarm_subscriptions", "notification_subscriptions"):
        yield from _topic_rules(f"monitoring.{topic}", getattr(config.monitoring, topic), config.holds_secrets)
    yield from _lineage_rules(config)
    yield from _slack_rules(config)
    yield from _account_rules(config)
    yield from _vpc_rules(config)
    if config.environment == "prod":
        yield from _prod_rules(config)


def _refused(config: PipelineConfig, key: str, allowed: str, *about: object) -> Violation:
    """Refuse what a setting is; `about` has values of other settings, for the places {} in `allowed`."""
    value = attrgetter(key)(config)
    return Violation(key=key, value=list(value) if isinstance(value, tuple) else value, allowed=allowed, about=about)


def _ingestion_rules(config: PipelineConfig) -> Iterator[Violation]:
    ingestion, reserved = config.ingestion, config.functions.ingestion.reserved_concurrency
    if ingestion.batch_size > 10 and ingestion.batching_window_seconds < 1:
        allowed = "at least 1, since ingestion.batch_size is {}"
        yield _refused(config, "ingestion.batching_window_seconds", allowed, ingestion.batch_size)
    if reserved is not None and reserved < ingestion.max_concurrency:
        # Otherwise Lambda throttles its own poller, and throttled messages count as received.
        allowed = "at least ingestion.max_concurrency, which is {}"
        yield _refused(config, "functions.ingestion.reserved_concurrency", allowed, ingestion.max_concurrency)
    reserved = config.functions.etl_trigger.reserved_concurrency
    if reserved is not None and reserved <= TICKS_AT_ONCE:
        allowed = "more than {}, which ticks of the queue may take; the schedule needs one, too"
        yield _refused(config, "functions.etl_trigger.reserved_concurrency", allowed, TICKS_AT_ONCE)
    hidden = visibility_timeout_seconds(config.functions.ingestion.timeout_seconds, ingestion.batching_window_seconds)
    most = QUEUE_RETENTION_SECONDS // hidden - 1
    if ingestion.max_receive_count > most:
        yield _refused(
            config,
            "ingestion.max_receive_count",
            "at most {}: a try takes up to {} seconds, and a message that is four days old is gone instead of in the "
            "dead-letter queue",
            most,
            hidden,
        )


def visibility_timeout_seconds(consumer_timeout_seconds: int, batching_window_seconds: int) -> int:
    """How long a message must stay hidden: AWS asks for six consumer timeouts, plus the batching window.

    Any less, and a slow batch is delivered a second time while the first try still works on it.
    """
    return 6 * consumer_timeout_seconds + batching_window_seconds


def _lifecycle_rules(config: PipelineConfig) -> Iterator[Violation]:
    storage = config.storage
    warm, cold = storage.raw_to_infrequent_access_after_days, storage.raw_to_glacier_after_days
    if warm is not None and cold is not None and cold < warm + 30:
        # Standard-IA bills thirty days at least.
        allowed = "at least {}: 30 days after storage.raw_to_infrequent_access_after_days"
        yield _refused(config, "storage.raw_to_glacier_after_days", allowed, warm + 30)
    if storage.raw_locked_days is not None and storage.allow_destroy:
        allowed = "empty, since storage.allow_destroy is true: what is locked cannot be destroyed"
        yield _refused(config, "storage.raw_locked_days", allowed)
    last = max((days for days in (warm, cold, storage.raw_locked_days) if days is not None), default=0)
    if storage.raw_expires_after_days is not None and storage.raw_expires_after_days <= last:
        allowed = "more than {}, when raw files are moved the last time, or unlocked"
        yield _refused(config, "storage.raw_expires_after_days", allowed, last)


def _dataset_rules(config: PipelineConfig) -> Iterator[Violation]:
    if CANARY in config.datasets.demonstration:
        yield Violation(
            key="datasets.demonstration",
            value=CANARY,
            allowed="other datasets: the smoke test needs this one wherever there is a deployment",
        )


def _batch_rules(config: PipelineConfig) -> Iterator[Violation]:
    glue, at_once = config.glue, config.batches.max_concurrent_per_dataset
    if config.workflow.timeout_minutes <= glue.timeout_minutes:
        allowed = "more than glue.timeout_minutes, which is {}"
        yield _refused(config, "workflow.timeout_minutes", allowed, glue.timeout_minutes)
    if glue.max_concurrent_runs < at_once:
        allowed = "at least {}, as batches.max_concurrent_per_dataset is"
        yield _refused(config, "glue.max_concurrent_runs", allowed, at_once)


def _glue_rules(config: PipelineConfig) -> Iterator[Violation]:
    region = config.region
    if config.glue.version == "5.1" and region is not None and region.startswith(WITHOUT_GLUE_5_1):
        yield _refused(
            config,
            "glue.version",
            "'5.0' in aws:region {}: AWS has not announced 5.1 there; if it is there by now, take the region out of "
            "WITHOUT_GLUE_5_1 in config/rules.py",
            region,
        )


def _workflow_rules(config: PipelineConfig) -> Iterator[Violation]:
    for name, seconds in WORKFLOW_WAITS_SECONDS.items():
        if getattr(config.functions, name).timeout_seconds >= seconds:
            allowed = f"less than {seconds}, after which the workflow does not wait for it any more"
            yield _refused(config, f"functions.{name}.timeout_seconds", allowed)


def _account_rules(config: PipelineConfig) -> Iterator[Violation]:
    if len(config.tags) > MOST_TAGS:
        yield Violation(
            key="tags",
            value=f"{len(config.tags)} tags",
            allowed=f"at most {MOST_TAGS}: contracts and the job's code are S3 objects, which take ten, and "
            f"{', '.join(OWN_TAGS)} are {len(OWN_TAGS)} of them",
        )
    # IAM takes tags that differ in case only for the same, and then refuses the role.
    seen = {tag.lower() for tag in OWN_TAGS}
    for tag, value in sorted(config.tags.items()):
        if tag.lower() in seen:
            own = any(tag.lower() == name.lower() for name in OWN_TAGS)
            allowed = "the program sets this tag itself" if own else "each tag once, whatever its letters' case"
            yield Violation(key=f"tags.{tag}", value=value, allowed=allowed)
        seen.add(tag.lower())
        if tag.lower().startswith("aws:"):
            yield Violation(key=f"tags.{tag}", value=value, allowed="another name: those with aws: belong to AWS")
    account, boundary = config.security.account_id, config.security.permissions_boundary_arn
    if account and boundary and boundary.split(":")[4] not in {account, "aws"}:
        allowed = "a policy of AWS, or of security.account_id, which is {}"
        yield _refused(config, "security.permissions_boundary_arn", allowed, account)


def _vpc_rules(config: PipelineConfig) -> Iterator[Violation]:
    vpc, region = config.security.vpc, config.region
    if vpc is None:
        return
    if not (16 <= vpc.cidr.prefixlen <= 24 and vpc.cidr.is_private):
        yield Violation(key="security.vpc.cidr", value=str(vpc.cidr), allowed="private addresses, /16 to /24")
    zones, key = vpc.availability_zones, "security.vpc.availability_zones"
    if len(set(zones)) < len(zones) or len({zone[:-1] for zone in zones}) > 1:
        yield _refused(config, key, "different zones of one region, that of aws:region")
    elif region is not None and any(zone[:-1] != region for zone in zones):
        yield _refused(config, key, "zones of aws:region, which is {}", region)


_EMAIL = (EMAIL, "an e-mail address")
_ENDPOINTS = {
    "email": _EMAIL,
    "email-json": _EMAIL,
    "https": (r"https://[!-~]+", "an address that starts with https://"),
    "sqs": (r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w.-]+", "the ARN of a queue"),
    "lambda": (r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w:$-]+", "the ARN of a function"),
}


def _topic_rules(key: str, subscriptions: Sequence[Subscription], holds_secrets: bool) -> Iterator[Violation]:
    called: set[str] = set()
    for place, subscription in enumerate(subscriptions):
        pattern, allowed = _ENDPOINTS[subscription.protocol]
        if not re.fullmatch(pattern, subscription.endpoint, re.ASCII):
            yield Violation(
                key=f"{key}.{place}.endpoint",
                value=subscription.endpoint,
                allowed=allowed + ", since the protocol is {}",
                about=(subscription.protocol,),
            )
        if holds_secrets and subscription.name is None:
            yield Violation(
                key=f"{key}.{place}.name",
                value=None,
                allowed="a name, since the settings hold a secret: it would be called after its endpoint",
            )
        if subscription.label in called:
            yield Violation(key=f"{key}.{place}", value=subscription.label, allowed="each subscription once")
        called.add(subscription.label)


def _lineage_rules(config: PipelineConfig) -> Iterator[Violation]:
    lineage = config.lineage
    if lineage.url is None:
        if lineage.api_key_parameter is not None:
            allowed = "empty, since lineage.url is: nobody would be sent the key"
            yield _refused(config, "lineage.api_key_parameter", allowed)
        return
    if not lineage.enabled:
        yield _refused(config, "lineage.url", "empty, since lineage.enabled is false")
    if config.security.vpc is not None:
        allowed = "empty, since security.vpc is a network without a way to the internet; events are kept in S3"
        yield _refused(config, "lineage.url", allowed)


_WEBHOOK = r"https://hooks\.slack(-gov)?\.com/[!-~]+"
_LOCAL_WEBHOOK = rf"{_WEBHOOK}|http://127\.0\.0\.1:[0-9]+/[!-~]*"


def _slack_rules(config: PipelineConfig) -> Iterator[Violation]:
    local = config.environment == "local"
    for channel, webhook in config.monitoring.slack_webhooks.items():
        key = f"monitoring.slack_webhooks.{channel}"
        if not re.fullmatch(_LOCAL_WEBHOOK if local else _WEBHOOK, webhook):
            # Not shown: what is nearly one may be the half of one.
            allowed = "an incoming webhook of Slack: https://hooks.slack.com/services/..."
            yield Violation(key=key, value="[not shown]", allowed=allowed)
        elif not (config.holds_secrets or local):
            yield Violation(
                key=key,
                value="[not shown]",
                allowed="a secret: whoever reads it can write into the channel. Revoke it, then: pulumi config set "
                f"--secret --path 'data-pipeline:settings.{key}'",
            )


def _long_enough(days: int | None) -> bool:
    return days is None or days >= MINIMUM_RETENTION_DAYS_IN_PROD


_LONG = f"at least {MINIMUM_RETENTION_DAYS_IN_PROD} days in prod"
_IN_PROD: Sequence[tuple[str, Callable[[Any], object], str]] = (
    ("storage.allow_destroy", not_, "false in prod: its data stays"),
    ("monitoring.log_retention_days", _long_enough, _LONG),
    ("storage.noncurrent_versions_expire_after_days", _long_enough, _LONG),
    ("storage.raw_expires_after_days", _long_enough, _LONG),
    ("storage.quarantine_expires_after_days", _long_enough, _LONG),
    ("monitoring.alarm_subscriptions", bool, "at least one subscription in prod: an alarm nobody hears is none"),
    ("monitoring.monthly_budget_dollars", bool, "an amount in prod: a bill must not be the first to tell"),
    ("batches.schedule_enabled", bool, "true in prod: files must not wait"),
    (
        "workflow.log_level",
        lambda level: level != "FATAL",
        "ERROR or ALL in prod: with the end of an execution alone, nobody sees what failed in it",
    ),
    (
        "security.key_deletion_window_days",
        lambda days: days >= KEY_DELETION_DAYS_IN_PROD,
        f"{KEY_DELETION_DAYS_IN_PROD} in prod: without its key all data is gone",
    ),
    ("workflow.include_execution_data", not_, "false in prod: logs are read by more people than the data"),
)
"""By setting: whether its value is good in prod, and what is allowed."""


def _prod_rules(config: PipelineConfig) -> Iterator[Violation]:
    for key, is_good, allowed in _IN_PROD:
        if not is_good(attrgetter(key)(config)):
            yield _refused(config, key, allowed)
