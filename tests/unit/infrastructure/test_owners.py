"""Who a contract has told is subscribed once, hears of its own datasets only, and Slack's webhooks stay secret."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws
from pipeline_core.channels import Channels, Severity
from pipeline_core.fields import Fields
from pipeline_core.owners import Message, addressed

from components import channels as reachable
from components.messaging.owners import of_address, of_slack
from components.waivers import WAIVERS
from config.load import ConfigError, parse
from contracts.compiler.channels import Channel, Kind
from contracts.compiler.compile import CompiledContract
from ops.cost.idle import idle_dollars_per_month, unpriced
from ops.preview.verdict import as_program
from policies.model import check, unwaived
from policies.rules import RULES
from tests.unit.infrastructure.cloud import Cloud, pipeline, stack_config
from tests.unit.infrastructure.people import ADA, HOOK, WEBHOOKS, pipeline_with_people

HEARING = Channel(Kind.EMAIL, ADA)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return pipeline_with_people(tmp_path_factory.mktemp("people"))


def index(cloud: Cloud) -> dict[str, Any]:
    (found,) = [one for one in cloud.of("s3.BucketObjectv2") if one.inputs["key"] == "contracts/index.json"]
    document: dict[str, Any] = json.loads(found.inputs["content"])
    return document


def test_each_address_is_subscribed_once_and_slack_by_one_function(cloud: Cloud) -> None:
    found = cloud.of("sns.TopicSubscription")
    function = cloud.one("lambda.Function", "data-pipeline-slack")
    assert Counter((one.inputs["protocol"], one.inputs["endpoint"]) for one in found) == {
        ("email", ADA): 1,
        ("https", HOOK): 1,
        ("lambda", function.outputs["arn"]): 1,
    }
    topic = cloud.one("sns.Topic", "data-pipeline-owners")
    assert {one.inputs["topic"] for one in found} == {topic.outputs["arn"]}
    assert all("filterPolicy" in one.inputs for one in found), "without one it would hear of everybody's datasets"


def test_no_name_of_a_resource_has_an_address_and_a_secret_stack_shows_none(cloud: Cloud) -> None:
    assert [one.name for one in cloud.resources if "ada" in one.name or "hear.example" in one.name] == []
    addresses = [one for one in cloud.of("sns.TopicSubscription") if one.inputs["protocol"] != "lambda"]
    assert all("endpoint" in one.secrets for one in addresses)


def test_the_index_says_by_id_who_hears_what_of_a_dataset_and_no_address(cloud: Cloud) -> None:
    heard = Channels.from_index(Fields(index(cloud), "index"))
    assert heard.hearing("airlines", Severity.INFORMATION) == []
    assert heard.hearing("airlines", Severity.WARNING) == [HEARING.id, "slack:data-alerts"]
    assert heard.hearing("airports", Severity.INFORMATION) == [HEARING.id]
    assert heard.hearing("airports", Severity.CRITICAL) == sorted([HEARING.id, Channel(Kind.HTTPS, HOOK).id])
    assert heard.hearing("planes", Severity.CRITICAL) == []
    assert ADA not in json.dumps(index(cloud)["channels"])


def test_what_https_and_slack_do_not_take_is_left_where_people_look(cloud: Cloud) -> None:
    undelivered = cloud.one("sqs.Queue", "data-pipeline-undelivered").outputs
    left = {one.inputs["protocol"]: one.inputs.get("redrivePolicy") for one in cloud.of("sns.TopicSubscription")}
    redrive = json.dumps({"deadLetterTargetArn": undelivered["arn"]})
    assert left == {"email": None, "https": redrive, "lambda": redrive}
    (policy,) = [one for one in cloud.of("sqs.QueuePolicy") if one.inputs["queueUrl"] == undelivered["url"]]
    (statement,) = [one for one in policy.json("policy")["Statement"] if one["Sid"] == "FromTopics"]
    topic = cloud.one("sns.Topic", "data-pipeline-owners").outputs["arn"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"] == [topic]
    (kept,) = [
        one
        for one in cloud.of("lambda.FunctionEventInvokeConfig")
        if one.inputs["functionName"] == cloud.one("lambda.Function", "data-pipeline-slack").outputs["name"]
    ]
    assert kept.inputs["destinationConfig"]["onFailure"]["destination"] == undelivered["arn"]


def test_a_webhook_is_an_encrypted_parameter_that_one_role_reads(cloud: Cloud) -> None:
    (parameter,) = cloud.of("ssm.Parameter")
    assert (parameter.inputs["name"], parameter.inputs["type"]) == (
        "/data-pipeline/dev/slack/data-alerts",
        "SecureString",
    )
    assert "value" in parameter.secrets
    assert parameter.inputs["keyId"] == cloud.of("kms.Key")[0].outputs["arn"]
    readers = [
        (resource.name, statement["Resource"])
        for resource, _, document in cloud.documents()
        for statement in document["Statement"]
        if "ssm:GetParameter" in statement["Action"]
    ]
    (arns,) = [arns for name, arns in readers if name == "data-pipeline-slack-role-policy"]
    assert len(readers) == 1
    assert arns == ["arn:aws:ssm:eu-central-1:111122223333:parameter/data-pipeline/dev/slack/data-alerts"]
    function = cloud.one("lambda.Function", "data-pipeline-slack")
    assert "hooks.slack.com" not in json.dumps(function.inputs["environment"]), "whoever gets a function reads it"


def test_slack_is_reached_from_outside_of_a_network_without_a_way_to_the_internet(tmp_path: Path) -> None:
    security = {"vpc": {"cidr": "10.8.0.0/20", "availability_zones": ["eu-central-1a"]}}
    cloud = pipeline_with_people(tmp_path, security=security)
    inside = {one.name: "vpcConfig" in one.inputs for one in cloud.of("lambda.Function")}
    assert inside.pop("data-pipeline-slack") is False
    assert set(inside.values()) == {True}


def test_where_no_contract_names_a_channel_nobody_is_subscribed_and_nothing_is_made_for_slack() -> None:
    declared = [one.type for one in pipeline("dev").resources]
    assert "aws:sns/topicSubscription:TopicSubscription" not in declared
    assert "aws:ssm/parameter:Parameter" not in declared
    assert "data-pipeline-slack" not in [one.name for one in pipeline("dev").of("lambda.Function")]


def test_channels_keep_every_rule_and_cost_nothing_idle_but_the_alarms_of_one_function(cloud: Cloud) -> None:
    assert [str(found) for found in unwaived(check(as_program("dev", "dev", cloud.resources), RULES), WAIVERS)] == []
    assert unpriced(cloud.resources) == set()
    more, without = idle_dollars_per_month(cloud.resources), idle_dollars_per_month(pipeline("dev").resources)
    # A sum differs in its last digit by the order of its parts.
    assert {name for name in more if more[name] != pytest.approx(without[name])} == {"CloudWatch"}


def test_what_is_published_for_a_channel_reaches_it_by_its_filter_and_no_other() -> None:
    """By moto's filters: the attributes that functions set, and the policies that the program declares."""
    channels = [HEARING, Channel(Kind.EMAIL, "bob@example.com"), Channel(Kind.HTTPS, HOOK)]
    policies: dict[str, Any] = {each.id: of_address(each) for each in channels} | {"slack": of_slack()}
    with mock_aws():
        sns, sqs = boto3.client("sns", region_name="us-east-1"), boto3.client("sqs", region_name="us-east-1")
        topic = sns.create_topic(Name="owners")["TopicArn"]
        urls = {}
        for number, (name, policy) in enumerate(policies.items()):
            urls[name] = sqs.create_queue(QueueName=f"q{number}")["QueueUrl"]
            sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=f"arn:aws:sqs:us-east-1:123456789012:q{number}",
                Attributes={"FilterPolicy": json.dumps(policy)},
            )
        message = Message(datasets=("airlines",), severity=Severity.CRITICAL, outcome="FAILED", subject="s", body="b")
        for attributes in addressed(message, [HEARING.id, "slack:a", "slack:b", channels[2].id]):
            sns.publish(TopicArn=topic, Message="b", MessageAttributes=attributes)
        got = {
            name: len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))
            for name, url in urls.items()
        }
    assert got == {HEARING.id: 1, channels[1].id: 0, channels[2].id: 1, "slack": 2}


def contract(name: str, *channels: Channel) -> CompiledContract:
    return CompiledContract(name, {}, channels=dict.fromkeys(channels, Severity.WARNING))


def test_a_channel_without_a_webhook_and_a_webhook_without_a_channel_are_said_with_what_to_do() -> None:
    contracts = [contract("a", Channel(Kind.SLACK, "data")), contract("b", Channel(Kind.SLACK, "data"), HEARING)]
    assert list(reachable.unreached(contracts, ["data"], "dev")) == []
    unset, unused = reachable.unreached(contracts, ["other"], "dev")
    assert unset.startswith("nobody is told in the Slack channel data of a, b: stack dev has no webhook for it.")
    assert unset.endswith(
        "pulumi config set --stack dev --secret --path 'data-pipeline:settings.monitoring.slack_webhooks.data'"
    )
    assert "slack_webhooks.other is not used" in unused
    assert reachable.reach(contracts, []).slack == ()
    assert reachable.reach(contracts, []).heard == {"b": {HEARING.id: "warning"}}


def test_the_engine_is_told_of_a_channel_without_a_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: said.append(text))
    pipeline_with_people(tmp_path)
    assert len([line for line in said if "Slack channel nowhere of airports" in line]) == 1
    assert "hunter2" not in "".join(said)


@pytest.mark.parametrize(("addresses", "refused"), [(198, False), (199, False), (200, True)])
def test_more_addresses_than_sns_has_filter_policies_are_refused(addresses: int, refused: bool) -> None:
    found = [contract("a", *(Channel(Kind.EMAIL, f"{number}@example.com") for number in range(addresses)))]
    assert bool(list(reachable.problems(found))) is refused


@pytest.mark.parametrize(
    ("stack", "webhook", "secret", "said"),
    [
        ("dev", WEBHOOKS["data-alerts"], True, None),
        ("dev", "https://hooks.slack-gov.com/services/T0/B0/x", True, None),
        ("dev", WEBHOOKS["data-alerts"], False, "a secret: whoever reads it"),
        ("dev", "https://example.com/services/T0/B0/hunter2", True, "an incoming webhook of Slack"),
        ("dev", "http://127.0.0.1:8080/hunter2", True, "an incoming webhook of Slack"),
        ("local", "http://127.0.0.1:8080/hunter2", False, None),
        ("local", "http://192.168.0.1:8080/hunter2", False, "an incoming webhook of Slack"),
    ],
)
def test_a_webhook_is_one_of_slacks_and_a_secret(stack: str, webhook: str, secret: bool, said: str | None) -> None:
    raw = {"environment": stack, "monitoring": {"slack_webhooks": {"data-alerts": webhook}}}
    if said is None:
        assert parse(raw, "", stack=stack, secret=secret).monitoring.slack_webhooks == {"data-alerts": webhook}
        return
    with pytest.raises(ConfigError, match=said) as caught:
        parse(raw, "", stack=stack, secret=secret)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("name", "taken"), [("x" * 80, True), ("x" * 81, False), ("#data", False), ("Data", False)])
def test_a_channels_name_in_the_settings_is_the_one_that_contracts_come_to(name: str, taken: bool) -> None:
    raw = {"environment": "local", "monitoring": {"slack_webhooks": {name: WEBHOOKS["data-alerts"]}}}
    if taken:
        parse(raw, "", stack="local")
    else:
        with pytest.raises(ConfigError):
            parse(raw, "", stack="local")


def test_a_stack_file_may_hold_a_webhook_as_a_secret(tmp_path: Path) -> None:
    from config.stack_file import read

    config = stack_config("dev")
    config["data-pipeline:settings"]["monitoring"] = {"slack_webhooks": {"data-alerts": {"secure": "v1:abc"}}}
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}))
    assert read("dev", tmp_path)["data-pipeline:settings"]["monitoring"]["slack_webhooks"]
