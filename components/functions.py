"""The six functions: what each knows, what each may do, and what calls it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions

from components import permissions
from components.compute import PipelineFunction, PipelineFunctionArgs, SharedLayer, Surroundings
from components.iam import Statement
from components.lake import Lake
from config import PipelineConfig

PERMISSIONS: Mapping[str, Callable[[Lake], list[Statement]]] = {
    "ingestion": permissions.ingestion,
    "etl_trigger": permissions.etl_trigger,
    "processing": permissions.processing,
    "query": permissions.query,
    "notification": permissions.notification,
    "error_handler": permissions.error_handler,
}
# EventBridge calls these and does not wait: what fails for good must be kept.
CALLED_BY_EVENTS = ("etl_trigger", "error_handler")


def variables(lake: Lake, settings: PipelineConfig) -> dict[str, dict[str, Input[str]]]:
    """Say what each function finds in its environment: all that it needs, and no more."""
    raw, curated = lake.raw.bucket.bucket, lake.curated.bucket.bucket
    quarantine, artifacts = lake.quarantine.bucket.bucket, lake.artifacts.bucket.bucket
    ledger, database = lake.ledger.table.name, lake.catalog.database.name
    return {
        "ingestion": {
            "RAW_BUCKET": raw,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
        },
        "etl_trigger": {
            "RAW_BUCKET": raw,
            "CURATED_BUCKET": curated,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "STATE_MACHINE_ARN": lake.state_machine_arn,
            "MAX_CONCURRENT_BATCHES": str(settings.batches.max_concurrent_per_dataset),
            "MAX_FILES_PER_BATCH": str(settings.batches.max_files),
            "MAX_WORKERS": str(settings.glue.max_workers),
        },
        "processing": {
            "CURATED_BUCKET": curated,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "DATABASE": database,
            "EVENT_BUS_NAME": lake.bus.bus.name,
        },
        "query": {
            "WORKGROUP": lake.catalog.workgroup.name,
            "DATABASE": database,
            "ALLOW_FREE_SQL": "true" if settings.athena.allow_free_sql else "false",
        },
        "notification": {
            "TOPIC_ARN": lake.notifications.topic.arn,
            "LEDGER_TABLE": ledger,
            "STATE_MACHINE_ARN": lake.state_machine_arn,
        },
        "error_handler": {
            "CURATED_BUCKET": curated,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "MAX_ATTEMPTS": str(settings.batches.max_attempts),
            "STATE_MACHINE_ARN": lake.state_machine_arn,
        },
    }


@dataclass(frozen=True, kw_only=True)
class FunctionsArgs:
    """The environment's settings and the lake that the functions work on."""

    settings: PipelineConfig
    surroundings: Surroundings
    lake: Lake


class Functions(pulumi.ComponentResource):
    """The six functions on one shared layer, each with its own role."""

    functions: Mapping[str, PipelineFunction]

    def __init__(self, name: str, args: FunctionsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:functions:Functions", name, None, opts)
        child = ResourceOptions(parent=self)
        layer = SharedLayer(f"{name}-layer", child)
        undelivered = args.lake.undelivered.queue.arn
        own_variables = variables(args.lake, args.settings)
        self.functions = {
            function: PipelineFunction(
                f"{name}-{function.replace('_', '-')}",
                PipelineFunctionArgs(
                    function=function,
                    config=getattr(args.settings.functions, function),
                    surroundings=args.surroundings,
                    layer_arn=layer.version.arn,
                    variables=own_variables[function],
                    statements=statements(args.lake),
                    failed_events_arn=undelivered if function in CALLED_BY_EVENTS else None,
                ),
                child,
            )
            for function, statements in PERMISSIONS.items()
        }
        self.register_outputs({})
