"""Everything that keeps something: the key, the zones, the ledger, the catalog, the queues and topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from components.catalog.catalog import Catalog, CatalogArgs
from components.catalog.queries import Query
from components.catalog.tables import OwnTables, OwnTablesArgs
from components.messaging.events import EventBus
from components.messaging.queues import DeadLetters, DeadLettersArgs, WorkQueue, WorkQueueArgs
from components.messaging.topic import Topic, TopicArgs
from components.security.iam import Place
from components.security.key import EncryptionKey, EncryptionKeyArgs
from components.storage import lifecycle
from components.storage.ledger import Ledger, LedgerArgs
from components.storage.zone import Zone, ZoneArgs
from components.workflow.workflow import execution_arns, state_machine_arn
from config.model import PipelineConfig
from contracts.compiler.compile import CompiledContract


@dataclass(frozen=True, kw_only=True)
class LakeArgs:
    """The stack's settings, where it is, its contracts and its named queries."""

    settings: PipelineConfig
    place: Place
    contracts: Sequence[CompiledContract]
    queries: Mapping[str, Query]


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
    own_tables: OwnTables
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
        self.state_machine_arn = state_machine_arn(place, settings.stack)
        self.execution_arns = execution_arns(place, settings.stack)
        self.key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                alias=f"data-pipeline-{settings.stack}",
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
                stack=settings.stack,
                place=place,
                kms_key_arn=self.key.key.arn,
                query_results=self.query_results,
                scanned_bytes_cutoff_mb=settings.athena.scanned_bytes_cutoff_mb,
                allow_destroy=self._allow_destroy,
                queries=args.queries,
            ),
            child,
        )
        self.own_tables = OwnTables(
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
