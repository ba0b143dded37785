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
from recording.decisions import denials, read_decisions
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


CLOUDWATCH = "cloudwatch.amazonaws.com"
BUDGETS = "budgets.amazonaws.com"


class Bell:
    """A topic with a listener, and an alarm that calls it."""

    def __init__(self, emulator: Emulator, name: str, **attributes: str) -> None:
        self.sqs, self.sns, self.cloudwatch = (emulator.client(one) for one in ("sqs", "sns", "cloudwatch"))
        self.log = emulator.decisions
        self.topic = self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        inbox = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        document = policy(allow("sqs:SendMessage", inbox) | {"Principal": {"Service": "sns.amazonaws.com"}})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": document})
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=inbox)
        self.alarm = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
        metric = {"Namespace": name, "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
        limit = {"Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}
        self.cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[self.topic], **metric, **limit)
        self.name = name

    def let_in(self, service: str, source: str, account: str = "000000000000") -> None:
        condition = {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": account}}
        statement = allow("sns:Publish", self.topic) | {"Principal": {"Service": service}, "Condition": condition}
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy(statement))

    def ring(self) -> Any:
        for state in ("OK", "ALARM"):
            self.cloudwatch.set_alarm_state(AlarmName=self.name, StateValue=state, StateReason="a test says so")
        return self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get("Messages")

    def refused(self) -> list[tuple[str, str]]:
        found = denials(self.log)
        return [(one.principal, one.action) for one in found if one.resource == self.topic or "key/" in one.resource]


def test_an_alarm_calls_a_topic_whose_policy_lets_it_in(emulator: Emulator, bucket: str) -> None:
    bell = Bell(emulator, bucket)
    bell.let_in(CLOUDWATCH, bell.alarm)
    assert bell.ring()


@pytest.mark.parametrize(
    ("service", "source", "account"),
    [
        ("events.amazonaws.com", "*", "000000000000"),
        (CLOUDWATCH, "arn:aws:cloudwatch:us-east-1:000000000000:alarm:another", "000000000000"),
        (CLOUDWATCH, "*", "111111111111"),
    ],
    ids=["another service", "another alarm", "another account"],
)
def test_an_alarm_that_a_topics_policy_does_not_let_in_calls_nobody(
    emulator: Emulator, bucket: str, service: str, source: str, account: str
) -> None:
    bell = Bell(emulator, bucket)
    bell.let_in(service, source, account)
    assert not bell.ring()
    assert bell.refused()[-1] == (CLOUDWATCH, "sns:Publish")


def test_an_alarm_calls_an_encrypted_topic_only_where_the_keys_policy_lets_it(
    emulator: Emulator, bucket: str, key: Callable[..., str]
) -> None:
    bell = Bell(emulator, bucket, KmsMasterKeyId=key("events.amazonaws.com"))
    bell.let_in(CLOUDWATCH, bell.alarm)
    assert not bell.ring()
    assert bell.refused()[-1] == (CLOUDWATCH, "kms:GenerateDataKey")
    right = {"AttributeName": "KmsMasterKeyId", "AttributeValue": key(CLOUDWATCH)}
    bell.sns.set_topic_attributes(TopicArn=bell.topic, **right)
    assert bell.ring()


@pytest.mark.parametrize("works", [True, False])
def test_a_budget_whose_topic_does_not_let_it_in_is_seen_when_it_is_made(
    emulator: Emulator, bucket: str, works: bool
) -> None:
    bell = Bell(emulator, bucket)
    bell.let_in(BUDGETS if works else CLOUDWATCH, "arn:aws:budgets::000000000000:*")
    money = {"Amount": "1", "Unit": "USD"}
    budget = {"BudgetName": bucket, "BudgetLimit": money, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    notice = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}
    told = {"Notification": notice, "Subscribers": [{"SubscriptionType": "SNS", "Address": bell.topic}]}
    emulator.client("budgets").create_budget(
        AccountId="000000000000", Budget=budget, NotificationsWithSubscribers=[told]
    )
    assert ((BUDGETS, "sns:Publish") in bell.refused()) is not works
