"""The whole pipeline: the components in the order in which the data meets them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, ResourceOptions

from components.catalog.catalog import BYTES_PER_MEGABYTE, Catalog, CatalogArgs
from components.catalog.crawler import CrawlerRole, CrawlerRoleArgs, DatasetCrawler, DatasetCrawlerArgs
from components.channels import Reach, reach
from components.compute import permissions
from components.compute.function import PipelineFunction
from components.compute.functions import BYTES_PER_GIGABYTE, Functions, FunctionsArgs
from components.compute.spark_job import GlueSecurity, GlueSecurityArgs, SparkJob, SparkJobArgs
from components.context import StackContext
from components.messaging.messaging import Messaging, MessagingArgs
from components.messaging.owners import Owners, OwnersArgs, SlackWebhooks, SlackWebhooksArgs
from components.monitoring.monitored import Monitored, MonitoredFunction
from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.names import crawler_prefix, metrics_namespace, stack_name
from components.security.iam import Location
from components.security.key import EncryptionKey, EncryptionKeyArgs
from components.security.network import Network, NetworkArgs
from components.storage import contracts
from components.storage.contracts import ContractObjects, ContractObjectsArgs
from components.storage.storage import Storage, StorageArgs
from components.user_files import UserFiles
from components.workflow.triggers import Triggers, TriggersArgs
from components.workflow.workflow import CALLED_FUNCTIONS, Workflow, WorkflowArgs
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
    every other resource is inside it, and waits for it. `outputs` is what people, the emulator's deployer and the
    operator's command line need to know.

    Example:
        settings, files = user_files.read_with_settings()
        pipeline = DataPipeline("data-pipeline", DataPipelineArgs(settings=settings, files=files))
        pulumi.export("raw_bucket", pipeline.outputs["raw_bucket"])
    """

    outputs: Mapping[str, Any]

    def __init__(self, name: str, args: DataPipelineArgs, opts: ResourceOptions | None = None) -> None:
        settings, files = args.settings, args.files
        hooks = pulumi.ResourceHookBinding(before_update=[contracts.hook(f"{name}-contract-evolution")])
        super().__init__(
            "pipeline:data_pipeline:DataPipeline",
            name,
            {"contracts": {contract.name: evolution.form(contract.document) for contract in files.contracts}},
            ResourceOptions.merge(opts, ResourceOptions(hooks=hooks)),
        )
        child = ResourceOptions(parent=self)
        datasets = [contract.name for contract in files.contracts]
        location = Location.of(self)
        key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                alias=stack_name(settings.stack),
                location=location,
                deletion_window_days=settings.security.key_deletion_window_days,
                allow_destroy=settings.storage.allow_destroy,
            ),
            child,
        )
        key_arn = key.key.arn
        context = StackContext(
            stack=settings.stack,
            location=location,
            key=key,
            log_retention_days=settings.monitoring.log_retention_days,
            log_level=settings.functions.log_level,
            permissions_boundary_arn=settings.security.permissions_boundary_arn,
            network=_network(f"{name}-network", settings, location, key, child),
        )
        storage = Storage(
            name,
            StorageArgs(settings=settings.storage, kms_key_arn=key_arn, notify_artifacts=settings.lineage.enabled),
            child,
        )
        catalog = Catalog(
            f"{name}-catalog",
            CatalogArgs(
                stack=settings.stack,
                location=location,
                kms_key_arn=key_arn,
                storage=storage,
                scanned_bytes_cutoff_mb=settings.athena.scanned_bytes_cutoff_mb,
                allow_destroy=settings.storage.allow_destroy,
                datasets=datasets,
                queries=files.queries,
            ),
            child,
        )
        messaging = Messaging(name, MessagingArgs(settings=settings, location=location, kms_key_arn=key_arn), child)
        reached = reach(files.contracts, settings.monitoring.slack_webhooks)
        functions = Functions(
            name,
            FunctionsArgs(
                settings=settings,
                context=context,
                storage=storage,
                catalog=catalog,
                messaging=messaging,
                slack=_slack(f"{name}-slack", reached, settings, context, child),
            ),
            child,
        ).functions
        owners = Owners(
            f"{name}-owners",
            OwnersArgs(
                topic=messaging.owners.topic,
                addresses=reached.addresses,
                slack=functions["slack"].function if "slack" in functions else None,
                undelivered_arn=messaging.undelivered.queue.arn,
                secret=settings.holds_secrets,
            ),
            child,
        )
        glue_security = GlueSecurity(f"{name}-glue", GlueSecurityArgs(kms_key_arn=key_arn), child).configuration
        job = SparkJob(
            f"{name}-raw-to-curated",
            SparkJobArgs(
                context=context,
                security_configuration=glue_security.name,
                artifacts=storage.artifacts,
                statements=permissions.spark_job(context, storage),
                settings=settings.glue,
            ),
            child,
        )
        crawled = [contract.name for contract in files.contracts if contract.document["crawler"]]
        crawlers = _crawlers(name, crawled, settings, context, catalog, storage, glue_security.name, child)
        workflow = Workflow(
            f"{name}-batch",
            WorkflowArgs(
                context=context,
                definition=files.definition,
                values={
                    "JobName": job.job.name,
                    "StageFunctionArn": functions["stage"].function.arn,
                    "ProcessingFunctionArn": functions["processing"].function.arn,
                    "QueryFunctionArn": functions["query"].function.arn,
                    "NotificationFunctionArn": functions["notification"].function.arn,
                    "ErrorHandlerFunctionArn": functions["error_handler"].function.arn,
                    "LedgerTable": storage.ledger.table.name,
                    "CrawlerPrefix": crawler_prefix(settings.stack),
                    "TimeoutSeconds": str(settings.workflow.timeout_minutes * 60),
                },
                statements=permissions.state_machine(
                    context,
                    storage,
                    job_arn=job.job.arn,
                    function_arns=[functions[called].function.arn for called in CALLED_FUNCTIONS],
                    crawls=bool(crawlers),
                ),
                settings=settings.workflow,
            ),
            child,
        )
        monitoring = Monitoring(
            name,
            MonitoringArgs(
                monitored=_monitored(args, context, functions, messaging, workflow, job),
                alarms_topic_arn=messaging.alarms.topic.arn,
                alarms_policy=messaging.alarms_policy,
                log_groups=[
                    group.name
                    for group in (
                        *(built.log_group for built in functions.values()),
                        workflow.log_group,
                        *job.log_groups,
                    )
                ],
                monthly_budget_dollars=settings.monitoring.monthly_budget_dollars,
                dashboard=settings.monitoring.dashboard,
            ),
            child,
        )
        index = ContractObjects(
            f"{name}-contract",
            ContractObjectsArgs(
                contracts=files.contracts,
                heard=reached.heard,
                artifacts=storage.artifacts,
                kms_key_arn=key_arn,
                readers=[*(built.function for built in functions.values()), job.job, workflow.state_machine],
                served_by=[
                    storage,
                    catalog,
                    *functions.values(),
                    *crawlers.values(),
                    job,
                    workflow,
                    monitoring,
                    owners,
                ],
            ),
            child,
        ).index
        Triggers(
            name,
            TriggersArgs(
                settings=settings,
                context=context,
                raw=storage.raw,
                artifacts=storage.artifacts,
                messaging=messaging,
                functions=functions,
                job_name=job.job.name,
                contract_index=index,
            ),
            child,
        )
        self.outputs = {
            "stack": settings.stack,
            "environment": settings.environment,
            "raw_bucket": storage.raw.bucket.bucket,
            "curated_bucket": storage.curated.bucket.bucket,
            "quarantine_bucket": storage.quarantine.bucket.bucket,
            "artifacts_bucket": storage.artifacts.bucket.bucket,
            "query_results_bucket": storage.query_results.bucket.bucket,
            "ledger_table": storage.ledger.table.name,
            "database": catalog.database.name,
            "workgroup": catalog.workgroup.name,
            "state_machine_arn": workflow.state_machine.arn,
            "event_bus_name": messaging.bus.bus.name,
            "notifications_topic_arn": messaging.notifications.topic.arn,
            "alarms_topic_arn": messaging.alarms.topic.arn,
            "owners_topic_arn": messaging.owners.topic.arn,
            "arrivals_queue_url": messaging.arrivals.queue.url,
            "arrivals_dead_letters_url": messaging.arrivals.dead_letters.url,
            "ticks_queue_url": messaging.ticks.queue.url,
            "ticks_dead_letters_url": messaging.ticks.dead_letters.url,
            "undelivered_url": messaging.undelivered.queue.url,
            "job_name": job.job.name,
            "max_files_per_batch": settings.batches.max_files,
            "max_bytes_per_batch": settings.batches.max_gigabytes * BYTES_PER_GIGABYTE,
            "small_bytes_per_batch": settings.batches.small_megabytes * BYTES_PER_MEGABYTE,
            "max_workers": settings.glue.max_workers,
            "datasets": datasets,
            "functions": {function: built.function.name for function, built in functions.items()},
            "crawlers": {dataset: crawler.crawler.name for dataset, crawler in crawlers.items()},
            "dashboard_name": monitoring.dashboard_name,
        }
        self.register_outputs({})


def _crawlers(
    name: str,
    datasets: Sequence[str],
    settings: PipelineConfig,
    context: StackContext,
    catalog: Catalog,
    storage: Storage,
    security_configuration: Input[str],
    opts: ResourceOptions,
) -> dict[str, DatasetCrawler]:
    """Make the crawlers of the datasets that ask for one; where none does there is no role for them either."""
    if not datasets:
        return {}
    role = CrawlerRole(
        f"{name}-crawlers",
        CrawlerRoleArgs(
            context=context, catalog=catalog, curated=storage.curated, security_configuration=security_configuration
        ),
        opts,
    )
    return {
        dataset: DatasetCrawler(
            f"{name}-crawler-{dataset}",
            DatasetCrawlerArgs(
                dataset=dataset,
                stack=settings.stack,
                database_name=catalog.database.name,
                curated=storage.curated,
                role=role,
                security_configuration=security_configuration,
                crawl_daily_at_utc=settings.glue.crawl_daily_at_utc,
            ),
            opts,
        )
        for dataset in datasets
    }


def _slack(
    name: str, reached: Reach, settings: PipelineConfig, context: StackContext, opts: ResourceOptions
) -> SlackWebhooks | None:
    """Keep the webhooks of the Slack channels that contracts name; where none does, there is nothing for Slack."""
    if not reached.slack:
        return None
    return SlackWebhooks(
        name,
        SlackWebhooksArgs(
            stack=settings.stack,
            location=context.location,
            kms_key_arn=context.key.key.arn,
            webhooks={channel: settings.monitoring.slack_webhooks[channel] for channel in reached.slack},
        ),
        opts,
    )


def _network(
    name: str, settings: PipelineConfig, location: Location, key: EncryptionKey, opts: ResourceOptions
) -> Network | None:
    if (vpc := settings.security.vpc) is None:
        return None
    return Network(
        name,
        NetworkArgs(
            stack=settings.stack,
            location=location,
            key=key,
            cidr=vpc.cidr,
            availability_zones=vpc.availability_zones,
            log_retention_days=settings.monitoring.log_retention_days,
            permissions_boundary_arn=settings.security.permissions_boundary_arn,
        ),
        opts,
    )


def _monitored(
    args: DataPipelineArgs,
    context: StackContext,
    functions: Mapping[str, PipelineFunction],
    messaging: Messaging,
    workflow: Workflow,
    job: SparkJob,
) -> Monitored:
    settings = args.settings
    return Monitored(
        stack=settings.stack,
        region=context.location.region,
        namespace=metrics_namespace(settings.stack),
        functions_log_groups={name: built.log_group.name for name, built in functions.items()},
        functions={
            name: MonitoredFunction(
                name=built.function.name, timeout_seconds=getattr(settings.functions, name).timeout_seconds
            )
            for name, built in functions.items()
        },
        arrivals_queue=messaging.arrivals.queue.name,
        dead_letters={
            "arrivals-dead-letters": messaging.arrivals.dead_letters.name,
            "ticks-dead-letters": messaging.ticks.dead_letters.name,
            "undelivered": messaging.undelivered.queue.name,
        },
        state_machine_arn=workflow.state_machine.arn,
        job_name=job.job.name,
        workgroup=stack_name(settings.stack),
        oldest_message_minutes=settings.monitoring.oldest_message_minutes,
        quarantined_percent=settings.monitoring.quarantined_percent,
        scanned_bytes_cutoff=settings.athena.scanned_bytes_cutoff_mb * BYTES_PER_MEGABYTE,
    )
