"""Alarms, incidents and failure events of the real component reach whoever listens to the topic."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.alarms import INCIDENTS, Watched, WatchedDataset, WatchedFunction, alarms, failure_events
from components.budget import Budget, BudgetArgs
from components.dashboard import Shown
from components.iam import Place
from components.messaging import DeadLetters, DeadLettersArgs, Topic, TopicArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.security import EncryptionKey, EncryptionKeyArgs
from config import Subscription
from local.emulator import ACCOUNT, REGION, Emulator
from local.iam_decisions import denials
from tests.integration.local.conftest import Deploy, allow, eventually, policy

PLACE = Place(partition="aws", region=REGION, account=ACCOUNT)
SOURCE = "test.glue"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:batches"


def watched() -> Watched:
    return Watched(
        dead_letters={"undelivered": "undelivered"},
        arrivals_queue="arrivals",
        functions={"processing": WatchedFunction(name="processing", timeout_seconds=900)},
        state_machine_arn=MACHINE,
        job_name="job",
        crawler_prefix="data-pipeline-test-",
        workgroup="workgroup",
        datasets=(WatchedDataset(name="flights", frequency_hours=24),),
        namespace="DataPipeline",
        oldest_message_minutes=15,
        quarantined_percent=1,
        freshness_grace_minutes=60,
        scanned_bytes_cutoff=10_000_000,
    )


class Listener:
    """Somebody who is called: a queue that is subscribed to the alarms topic."""

    def __init__(self, emulator: Emulator, url: str, prefix: str) -> None:
        self.prefix = prefix
        self.sqs, self.cloudwatch = emulator.client("sqs"), emulator.client("cloudwatch")
        self.events, self.budgets = emulator.client("events"), emulator.client("budgets")
        self.url, self.emulator = url, emulator

    def set(self, alarm: str, state: str) -> None:
        name = f"{self.prefix}-{alarm}"
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test says so")

    def hears(self) -> list[Any]:
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        heard = []
        for message in messages.get("Messages", []):
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            heard.append(json.loads(json.loads(message["Body"])["Message"]))
        return heard


@pytest.fixture
def listener(emulator: Emulator, deployed: Deploy) -> Listener:
    name = f"watch{uuid.uuid4().hex[:6]}"
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName=f"{name}-inbox")["QueueUrl"]
    inbox = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-inbox"
    let_in = policy(allow("sqs:SendMessage", inbox) | {"Principal": {"Service": "sns.amazonaws.com"}})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": let_in})

    def program() -> None:
        key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(alias=name, place=PLACE, deletion_window_days=7, allow_destroy=True),
        )
        topic = Topic(
            f"{name}-alarms",
            TopicArgs(kms_key_arn=key.key.arn, subscriptions=[Subscription(protocol="sqs", endpoint=inbox)]),
        )
        dead = DeadLetters(f"{name}-undelivered", DeadLettersArgs(kms_key_arn=key.key.arn))
        monitoring = Monitoring(
            name,
            MonitoringArgs(
                alarms=list(alarms(watched())),
                incidents=INCIDENTS,
                # Nobody but AWS may put events of AWS's own sources, here as there.
                failure_events=[
                    replace(event, pattern={**event.pattern, "source": [SOURCE]}) for event in failure_events(watched())
                ],
                alarms_topic_arn=topic.topic.arn,
                dead_letters_arn=dead.queue.arn,
                shown=Shown(
                    environment="test",
                    region=REGION,
                    namespace="DataPipeline",
                    datasets=[],
                    functions={},
                    arrivals_queue="arrivals",
                    dead_letters={},
                    state_machine_arn=MACHINE,
                    job_name="job",
                    workgroup="workgroup",
                ),
            ),
        )
        rules = [rule.rule.arn for rule in monitoring.rules]
        dead.accept(ACCOUNT, rules)
        policy = topic.accept(ACCOUNT, {"events.amazonaws.com": rules})
        Budget(
            name,
            BudgetArgs(environment=name, monthly_dollars=5, alarms_topic_arn=topic.topic.arn),
            pulumi.ResourceOptions(depends_on=[policy]),
        )

    deployed(program)
    return Listener(emulator, url, f"{name}-test")


def test_an_alarm_calls_and_tells_when_it_is_over(listener: Listener) -> None:
    listener.set("flights-not-fresh", "ALARM")
    (message,) = eventually(listener.hears)
    assert (message["AlarmName"], message["NewStateValue"]) == (f"{listener.prefix}-flights-not-fresh", "ALARM")
    assert message["AlarmDescription"].endswith("docs/runbook.md#not-fresh")
    listener.set("flights-not-fresh", "OK")
    (message,) = eventually(listener.hears)
    assert message["NewStateValue"] == "OK"


def test_what_belongs_to_one_incident_calls_once(listener: Listener) -> None:
    for alarm in ("processing-errors", "batch-failed", "files-given-up"):
        listener.set(alarm, "ALARM")
    (message,) = eventually(listener.hears)
    assert message["AlarmName"] == f"{listener.prefix}-batch-incident"
    assert not listener.hears()


def glue(kind: str, **detail: str) -> dict[str, str]:
    return {"Source": SOURCE, "DetailType": f"Glue {kind} State Change", "Detail": json.dumps(detail)}


def test_a_failed_run_and_a_failed_crawl_are_told_with_what_glue_says(listener: Listener) -> None:
    entries = [
        glue("Job", jobName="job", state="FAILED", jobRunId="jr_1", message='Column "a" is missing'),
        glue("Crawler", crawlerName="data-pipeline-test-flights", state="Failed", message="Crawler Failed"),
        glue("Job", jobName="job", state="SUCCEEDED", jobRunId="jr_2"),
        glue("Job", jobName="another", state="FAILED", jobRunId="jr_3"),
        glue("Crawler", crawlerName="another", state="Failed"),
    ]
    assert listener.events.put_events(Entries=entries)["FailedEntryCount"] == 0
    heard: list[Any] = []

    def both() -> bool:
        heard.extend(listener.hears())
        return len(heard) >= 2

    eventually(both)
    assert not listener.hears(), "what succeeded, and what is another's, is not told"
    by_alarm = {message["alarm"].removeprefix(f"{listener.prefix}-"): message for message in heard}
    assert by_alarm["job-failed"]["event"]["message"] == 'Column "a" is missing'
    assert by_alarm["crawler-failed"]["event"]["crawlerName"] == "data-pipeline-test-flights"
    assert by_alarm["job-failed"]["what to do"] == "docs/runbook.md#job-failed"
    assert [
        one for one in denials(listener.emulator.decisions) if "sns:" in one.action and "watch" in one.resource
    ] == []


def test_the_emulator_keeps_the_budget(listener: Listener) -> None:
    name = f"data-pipeline-{listener.prefix.removesuffix('-test')}"
    budget = listener.budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:Environment${listener.prefix.removesuffix('-test')}"]}
    notices = listener.budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"]
    assert {(notice["NotificationType"], notice["Threshold"]) for notice in notices} == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
