"""The whole pipeline: the components in the order in which the data meets them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, InvokeOutputOptions, Resource, ResourceOptions

from components import permissions
from components.catalog.catalog import BYTES_PER_MEGABYTE, workgroup_name
from components.catalog.crawler import DatasetCrawler, DatasetCrawlerArgs, crawler_prefix, failed_crawl_pattern
from components.compute.functions import BYTES_PER_GIGABYTE, Functions, FunctionsArgs
from components.compute.spark_job import GlueSecurity, GlueSecurityArgs, SparkJob, SparkJobArgs, failed_run_pattern
from components.lake import Lake, LakeArgs
from components.messaging import events, queues
from components.monitoring.alarms import INCIDENTS, Watched, WatchedDataset, WatchedFunction, alarms
from components.monitoring.budget import Budget, BudgetArgs
from components.monitoring.dashboard import Shown
from components.monitoring.log_queries import LogQueries, LogQueriesArgs
from components.monitoring.monitoring import Monitoring, MonitoringArgs, callers
from components.network import Network, NetworkArgs
from components.security.iam import Place
from components.storage import contracts
from components.storage.contracts import ContractObjects, ContractObjectsArgs
from components.surroundings import Surroundings, metrics_namespace
from components.user_files import UserFiles
from components.workflow import workflow
from config.model import PipelineConfig
from contracts.compiler import evolution


@dataclass(frozen=True, kw_only=True)
class DataPipelineArgs:
    """The stack's settings, and what the project's files say."""

    settings: PipelineConfig
    files: UserFiles


class DataPipeline(pulumi.ComponentResource):
    """Files that land become clean, deduplicated, partitioned tables, with every row accounted for.

    The engine compares the contracts of this component with those of the last deployment before it changes anything:
    every other resource is inside it, and waits for it.
    """

    def __init__(self, name: str, args: DataPipelineArgs, opts: ResourceOptions | None = None) -> None:
        forms = {contract.name: evolution.form(contract.document) for contract in args.files.contracts}
        hooks = pulumi.ResourceHookBinding(before_update=[contracts.hook(f"{name}-contract-evolution")])
        super().__init__(
            "pipeline:data_pipeline:DataPipeline",
            name,
            {"contracts": forms},
            ResourceOptions.merge(opts, ResourceOptions(hooks=hooks)),
        )
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        self._contracts = args.files.contracts
        place = self._find_place()
        self._lake = Lake(
            name,
            LakeArgs(settings=args.settings, place=place, contracts=self._contracts, queries=args.files.queries),
            self._child,
        )
        self._surroundings = Surroundings(
            stack=args.settings.stack,
            place=place,
            key=self._lake.key,
            log_retention_days=args.settings.monitoring.log_retention_days,
            log_level=args.settings.functions.log_level,
            permissions_boundary_arn=args.settings.security.permissions_boundary_arn,
            network=self._build_network(place),
        )
        self._functions = Functions(
            name,
            FunctionsArgs(settings=args.settings, surroundings=self._surroundings, lake=self._lake),
            self._child,
        ).functions
        self._build_glue()
        self._build_workflow()
        self._build_monitoring()
        self._let_in(self._connect(self._write_contracts()))
        self.register_outputs({})

    def outputs(self) -> dict[str, Any]:
        """Say what people, the emulator's deployer and the operator's command line need to know."""
        lake = self._lake
        return {
            "stack": self._args.settings.stack,
            "environment": self._args.settings.environment,
            "raw_bucket": lake.raw.bucket.bucket,
            "curated_bucket": lake.curated.bucket.bucket,
            "quarantine_bucket": lake.quarantine.bucket.bucket,
            "artifacts_bucket": lake.artifacts.bucket.bucket,
            "query_results_bucket": lake.query_results.bucket.bucket,
            "ledger_table": lake.ledger.table.name,
            "database": lake.catalog.database.name,
            "workgroup": lake.catalog.workgroup.name,
            "state_machine_arn": self._workflow.state_machine.arn,
            "event_bus_name": lake.bus.bus.name,
            "notifications_topic_arn": lake.notifications.topic.arn,
            "alarms_topic_arn": lake.alarms.topic.arn,
            "arrivals_queue_url": lake.arrivals.queue.url,
            "arrivals_dead_letters_url": lake.arrivals.dead_letters.url,
            "undelivered_url": lake.undelivered.queue.url,
            "job_name": self._job.job.name,
            "max_files_per_batch": self._args.settings.batches.max_files,
            "max_bytes_per_batch": self._args.settings.batches.max_gigabytes * BYTES_PER_GIGABYTE,
            "max_workers": self._args.settings.glue.max_workers,
            "datasets": [contract.name for contract in self._contracts],
            "functions": {name: built.function.name for name, built in self._functions.items()},
            "crawlers": {dataset: built.crawler.name for dataset, built in self._crawlers.items()},
            "dashboard_name": self._monitoring.dashboard.dashboard_name,
        }

    def _find_place(self) -> Place:
        lookup = InvokeOutputOptions(parent=self)
        return Place(
            partition=aws.get_partition_output(opts=lookup).partition,
            region=aws.get_region_output(opts=lookup).region,
            account=aws.get_caller_identity_output(opts=lookup).account_id,
        )

    def _build_network(self, place: Place) -> Network | None:
        settings = self._args.settings
        if (vpc := settings.security.vpc) is None:
            return None
        return Network(
            f"{self._name}-network",
            NetworkArgs(
                stack=settings.stack,
                place=place,
                key=self._lake.key,
                cidr=vpc.cidr,
                availability_zones=vpc.availability_zones,
                log_retention_days=settings.monitoring.log_retention_days,
                permissions_boundary_arn=settings.security.permissions_boundary_arn,
            ),
            self._child,
        )

    def _build_glue(self) -> None:
        glue = self._args.settings.glue
        security = GlueSecurity(
            f"{self._name}-glue", GlueSecurityArgs(kms_key_arn=self._lake.key.key.arn), self._child
        ).configuration.name
        self._job = SparkJob(
            f"{self._name}-raw-to-curated",
            SparkJobArgs(
                surroundings=self._surroundings,
                security_configuration=security,
                artifacts=self._lake.artifacts,
                statements=permissions.spark_job(self._lake),
                glue_version=glue.version,
                max_workers=glue.max_workers,
                max_concurrent_runs=glue.max_concurrent_runs,
                timeout_minutes=glue.timeout_minutes,
            ),
            self._child,
        )
        self._crawlers = {
            contract.name: DatasetCrawler(
                f"{self._name}-crawler-{contract.name}",
                DatasetCrawlerArgs(
                    dataset=contract.name,
                    surroundings=self._surroundings,
                    catalog=self._lake.catalog,
                    curated=self._lake.curated,
                    security_configuration=security,
                    # A dataset that promises nothing is not worth ten minutes of a crawler each day.
                    crawl_daily_at_utc=glue.crawl_daily_at_utc if contract.document["frequency_hours"] else None,
                ),
                self._child,
            )
            for contract in self._contracts
        }

    def _build_workflow(self) -> None:
        settings = self._args.settings.workflow
        arns = {name: built.function.arn for name, built in self._functions.items()}
        called = ("processing", "query", "notification", "error_handler")
        self._workflow = workflow.Workflow(
            f"{self._name}-batch",
            workflow.WorkflowArgs(
                surroundings=self._surroundings,
                definition=self._args.files.definition,
                values={
                    "JobName": self._job.job.name,
                    "ProcessingFunctionArn": arns["processing"],
                    "QueryFunctionArn": arns["query"],
                    "NotificationFunctionArn": arns["notification"],
                    "ErrorHandlerFunctionArn": arns["error_handler"],
                    "LedgerTable": self._lake.ledger.table.name,
                    "CrawlerPrefix": crawler_prefix(self._args.settings.stack),
                    "TimeoutSeconds": str(settings.timeout_minutes * 60),
                },
                statements=permissions.state_machine(
                    self._lake,
                    job_arn=self._job.job.arn,
                    function_arns=[arns[name] for name in called],
                    crawler_arns=[crawler.crawler.arn for crawler in self._crawlers.values()],
                ),
                log_level=settings.log_level,
                include_execution_data=settings.include_execution_data,
            ),
            self._child,
        )

    def _connect(self, index: Resource) -> list[Input[str]]:
        """Let events in: landed objects to ingestion, ticks and ends to etl_trigger, failures to error_handler.

        Nothing ticks before there is an `index` of the contracts: etl_trigger would fail, and somebody be called.
        Answers the rules' ARNs, which leave in `undelivered` what they cannot deliver.
        """
        name, lake, settings = self._name, self._lake, self._args.settings
        machine = self._workflow.state_machine.arn
        arrival = events.ArrivalRule(
            f"{name}-arrival",
            events.ArrivalRuleArgs(
                bucket_name=lake.raw.bucket.bucket,
                queue_arn=lake.arrivals.queue.arn,
                dead_letters_arn=lake.undelivered.queue.arn,
            ),
            self._child,
        )
        called = [
            self._call(
                "schedule",
                "etl_trigger",
                "Has pending files claimed into batches",
                schedule_expression=events.every_minutes(settings.batches.schedule_minutes),
                after=[index],
                enabled=settings.batches.schedule_enabled,
                input_json="{}",
            ),
            self._call(
                "failure",
                "error_handler",
                "Batches that ended in a way which the workflow could not handle itself",
                event_pattern=workflow.end_pattern(machine, workflow.FAILURES),
            ),
            self._call(
                "end",
                "etl_trigger",
                "Has the parts of a split batch started as soon as an execution has ended",
                after=[index],
                event_pattern=workflow.end_pattern(machine),
                input_json='{"parts_only": true}',
            ),
            self._call(
                "job-failed",
                "error_handler",
                "Has the runs of the Glue job counted that failed or ran out of time",
                event_pattern=failed_run_pattern(self._job.job.name),
            ),
            self._call(
                "crawler-failed",
                "error_handler",
                "Has the crawls counted that failed",
                event_pattern=failed_crawl_pattern(settings.stack),
            ),
        ]
        lake.arrivals.accept(self._surroundings.place.account, [arrival.rule.arn])
        queues.Consumption(
            f"{name}-ingestion",
            queues.ConsumptionArgs(
                queue=lake.arrivals,
                function=self._functions["ingestion"],
                settings=settings.ingestion,
            ),
            self._child,
        )
        return [arrival.rule.arn, *called]

    def _call(
        self, name: str, function: str, description: str, after: Sequence[Resource] = (), **what: Any
    ) -> Input[str]:
        """Have a rule call a function; `what` says by which events or when. Answers the rule's ARN."""
        return events.FunctionRule(
            f"{self._name}-{name}",
            events.FunctionRuleArgs(
                description=description,
                function=self._functions[function].function,
                dead_letters_arn=self._lake.undelivered.queue.arn,
                **what,
            ),
            # What is inside a component is registered after it, so it waits, too.
            ResourceOptions(parent=self, depends_on=list(after)),
        ).rule.arn

    def _build_monitoring(self) -> None:
        lake, names = self._lake, {name: built.function.name for name, built in self._functions.items()}
        dead_letters = {
            "arrivals-dead-letters": lake.arrivals.dead_letters.name,
            "undelivered": lake.undelivered.queue.name,
        }
        settings = self._args.settings
        watched = Watched(
            dead_letters=dead_letters,
            arrivals_queue=lake.arrivals.queue.name,
            functions={
                name: WatchedFunction(
                    name=names[name], timeout_seconds=getattr(settings.functions, name).timeout_seconds
                )
                for name in names
            },
            state_machine_arn=self._workflow.state_machine.arn,
            workgroup=workgroup_name(settings.stack),
            datasets=tuple(
                WatchedDataset(name=contract.name, frequency_hours=contract.document["frequency_hours"])
                for contract in self._contracts
            ),
            namespace=metrics_namespace(settings.stack),
            oldest_message_minutes=settings.monitoring.oldest_message_minutes,
            quarantined_percent=settings.monitoring.quarantined_percent,
            freshness_grace_minutes=settings.monitoring.freshness_grace_minutes,
            scanned_bytes_cutoff=settings.athena.scanned_bytes_cutoff_mb * BYTES_PER_MEGABYTE,
        )
        shown = Shown(
            stack=settings.stack,
            region=self._surroundings.place.region,
            namespace=metrics_namespace(settings.stack),
            datasets=[contract.name for contract in self._contracts],
            functions=names,
            arrivals_queue=lake.arrivals.queue.name,
            dead_letters=dead_letters,
            state_machine_arn=self._workflow.state_machine.arn,
            job_name=self._job.job.name,
            workgroup=workgroup_name(settings.stack),
        )
        self._monitoring = Monitoring(
            self._name,
            MonitoringArgs(
                alarms=list(alarms(watched)),
                incidents=INCIDENTS,
                alarms_topic_arn=lake.alarms.topic.arn,
                shown=shown,
            ),
            self._child,
        )
        log_groups = [
            *(built.log_group for built in self._functions.values()),
            self._workflow.log_group,
            *self._job.log_groups,
        ]
        LogQueries(
            f"{self._name}-logs",
            LogQueriesArgs(stack=settings.stack, log_groups=[group.name for group in log_groups]),
            self._child,
        )

    def _let_in(self, rules: Sequence[Input[str]]) -> None:
        """Let whoever sends to queues and topics do so, and have the month's cost told."""
        lake, place, settings = self._lake, self._surroundings.place, self._args.settings
        lake.undelivered.accept(place.account, rules)
        lake.notifications.accept(place.account)
        policy = lake.alarms.accept(place.account, callers(place))
        if settings.monitoring.monthly_budget_dollars is not None:
            Budget(
                f"{self._name}-budget",
                BudgetArgs(
                    stack=settings.stack,
                    monthly_dollars=settings.monitoring.monthly_budget_dollars,
                    alarms_topic_arn=lake.alarms.topic.arn,
                ),
                # AWS looks whether it may publish when the budget is made.
                ResourceOptions(parent=self, depends_on=[policy]),
            )

    def _write_contracts(self) -> Resource:
        """Write the contracts when all that reads and serves them is there; answers their index, which comes last."""
        functions = list(self._functions.values())
        return ContractObjects(
            f"{self._name}-contract",
            ContractObjectsArgs(
                contracts=self._contracts,
                artifacts=self._lake.artifacts,
                kms_key_arn=self._lake.key.key.arn,
                readers=[*(built.function for built in functions), self._job.job, self._workflow.state_machine],
                # Not all of the lake: what its queues accept comes from rules, and those wait for the index.
                served_by=[
                    *(self._lake.catalog, self._lake.own_tables, self._lake.ledger),
                    *(*functions, *self._crawlers.values(), self._job, self._workflow, self._monitoring),
                ],
            ),
            self._child,
        ).index
