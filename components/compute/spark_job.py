"""The Spark job on Glue, with its code, its logs and its security configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.compute import packaging
from components.context import StackContext
from components.security.iam import Statement, allow_unscoped, glue_logs
from components.security.role import ServiceRole, ServiceRoleArgs
from components.storage.zone import Zone
from config.model import GlueConfig

WORKER_TYPE = "G.1X"


@dataclass(frozen=True, kw_only=True)
class GlueSecurityArgs:
    """What Glue encrypts with."""

    kms_key_arn: Input[str]


class GlueSecurity(pulumi.ComponentResource):
    """Has Glue encrypt its output, its logs and its bookmarks with the environment's key.

    Example:
        security = GlueSecurity("glue", GlueSecurityArgs(kms_key_arn=key.arn))
    """

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

    context: StackContext
    security_configuration: Input[str]
    artifacts: Zone
    statements: Sequence[Statement]
    settings: GlueConfig


class SparkJob(pulumi.ComponentResource):
    """The Glue job raw_to_curated, with its code in the artifacts bucket and expiring logs.

    Example:
        job = SparkJob(
            "raw-to-curated",
            SparkJobArgs(
                context=context,
                security_configuration=security.configuration.name,
                artifacts=storage.artifacts,
                statements=permissions.spark_job(context, storage),
                settings=GlueConfig(),
            ),
        )
    """

    job: aws.glue.Job
    role: ServiceRole
    log_groups: Sequence[aws.cloudwatch.LogGroup]

    def __init__(self, name: str, args: SparkJobArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:SparkJob", name, None, opts)
        child = ResourceOptions(parent=self)
        context = args.context
        # Without the slash, what is granted for `dev` would be for `dev-x` too.
        prefix = f"/aws-glue/data-pipeline-{context.stack}"
        self.role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="glue.amazonaws.com",
                account=context.location.account,
                statements=[
                    *args.statements,
                    *glue_logs(context.location, f"{prefix}/"),
                    *(context.network.let_job_in() if context.network else []),
                    allow_unscoped(["cloudwatch:PutMetricData"], {"StringEquals": {"cloudwatch:namespace": "Glue"}}),
                ],
                permissions_boundary_arn=context.permissions_boundary_arn,
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
                retention_in_days=context.log_retention_days,
                kms_key_id=context.key.key.arn,
                opts=child,
            )
            for stream in ("output", "error")
        ]
        script = _upload(f"{name}-script", "raw_to_curated.py", packaging.glue_script(), args, child)
        libraries = _upload(f"{name}-libraries", "libraries.zip", packaging.build_glue_libraries(), args, child)
        self.job = aws.glue.Job(
            name,
            role_arn=self.role.role.arn,
            glue_version=args.settings.version,
            command={
                "name": "glueetl",
                "python_version": "3",
                "script_location": _address(script),
            },
            worker_type=WORKER_TYPE,
            # A run names its own number; with auto scaling this is the most that a run without one takes.
            number_of_workers=args.settings.max_workers,
            timeout=args.settings.timeout_minutes,
            # The state machine repeats runs: it knows which failures are worth it.
            max_retries=0,
            execution_property={"max_concurrent_runs": args.settings.max_concurrent_runs},
            security_configuration=args.security_configuration,
            connections=[connection.name for connection in context.network.connections] if context.network else None,
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
                "--conf": Output.concat("spark.hadoop.fs.s3a.endpoint.region=", context.location.region),
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


def _upload(name: str, file: str, path: Path, args: SparkJobArgs, child: ResourceOptions) -> aws.s3.BucketObjectv2:
    """Put a file of the job under a key of its content: one UpdateJob changes to new script and libraries at once.

    What it replaces stays: a run under way reads it, with auto scaling until its end, whenever a worker joins.
    """
    return aws.s3.BucketObjectv2(
        name,
        bucket=args.artifacts.bucket.bucket,
        key=f"glue/{packaging.digest(path)}/{file}",
        source=pulumi.FileAsset(str(path)),
        kms_key_id=args.context.key.key.arn,
        opts=ResourceOptions.merge(
            child, ResourceOptions(depends_on=[args.artifacts.encryption], retain_on_delete=True)
        ),
    )


def _address(uploaded: aws.s3.BucketObjectv2) -> Output[str]:
    return Output.concat("s3://", uploaded.bucket, "/", uploaded.key)
