"""What is not there: who may list the bucket hears so, who may not hears nothing but a refusal, as on AWS."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.emulator import REGION, Emulator
from recording.decisions import denials
from tests.integration.local.conftest import allow, policy

OBJECTS = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
Client = Callable[..., Any]


@pytest.fixture
def client(emulator: Emulator, bucket: str) -> Client:
    """An S3 client of a user with the given statements beside those on the objects."""

    def make(*statements: dict[str, Any]) -> Any:
        iam = emulator.client("iam")
        iam.create_user(UserName=bucket)
        objects = allow(OBJECTS, f"arn:aws:s3:::{bucket}/*")
        iam.put_user_policy(UserName=bucket, PolicyName="p", PolicyDocument=policy(objects, *statements))
        key = iam.create_access_key(UserName=bucket)["AccessKey"]
        return boto3.client(
            "s3",
            endpoint_url=emulator.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return make


def answers(emulator: Emulator, client: Any, bucket: str) -> list[str]:
    """What five requests for something that is gone are answered with."""
    root = emulator.client("s3")
    root.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = root.put_object(Bucket=bucket, Key="there", Body=b"x")["VersionId"]
    root.put_object(Bucket=bucket, Key="there", Body=b"y")
    root.delete_object(Bucket=bucket, Key="there", VersionId=version)
    assert client.get_object(Bucket=bucket, Key="there")["Body"].read() == b"y", "what is there may be read"
    gone, never = {"Bucket": bucket, "Key": "there", "VersionId": version}, {"Bucket": bucket, "Key": "never"}
    requests: list[Callable[[], Any]] = [
        lambda: client.get_object(**never),
        lambda: client.head_object(**never),
        lambda: client.get_object(**gone),
        lambda: client.head_object(**gone),
        lambda: client.copy_object(Bucket=bucket, Key="copy", CopySource=gone),
    ]
    found = []
    for request in requests:
        with pytest.raises(ClientError) as refused:
            request()
        found.append(refused.value.response["Error"]["Code"])
    return found


def test_who_may_list_the_bucket_hears_that_it_is_not_there(emulator: Emulator, bucket: str, client: Client) -> None:
    lists = client(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    assert answers(emulator, lists, bucket) == ["NoSuchKey", "404", "NoSuchVersion", "404", "NoSuchVersion"]
    assert [
        denied for denied in denials(emulator.decisions) if denied.resource.startswith(f"arn:aws:s3:::{bucket}")
    ] == []


def below(bucket: str) -> dict[str, Any]:
    found = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    return found | {"Condition": {"StringLike": {"s3:prefix": ["", "*"]}}}


@pytest.mark.parametrize("bound", [False, True], ids=["who may not list", "who may list below a prefix only"])
def test_who_may_not_list_it_is_refused_and_the_decision_is_on_record(
    emulator: Emulator, bucket: str, client: Client, bound: bool
) -> None:
    reads = client(*([below(bucket)] if bound else []))
    assert answers(emulator, reads, bucket) == ["AccessDenied", "403", "AccessDenied", "403", "AccessDenied"]
    refused = [one for one in denials(emulator.decisions) if one.resource == f"arn:aws:s3:::{bucket}"]
    assert {one.action for one in refused} == {"s3:ListBucket"}


def test_that_there_is_no_such_bucket_is_no_secret(bucket: str, client: Client) -> None:
    with pytest.raises(ClientError) as refused:
        client(allow(OBJECTS)).head_object(Bucket=f"{bucket}-not", Key="never")
    assert refused.value.response["Error"]["Code"] == "404"
