"""What becomes of a dataset reaches those whom its contract names, in the emulator, and nobody else."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deployer import deploy, read_config
from local.driver import Pipeline
from local.emulator import Emulator, free_port
from recording.decisions import denials, read_decisions
from recording.privileges import granted, used
from recording.program import record
from recording.unmeasured import UNMEASURED
from tests.integration.conftest import REPOSITORY
from tests.slack import SECRET, Slack
from tests.unit.infrastructure.people import program, write_contracts

SECONDS = 120
ADA, BOB = "ada@example.com", "bob@example.com"
SUPPORT: dict[str, list[dict[str, Any]]] = {
    "airlines": [
        {"channel": ADA, "tool": "email", "scope": "issues"},
        {"channel": "#data-alerts", "tool": "slack"},
    ],
    "airports": [
        {"channel": ADA, "tool": "email", "scope": "notifications"},
        {"channel": BOB, "tool": "email", "scope": "issues"},
        {"channel": "down", "tool": "slack"},
    ],
    "fleet": [{"channel": BOB, "tool": "email", "scope": "issues"}],
}
FLEET = (
    b"tailnum,year,type,manufacturer,model,engines,seats,speed,engine,operation,changed_at\n"
    b"N10%dAA,2003,Fixed wing multi engine,Cedar Works,C-100,2,120,NA,Turbo-fan,I,2013-07-01T08:0%d:00Z\n"
)
AIRPORT = b"faa,name,lat,lon,alt,tz,dst,tzone\nZZ9,Nowhere,1.0,1.0,1,-5,A,America/New_York\n"


@pytest.fixture(scope="module")
def slack() -> Iterator[Slack]:
    found = Slack()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def config(slack: Slack) -> dict[str, Any]:
    config = read_config(REPOSITORY, "local")
    webhooks = {"data-alerts": slack.url, "down": f"http://127.0.0.1:{free_port()}{SECRET}"}
    config["data-pipeline:settings"]["monitoring"]["slack_webhooks"] = webhooks
    return config


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_contracts(tmp_path_factory.mktemp("people") / "contracts", SUPPORT)


@pytest.fixture(scope="module")
def pipeline(emulator: Emulator, config: dict[str, Any], contracts: Path) -> Pipeline:
    deployed = deploy(emulator.endpoint, "local", REPOSITORY, program=lambda: program(contracts), config=config)
    return Pipeline(emulator, deployed)


@pytest.fixture(scope="module")
def inboxes(emulator: Emulator, pipeline: Pipeline) -> dict[str, str]:
    """A queue beside each address that the program subscribed, with its very filter policy."""
    sns, sqs, topic = emulator.client("sns"), emulator.client("sqs"), pipeline.outputs["owners_topic_arn"]
    found = {}
    for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if subscription["Protocol"] != "email":
            continue
        arn = subscription["SubscriptionArn"]
        policy = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicy"]
        url = sqs.create_queue(QueueName=subscription["Endpoint"].partition("@")[0])["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        let_in = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": let_in})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"FilterPolicy": policy})
        assert subscription["Endpoint"] not in found, "an address is subscribed once"
        found[subscription["Endpoint"]] = url
    return found


@pytest.fixture
def heard(emulator: Emulator, inboxes: dict[str, str]) -> Callable[[], dict[str, list[str]]]:
    """The subjects that each address got since the last time."""
    sqs = emulator.client("sqs")

    def read() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {address: [] for address in inboxes}
        for address, url in inboxes.items():
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    found[address].append(json.loads(message["Body"])["Subject"])
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return read


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
    return found


def undelivered(sqs: Any, url: str, subject: str) -> Any:
    """The next message of the queue about a subject; those about others are taken, and dropped."""
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        if subject in message["Body"]:
            return json.loads(message["Body"])
    return None


def test_a_refused_batch_reaches_its_own_people_by_mail_and_by_a_slack_that_is_busy_first(
    pipeline: Pipeline, heard: Callable[[], dict[str, list[str]]], slack: Slack
) -> None:
    slack.answers = [(429, {"Retry-After": "1"}, "rate_limited"), (500, {}, "rollup_error")]
    pipeline.land([("airlines/bad.csv", b"carrier,name\nZ1,Good\nnope,Bad\n")])
    pipeline.wait(lambda state: state.done, SECONDS)
    batch_id = pipeline.batch_of("airlines/bad.csv")
    assert heard() == {ADA: [f"[QUARANTINED] airlines: {batch_id}"], BOB: []}
    wait_for(lambda: len(slack.got) == 3)
    assert {path for path, _ in slack.got} == {SECRET}
    (text,) = {sent["text"] for _, sent in slack.got}
    assert text.startswith(f"critical: [QUARANTINED] airlines: {batch_id}\n")
    assert f"data-pipeline replay airlines --batch {batch_id}" in text
    slack.got.clear()


def test_a_published_batch_is_told_only_to_who_wants_to_hear_of_all(
    pipeline: Pipeline, heard: Callable[[], dict[str, list[str]]], slack: Slack
) -> None:
    pipeline.land([("airports/one.csv", AIRPORT), ("airlines/good.csv", b"carrier,name\nZ2,Good\n")])
    pipeline.wait(lambda state: state.done, SECONDS)
    batch_id = pipeline.batch_of("airports/one.csv")
    assert heard() == {ADA: [f"[PUBLISHED] airports: {batch_id}"], BOB: []}
    assert slack.got == []


def test_a_rollback_is_told_to_the_people_of_the_table(
    pipeline: Pipeline, heard: Callable[[], dict[str, list[str]]]
) -> None:
    for number in (1, 2):
        row = FLEET % (number, number)
        pipeline.land([(f"fleet/{number}.csv", row)])
        pipeline.wait(lambda state: state.done, SECONDS)
    first, second = (pipeline.batch_of(f"fleet/{number}.csv") for number in (1, 2))
    heard()
    answer = pipeline.invoke("maintenance", {"action": "rollback", "dataset": "fleet", "batch_id": first})
    assert answer == {"rolled_back": [second]}
    assert heard() == {ADA: [], BOB: [f"[ROLLED_BACK] fleet: to {first}"]}


def test_a_slack_that_is_down_for_good_leaves_the_message_in_the_queue_that_is_watched(
    emulator: Emulator, pipeline: Pipeline, heard: Callable[[], dict[str, list[str]]], slack: Slack
) -> None:
    sqs, url = emulator.client("sqs"), pipeline.outputs["undelivered_url"]
    error = {"Error": "Boom", "Cause": "a test"}
    event = {"batch_id": "airports-20261127T090000Z-000001", "dataset": "airports", "outcome": "FAILED", "error": error}
    pipeline.invoke("notification", event)
    assert heard() == {who: ["[FAILED] airports: airports-20261127T090000Z-000001"] for who in (ADA, BOB)}
    left = wait_for(lambda: undelivered(sqs, url, "[FAILED] airports"))
    said = left["requestPayload"]["Records"][0]["Sns"]
    assert said["MessageAttributes"]["slack"]["Value"] == "down"
    assert "the Slack channel down was not reached" in json.dumps(left["responsePayload"])
    assert slack.got == [], "and no other channel hears of it"
    # As the runbook says: hand it over again, by hand.
    said["MessageAttributes"]["slack"]["Value"] = "data-alerts"
    assert pipeline.invoke("slack", left["requestPayload"]) == {"posted": ["data-alerts"]}
    assert len(slack.got) == 1


def test_every_permission_of_slack_is_used_none_was_refused_and_no_log_has_a_webhook(
    emulator: Emulator, pipeline: Pipeline, config: dict[str, Any], contracts: Path
) -> None:
    decisions = list(read_decisions(emulator.decisions))
    assert denials(emulator.decisions) == []
    grants = {
        grant
        for grant in granted(record(lambda: program(contracts), config=config, stack="local"))
        if grant.role == "slack"
    }
    done = used(grants, decisions)
    assert {(grant.action, grant.via) for grant in done} >= {("ssm:GetParameter", ""), ("kms:Decrypt", "ssm")}
    unexplained = {grant for grant in grants - done if not any(listed.covers(grant) for listed in UNMEASURED)}
    assert sorted(map(str, unexplained)) == []
    invoked = [each for each in decisions if each.principal == "sns.amazonaws.com"]
    assert {each.action for each in invoked} == {"lambda:InvokeFunction"}
    logs = emulator.client("logs")
    lines = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert any('"posted"' in line for line in lines)
    assert [line for line in lines if "hunter2" in line] == []


def test_what_sns_may_not_hand_over_is_left_in_the_queue_that_is_watched(
    emulator: Emulator, pipeline: Pipeline
) -> None:
    """A function that is gone, as one without its policy, is a client's error to SNS, which does not try again.

    Without its policy the log would have a refusal, as if a permission lacked in the program.
    """
    functions, sqs, url = emulator.client("lambda"), emulator.client("sqs"), pipeline.outputs["undelivered_url"]
    name = pipeline.outputs["functions"]["slack"]
    functions.delete_function(FunctionName=name)
    pipeline.invoke(
        "notification",
        {
            "batch_id": "airlines-20261127T090000Z-000009",
            "dataset": "airlines",
            "outcome": "FAILED",
            "error": {"Error": "Boom"},
        },
    )
    left = wait_for(lambda: undelivered(sqs, url, "[FAILED] airlines"))
    assert left["MessageAttributes"]["slack"]["Value"] == "data-alerts"
