"""AWS's services reach each other only through policies that let them in, here as there."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.emulator import REGION, Emulator
from local.iam_decisions import denials, read_decisions
from tests.integration.local.conftest import allow, eventually, policy

Role = Callable[..., str]
EVENTS = {"Service": "events.amazonaws.com"}


@pytest.fixture
def key(emulator: Emulator) -> Callable[..., str]:
    """Makes a key whose policy lets the account's principals in, and the given services."""

    def make(*services: str) -> str:
        account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}
        statements: list[dict[str, Any]] = [account | {"Action": "kms:*", "Resource": "*"}]
        actions = ["kms:GenerateDataKey", "kms:Decrypt"]
        statements += [allow(actions) | {"Principal": {"Service": service}} for service in services]
        return str(emulator.client("kms").create_key(Policy=policy(*statements))["KeyMetadata"]["Arn"])

    return make


class Wire:
    """A rule that sends the objects of a bucket to a queue."""

    def __init__(self, emulator: Emulator, bucket: str, **attributes: str) -> None:
        self.sqs, self.s3, self.bucket = emulator.client("sqs"), emulator.client("s3"), bucket
        self.log = emulator.decisions
        self.url = self.sqs.create_queue(QueueName=bucket, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{bucket}"
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
        events = emulator.client("events")
        self.rule = events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))["RuleArn"]
        events.put_targets(Rule=bucket, Targets=[{"Id": "q", "Arn": self.arn}])
        self.s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )

    def let_in(self, rule: str) -> None:
        source = {"Condition": {"ArnEquals": {"aws:SourceArn": rule}}, "Principal": EVENTS}
        document = policy(allow("sqs:SendMessage", self.arn) | source)
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": document})

    def land(self) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="a b.csv", Body=b"x")

    def message(self) -> Any:
        return self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get("Messages")

    def refused(self) -> list[str]:
        return [one.action for one in denials(self.log) if one.resource == self.arn or "key/" in one.resource]


def test_an_event_reaches_a_queue_whose_policy_lets_the_rule_in(emulator: Emulator, bucket: str) -> None:
    wire = Wire(emulator, bucket)
    wire.let_in(wire.rule)
    wire.land()
    (message,) = eventually(wire.message)
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "a b.csv", "EventBridge does not encode keys"


@pytest.mark.parametrize("rule", [None, "arn:aws:events:us-east-1:000000000000:rule/other"])
def test_an_event_does_not_reach_a_queue_whose_policy_does_not(
    emulator: Emulator, bucket: str, rule: str | None
) -> None:
    wire = Wire(emulator, bucket)
    if rule:
        wire.let_in(rule)
    wire.land()
    eventually(lambda: wire.refused() == ["sqs:SendMessage"])
    assert not wire.message()


def test_an_encrypted_queue_needs_its_keys_policy_too(emulator: Emulator, bucket: str, key: Callable[..., str]) -> None:
    closed = key()
    wire = Wire(emulator, bucket, KmsMasterKeyId=closed)
    wire.let_in(wire.rule)
    wire.land()
    wanted = ("events.amazonaws.com", "kms:GenerateDataKey", closed)
    eventually(lambda: wanted in [(one.principal, one.action, one.resource) for one in denials(wire.log)])
    assert not wire.message()
    wire.sqs.set_queue_attributes(QueueUrl=wire.url, Attributes={"KmsMasterKeyId": key("events.amazonaws.com")})
    wire.land()
    assert eventually(wire.message)


def test_the_event_of_a_versioned_object_names_its_version(emulator: Emulator, bucket: str) -> None:
    wire = Wire(emulator, bucket)
    wire.let_in(wire.rule)
    wire.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = wire.s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    (message,) = eventually(wire.message)
    assert json.loads(message["Body"])["detail"]["object"]["version-id"] == version


@pytest.mark.parametrize(("granted", "works"), [([], False), (["kms:GenerateDataKey"], True)])
def test_writing_to_an_encrypted_bucket_takes_the_key(
    emulator: Emulator, bucket: str, key: Callable[..., str], granted: list[str], works: bool
) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key()}
    emulator.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    iam = emulator.client("iam")
    iam.create_user(UserName=bucket)
    document = policy(allow(["s3:PutObject", *granted]))
    iam.put_user_policy(UserName=bucket, PolicyName="p", PolicyDocument=document)
    access = iam.create_access_key(UserName=bucket)["AccessKey"]
    s3 = boto3.client(
        "s3",
        endpoint_url=emulator.endpoint,
        region_name=REGION,
        aws_access_key_id=access["AccessKeyId"],
        aws_secret_access_key=access["SecretAccessKey"],
    )
    if works:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        via = [one for one in read_decisions(emulator.decisions) if one.principal.endswith(bucket)]
        assert [one.action for one in via] == ["s3:PutObject", "kms:GenerateDataKey"]
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x")


@pytest.mark.parametrize("works", [True, False])
def test_a_function_is_only_given_messages_that_its_role_may_read(
    emulator: Emulator, bucket: str, role: Role, works: bool
) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context): return {}")
    reading = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    functions, sqs = emulator.client("lambda"), emulator.client("sqs")
    functions.create_function(
        FunctionName=bucket,
        Role=role("lambda.amazonaws.com", allow(reading if works else reading[:2])),
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
    )
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    mapping = functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{bucket}", FunctionName=bucket
    )["UUID"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    expected = "OK - 1 records" if works else "PROBLEM: Function call failed"
    eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"].startswith(expected))
    functions.delete_event_source_mapping(UUID=mapping)
