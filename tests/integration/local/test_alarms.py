"""Every alarm of the real component calls whoever listens to the topic, and says where to read what to do."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from components.messaging.topic import Topic, TopicArgs, services
from components.monitoring.alarms import INCIDENTS, alarms
from components.monitoring.monitored import Monitored, MonitoredFunction
from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.security.iam import Location
from components.security.key import EncryptionKey, EncryptionKeyArgs
from config.model import Subscription
from local.emulator import ACCOUNT, REGION, Emulator
from recording.decisions import read_decisions
from tests.integration.local.conftest import Deploy, allow, eventually, policy

LOCATION = Location(partition="aws", region=REGION, account=ACCOUNT)
RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook.md"
FUNCTIONS = ("ingestion", "processing", "freshness")
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:batches"


def monitored(stack: str) -> Monitored:
    return Monitored(
        stack=stack,
        region=REGION,
        job_name="job",
        dead_letters={"undelivered": "undelivered"},
        arrivals_queue="arrivals",
        functions={name: MonitoredFunction(name=name, timeout_seconds=60) for name in FUNCTIONS},
        functions_log_groups={name: name for name in FUNCTIONS},
        state_machine_arn=MACHINE,
        workgroup="workgroup",
        namespace="DataPipeline",
        oldest_message_minutes=15,
        quarantined_percent=1,
        scanned_bytes_cutoff=10_000_000,
    )


class Listener:
    """Somebody who is called: a queue that is subscribed to the alarms topic."""

    def __init__(self, emulator: Emulator, url: str, stack: str) -> None:
        self.stack, self.prefix = stack, f"{stack}-{stack}"
        self.sqs, self.cloudwatch = emulator.client("sqs"), emulator.client("cloudwatch")
        self.budgets = emulator.client("budgets")
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

    def hears_of(self, alarm: str, state: str) -> Any:
        """The message that comes when an alarm changes its state: the only one."""
        self.set(alarm, state)
        (message,) = eventually(self.hears)
        assert message["NewStateValue"] == state, message
        return message


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
            EncryptionKeyArgs(alias=name, location=LOCATION, deletion_window_days=7, allow_destroy=True),
        )
        topic = Topic(
            f"{name}-alarms",
            TopicArgs(kms_key_arn=key.key.arn, subscriptions=[Subscription(protocol="sqs", endpoint=inbox)]),
        )
        Monitoring(
            name,
            MonitoringArgs(
                monitored=monitored(name),
                alarms_topic_arn=topic.topic.arn,
                # As the program does.
                alarms_policy=topic.accept(ACCOUNT, services(LOCATION)),
                log_groups=[],
                monthly_budget_dollars=5,
                dashboard=True,
            ),
        )

    deployed(program)
    return Listener(emulator, url, name)


def test_every_alarm_calls_itself_or_by_its_incident_and_links_its_section(listener: Listener) -> None:
    every, incidents = list(alarms(monitored(listener.stack))), {incident.name: incident for incident in INCIDENTS}
    assert len(every) > 15
    for alarm in every:
        message = listener.hears_of(alarm.name, "ALARM")
        caller = incidents[alarm.incident] if alarm.incident else alarm
        assert message["AlarmName"] == f"{listener.prefix}-{caller.name}", alarm.name
        assert message["AlarmDescription"].endswith(f" What to do: docs/runbook.md#{caller.section}"), alarm.name
        assert f'<a id="{caller.section}"></a>' in RUNBOOK.read_text(encoding="utf-8"), alarm.name
        if alarm.tells_when_over:
            assert listener.hears_of(alarm.name, "OK")["AlarmName"] == message["AlarmName"]
        else:
            listener.set(alarm.name, "OK")
    assert not listener.hears()


def test_what_belongs_to_one_incident_calls_once(listener: Listener) -> None:
    for alarm in ("job-failed", "processing-errors", "batch-failed", "files-given-up"):
        listener.set(alarm, "ALARM")
    (message,) = eventually(listener.hears)
    assert message["AlarmName"] == f"{listener.prefix}-batch-incident"
    assert not listener.hears()


def test_the_budget_tells_the_same_topic_and_may(listener: Listener) -> None:
    name = f"data-pipeline-{listener.stack}"
    notices = listener.budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"]
    asked = [one for one in read_decisions(listener.emulator.decisions) if one.principal == "budgets.amazonaws.com"]
    topics = set()
    for notice in notices:
        subscribers = listener.budgets.describe_subscribers_for_notification(
            AccountId=ACCOUNT, BudgetName=name, Notification=notice
        )["Subscribers"]
        assert [one["SubscriptionType"] for one in subscribers] == ["SNS"]
        topics |= {one["Address"] for one in subscribers}
    (topic,) = topics
    assert f":{listener.stack}-alarms" in topic
    of_topic = [place for place, one in enumerate(asked) if one.resource == topic]
    assert len(of_topic) == len(notices) == 3
    for place in of_topic:
        three = asked[place : place + 3]
        assert [one.action for one in three] == ["sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"]
        assert all(one.allowed for one in three)


def test_the_emulator_keeps_the_budget(listener: Listener) -> None:
    name = f"data-pipeline-{listener.stack}"
    budget = listener.budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:Stack${listener.stack}"]}
    notices = listener.budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"]
    assert {(notice["NotificationType"], notice["Threshold"]) for notice in notices} == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
