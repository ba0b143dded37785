"""What each role may do, in the words of the resources' owners."""

from collections.abc import Sequence

from pipeline_core.layout import BATCHES, CONTRACTS, FILES, LINEAGE, REASONS, ROWS, RUNS, STAGING, TABLES
from pulumi import Input

from components.catalog.catalog import Catalog
from components.compute.function import PipelineFunction
from components.context import StackContext
from components.messaging.messaging import Messaging
from components.messaging.owners import SlackWebhooks
from components.names import crawler_prefix
from components.security.iam import Statement, allow
from components.storage.ledger import LEDGER_INDEX
from components.storage.storage import Storage


def ingestion(context: StackContext, storage: Storage, messaging: Messaging) -> list[Statement]:
    """Write every landed file down and have it claimed soon; copy what no contract wants to the quarantine."""
    return [
        messaging.arrivals.consume(),
        messaging.ticks.send(),
        storage.raw.read_versions(),
        # A version that is gone before it was looked at must be seen as gone (404), not as forbidden (403).
        storage.raw.find(),
        storage.artifacts.read(CONTRACTS),
        storage.artifacts.find(),
        storage.quarantine.write_large(FILES),
        storage.quarantine.write(REASONS),
        storage.ledger.use("GetItem", "PutItem", "UpdateItem"),
        context.key.use("s3", "sqs"),
        context.key.use_for_table(),
    ]


def etl_trigger(
    context: StackContext, storage: Storage, messaging: Messaging, error_handler: PipelineFunction
) -> list[Statement]:
    """Claim pending files into a batch, write its papers, and start it; have a lost one recovered."""
    return [
        messaging.ticks.consume(),
        # A file that was deleted since must be seen as gone (404), not as forbidden.
        storage.raw.read_versions(),
        storage.raw.find(),
        storage.artifacts.read(CONTRACTS, BATCHES),
        storage.artifacts.find(),
        storage.artifacts.write(BATCHES),
        storage.curated.write_large(STAGING),
        storage.ledger.query(LEDGER_INDEX),
        storage.ledger.use("GetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
        allow(["states:StartExecution"], [context.state_machine_arn]),
        allow(["states:DescribeExecution"], [context.execution_arns]),
        error_handler.invoke(),
        messaging.undelivered.send(),
        context.key.use("s3", "sqs"),
        context.key.use_for_table(),
    ]


def processing(context: StackContext, storage: Storage, catalog: Catalog, messaging: Messaging) -> list[Statement]:
    """Audit a report, publish from staging to the table, register partitions, tell the bus, keep the accounting."""
    return [
        # Of the tables: Iceberg's metadata, and the footers of what was copied.
        storage.curated.read(STAGING, TABLES),
        storage.curated.write_large(TABLES),
        # A published file of which a replacement leaves nothing.
        storage.curated.delete(TABLES),
        storage.curated.find(),
        # A file that nothing could be read of is kept as a whole.
        storage.raw.read_versions(),
        storage.raw.find(),
        storage.quarantine.write_large(ROWS, FILES),
        storage.quarantine.write(REASONS),
        # What was refused, and is published after all, is no longer in quarantine.
        storage.quarantine.delete(ROWS, FILES, REASONS),
        storage.artifacts.read(BATCHES),
        storage.artifacts.find(),
        storage.artifacts.write(RUNS, BATCHES),
        storage.ledger.use("GetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
        catalog.find_database(),
        catalog.use_tables(
            "GetTable",
            "CreateTable",
            "UpdateTable",
            "BatchCreatePartition",
            "BatchGetPartition",
            "BatchUpdatePartition",
            "UpdatePartition",
        ),
        messaging.bus.put(),
        messaging.ticks.send(),
        messaging.undelivered.send(),
        context.key.use("s3", "sqs"),
        context.key.use_for_table(),
    ]


def maintenance(context: StackContext, storage: Storage, catalog: Catalog, messaging: Messaging) -> list[Statement]:
    """Rewrite and sweep the files of tables, commit to the catalog, and note what was rolled back."""
    return [
        storage.curated.read(TABLES),
        storage.curated.write(TABLES),
        storage.curated.delete(TABLES),
        storage.curated.find(),
        storage.artifacts.read(CONTRACTS, BATCHES),
        storage.artifacts.find(),
        storage.artifacts.write(RUNS),
        storage.ledger.use("GetItem", "UpdateItem"),
        # A table of Hive's that becomes one of Iceberg's is made anew.
        catalog.find_database(),
        catalog.use_tables("GetTable", "UpdateTable", "CreateTable", "DeleteTable"),
        # A rollback is told to the dataset's people.
        messaging.owners.publish(),
        messaging.undelivered.send(),
        context.key.use("s3", "sns", "sqs"),
        context.key.use_for_table(),
    ]


def stage(context: StackContext, storage: Storage) -> list[Statement]:
    """Read raw files at the version of a manifest, quarantined rows and the table; write to staging only."""
    return [
        storage.raw.read_versions(),
        storage.raw.find(),
        storage.artifacts.read(BATCHES),
        storage.artifacts.find(),
        storage.curated.read(TABLES, STAGING),
        storage.curated.write(STAGING),
        storage.curated.find(),
        storage.quarantine.read(ROWS),
        storage.quarantine.find(),
        context.key.use("s3"),
    ]


def query(context: StackContext, storage: Storage, catalog: Catalog) -> list[Statement]:
    """Ask Athena in the workgroup; read tables, what was refused and the batches' accounting, write results."""
    return [
        catalog.run_queries(),
        catalog.use_tables(
            "GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"
        ),
        catalog.find_default(),
        storage.curated.read(TABLES),
        storage.curated.find_under(TABLES),
        storage.curated.locate(),
        storage.quarantine.read(ROWS, REASONS),
        storage.quarantine.find_under(ROWS, REASONS),
        storage.quarantine.locate(),
        storage.artifacts.read(RUNS),
        storage.artifacts.find_under(RUNS),
        storage.artifacts.locate(),
        *storage.query_results.hold_query_results(),
        context.key.use("s3"),
    ]


def notification(context: StackContext, storage: Storage, messaging: Messaging) -> list[Statement]:
    """Tell people what became of a batch, once."""
    return [
        # Of the index of contracts: who is told of the dataset.
        storage.artifacts.read(CONTRACTS),
        storage.artifacts.find(),
        messaging.notifications.publish(),
        messaging.owners.publish(),
        # Whoever is called must know which dataset it is about.
        messaging.alarms.publish(),
        storage.ledger.use_idempotency(),
        context.key.decrypt("s3"),
        context.key.use("sns"),
        context.key.use_for_table(),
    ]


def freshness(context: StackContext, storage: Storage, messaging: Messaging) -> list[Statement]:
    """Look when each dataset was published last, and tell whoever is called which are late."""
    return [
        storage.artifacts.read(CONTRACTS),
        storage.artifacts.find(),
        storage.ledger.use("Query"),
        storage.ledger.use_item("freshness", "GetItem", "PutItem"),
        messaging.alarms.publish(),
        messaging.owners.publish(),
        messaging.undelivered.send(),
        context.key.decrypt("s3"),
        context.key.use("sns", "sqs"),
        context.key.use_for_table(),
    ]


def slack(context: StackContext, messaging: Messaging, webhooks: SlackWebhooks) -> list[Statement]:
    """Read the webhooks of Slack channels; what Slack does not take is left undelivered."""
    return [
        webhooks.read(),
        context.key.decrypt("ssm"),
        messaging.undelivered.send(),
        context.key.use("sqs"),
    ]


def error_handler(
    context: StackContext, storage: Storage, messaging: Messaging, processing: PipelineFunction
) -> list[Statement]:
    """Give a batch's files back, put them in quarantine, or mark them FAILED; have a half-published one published."""
    return [
        storage.raw.read_versions(),
        storage.raw.find(),
        storage.quarantine.write_large(FILES),
        storage.quarantine.write(REASONS),
        storage.artifacts.read(BATCHES),
        storage.artifacts.find(),
        storage.artifacts.write(RUNS),
        storage.ledger.use("GetItem", "UpdateItem", "ConditionCheckItem"),
        processing.invoke(),
        messaging.ticks.send(),
        messaging.undelivered.send(),
        context.key.use("s3", "sqs"),
        context.key.use_for_table(),
    ]


def lineage(
    context: StackContext, storage: Storage, messaging: Messaging, api_key_parameter: str | None
) -> list[Statement]:
    """Read what is written down of a batch, keep its events, and read the key of whoever gets them."""
    reads_key = (
        [
            allow(["ssm:GetParameter"], [context.location.arn("ssm", f"parameter/{api_key_parameter.lstrip('/')}")]),
            context.key.decrypt("ssm"),
        ]
        if api_key_parameter
        else []
    )
    return [
        storage.artifacts.read(BATCHES, RUNS, LINEAGE),
        storage.artifacts.find(),
        storage.artifacts.write(LINEAGE),
        storage.ledger.use("GetItem"),
        messaging.undelivered.send(),
        *reads_key,
        context.key.use("s3", "sqs"),
        context.key.use_for_table(),
    ]


def spark_job(context: StackContext, storage: Storage) -> list[Statement]:
    """Read raw files at the version of a manifest, quarantined rows and the table; write to staging only."""
    return [
        storage.raw.read_versions(),
        storage.raw.find(),
        storage.artifacts.read(BATCHES, "glue/"),
        storage.artifacts.find(),
        storage.curated.read(TABLES, STAGING),
        storage.curated.write_large(STAGING),
        storage.curated.delete(STAGING),
        storage.curated.find(),
        storage.quarantine.read(ROWS),
        # Spark asks whether a folder is an object, and takes only 404 for a no.
        storage.quarantine.find(),
        context.key.use("s3"),
    ]


def state_machine(
    context: StackContext,
    storage: Storage,
    *,
    job_arn: Input[str],
    function_arns: Sequence[Input[str]],
    crawls: bool,
) -> list[Statement]:
    """Run the job to its end, call the functions, crawl where a dataset asks for it, and read a dataset's state."""
    crawlers = context.location.arn("glue", f"crawler/{crawler_prefix(context.stack)}*")
    job = [f"glue:{verb}" for verb in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")]
    return [
        allow(["lambda:InvokeFunction"], function_arns),
        # The .sync integration starts, follows and, when the execution is stopped, stops the run.
        allow(job, [job_arn]),
        # By their names, which no other stack's crawlers share: a list of 200 ARNs is longer than a role's policies may
        # be together (10,240 characters; IAM user guide, "IAM and AWS STS quotas", 2026-11).
        *([allow(["glue:StartCrawler", "glue:GetCrawler"], [crawlers])] if crawls else []),
        storage.ledger.use("GetItem"),
        context.key.decrypt("dynamodb"),
    ]
