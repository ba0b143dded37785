"""Everything that keeps something: the key, the zones, the ledger, the catalog, the queues and topics."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components import evolution, lifecycle
from components.catalog import Catalog, CatalogArgs
from components.contracts import CompiledContract
from components.datasets import answerable
from components.iam import Place
from components.messaging import (
    DeadLetters,
    DeadLettersArgs,
    EventBus,
    Topic,
    TopicArgs,
    WorkQueue,
    WorkQueueArgs,
)
from components.queries import load_queries
from components.security import EncryptionKey, EncryptionKeyArgs
from components.storage import Ledger, LedgerArgs, Zone, ZoneArgs
from components.tables import OwnTables, OwnTablesArgs
from components.workflow import execution_arns, state_machine_arn
from config import PipelineConfig


@dataclass(frozen=True, kw_only=True)
class LakeArgs:
    """The environment's settings, where it is, and its contracts."""

    settings: PipelineConfig
    place: Place
    contracts: Sequence[CompiledContract]
    queries: Path


class Lake(pulumi.ComponentResource):
    """The zones, the ledger, the catalog and the ways between them, all encrypted with one key."""

    key: EncryptionKey
    raw: Zone
    curated: Zone
    quarantine: Zone
    artifacts: Zone
    query_results: Zone
    ledger: Ledger
    catalog: Catalog
    arrivals: WorkQueue
    # What EventBridge could not deliver, and events of asynchronous calls that failed for good.
    undelivered: DeadLetters
    notifications: Topic
    alarms: Topic
    bus: EventBus
    state_machine_arn: Output[str]
    execution_arns: Output[str]

    def __init__(self, name: str, args: LakeArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:lake:Lake", name, None, opts)
        child = ResourceOptions(parent=self)
        settings, place = args.settings, args.place
        self._name, self._allow_destroy = name, settings.storage.allow_destroy
        self.state_machine_arn = state_machine_arn(place, settings.environment)
        self.execution_arns = execution_arns(place, settings.environment)
        self.key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                alias=f"data-pipeline-{settings.environment}",
                place=place,
                deletion_window_days=settings.security.key_deletion_window_days,
                allow_destroy=self._allow_destroy,
            ),
            child,
        )
        self.raw = self._zone(
            "raw", lifecycle.raw(settings.storage), notify=True, lock_days=settings.storage.raw_locked_days
        )
        self.curated = self._zone("curated", lifecycle.curated(settings.storage))
        self.quarantine = self._zone("quarantine", lifecycle.quarantine(settings.storage))
        self.artifacts = self._zone("artifacts", lifecycle.artifacts(settings.storage))
        self.query_results = self._zone("query-results", lifecycle.query_results(settings.storage))
        self.ledger = Ledger(
            f"{name}-ledger",
            LedgerArgs(kms_key_arn=self.key.key.arn, allow_destroy=self._allow_destroy),
            child,
        )
        self.catalog = Catalog(
            f"{name}-catalog",
            CatalogArgs(
                environment=settings.environment,
                place=place,
                kms_key_arn=self.key.key.arn,
                query_results=self.query_results,
                scanned_bytes_cutoff_mb=settings.athena.scanned_bytes_cutoff_mb,
                allow_destroy=self._allow_destroy,
                queries=answerable(load_queries(args.queries, args.contracts), settings.withheld_datasets),
            ),
            child,
        )
        OwnTables(
            f"{name}-tables",
            OwnTablesArgs(
                database_name=self.catalog.database.name,
                datasets=[contract.name for contract in args.contracts],
                quarantine_bucket=self.quarantine.bucket.bucket,
                artifacts_bucket=self.artifacts.bucket.bucket,
            ),
            child,
        )
        self._build_ways(settings)
        self._upload_contracts(args.contracts)
        self.register_outputs({})

    def _zone(
        self,
        title: str,
        rules: Sequence[lifecycle.LifecycleRule],
        *,
        notify: bool = False,
        lock_days: int | None = None,
    ) -> Zone:
        return Zone(
            f"{self._name}-{title}",
            ZoneArgs(
                kms_key_arn=self.key.key.arn,
                lifecycle=rules,
                allow_destroy=self._allow_destroy,
                notify=notify,
                lock_days=lock_days,
            ),
            ResourceOptions(parent=self),
        )

    def _build_ways(self, settings: PipelineConfig) -> None:
        child = ResourceOptions(parent=self)
        name, key_arn = self._name, self.key.key.arn
        self.arrivals = WorkQueue(
            f"{name}-arrivals",
            WorkQueueArgs(
                kms_key_arn=key_arn,
                consumer_timeout_seconds=settings.functions.ingestion.timeout_seconds,
                batching_window_seconds=settings.ingestion.batching_window_seconds,
                max_receive_count=settings.ingestion.max_receive_count,
            ),
            child,
        )
        self.undelivered = DeadLetters(f"{name}-undelivered", DeadLettersArgs(kms_key_arn=key_arn), child)
        self.notifications = Topic(
            f"{name}-notifications",
            TopicArgs(
                kms_key_arn=key_arn,
                subscriptions=settings.monitoring.notification_subscriptions,
                secret=settings.holds_secrets,
            ),
            child,
        )
        self.alarms = Topic(
            f"{name}-alarms",
            TopicArgs(
                kms_key_arn=key_arn,
                subscriptions=settings.monitoring.alarm_subscriptions,
                secret=settings.holds_secrets,
            ),
            child,
        )
        self.bus = EventBus(f"{name}-events", child)

    def _upload_contracts(self, contracts: Sequence[CompiledContract]) -> None:
        documents = {contract.name: contract.document for contract in contracts}
        compared = pulumi.ResourceHookBinding(before_update=[evolution.hook(f"{self._name}-contract-evolution")])
        hooks = dict.fromkeys(documents, compared)
        documents["index"] = {"datasets": sorted(documents)}
        for title, document in documents.items():
            aws.s3.BucketObjectv2(
                f"{self._name}-contract-{title}",
                bucket=self.artifacts.bucket.bucket,
                key=f"contracts/{title}.json",
                content=json.dumps(document, indent=1, sort_keys=True),
                content_type="application/json",
                kms_key_id=self.key.key.arn,
                opts=ResourceOptions(parent=self, depends_on=[self.artifacts.encryption], hooks=hooks.get(title)),
            )
