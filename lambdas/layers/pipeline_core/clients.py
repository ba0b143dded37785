"""AWS clients, one of a kind for all calls of a process.

Making one takes 5 to 30 ms of a CPU (measured with boto3 1.x, 2026-11), of which a function has one at 1,769 MB (AWS,
"Configure Lambda function memory", 2026-11), and each has connections of its own, which it opens anew.

    clients.s3().put_object(Bucket=bucket, Key=key, Body=content)
"""

from functools import cache
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


@cache
def athena() -> "AthenaClient":
    """Athena."""
    return boto3.client("athena")


@cache
def events() -> "EventBridgeClient":
    """EventBridge."""
    return boto3.client("events")


@cache
def functions() -> "LambdaClient":
    """Lambda."""
    return boto3.client("lambda")


@cache
def glue() -> "GlueClient":
    """The Glue Data Catalog."""
    return boto3.client("glue")


@cache
def s3() -> "S3Client":
    """S3."""
    return boto3.client("s3")


@cache
def sns() -> "SNSClient":
    """SNS."""
    return boto3.client("sns")


@cache
def sqs() -> "SQSClient":
    """SQS."""
    return boto3.client("sqs")


@cache
def table(name: str) -> "Table":
    """A table of DynamoDB."""
    return boto3.resource("dynamodb").Table(name)


@cache
def workflows() -> "SFNClient":
    """Step Functions."""
    return boto3.client("stepfunctions")


def forget() -> None:
    """Make all of them anew when they are asked for: what AWS is, or who asks, is another one now."""
    for made in (athena, events, functions, glue, s3, sns, sqs, table, workflows):
        made.cache_clear()
