"""What sets the pipeline going: landed objects, ticks, the schedule, and failed executions, jobs and crawls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Resource, ResourceOptions

from components.catalog.crawler import failed_crawl_pattern
from components.compute.consumption import Consumption, ConsumptionArgs
from components.compute.function import PipelineFunction
from components.compute.spark_job import failed_run_pattern
from components.context import StackContext
from components.messaging import events
from components.messaging.messaging import Messaging
from components.storage.zone import Zone
from components.workflow.workflow import FAILURES, end_pattern
from config.model import PipelineConfig
from config.rules import TICKS_AT_ONCE

MAINTENANCE_HOURS = 6
"""How often tables are maintained."""

FRESHNESS_MINUTES = 15
"""How often lateness is looked at; a promise has an hour's grace unless the stack says otherwise."""


@dataclass(frozen=True, kw_only=True)
class TriggersArgs:
    """What is listened to, which functions are called, and what has to exist before anything is."""

    settings: PipelineConfig
    context: StackContext
    raw: Zone
    artifacts: Zone
    messaging: Messaging
    functions: Mapping[str, PipelineFunction]
    job_name: Input[str]
    contract_index: Resource
    """Nothing ticks before there is an index of the contracts: etl_trigger would fail, and somebody be called."""


class Triggers(pulumi.ComponentResource):
    """Landed objects reach ingestion by a queue, ticks etl_trigger by another one, failures error_handler.

    What a rule cannot deliver waits in the queue of undelivered events, which takes messages from these rules and from
    the topic of owners only.

    Example:
        Triggers(
            "lake",
            TriggersArgs(
                settings=settings,
                context=context,
                raw=storage.raw,
                artifacts=storage.artifacts,
                messaging=messaging,
                functions=functions,
                job_name=job.job.name,
                contract_index=contracts.index,
            ),
        )
    """

    def __init__(self, name: str, args: TriggersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:workflow:Triggers", name, None, opts)
        self._name, self._args = name, args
        settings, stack = args.settings, args.context.stack
        machine = args.context.state_machine_arn
        rules = [
            self._arrival(),
            self._call(
                "schedule",
                "etl_trigger",
                "Has files claimed that no tick brought into a batch",
                schedule_expression=events.every_minutes(settings.batches.schedule_minutes),
                after=[args.contract_index],
                enabled=settings.batches.schedule_enabled,
                input_json="{}",
            ),
            self._call(
                "freshness",
                "freshness",
                "Has the datasets looked at whose contracts promise how often they are published",
                schedule_expression=events.every_minutes(FRESHNESS_MINUTES),
                after=[args.contract_index],
                input_json="{}",
            ),
            self._call(
                "maintenance",
                "maintenance",
                "Has the files of Iceberg tables merged, and what is no longer needed taken away",
                schedule_expression=f"rate({MAINTENANCE_HOURS} hours)",
                after=[args.contract_index],
                input_json='{"action": "maintain"}',
            ),
            self._call(
                "failure",
                "error_handler",
                "Batches that ended in a way which the workflow could not handle itself",
                event_pattern=end_pattern(machine, FAILURES),
            ),
            self._call(
                "job-failed",
                "error_handler",
                "Has the runs of the Glue job counted that failed or ran out of time",
                event_pattern=failed_run_pattern(args.job_name),
            ),
            self._call(
                "crawler-failed",
                "error_handler",
                "Has the crawls counted that failed",
                event_pattern=failed_crawl_pattern(stack),
            ),
        ]
        if settings.lineage.enabled:
            rules.append(
                self._call(
                    "lineage",
                    "lineage",
                    "Has it told in OpenLineage's words that a batch has begun, or ended",
                    event_pattern=events.batch_papers_pattern(args.artifacts.bucket.bucket),
                )
            )
        self._ticks()
        args.messaging.undelivered.accept(args.context.location.account, rules, [args.messaging.owners.topic.arn])
        self.register_outputs({})

    def _arrival(self) -> Input[str]:
        """Have landed objects reach ingestion. Answers the rule's ARN."""
        args, child = self._args, ResourceOptions(parent=self)
        arrivals = args.messaging.arrivals
        rule = events.ArrivalRule(
            f"{self._name}-arrival",
            events.ArrivalRuleArgs(
                bucket_name=args.raw.bucket.bucket,
                queue_arn=arrivals.queue.arn,
                dead_letters_arn=args.messaging.undelivered.queue.arn,
            ),
            child,
        ).rule
        arrivals.accept(args.context.location.account, [rule.arn])
        Consumption(
            f"{self._name}-ingestion",
            ConsumptionArgs(
                queue=arrivals,
                function=args.functions["ingestion"],
                batch_size=args.settings.ingestion.batch_size,
                batching_window_seconds=args.settings.ingestion.batching_window_seconds,
                max_concurrency=args.settings.ingestion.max_concurrency,
            ),
            child,
        )
        return rule.arn

    def _ticks(self) -> None:
        """Have ticks reach etl_trigger, one at a time."""
        args = self._args
        Consumption(
            f"{self._name}-ticks",
            ConsumptionArgs(
                queue=args.messaging.ticks,
                function=args.functions["etl_trigger"],
                batch_size=1,
                max_concurrency=TICKS_AT_ONCE,
            ),
            ResourceOptions(parent=self, depends_on=[args.contract_index]),
        )

    def _call(
        self, name: str, function: str, description: str, after: Sequence[Resource] = (), **what: Any
    ) -> Input[str]:
        """Have a rule call a function; `what` says by which events or when. Answers the rule's ARN."""
        return events.FunctionRule(
            f"{self._name}-{name}",
            events.FunctionRuleArgs(
                description=description,
                function=self._args.functions[function].function,
                dead_letters_arn=self._args.messaging.undelivered.queue.arn,
                **what,
            ),
            # What is inside a component is registered after it, so it waits, too.
            ResourceOptions(parent=self, depends_on=list(after)),
        ).rule.arn
