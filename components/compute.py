"""What runs code: the functions and the Spark job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components import packaging
from components.iam import Place, Statement, allow, allow_unscoped, tracing
from components.network import Network, vpc_config
from components.security import EncryptionKey, ServiceRole, ServiceRoleArgs
from components.storage import Zone
from config import FunctionConfig

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
ASYNC_EVENT_AGE_SECONDS = 3_600
ASYNC_RETRIES = 2
WORKER_TYPE = "G.1X"


def metrics_namespace(stack: str) -> str:
    """Name where a stack's metrics are: stacks may share an account, and alarms must not."""
    return f"DataPipeline/{stack}"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What every function and job of the environment has in common."""

    stack: str
    place: Place
    key: EncryptionKey
    log_retention_days: int
    log_level: str
    permissions_boundary_arn: str | None
    # None: functions and job run outside of any network of ours.
    network: Network | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineFunctionArgs:
    """One function: its code's name, its limits, its environment and its permissions."""

    function: str
    config: FunctionConfig
    surroundings: Surroundings
    variables: Mapping[str, Input[str]]
    statements: Sequence[Statement]
    # Where events of asynchronous calls go that failed for good; empty for functions that are called directly.
    failed_events_arn: Input[str] | None = None


class PipelineFunction(pulumi.ComponentResource):
    """One function with its own role and its own encrypted, expiring logs."""

    function: aws.lambda_.Function
    log_group: aws.cloudwatch.LogGroup
    role: ServiceRole

    def __init__(self, name: str, args: PipelineFunctionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:PipelineFunction", name, None, opts)
        child = ResourceOptions(parent=self)
        around = args.surroundings
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/data-pipeline-{around.stack}-{args.function.replace('_', '-')}",
            retention_in_days=around.log_retention_days,
            kms_key_id=around.key.key.arn,
            opts=child,
        )
        self.role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="lambda.amazonaws.com",
                account=around.place.account,
                statements=[
                    *args.statements,
                    write_logs(self.log_group),
                    tracing(),
                    # Lambda decrypts the function's environment with the function's own role.
                    around.key.decrypt("lambda"),
                    *(around.network.let_function_in() if around.network else []),
                ],
                permissions_boundary_arn=around.permissions_boundary_arn,
            ),
            child,
        )
        self.function = aws.lambda_.Function(
            name,
            role=self.role.role.arn,
            # All that the function imports: one call changes it, and no code runs with libraries of another deployment.
            code=pulumi.FileArchive(str(packaging.build_function(args.function))),
            handler=f"lambdas.{args.function}.handler.handler",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            timeout=args.config.timeout_seconds,
            memory_size=args.config.memory_mb,
            reserved_concurrent_executions=args.config.reserved_concurrency,
            environment={
                "variables": {
                    "POWERTOOLS_SERVICE_NAME": args.function,
                    "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(around.stack),
                    "POWERTOOLS_LOG_LEVEL": around.log_level,
                    **args.variables,
                }
            },
            kms_key_arn=around.key.key.arn,
            vpc_config=vpc_config(around.network),
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "log_group": self.log_group.name,
                # With JSON Lambda has a level of its own, INFO unless it is told, and Powertools obeys that one first.
                "application_log_level": around.log_level,
            },
            opts=ResourceOptions(parent=self, depends_on=[self.role.policy]),
        )
        if args.failed_events_arn is not None:
            aws.lambda_.FunctionEventInvokeConfig(
                f"{name}-async",
                function_name=self.function.name,
                maximum_event_age_in_seconds=ASYNC_EVENT_AGE_SECONDS,
                maximum_retry_attempts=ASYNC_RETRIES,
                destination_config={"on_failure": {"destination": args.failed_events_arn}},
                opts=child,
            )
        self.register_outputs({"name": self.function.name})

    def invoke(self) -> Statement:
        """Let another function's role call this one."""
        return allow(["lambda:InvokeFunction"], [self.function.arn])


def write_logs(*groups: aws.cloudwatch.LogGroup) -> Statement:
    """Let a role write to log groups that exist already."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [Output.concat(group.arn, ":*") for group in groups])


@dataclass(frozen=True, kw_only=True)
class GlueSecurityArgs:
    """What Glue encrypts with."""

    kms_key_arn: Input[str]


class GlueSecurity(pulumi.ComponentResource):
    """Has Glue encrypt its output, its logs and its bookmarks with the environment's key."""

    configuration: aws.glue.SecurityConfiguration

    def __init__(self, name: str, args: GlueSecurityArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:GlueSecurity", name, None, opts)
        self.configuration = aws.glue.SecurityConfiguration(
            name,
            encryption_configuration={
                "cloudwatch_encryption": {
                    "cloudwatch_encryption_mode": "SSE-KMS",
                    "kms_key_arn": args.kms_key_arn,
                },
                "job_bookmarks_encryption": {
                    "job_bookmarks_encryption_mode": "CSE-KMS",
                    "kms_key_arn": args.kms_key_arn,
                },
                "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": args.kms_key_arn},
            },
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"name": self.configuration.name})


@dataclass(frozen=True, kw_only=True)
class SparkJobArgs:
    """The job's limits and what it may touch."""

    surroundings: Surroundings
    security_configuration: Input[str]
    artifacts: Zone
    statements: Sequence[Statement]
    glue_version: str
    max_workers: int
    max_concurrent_runs: int
    timeout_minutes: int


class SparkJob(pulumi.ComponentResource):
    """The Glue job raw_to_curated, with its code in the artifacts bucket and expiring logs."""

    job: aws.glue.Job
    role: ServiceRole
    log_groups: Sequence[aws.cloudwatch.LogGroup]

    def __init__(self, name: str, args: SparkJobArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:SparkJob", name, None, opts)
        child = ResourceOptions(parent=self)
        around = args.surroundings
        # Without the slash, what is granted for `dev` would be for `dev-x` too.
        prefix = f"/aws-glue/data-pipeline-{around.stack}"
        self.role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="glue.amazonaws.com",
                account=around.place.account,
                statements=[
                    *args.statements,
                    *glue_logs(around.place, f"{prefix}/"),
                    *(around.network.let_job_in() if around.network else []),
                    allow_unscoped(["cloudwatch:PutMetricData"], {"StringEquals": {"cloudwatch:namespace": "Glue"}}),
                ],
                permissions_boundary_arn=around.permissions_boundary_arn,
            ),
            child,
        )
        # Glue 5 makes the names of these two; a group that it makes itself would keep its logs forever.
        self.log_groups = [
            aws.cloudwatch.LogGroup(
                f"{name}-{stream}-logs",
                name=Output.concat(
                    prefix, "/", args.security_configuration, "-role/", self.role.role.name, f"/{stream}"
                ),
                retention_in_days=around.log_retention_days,
                kms_key_id=around.key.key.arn,
                opts=child,
            )
            for stream in ("output", "error")
        ]
        script = _upload(f"{name}-script", "raw_to_curated.py", packaging.glue_script(), args, child)
        libraries = _upload(f"{name}-libraries", "libraries.zip", packaging.build_glue_libraries(), args, child)
        self.job = aws.glue.Job(
            name,
            role_arn=self.role.role.arn,
            glue_version=args.glue_version,
            command={
                "name": "glueetl",
                "python_version": "3",
                "script_location": _address(script),
            },
            worker_type=WORKER_TYPE,
            # A run names its own number; with auto scaling this is the most that a run without one takes.
            number_of_workers=args.max_workers,
            timeout=args.timeout_minutes,
            # The state machine repeats runs: it knows which failures are worth it.
            max_retries=0,
            execution_property={"max_concurrent_runs": args.max_concurrent_runs},
            security_configuration=args.security_configuration,
            connections=[connection.name for connection in around.network.connections] if around.network else None,
            default_arguments={
                "--job-language": "python",
                "--job-bookmark-option": "job-bookmark-disable",
                "--extra-py-files": _address(libraries),
                "--custom-logGroup-prefix": prefix,
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                "--enable-continuous-cloudwatch-log": "true",
                "--enable-auto-scaling": "true",
                # Glue 5.1 reads S3 through S3A, which asks us-east-2 for every bucket unless it is told the region:
                # a detour, and in a VPC a timeout (AWS Glue, "Migrating from AWS Glue 5.0 to 5.1", 2026-11).
                "--conf": Output.concat("spark.hadoop.fs.s3a.endpoint.region=", around.place.region),
            },
            opts=ResourceOptions(parent=self, depends_on=[self.role.policy, script, libraries, *self.log_groups]),
        )
        self.register_outputs({"name": self.job.name})


def failed_run_pattern(job_name: Input[str]) -> dict[str, object]:
    """Match the runs of a job that ended badly; those that a person stopped are none of them."""
    return {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"jobName": [job_name], "state": ["FAILED", "TIMEOUT"]},
    }


def glue_logs(place: Place, prefix: str) -> list[Statement]:
    """Let a Glue role write logs under `prefix`; Glue adds the security configuration and the role to the name."""
    groups = place.arn("logs", f"log-group:{prefix}*")
    return [
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [groups]),
        # Glue sets the key of the security configuration on its log groups itself.
        allow(["logs:AssociateKmsKey"], [groups]),
    ]


def _upload(name: str, file: str, path: Path, args: SparkJobArgs, child: ResourceOptions) -> aws.s3.BucketObjectv2:
    """Put a file of the job under a key of its content: one UpdateJob changes to new script and libraries at once.

    What it replaces stays: a run under way reads it, with auto scaling until its end, whenever a worker joins.
    """
    return aws.s3.BucketObjectv2(
        name,
        bucket=args.artifacts.bucket.bucket,
        key=f"glue/{packaging.digest(path)}/{file}",
        source=pulumi.FileAsset(str(path)),
        kms_key_id=args.surroundings.key.key.arn,
        opts=ResourceOptions.merge(
            child, ResourceOptions(depends_on=[args.artifacts.encryption], retain_on_delete=True)
        ),
    )


def _address(uploaded: aws.s3.BucketObjectv2) -> Output[str]:
    return Output.concat("s3://", uploaded.bucket, "/", uploaded.key)
