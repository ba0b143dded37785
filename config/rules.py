"""What no stack's settings may break, and what prod's may not: the rules between the fields of the model."""

import re
from collections.abc import Iterator, Sequence

from config.addresses import EMAIL
from config.model import (
    MOST_TAGS,
    OWN_TAGS,
    FunctionsConfig,
    GlueConfig,
    PipelineConfig,
    StorageConfig,
    Subscription,
    VpcConfig,
)
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
    yield from _lifecycle_rules(config.storage)
    yield from _dataset_rules(config)
    yield from _batch_rules(config)
    yield from _glue_rules(config.glue, config.region)
    yield from _workflow_rules(config.functions)
    for topic in ("alarm_subscriptions", "notification_subscriptions"):
        yield from _topic_rules(f"monitoring.{topic}", getattr(config.monitoring, topic), config.holds_secrets)
    yield from _lineage_rules(config)
    yield from _slack_rules(config)
    yield from _account_rules(config)
    yield from _vpc_rules(config.security.vpc, config.region)
    if config.environment == "prod":
        yield from _prod_rules(config)


def _ingestion_rules(config: PipelineConfig) -> Iterator[Violation]:
    ingestion, reserved = config.ingestion, config.functions.ingestion.reserved_concurrency
    if ingestion.batch_size > 10 and ingestion.batching_window_seconds < 1:
        yield Violation(
            key="ingestion.batching_window_seconds",
            value=ingestion.batching_window_seconds,
            allowed="at least 1, since ingestion.batch_size is {}",
            about=(ingestion.batch_size,),
        )
    if reserved is not None and reserved < ingestion.max_concurrency:
        # Otherwise Lambda throttles its own poller, and throttled messages count as received.
        yield Violation(
            key="functions.ingestion.reserved_concurrency",
            value=reserved,
            allowed="at least ingestion.max_concurrency, which is {}",
            about=(ingestion.max_concurrency,),
        )
    reserved = config.functions.etl_trigger.reserved_concurrency
    if reserved is not None and reserved <= TICKS_AT_ONCE:
        yield Violation(
            key="functions.etl_trigger.reserved_concurrency",
            value=reserved,
            allowed="more than {}, which ticks of the queue may take; the schedule needs one, too",
            about=(TICKS_AT_ONCE,),
        )
    hidden = visibility_timeout_seconds(config.functions.ingestion.timeout_seconds, ingestion.batching_window_seconds)
    most = QUEUE_RETENTION_SECONDS // hidden - 1
    if ingestion.max_receive_count > most:
        yield Violation(
            key="ingestion.max_receive_count",
            value=ingestion.max_receive_count,
            allowed="at most {}: a try takes up to {} seconds, and a message that is four days old is gone "
            "instead of in the dead-letter queue",
            about=(most, hidden),
        )


def visibility_timeout_seconds(consumer_timeout_seconds: int, batching_window_seconds: int) -> int:
    """How long a message must stay hidden: AWS asks for six consumer timeouts, plus the batching window.

    Any less, and a slow batch is delivered a second time while the first try still works on it.
    """
    return 6 * consumer_timeout_seconds + batching_window_seconds


def _lifecycle_rules(storage: StorageConfig) -> Iterator[Violation]:
    warm, cold, gone = (
        storage.raw_to_infrequent_access_after_days,
        storage.raw_to_glacier_after_days,
        storage.raw_expires_after_days,
    )
    if warm is not None and cold is not None and cold < warm + 30:
        # Standard-IA bills thirty days at least.
        yield Violation(
            key="storage.raw_to_glacier_after_days",
            value=cold,
            allowed="at least {}: 30 days after storage.raw_to_infrequent_access_after_days",
            about=(warm + 30,),
        )
    if storage.raw_locked_days is not None and storage.allow_destroy:
        yield Violation(
            key="storage.raw_locked_days",
            value=storage.raw_locked_days,
            allowed="empty, since storage.allow_destroy is true: what is locked cannot be destroyed",
        )
    last = max((days for days in (warm, cold, storage.raw_locked_days) if days is not None), default=0)
    if gone is not None and gone <= last:
        yield Violation(
            key="storage.raw_expires_after_days",
            value=gone,
            allowed="more than {}, when raw files are moved the last time, or unlocked",
            about=(last,),
        )


def _dataset_rules(config: PipelineConfig) -> Iterator[Violation]:
    if CANARY in config.datasets.demonstration:
        yield Violation(
            key="datasets.demonstration",
            value=CANARY,
            allowed="other datasets: the smoke test needs this one wherever there is a deployment",
        )


def _batch_rules(config: PipelineConfig) -> Iterator[Violation]:
    glue, batches, workflow = config.glue, config.batches, config.workflow
    if workflow.timeout_minutes <= glue.timeout_minutes:
        yield Violation(
            key="workflow.timeout_minutes",
            value=workflow.timeout_minutes,
            allowed="more than glue.timeout_minutes, which is {}",
            about=(glue.timeout_minutes,),
        )
    if glue.max_concurrent_runs < batches.max_concurrent_per_dataset:
        yield Violation(
            key="glue.max_concurrent_runs",
            value=glue.max_concurrent_runs,
            allowed="at least {}, as batches.max_concurrent_per_dataset is",
            about=(batches.max_concurrent_per_dataset,),
        )


def _glue_rules(glue: GlueConfig, region: str | None) -> Iterator[Violation]:
    if glue.version == "5.1" and region is not None and region.startswith(WITHOUT_GLUE_5_1):
        yield Violation(
            key="glue.version",
            value=glue.version,
            allowed="'5.0' in aws:region {}: AWS has not announced 5.1 there; if it is there by now, take the region "
            "out of WITHOUT_GLUE_5_1 in config/rules.py",
            about=(region,),
        )


def _workflow_rules(functions: FunctionsConfig) -> Iterator[Violation]:
    for name, seconds in WORKFLOW_WAITS_SECONDS.items():
        timeout = getattr(functions, name).timeout_seconds
        if timeout >= seconds:
            yield Violation(
                key=f"functions.{name}.timeout_seconds",
                value=timeout,
                allowed=f"less than {seconds}, after which the workflow does not wait for it any more",
            )


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
        yield Violation(
            key="security.permissions_boundary_arn",
            value=boundary,
            allowed="a policy of AWS, or of security.account_id, which is {}",
            about=(account,),
        )


def _vpc_rules(vpc: VpcConfig | None, region: str | None) -> Iterator[Violation]:
    if vpc is None:
        return
    if not (16 <= vpc.cidr.prefixlen <= 24 and vpc.cidr.is_private):
        yield Violation(key="security.vpc.cidr", value=str(vpc.cidr), allowed="private addresses, /16 to /24")
    zones = vpc.availability_zones
    if len(set(zones)) < len(zones) or len({zone[:-1] for zone in zones}) > 1:
        yield Violation(
            key="security.vpc.availability_zones",
            value=list(zones),
            allowed="different zones of one region, that of aws:region",
        )
    elif region is not None and any(zone[:-1] != region for zone in zones):
        yield Violation(
            key="security.vpc.availability_zones",
            value=list(zones),
            allowed="zones of aws:region, which is {}",
            about=(region,),
        )


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
            yield Violation(
                key="lineage.api_key_parameter",
                value=lineage.api_key_parameter,
                allowed="empty, since lineage.url is: nobody would be sent the key",
            )
        return
    if not lineage.enabled:
        yield Violation(key="lineage.url", value=lineage.url, allowed="empty, since lineage.enabled is false")
    if config.security.vpc is not None:
        yield Violation(
            key="lineage.url",
            value=lineage.url,
            allowed="empty, since security.vpc is a network without a way to the internet; events are kept in S3",
        )


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


def _prod_rules(config: PipelineConfig) -> Iterator[Violation]:
    least = MINIMUM_RETENTION_DAYS_IN_PROD
    if config.storage.allow_destroy:
        yield Violation(key="storage.allow_destroy", value=True, allowed="false in prod: its data stays")
    for key, days in (
        ("monitoring.log_retention_days", config.monitoring.log_retention_days),
        (
            "storage.noncurrent_versions_expire_after_days",
            config.storage.noncurrent_versions_expire_after_days,
        ),
        ("storage.raw_expires_after_days", config.storage.raw_expires_after_days),
        ("storage.quarantine_expires_after_days", config.storage.quarantine_expires_after_days),
    ):
        if days is not None and days < least:
            yield Violation(key=key, value=days, allowed=f"at least {least} days in prod")
    if not config.monitoring.alarm_subscriptions:
        yield Violation(
            key="monitoring.alarm_subscriptions",
            value=[],
            allowed="at least one subscription in prod: an alarm nobody hears is none",
        )
    if config.monitoring.monthly_budget_dollars is None:
        yield Violation(
            key="monitoring.monthly_budget_dollars",
            value=None,
            allowed="an amount in prod: a bill must not be the first to tell",
        )
    if not config.batches.schedule_enabled:
        yield Violation(key="batches.schedule_enabled", value=False, allowed="true in prod: files must not wait")
    if config.workflow.log_level == "FATAL":
        yield Violation(
            key="workflow.log_level",
            value=config.workflow.log_level,
            allowed="ERROR or ALL in prod: with the end of an execution alone, nobody sees what failed in it",
        )
    if config.security.key_deletion_window_days < KEY_DELETION_DAYS_IN_PROD:
        yield Violation(
            key="security.key_deletion_window_days",
            value=config.security.key_deletion_window_days,
            allowed=f"{KEY_DELETION_DAYS_IN_PROD} in prod: without its key all data is gone",
        )
    if config.workflow.include_execution_data:
        yield Violation(
            key="workflow.include_execution_data",
            value=True,
            allowed="false in prod: logs are read by more people than the data",
        )
