"""Everything that keeps data: the zones and the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions

from components.storage import lifecycle
from components.storage.ledger import Ledger, LedgerArgs
from components.storage.zone import Zone, ZoneArgs
from config.model import StorageConfig


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """How long each zone keeps what it has, whether a person may destroy it, and the key that encrypts it."""

    settings: StorageConfig
    kms_key_arn: Input[str]
    # Whether EventBridge hears of objects in the artifacts bucket.
    notify_artifacts: bool = False


class Storage(pulumi.ComponentResource):
    """A bucket for each zone, from landed files to query results, and the ledger of every file.

    Example:
        storage = Storage("lake", StorageArgs(settings=StorageConfig(), kms_key_arn=key.arn))
        pulumi.export("raw_bucket", storage.raw.bucket.bucket)
    """

    raw: Zone
    curated: Zone
    quarantine: Zone
    artifacts: Zone
    query_results: Zone
    ledger: Ledger

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:storage:Storage", name, None, opts)
        self._name, self._args = name, args
        settings = args.settings
        self.raw = self._zone("raw", lifecycle.raw(settings), notify=True, lock_days=settings.raw_locked_days)
        self.curated = self._zone("curated", lifecycle.curated(settings))
        self.quarantine = self._zone("quarantine", lifecycle.quarantine(settings))
        self.artifacts = self._zone("artifacts", lifecycle.artifacts(settings), notify=args.notify_artifacts)
        self.query_results = self._zone("query-results", lifecycle.query_results(settings))
        self.ledger = Ledger(
            f"{name}-ledger",
            LedgerArgs(kms_key_arn=args.kms_key_arn, allow_destroy=settings.allow_destroy),
            ResourceOptions(parent=self),
        )
        self.register_outputs({"raw": self.raw.bucket.bucket, "ledger": self.ledger.table.name})

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
                kms_key_arn=self._args.kms_key_arn,
                lifecycle=rules,
                allow_destroy=self._args.settings.allow_destroy,
                notify=notify,
                lock_days=lock_days,
            ),
            ResourceOptions(parent=self),
        )
