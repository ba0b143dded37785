"""The stack configuration: one frozen tree, refused as a whole before the first resource.

Everything stands under the key ``data-pipeline:settings`` of ``Pulumi.<stack>.yaml``. A default is written
once, here, and is right for a development environment; the stack files show only what differs.
"""

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints

from config.violations import Means

HOLDS_SECRETS = "holds_secrets"
REGION = "region"
STACK = "stack"

Environment = Literal["local", "dev", "staging", "prod"]
DEMONSTRATING: tuple[Environment, ...] = ("local", "dev")
"""Environments with the demonstration's datasets."""
ENVIRONMENTS: tuple[str, ...] = get_args(Environment)
CALLED_SO = ("staging", "prod")
"""Environments whose stacks are known by their names, so that nobody takes one for another."""
STACK_NAME = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Names become parts of physical names: of databases, where a hyphen becomes `_`, and of patterns that end in one."""
OWN_TAGS = ("Project", "Environment", "Stack", "ManagedBy")
# S3 takes ten tags of an object, other services fifty (S3 user guide, object tagging, 2026-11), and the provider puts
# its default tags on objects, too. That override_provider leaves them off cannot be relied on: where an object is
# changed, they come back (issues 41747 and 45381 of terraform-provider-aws, open on 2026-11-26).
MOST_TAGS = 10 - len(OWN_TAGS)
# YAML's true and false only: "no" in quotes is a text, and 1 a number.
Switch = Annotated[bool, Field(strict=True), Means("true or false, without quotes")]

# What AWS accepts, each limit once.
FunctionSeconds = Annotated[int, Field(strict=True, ge=1, le=900)]
FunctionMegabytes = Annotated[int, Field(strict=True, ge=128, le=10_240)]
ReservedConcurrency = Annotated[int, Field(strict=True, ge=1, le=1_000)]
QueueBatchSize = Annotated[int, Field(strict=True, ge=1, le=10_000)]
BatchingWindowSeconds = Annotated[int, Field(strict=True, ge=0, le=300)]
# SQS event sources accept two and more, never one.
EventSourceConcurrency = Annotated[int, Field(strict=True, ge=2, le=1_000)]
ReceiveCount = Annotated[int, Field(strict=True, ge=1, le=1_000)]
# S3 moves nothing to Standard-IA before it is 30 days old.
InfrequentAccessDays = Annotated[int, Field(strict=True, ge=30, le=3_650)]
LifecycleDays = Annotated[int, Field(strict=True, ge=1, le=3_650)]
GlueWorkers = Annotated[int, Field(strict=True, ge=2, le=299)]
# One day: the longest that one batch may hold a dataset up.
Minutes = Annotated[int, Field(strict=True, ge=1, le=1_440)]
# Athena accepts no cutoff under ten megabytes; ten terabytes is a bill of about fifty dollars.
ScanMegabytes = Annotated[int, Field(strict=True, ge=10, le=10_000_000)]
KeyDeletionDays = Annotated[int, Field(strict=True, ge=7, le=30)]
# The values CloudWatch Logs knows, without its "never expire".
LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"),
    # YAML takes 12:30 without quotes for a number, in base sixty.
    Means("a time of day as 'HH:MM', UTC, in quotes"),
]
AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$"), Means("an account's twelve digits, in quotes")]
PolicyArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$"),
    Means("the ARN of an IAM policy, like arn:aws:iam::111122223333:policy/boundary"),
]
SubscriptionName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$"),
    Means("a letter and up to 62 more letters, digits and -, all of them small"),
]
SlackChannel = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_-]{0,79}$"),
    Means("a Slack channel's name without #: up to 80 small letters, digits, - and _; all else in it is -"),
]
SlackWebhook = Annotated[str, StringConstraints(min_length=1, max_length=2_048)]
ZoneName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-\d{1,2}[a-z]$"),
    Means("an availability zone, like eu-central-1a"),
]
TagText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[\w .:/=+@-]+$"),
    Means("a tag's name: up to 128 letters, digits, spaces and any of _ . : / = + @ -"),
]
TagValue = Annotated[
    str,
    StringConstraints(max_length=256, pattern=r"^[\w .:/=+@-]*$"),
    Means("a text of up to 256 letters, digits, spaces and any of _ . : / = + @ -, a number in quotes"),
]
DatasetName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$"), Means("a dataset's name, as its contract says it")
]
ReceiverUrl = Annotated[
    str,
    # A user in it would be a secret in plain sight; http to elsewhere would show the API key to whoever listens.
    StringConstraints(
        max_length=2_048,
        pattern=r"^(https://[^\s/@?#]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)(/[^\s?#]*)?$",
    ),
    Means(
        "an address that starts with https://, or with http://127.0.0.1 or http://localhost, without a user, a "
        "question mark or a hash in it"
    ),
]
EndpointPath = Annotated[
    str,
    StringConstraints(max_length=512, pattern=r"^[\w.~-][\w.~/-]*$"),
    Means("a path without a slash at its beginning, of letters, digits and any of _ . ~ - /"),
]
ParameterName = Annotated[
    str,
    StringConstraints(max_length=512, pattern=r"^(/[\w.-]+){1,15}$"),
    Means("the name of a parameter of Systems Manager with its path, like /data-pipeline/dev/lineage-api-key"),
]
Cidr = Annotated[IPv4Network, Means("a range of private addresses, /16 to /24, like 10.64.0.0/20")]


class Section(BaseModel):
    """A part of the tree: nothing unknown gets in, nothing changes afterwards.

    A default belongs to the field of the section itself, never to an instance that is another section's default:
    pydantic drops that instance as soon as a stack file names one of its fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetsConfig(Section):
    """Which of the contracts are deployed."""

    demonstration: tuple[DatasetName, ...] = Field(
        default=("airlines", "airports", "fleet", "flights", "planes", "weather"),
        description="Datasets of the demonstration: their contracts, and the queries that read them, are deployed in "
        "dev and local only; empty: all are deployed everywhere.",
    )


class StorageConfig(Section):
    """The buckets and the ledger."""

    allow_destroy: Switch = Field(
        default=True,
        description="Whether Pulumi may delete data; off, buckets, key and ledger are protected and kept on AWS.",
    )
    raw_locked_days: LifecycleDays | None = Field(
        default=None,
        description="A raw file that young can be deleted only by who may bypass governance (S3 Object Lock); "
        "empty: no lock. Producers must then send a checksum, as AWS's SDKs do. A lock cannot be taken off a bucket.",
    )
    raw_to_infrequent_access_after_days: InfrequentAccessDays | None = Field(
        default=None, description="Raw files that old move to Standard-IA; empty: never."
    )
    raw_to_glacier_after_days: LifecycleDays | None = Field(
        default=None, description="Raw files that old move to Glacier Instant Retrieval; empty: never."
    )
    raw_expires_after_days: LifecycleDays | None = Field(
        default=None, description="Raw files that old are deleted; empty: never."
    )
    quarantine_expires_after_days: LifecycleDays | None = Field(
        default=None, description="Rejected files and rows that old are deleted; empty: never."
    )
    noncurrent_versions_expire_after_days: LifecycleDays = Field(
        default=30, description="How long an overwritten or deleted object can be brought back."
    )
    query_results_expire_after_days: LifecycleDays = Field(default=7, description="How long Athena's results stay.")


class IngestionConfig(Section):
    """From the landed file to its place in the ledger."""

    batch_size: QueueBatchSize = Field(default=10, description="Messages one invocation gets at most.")
    batching_window_seconds: BatchingWindowSeconds = Field(
        default=1, description="How long Lambda collects messages before it invokes; a file waits as long."
    )
    max_concurrency: EventSourceConcurrency = Field(default=10, description="Invocations side by side at most.")
    max_receive_count: ReceiveCount = Field(
        default=5, description="Tries before a message goes to the dead-letter queue."
    )


def _seconds(default: int) -> Any:
    return Field(default=default, description="After that the invocation is killed.")


def _megabytes(default: int) -> Any:
    return Field(default=default, description="Memory; the processor share follows it.")


class FunctionConfig(Section):
    """What one function may take."""

    timeout_seconds: FunctionSeconds = _seconds(60)
    memory_mb: FunctionMegabytes = _megabytes(512)
    reserved_concurrency: ReservedConcurrency | None = Field(
        default=None, description="Invocations side by side at most; empty: what the account has."
    )


class EtlTriggerConfig(FunctionConfig):
    """What etl_trigger may take."""

    timeout_seconds: FunctionSeconds = _seconds(300)


class StageConfig(FunctionConfig):
    """What stage may take: it reads, checks and writes a small batch."""

    timeout_seconds: FunctionSeconds = _seconds(900)
    # New accounts have no more (Lambda quotas, 2026-11); two processors come with 1,769 MB each.
    memory_mb: FunctionMegabytes = _megabytes(3_008)


class ProcessingConfig(FunctionConfig):
    """What processing may take: it copies a batch's files from staging to the table."""

    timeout_seconds: FunctionSeconds = _seconds(900)
    memory_mb: FunctionMegabytes = _megabytes(1_024)


class QueryConfig(FunctionConfig):
    """What query may take: it waits for Athena."""

    timeout_seconds: FunctionSeconds = _seconds(300)


class MaintenanceConfig(FunctionConfig):
    """What maintenance may take: it reads and writes the small files of tables."""

    timeout_seconds: FunctionSeconds = _seconds(900)
    memory_mb: FunctionMegabytes = _megabytes(3_008)


class ErrorHandlerConfig(FunctionConfig):
    """What error_handler may take."""

    timeout_seconds: FunctionSeconds = _seconds(120)


class FunctionsConfig(Section):
    """The functions."""

    # Lambda takes lines without a level for INFO, metrics and uncaught errors among them, and drops what is below the
    # level: with WARNING every alarm on our metrics would be blind (AWS Lambda guide, "Log-level filtering", 2026-11).
    log_level: Literal["DEBUG", "INFO"] = Field(default="INFO", description="What the functions log.")
    ingestion: FunctionConfig = FunctionConfig()
    etl_trigger: EtlTriggerConfig = EtlTriggerConfig()
    stage: StageConfig = StageConfig()
    processing: ProcessingConfig = ProcessingConfig()
    query: QueryConfig = QueryConfig()
    notification: FunctionConfig = FunctionConfig()
    error_handler: ErrorHandlerConfig = ErrorHandlerConfig()
    freshness: FunctionConfig = FunctionConfig()
    maintenance: MaintenanceConfig = MaintenanceConfig()
    lineage: FunctionConfig = FunctionConfig()
    slack: FunctionConfig = FunctionConfig()


class BatchesConfig(Section):
    """When pending files become a batch, and how large it may get."""

    window_seconds: Annotated[int, Field(strict=True, ge=0, le=600)] = Field(
        default=10,
        description="Files of a dataset that land within that many seconds after its first pending one are one batch.",
    )
    schedule_minutes: Minutes = Field(
        default=15, description="Pending files that no tick brought into a batch are claimed this often."
    )
    schedule_enabled: Switch = Field(default=True, description="Off: batches start by ticks and on demand only.")
    max_files: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=1_000, description="Files in one batch at most; the rest waits for the next."
    )
    max_gigabytes: Annotated[int, Field(strict=True, ge=1, le=1_000)] = Field(
        default=20,
        description="Gigabytes to read in one batch at most, so that a run ends before its timeout; a gzipped file "
        "counts six times its size, a larger file is a batch of its own.",
    )
    small_megabytes: Annotated[int, Field(strict=True, ge=0, le=2_000)] = Field(
        default=256,
        description="A batch with that many megabytes to read at most, unpacked, is staged by a function in seconds; a "
        "larger one by the Glue job in minutes. 0: all by the Glue job.",
    )
    max_concurrent_per_dataset: Annotated[int, Field(strict=True, ge=1, le=10)] = Field(
        default=1, description="Batches of one dataset under way at most."
    )
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=10)] = Field(
        default=3, description="Tries of a batch before it is FAILED and a person is called."
    )
    retry_seconds: Annotated[int, Field(strict=True, ge=1, le=3_600)] = Field(
        default=300,
        description="A batch that failed waits that long for its second try, twice as long for each further one, an "
        "hour at most.",
    )


class GlueConfig(Section):
    """The Spark job and the crawlers."""

    # Both have Spark 3.5, Python 3.11 and Java 17, which the job needs (AWS Glue release notes, 2026-11).
    version: Literal["5.0", "5.1"] = Field(default="5.1", description="The version of Glue that the job runs on.")

    max_workers: GlueWorkers = Field(default=10, description="G.1X workers of one run at most (1 DPU each).")
    max_concurrent_runs: Annotated[int, Field(strict=True, ge=1, le=200)] = Field(
        default=5, description="Runs of all datasets side by side at most."
    )
    timeout_minutes: Minutes = Field(default=60, description="A run that long is killed.")
    crawl_daily_at_utc: TimeOfDay | None = Field(
        default=None,
        description="Time of the crawlers' daily run; empty: none. Only datasets that ask for a crawler have one, and "
        "each run is billed for ten minutes at least.",
    )


class AthenaConfig(Section):
    """The queries."""

    scanned_bytes_cutoff_mb: ScanMegabytes = Field(default=10_000, description="A query that scans more is cancelled.")
    allow_free_sql: Switch = Field(
        default=False, description="Whether the query function takes SQL, not only names of queries."
    )


class WorkflowConfig(Section):
    """The state machine."""

    timeout_minutes: Minutes = Field(default=180, description="An execution that long is TIMED_OUT.")
    log_level: Literal["ALL", "ERROR", "FATAL"] = Field(default="ALL", description="Which events are logged.")
    include_execution_data: Switch = Field(
        default=True, description="Whether inputs and outputs of the states are logged."
    )


class Subscription(Section):
    """Someone who gets the messages of a topic."""

    name: SubscriptionName | None = Field(
        default=None,
        description="What the subscription is called; empty: after its endpoint, which then must not be a secret.",
    )
    protocol: Literal["email", "email-json", "https", "sqs", "lambda"] = Field(
        description="How the messages get there."
    )
    endpoint: Annotated[str, StringConstraints(min_length=3, max_length=2_048)] = Field(
        description="An address or an ARN, as the protocol wants it; may be a Pulumi secret, as no other setting may."
    )

    @property
    def label(self) -> str:
        """What tells it from the topic's others."""
        return self.name or f"{self.protocol}-{self.endpoint}"


class MonitoringConfig(Section):
    """Logs, alarms and who hears of them."""

    log_retention_days: LogRetentionDays = Field(default=14, description="How long logs stay; never forever.")
    oldest_message_minutes: Minutes = Field(
        default=15, description="A landed file that waits longer than that raises an alarm."
    )
    quarantined_percent: Annotated[int, Field(strict=True, ge=0, le=99)] = Field(
        default=1, description="A batch with more quarantined rows than that raises an alarm, in per cent."
    )
    freshness_grace_minutes: Minutes = Field(
        default=60, description="How much later than its contract promises a batch may be published without an alarm."
    )
    dashboard: Switch = Field(
        default=False,
        description="Whether there is a dashboard; it is billed like thirty alarms, after an account's first three.",
    )
    monthly_budget_dollars: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None, description="Whoever is called hears when the month costs more than that; empty: never."
    )
    alarm_subscriptions: tuple[Subscription, ...] = Field(default=(), description="Who is called.")
    notification_subscriptions: tuple[Subscription, ...] = Field(
        default=(), description="Who hears of published and refused batches."
    )
    slack_webhooks: dict[SlackChannel, SlackWebhook] = Field(
        default_factory=dict,
        description="Incoming webhooks of the Slack channels that contracts name in `support`, by the channel's name: "
        "secrets, each set with pulumi config set --secret.",
    )


class LineageConfig(Section):
    """Events of OpenLineage about the batches."""

    enabled: Switch = Field(
        default=True, description="Whether each batch's begin and end are told as OpenLineage events, kept in S3."
    )
    url: ReceiverUrl | None = Field(
        default=None,
        description="Whom they are posted to as well: the address of a service that takes OpenLineage events, like "
        "Marquez; https, or http on this machine; empty: nobody.",
    )
    endpoint: EndpointPath = Field(default="api/v1/lineage", description="The path of its API, below lineage.url.")
    api_key_parameter: ParameterName | None = Field(
        default=None,
        description="A parameter of Systems Manager, a SecureString under the stack's key, with the API key that is "
        "sent as a bearer token; empty: none is.",
    )


class VpcConfig(Section):
    """A network for the functions and the job, without a way to the internet; AWS's services come to it."""

    cidr: Cidr = Field(
        default=IPv4Network("10.64.0.0/20"), description="Its addresses, /16 to /24; a fourth of them for each zone."
    )
    availability_zones: Annotated[tuple[ZoneName, ...], Field(min_length=1, max_length=3)] = Field(
        description="Where its subnets are, like eu-central-1a. Each costs nine interface endpoints an hour."
    )


class SecurityConfig(Section):
    """The key, the account and the bounds of the roles."""

    account_id: AccountId | None = Field(
        default=None, description="The only account that this stack may be deployed to; empty: any."
    )
    key_deletion_window_days: KeyDeletionDays = Field(
        default=7, description="How long a deleted key can be brought back."
    )
    permissions_boundary_arn: PolicyArn | None = Field(
        default=None, description="Permissions boundary of every role; empty: none."
    )
    vpc: VpcConfig | None = Field(
        default=None, description="A network of the pipeline's own; empty: functions and job run outside of any."
    )


class PipelineConfig(Section):
    """Everything that differs between environments."""

    environment: Environment = Field(
        description="Which rules the stack keeps. Resources are named after the stack; one with the rules of "
        "staging or prod is called so, or begins with that name and a hyphen."
    )
    datasets: DatasetsConfig = DatasetsConfig()
    storage: StorageConfig = StorageConfig()
    ingestion: IngestionConfig = IngestionConfig()
    functions: FunctionsConfig = FunctionsConfig()
    batches: BatchesConfig = BatchesConfig()
    glue: GlueConfig = GlueConfig()
    athena: AthenaConfig = AthenaConfig()
    workflow: WorkflowConfig = WorkflowConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    lineage: LineageConfig = LineageConfig()
    security: SecurityConfig = SecurityConfig()
    tags: dict[TagText, TagValue] = Field(
        default_factory=dict,
        # For editors; config/rules.py refuses more, and says why.
        json_schema_extra={"maxProperties": MOST_TAGS},
        description=f"Further tags of every resource, {MOST_TAGS} at most: an S3 object takes ten, the program's too.",
    )
    _holds_secrets: bool = PrivateAttr(default=False)
    _region: str | None = PrivateAttr(default=None)
    _stack: str | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Keep what only the caller knows."""
        self._holds_secrets = bool(context and context.get(HOLDS_SECRETS))
        self._region = context.get(REGION) if context else None
        self._stack = context.get(STACK) if context else None

    @property
    def holds_secrets(self) -> bool:
        """Whether one of the values is a Pulumi secret; Pulumi does not say which."""
        return self._holds_secrets

    @property
    def region(self) -> str | None:
        """What the stack file says under ``aws:region``, if that is known."""
        return self._region

    @property
    def stack(self) -> str:
        """What the stack is called, which its physical names come from; the environment is only its rules."""
        return self._stack or self.environment

    @property
    def withheld_datasets(self) -> frozenset[str]:
        """Datasets whose contracts are in the repository and not deployed here."""
        return frozenset() if self.environment in DEMONSTRATING else frozenset(self.datasets.demonstration)
