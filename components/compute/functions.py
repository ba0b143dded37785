"""The six functions: what each knows, what each may do, and what calls it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions

from components import permissions
from components.compute.function import PipelineFunction, PipelineFunctionArgs
from components.lake import Lake
from components.security.iam import Statement
from components.surroundings import Surroundings
from config.model import PipelineConfig

BYTES_PER_GIGABYTE = 1_000_000_000
# EventBridge, or one of the other two, calls these and does not wait: what fails for good must be kept.
CALLED_BY_EVENTS = ("etl_trigger", "error_handler", "processing")


def variables(lake: Lake, settings: PipelineConfig) -> dict[str, dict[str, Input[str]]]:
    """Say what each function finds in its environment, but for the functions that it calls."""
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
            "CURATED_BUCKET": curated,
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "STATE_MACHINE_ARN": lake.state_machine_arn,
            "PUBLISH_SECONDS": str(settings.functions.processing.timeout_seconds),
            "MAX_CONCURRENT_BATCHES": str(settings.batches.max_concurrent_per_dataset),
            "MAX_FILES_PER_BATCH": str(settings.batches.max_files),
            "MAX_BYTES_PER_BATCH": str(settings.batches.max_gigabytes * BYTES_PER_GIGABYTE),
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
            "QUARANTINE_BUCKET": quarantine,
            "ARTIFACTS_BUCKET": artifacts,
            "LEDGER_TABLE": ledger,
            "MAX_ATTEMPTS": str(settings.batches.max_attempts),
            "RETRY_SECONDS": str(settings.batches.retry_seconds),
        },
    }


@dataclass(frozen=True, kw_only=True)
class FunctionsArgs:
    """The environment's settings and the lake that the functions work on."""

    settings: PipelineConfig
    surroundings: Surroundings
    lake: Lake


class Functions(pulumi.ComponentResource):
    """The six functions, each with its own role."""

    functions: Mapping[str, PipelineFunction]

    def __init__(self, name: str, args: FunctionsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:functions:Functions", name, None, opts)
        self._name, self._args = name, args
        self._variables = variables(args.lake, args.settings)
        lake = args.lake
        # A function that calls another comes after it: it must know its name.
        processing = self._function("processing", permissions.processing(lake))
        error_handler = self._function(
            "error_handler",
            permissions.error_handler(lake, processing),
            {"PROCESSING_FUNCTION": processing.function.name},
        )
        etl_trigger = self._function(
            "etl_trigger",
            permissions.etl_trigger(lake, error_handler),
            {"ERROR_HANDLER_FUNCTION": error_handler.function.name},
        )
        self.functions = {
            "ingestion": self._function("ingestion", permissions.ingestion(lake)),
            "etl_trigger": etl_trigger,
            "processing": processing,
            "query": self._function("query", permissions.query(lake)),
            "notification": self._function("notification", permissions.notification(lake)),
            "error_handler": error_handler,
        }
        self.register_outputs({})

    def _function(
        self, function: str, statements: Sequence[Statement], called: Mapping[str, Input[str]] | None = None
    ) -> PipelineFunction:
        args = self._args
        return PipelineFunction(
            f"{self._name}-{function.replace('_', '-')}",
            PipelineFunctionArgs(
                function=function,
                config=getattr(args.settings.functions, function),
                surroundings=args.surroundings,
                variables={**self._variables[function], **(called or {})},
                statements=statements,
                failed_events_arn=args.lake.undelivered.queue.arn if function in CALLED_BY_EVENTS else None,
            ),
            ResourceOptions(parent=self),
        )
