"""The settings, as the analyzer reads them: `python -m ops.pages` makes it of config/model.py."""

from typing import NotRequired, TypedDict


class DatasetsConfig(TypedDict):
    """Which of the contracts are deployed."""

    demonstration: NotRequired[list[str]]
    """Datasets of the demonstration: their contracts, and the queries that read them, are deployed in dev and local
    only; empty: all are deployed everywhere."""


class StorageConfig(TypedDict):
    """The buckets and the ledger."""

    allow_destroy: NotRequired[bool]
    """Whether Pulumi may delete data; off, buckets, key and ledger are protected and kept on AWS. Default: true."""
    raw_locked_days: NotRequired[int]
    """A raw file that young can be deleted only by who may bypass governance (S3 Object Lock); empty: no lock.
    Producers must then send a checksum, as AWS's SDKs do. A lock cannot be taken off a bucket."""
    raw_to_infrequent_access_after_days: NotRequired[int]
    """Raw files that old move to Standard-IA; empty: never."""
    raw_to_glacier_after_days: NotRequired[int]
    """Raw files that old move to Glacier Instant Retrieval; empty: never."""
    raw_expires_after_days: NotRequired[int]
    """Raw files that old are deleted; empty: never."""
    quarantine_expires_after_days: NotRequired[int]
    """Rejected files and rows that old are deleted; empty: never."""
    noncurrent_versions_expire_after_days: NotRequired[int]
    """How long an overwritten or deleted object can be brought back. Default: 30."""
    query_results_expire_after_days: NotRequired[int]
    """How long Athena's results stay. Default: 7."""


class IngestionConfig(TypedDict):
    """From the landed file to its place in the ledger."""

    batch_size: NotRequired[int]
    """Messages one invocation gets at most. Default: 10."""
    batching_window_seconds: NotRequired[int]
    """How long Lambda collects messages before it invokes; a file waits as long. Default: 1."""
    max_concurrency: NotRequired[int]
    """Invocations side by side at most. Default: 10."""
    max_receive_count: NotRequired[int]
    """Tries before a message goes to the dead-letter queue. Default: 5."""


class FunctionConfig(TypedDict):
    """What one function may take."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 60."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 512."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class EtlTriggerConfig(TypedDict):
    """What etl_trigger may take."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 300."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 512."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class StageConfig(TypedDict):
    """What stage may take: it reads, checks and writes a small batch."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 900."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 3008."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class ProcessingConfig(TypedDict):
    """What processing may take: it copies a batch's files from staging to the table."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 900."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 1024."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class QueryConfig(TypedDict):
    """What query may take: it waits for Athena."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 300."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 512."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class ErrorHandlerConfig(TypedDict):
    """What error_handler may take."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 120."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 512."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class MaintenanceConfig(TypedDict):
    """What maintenance may take: it reads and writes the small files of tables."""

    timeout_seconds: NotRequired[int]
    """After that the invocation is killed. Default: 900."""
    memory_mb: NotRequired[int]
    """Memory; the processor share follows it. Default: 3008."""
    reserved_concurrency: NotRequired[int]
    """Invocations side by side at most; empty: what the account has."""


class FunctionsConfig(TypedDict):
    """The functions."""

    log_level: NotRequired[str]
    """What the functions log. Default: "INFO"."""
    ingestion: NotRequired[FunctionConfig]
    etl_trigger: NotRequired[EtlTriggerConfig]
    stage: NotRequired[StageConfig]
    processing: NotRequired[ProcessingConfig]
    query: NotRequired[QueryConfig]
    notification: NotRequired[FunctionConfig]
    error_handler: NotRequired[ErrorHandlerConfig]
    freshness: NotRequired[FunctionConfig]
    maintenance: NotRequired[MaintenanceConfig]
    lineage: NotRequired[FunctionConfig]
    slack: NotRequired[FunctionConfig]


class BatchesConfig(TypedDict):
    """When pending files become a batch, and how large it may get."""

    window_seconds: NotRequired[int]
    """Files of a dataset that land within that many seconds after its first pending one are one batch. Default: 10."""
    schedule_minutes: NotRequired[int]
    """Pending files that no tick brought into a batch are claimed this often. Default: 15."""
    schedule_enabled: NotRequired[bool]
    """Off: batches start by ticks and on demand only. Default: true."""
    max_files: NotRequired[int]
    """Files in one batch at most; the rest waits for the next. Default: 1000."""
    max_gigabytes: NotRequired[int]
    """Gigabytes to read in one batch at most, so that a run ends before its timeout; a gzipped file counts six
    times its size, a larger file is a batch of its own. Default: 20."""
    small_megabytes: NotRequired[int]
    """A batch with that many megabytes to read at most, unpacked, is staged by a function in seconds; a larger one
    by the Glue job in minutes. 0: all by the Glue job. Default: 256."""
    max_concurrent_per_dataset: NotRequired[int]
    """Batches of one dataset under way at most. Default: 1."""
    max_attempts: NotRequired[int]
    """Tries of a batch before it is FAILED and a person is called. Default: 3."""
    retry_seconds: NotRequired[int]
    """A batch that failed waits that long for its second try, twice as long for each further one, an hour at most.
    Default: 300."""


class GlueConfig(TypedDict):
    """The Spark job and the crawlers."""

    version: NotRequired[str]
    """The version of Glue that the job runs on. Default: "5.1"."""
    max_workers: NotRequired[int]
    """G.1X workers of one run at most (1 DPU each). Default: 10."""
    max_concurrent_runs: NotRequired[int]
    """Runs of all datasets side by side at most. Default: 5."""
    timeout_minutes: NotRequired[int]
    """A run that long is killed. Default: 60."""
    crawl_daily_at_utc: NotRequired[str]
    """Time of the crawlers' daily run; empty: none. Only datasets that ask for a crawler have one, and each run is
    billed for ten minutes at least."""


class AthenaConfig(TypedDict):
    """The queries."""

    scanned_bytes_cutoff_mb: NotRequired[int]
    """A query that scans more is cancelled. Default: 10000."""
    allow_free_sql: NotRequired[bool]
    """Whether the query function takes SQL, not only names of queries. Default: false."""


class WorkflowConfig(TypedDict):
    """The state machine."""

    timeout_minutes: NotRequired[int]
    """An execution that long is TIMED_OUT. Default: 180."""
    log_level: NotRequired[str]
    """Which events are logged. Default: "ALL"."""
    include_execution_data: NotRequired[bool]
    """Whether inputs and outputs of the states are logged. Default: true."""


class Subscription(TypedDict):
    """Someone who gets the messages of a topic."""

    name: NotRequired[str]
    """What the subscription is called; empty: after its endpoint, which then must not be a secret."""
    protocol: str
    """How the messages get there."""
    endpoint: str
    """An address or an ARN, as the protocol wants it; may be a Pulumi secret, as no other setting may."""


class MonitoringConfig(TypedDict):
    """Logs, alarms and who hears of them."""

    log_retention_days: NotRequired[int]
    """How long logs stay; never forever. Default: 14."""
    oldest_message_minutes: NotRequired[int]
    """A landed file that waits longer than that raises an alarm. Default: 15."""
    quarantined_percent: NotRequired[int]
    """A batch with more quarantined rows than that raises an alarm, in per cent. Default: 1."""
    freshness_grace_minutes: NotRequired[int]
    """How much later than its contract promises a batch may be published without an alarm. Default: 60."""
    dashboard: NotRequired[bool]
    """Whether there is a dashboard; it is billed like thirty alarms, after an account's first three. Default:
    false."""
    monthly_budget_dollars: NotRequired[int]
    """Whoever is called hears when the month costs more than that; empty: never."""
    alarm_subscriptions: NotRequired[list[Subscription]]
    """Who is called."""
    notification_subscriptions: NotRequired[list[Subscription]]
    """Who hears of published and refused batches."""
    slack_webhooks: NotRequired[dict[str, str]]
    """Incoming webhooks of the Slack channels that contracts name in `support`, by the channel's name: secrets,
    each set with pulumi config set --secret."""


class LineageConfig(TypedDict):
    """Events of OpenLineage about the batches."""

    enabled: NotRequired[bool]
    """Whether each batch's begin and end are told as OpenLineage events, kept in S3. Default: true."""
    url: NotRequired[str]
    """Whom they are posted to as well: the address of a service that takes OpenLineage events, like Marquez; https,
    or http on this machine; empty: nobody."""
    endpoint: NotRequired[str]
    """The path of its API, below lineage.url. Default: "api/v1/lineage"."""
    api_key_parameter: NotRequired[str]
    """A parameter of Systems Manager, a SecureString under the stack's key, with the API key that is sent as a
    bearer token; empty: none is."""


class VpcConfig(TypedDict):
    """A network for the functions and the job, without a way to the internet; AWS's services come to it."""

    cidr: NotRequired[str]
    """Its addresses, /16 to /24; a fourth of them for each zone."""
    availability_zones: list[str]
    """Where its subnets are, like eu-central-1a. Each costs nine interface endpoints an hour."""


class SecurityConfig(TypedDict):
    """The key, the account and the bounds of the roles."""

    account_id: NotRequired[str]
    """The only account that this stack may be deployed to; empty: any."""
    key_deletion_window_days: NotRequired[int]
    """How long a deleted key can be brought back. Default: 7."""
    permissions_boundary_arn: NotRequired[str]
    """Permissions boundary of every role; empty: none."""
    vpc: NotRequired[VpcConfig]
    """A network of the pipeline's own; empty: functions and job run outside of any."""


class PipelineConfig(TypedDict):
    """Everything that differs between environments."""

    environment: str
    """Which rules the stack keeps. Resources are named after the stack; one with the rules of staging or prod is
    called so, or begins with that name and a hyphen."""
    datasets: NotRequired[DatasetsConfig]
    storage: NotRequired[StorageConfig]
    ingestion: NotRequired[IngestionConfig]
    functions: NotRequired[FunctionsConfig]
    batches: NotRequired[BatchesConfig]
    glue: NotRequired[GlueConfig]
    athena: NotRequired[AthenaConfig]
    workflow: NotRequired[WorkflowConfig]
    monitoring: NotRequired[MonitoringConfig]
    lineage: NotRequired[LineageConfig]
    security: NotRequired[SecurityConfig]
    tags: NotRequired[dict[str, str]]
    """Further tags of every resource, 6 at most: an S3 object takes ten, the program's too."""
