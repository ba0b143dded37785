"""What the runbook tells a person to type is answered as AWS answers it."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.denied import main
from local.emulator import Emulator
from local.patches.operator_calls import filter_of


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("ERROR timeout", "ERROR alone", False),
        ("ERROR timeout", "timeout and ERROR", True),
        ("?ERROR ?timeout", "ERROR alone", True),
        ("?ERROR ?timeout", "timeout alone", True),
        ("?ERROR ?timeout", "neither", False),
        ("ERROR ?timeout", "timeout alone", False),
        ('"two words"', "in two words", True),
        ('"two words"', "words two", False),
        ("ERROR -timeout", "ERROR timeout", False),
        ("ERROR -timeout", "ERROR", True),
        ("-timeout", "ERROR", True),
        ('?"a b" ?c', "a b", True),
        ("{ $.level = 1 }", "anything", True),
    ],
)
def test_a_filter_pattern_lets_through_what_it_does_on_aws(pattern: str, message: str, found: bool) -> None:
    assert filter_of(pattern)(message) is found


def test_dead_letters_go_back_to_the_queue_that_they_came_from(emulator: Emulator) -> None:
    sqs = emulator.client("sqs")

    def made(name: str, **attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    dead, dead_arn = made("move-dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    live, live_arn = made("move-live", RedrivePolicy=policy)
    for number in range(3):
        sqs.send_message(QueueUrl=dead, MessageBody=f"event {number}")
    assert sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    bodies = [one["Body"] for one in sqs.receive_message(QueueUrl=live, MaxNumberOfMessages=10)["Messages"]]
    assert sorted(bodies) == ["event 0", "event 1", "event 2"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=live_arn)
    with pytest.raises(ClientError, match="doesn't exist"):
        sqs.start_message_move_task(SourceArn=f"{live_arn}-nobody")


def test_only_denied_requests_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = {"time": 1.0, "principal": "p\x1b[2J", "resource": "r", "reason": "why", "deployer": False, "via": ""}
    log = tmp_path / "decisions.jsonl"
    lines = [common | {"action": f"s3:Get{n}", "allowed": n != 1} for n in range(3)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    main([str(log)])
    assert capsys.readouterr().out == "p\\x1b[2J may not s3:Get1 on r: why\n1 of 3 requests were denied\n"
