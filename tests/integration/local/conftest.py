"""One emulator for all tests of a session, and the small things that several of them need."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.deployer import Deployment, deploy
from local.emulator import ACCOUNT, REGION, Emulator

Deploy = Callable[..., Deployment]
Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="session", autouse=True)
def measured_processes() -> None:
    """Measure what the emulator's process does, unlike the other tests beside this folder."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator"), wait_scale=0.1) as running:
        yield running


@pytest.fixture
def deployed(emulator: Emulator, tmp_path: Path) -> Deploy:
    """Deploys a program given as a function."""

    def run(program: Callable[[], object], **options: Any) -> Deployment:
        return deploy(emulator.endpoint, "test", tmp_path, program=program, **{"config": {}, **options})

    return run


@pytest.fixture
def bucket(emulator: Emulator, request: pytest.FixtureRequest) -> str:
    name = f"bucket-{abs(hash(request.node.nodeid)) % 10**10}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def told(emulator: Emulator, bucket: str) -> Told:
    """Takes the details of Glue's events, of any kind, that came to the default bus since the last call."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    name = f"{bucket}-told"
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    let_in = policy(allow("sqs:SendMessage", arn) | {"Principal": {"Service": "events.amazonaws.com"}})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": let_in})
    # Of this test's job or crawler only: the emulator is everybody's.
    mine = [{"jobName": [bucket]}, {"crawlerName": [bucket]}]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.glue"], "detail": {"$or": mine}}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])

    def take() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        bodies = [json.loads(message["Body"]) for message in messages]
        return [body["detail"] | {"kind": body["detail-type"]} for body in bodies]

    return take


@pytest.fixture
def role(emulator: Emulator, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Makes a role that a service may assume, with the given permissions, and returns its ARN."""
    count = 0

    def make(service: str, *statements: dict[str, Any]) -> str:
        nonlocal count
        count += 1
        name = f"role-{abs(hash(request.node.nodeid)) % 10**10}-{count}"
        iam = emulator.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return arn

    return make


@pytest.fixture
def caller(emulator: Emulator, bucket: str) -> Callable[..., Any]:
    """An Athena client of a user with the given permissions."""

    def make(*actions: str) -> Any:
        iam = emulator.client("iam")
        iam.create_user(UserName=bucket)
        iam.put_user_policy(UserName=bucket, PolicyName="p", PolicyDocument=policy(allow(list(actions))))
        key = iam.create_access_key(UserName=bucket)["AccessKey"]
        return boto3.client(
            "athena",
            endpoint_url=emulator.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return make


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def eventually(ask: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"no answer within {seconds} s")
