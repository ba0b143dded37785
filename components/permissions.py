"""What each role may do, in the words of the resources' owners."""

from collections.abc import Sequence

from pulumi import Input

from components.compute.function import PipelineFunction
from components.lake import Lake
from components.security.iam import Statement, allow
from components.storage.ledger import LEDGER_INDEX


def ingestion(lake: Lake) -> list[Statement]:
    """Write every landed file down; copy what no contract wants to the quarantine."""
    return [
        lake.arrivals.consume(),
        lake.raw.read_versions(),
        # A version that is gone before it was looked at must be seen as gone (404), not as forbidden (403).
        lake.raw.find(),
        lake.artifacts.read("contracts/"),
        lake.artifacts.find(),
        lake.quarantine.write_large("files/"),
        lake.quarantine.write("reasons/"),
        lake.ledger.use("GetItem", "PutItem", "UpdateItem"),
        lake.key.use("s3"),
        lake.key.decrypt("sqs"),
        lake.key.use_for_table(),
    ]


def etl_trigger(lake: Lake, error_handler: PipelineFunction) -> list[Statement]:
    """Claim pending files into a batch, write its papers, and start it; have a lost one recovered."""
    return [
        # A file that was deleted since must be seen as gone (404), not as forbidden.
        lake.raw.read_versions(),
        lake.raw.find(),
        lake.artifacts.read("contracts/", "batches/"),
        lake.artifacts.find(),
        lake.artifacts.write("batches/"),
        lake.curated.write_large("staging/"),
        lake.ledger.query(LEDGER_INDEX),
        lake.ledger.use("GetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
        allow(["states:StartExecution"], [lake.state_machine_arn]),
        allow(["states:DescribeExecution"], [lake.execution_arns]),
        error_handler.invoke(),
        lake.undelivered.send(),
        lake.key.use("s3", "sqs"),
        lake.key.use_for_table(),
    ]


def processing(lake: Lake) -> list[Statement]:
    """Audit a report, publish from staging to the table, register partitions, tell the bus, keep the accounting."""
    return [
        lake.curated.read("staging/"),
        lake.curated.write_large("tables/"),
        # A published file of which a replacement leaves nothing.
        lake.curated.delete("tables/"),
        lake.curated.find(),
        # A file that nothing could be read of is kept as a whole.
        lake.raw.read_versions(),
        lake.raw.find(),
        lake.quarantine.write_large("rows/", "files/"),
        lake.quarantine.write("reasons/"),
        # What was refused, and is published after all, is no longer in quarantine.
        lake.quarantine.delete("rows/", "files/", "reasons/"),
        lake.artifacts.read("batches/"),
        lake.artifacts.find(),
        lake.artifacts.write("runs/", "batches/"),
        lake.ledger.use("GetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
        lake.catalog.use_tables(
            "GetTable",
            "UpdateTable",
            "BatchCreatePartition",
            "BatchGetPartition",
            "BatchUpdatePartition",
            "UpdatePartition",
        ),
        lake.bus.put(),
        lake.undelivered.send(),
        lake.key.use("s3", "sqs"),
        lake.key.use_for_table(),
    ]


def query(lake: Lake) -> list[Statement]:
    """Ask Athena in the workgroup; read tables, what was refused and the batches' accounting, write results."""
    return [
        lake.catalog.run_queries(),
        lake.catalog.use_tables(
            "GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"
        ),
        lake.catalog.find_default(),
        lake.curated.read("tables/"),
        lake.curated.find_under("tables/"),
        lake.curated.locate(),
        lake.quarantine.read("rows/", "reasons/"),
        lake.quarantine.find_under("rows/", "reasons/"),
        lake.quarantine.locate(),
        lake.artifacts.read("runs/"),
        lake.artifacts.find_under("runs/"),
        lake.artifacts.locate(),
        *lake.query_results.hold_query_results(),
        lake.key.use("s3"),
    ]


def notification(lake: Lake) -> list[Statement]:
    """Tell people what became of a batch, once."""
    return [
        lake.notifications.publish(),
        lake.ledger.use_idempotency(),
        lake.key.use("sns"),
        lake.key.use_for_table(),
    ]


def error_handler(lake: Lake, processing: PipelineFunction) -> list[Statement]:
    """Give a batch's files back, put them in quarantine, or mark them FAILED; have a half-published one published."""
    return [
        lake.raw.read_versions(),
        lake.raw.find(),
        lake.quarantine.write_large("files/"),
        lake.quarantine.write("reasons/"),
        lake.artifacts.read("batches/"),
        lake.artifacts.find(),
        lake.artifacts.write("runs/"),
        lake.ledger.use("GetItem", "UpdateItem", "ConditionCheckItem"),
        processing.invoke(),
        lake.undelivered.send(),
        lake.key.use("s3", "sqs"),
        lake.key.use_for_table(),
    ]


def spark_job(lake: Lake) -> list[Statement]:
    """Read raw files, quarantined rows and the table; write to staging only."""
    return [
        lake.raw.read(),
        lake.raw.find(),
        lake.artifacts.read("batches/", "glue/"),
        lake.artifacts.find(),
        lake.curated.read("tables/", "staging/"),
        lake.curated.write_large("staging/"),
        lake.curated.delete("staging/"),
        lake.curated.find(),
        lake.quarantine.read("rows/"),
        # Spark asks whether a folder is an object, and takes only 404 for a no.
        lake.quarantine.find(),
        lake.key.use("s3"),
    ]


def state_machine(
    lake: Lake,
    *,
    job_arn: Input[str],
    function_arns: Sequence[Input[str]],
    crawler_arns: Sequence[Input[str]],
) -> list[Statement]:
    """Run the job to its end, call the functions, crawl, and read a dataset's state."""
    job = [f"glue:{verb}" for verb in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")]
    return [
        allow(["lambda:InvokeFunction"], function_arns),
        # The .sync integration starts, follows and, when the execution is stopped, stops the run.
        allow(job, [job_arn]),
        allow(["glue:StartCrawler", "glue:GetCrawler"], crawler_arns),
        lake.ledger.use("GetItem"),
        lake.key.decrypt("dynamodb"),
    ]
