"""The functions: what each knows, what each may do, and what calls it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi import Input, ResourceOptions

from components.catalog.catalog import BYTES_PER_MEGABYTE, Catalog
from components.compute import permissions
from components.compute.function import PipelineFunction, PipelineFunctionArgs
from components.compute.layer import EngineLayer, EngineLayerArgs
from components.compute.lineage_facet import LineageFacet, LineageFacetArgs
from components.context import StackContext
from components.messaging.messaging import Messaging
from components.messaging.owners import SlackWebhooks
from components.security.iam import Statement
from components.storage.storage import Storage
from config.model import PipelineConfig

BYTES_PER_GIGABYTE = 1_000_000_000
# EventBridge, SNS, or one of the others calls these and does not wait: what fails for good must be kept.
CALLED_BY_EVENTS = ("etl_trigger", "error_handler", "processing", "freshness", "maintenance", "lineage", "slack")


@dataclass(frozen=True, kw_only=True)
class FunctionsArgs:
    """The stack's settings, and what the functions work on."""

    settings: PipelineConfig
    context: StackContext
    storage: Storage
    catalog: Catalog
    messaging: Messaging
    slack: SlackWebhooks | None = None


def variables(args: FunctionsArgs) -> dict[str, dict[str, Input[str]]]:
    """Say what each function finds in its environment, but for the functions that it calls."""
    settings, storage, catalog = args.settings, args.storage, args.catalog
    raw, curated = storage.raw.bucket.bucket, storage.curated.bucket.bucket
    quarantine, artifacts = storage.quarantine.bucket.bucket, storage.artifacts.bucket.bucket
    ticks, owners = args.messaging.ticks.queue.url, args.messaging.owners.topic.arn
    ledger, database = storage.ledger.table.name, catalog.database.name
    return {
        "ingestion": {
            "RAW_BUCKET": raw,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "TICKS_QUEUE_URL": ticks,
            "WINDOW_SECONDS": str(settings.batches.window_seconds),
        },
        "etl_trigger": {
            "CURATED_BUCKET": curated,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "STATE_MACHINE_ARN": args.context.state_machine_arn,
            "PUBLISH_SECONDS": str(settings.functions.processing.timeout_seconds),
            "MAX_CONCURRENT_BATCHES": str(settings.batches.max_concurrent_per_dataset),
            "MAX_FILES_PER_BATCH": str(settings.batches.max_files),
            "MAX_BYTES_PER_BATCH": str(settings.batches.max_gigabytes * BYTES_PER_GIGABYTE),
            "MAX_WORKERS": str(settings.glue.max_workers),
            "SMALL_BYTES": str(settings.batches.small_megabytes * BYTES_PER_MEGABYTE),
        },
        # A gzipped file is read twice, and so is the table beside the files.
        "stage": {"MOST_BYTES": str(2 * settings.batches.small_megabytes * BYTES_PER_MEGABYTE)},
        "processing": {
            "CURATED_BUCKET": curated,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "DATABASE": database,
            "EVENT_BUS_NAME": args.messaging.bus.bus.name,
            "TICKS_QUEUE_URL": ticks,
            "QUARANTINED_PERCENT": str(settings.monitoring.quarantined_percent),
        },
        "maintenance": {
            "CURATED_BUCKET": curated,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "DATABASE": database,
            "OWNERS_TOPIC_ARN": owners,
        },
        "query": {
            "WORKGROUP": catalog.workgroup.name,
            "DATABASE": database,
            "ALLOW_FREE_SQL": "true" if settings.athena.allow_free_sql else "false",
        },
        "notification": {
            "TOPIC_ARN": args.messaging.notifications.topic.arn,
            "LEDGER_TABLE": ledger,
            "STATE_MACHINE_ARN": args.context.state_machine_arn,
            "ALARMS_TOPIC_ARN": args.messaging.alarms.topic.arn,
            "OWNERS_TOPIC_ARN": owners,
            "ARTIFACTS_BUCKET": artifacts,
            "QUARANTINED_PERCENT": str(settings.monitoring.quarantined_percent),
        },
        "freshness": {
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "TOPIC_ARN": args.messaging.alarms.topic.arn,
            "OWNERS_TOPIC_ARN": owners,
            "GRACE_MINUTES": str(settings.monitoring.freshness_grace_minutes),
        },
        "error_handler": {
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "TICKS_QUEUE_URL": ticks,
            "MAX_ATTEMPTS": str(settings.batches.max_attempts),
            "RETRY_SECONDS": str(settings.batches.retry_seconds),
        },
        "lineage": {
            "RAW_BUCKET": raw,
            "CURATED_BUCKET": curated,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "DATABASE": database,
            "STATE_MACHINE_ARN": args.context.state_machine_arn,
            "GLUE_VERSION": settings.glue.version,
            "LINEAGE_URL": settings.lineage.url or "",
            "LINEAGE_ENDPOINT": settings.lineage.endpoint,
            "LINEAGE_PARAMETER": settings.lineage.api_key_parameter or "",
        },
    }


class Functions(pulumi.ComponentResource):
    """The functions, each with its own role.

    `lineage` is there only if the stack wants its events, `slack` only where a contract names a channel there.

    Example:
        built = Functions(
            "lake",
            FunctionsArgs(settings=settings, context=context, storage=storage, catalog=catalog, messaging=messaging),
        ).functions
        pulumi.export("ingestion", built["ingestion"].function.name)
    """

    functions: dict[str, PipelineFunction]

    def __init__(self, name: str, args: FunctionsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:Functions", name, None, opts)
        self._name, self._args = name, args
        self._variables = variables(args)
        context, storage, catalog, messaging = args.context, args.storage, args.catalog, args.messaging
        layer = EngineLayer(
            f"{name}-engine",
            EngineLayerArgs(
                stack=context.stack,
                artifacts=storage.artifacts,
                kms_key_arn=context.key.key.arn,
            ),
            ResourceOptions(parent=self),
        )
        # A function that calls another comes after it: it must know its name.
        processing = self._function(
            "processing",
            permissions.processing(context, storage, catalog, messaging),
            layers=[layer.version.arn],
        )
        error_handler = self._function(
            "error_handler",
            permissions.error_handler(context, storage, messaging, processing),
            {"PROCESSING_FUNCTION": processing.function.name},
        )
        etl_trigger = self._function(
            "etl_trigger",
            permissions.etl_trigger(context, storage, messaging, error_handler),
            {"ERROR_HANDLER_FUNCTION": error_handler.function.name},
        )
        self.functions = {
            "ingestion": self._function("ingestion", permissions.ingestion(context, storage, messaging)),
            "etl_trigger": etl_trigger,
            "stage": self._function("stage", permissions.stage(context, storage), layers=[layer.version.arn]),
            "processing": processing,
            "query": self._function("query", permissions.query(context, storage, catalog)),
            "notification": self._function("notification", permissions.notification(context, storage, messaging)),
            "error_handler": error_handler,
            "maintenance": self._function(
                "maintenance",
                permissions.maintenance(context, storage, catalog, messaging),
                layers=[layer.version.arn],
            ),
            "freshness": self._function("freshness", permissions.freshness(context, storage, messaging)),
        }
        if args.settings.lineage.enabled:
            LineageFacet(
                f"{name}-lineage-facet",
                LineageFacetArgs(artifacts=storage.artifacts, kms_key_arn=context.key.key.arn),
                ResourceOptions(parent=self),
            )
            parameter = args.settings.lineage.api_key_parameter
            self.functions["lineage"] = self._function(
                "lineage", permissions.lineage(context, storage, messaging, parameter)
            )
        if args.slack is not None:
            self.functions["slack"] = self._function(
                "slack",
                permissions.slack(context, messaging, args.slack),
                {"PARAMETER_PREFIX": args.slack.prefix},
                # Slack is on the internet, and from our network there is no way to it.
                context=replace(context, network=None),
            )
        self.register_outputs({})

    def _function(
        self,
        function: str,
        statements: Sequence[Statement],
        called: Mapping[str, Input[str]] | None = None,
        layers: Sequence[Input[str]] = (),
        context: StackContext | None = None,
    ) -> PipelineFunction:
        args = self._args
        return PipelineFunction(
            f"{self._name}-{function.replace('_', '-')}",
            PipelineFunctionArgs(
                function=function,
                config=getattr(args.settings.functions, function),
                context=context or args.context,
                variables={**self._variables.get(function, {}), **(called or {})},
                statements=statements,
                layers=layers,
                failed_events_arn=args.messaging.undelivered.queue.arn if function in CALLED_BY_EVENTS else None,
            ),
            ResourceOptions(parent=self),
        )
