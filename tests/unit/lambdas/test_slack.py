"""Messages reach Slack as they are, by the webhook of their channel, and a webhook is seen nowhere."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws
from pipeline_core.fields import DocumentError
from slack_sdk.webhook import WebhookClient

from lambdas.slack import handler as slack
from lambdas.slack.message import body, posts
from tests.slack import SECRET, Slack
from tests.unit.lambdas.conftest import Context

clear_caches: Callable[[], None] = parameters.clear_caches


@pytest.fixture
def server() -> Iterator[Slack]:
    found = Slack()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def send(server: Slack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Hand a message over as SNS does."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("PARAMETER_PREFIX", "/data-pipeline/dev/slack/")
    slack._settings.cache_clear()
    clear_caches()
    # What the SDK waits between tries.
    monkeypatch.setattr("slack_sdk.http_retry.builtin_handlers.time.sleep", lambda _: None)
    monkeypatch.setattr("slack_sdk.http_retry.handler.time.sleep", lambda _: None)
    with mock_aws():
        boto3.client("ssm").put_parameter(
            Name="/data-pipeline/dev/slack/data-alerts", Value=server.url, Type="SecureString"
        )
        yield lambda **more: slack.handler({"Records": [record(**more)]}, Context())


def record(channel: str = "data-alerts", text: str = "body", subject: str = "[FAILED] flights: b-1") -> dict[str, Any]:
    said = {"slack": channel, "severity": "critical"}
    return {
        "EventSource": "aws:sns",
        "Sns": {
            "MessageId": "m-1",
            "Subject": subject,
            "Message": text,
            "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in said.items()},
        },
    }


def test_a_message_is_posted_once_by_the_webhook_of_its_channel(
    server: Slack, send: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert send() == {"posted": ["data-alerts"]}
    (line,) = [vars(line) for line in caplog.records if line.message == "posted"]
    assert (line["channel"], line["message_id"]) == ("data-alerts", "m-1")
    ((path, sent),) = server.got
    assert path == SECRET
    assert sent == {"text": "critical: [FAILED] flights: b-1\nbody", "mrkdwn": False}


@pytest.mark.parametrize(
    "answers",
    [
        [(429, {"Retry-After": "1"}, "")],
        [(500, {}, "rollup_error")],
        [(503, {}, ""), (429, {"Retry-After": "30"}, "")],
    ],
)
def test_a_slack_that_is_busy_is_asked_again(server: Slack, send: Callable[..., Any], answers: list[Any]) -> None:
    server.answers = list(answers)
    assert send() == {"posted": ["data-alerts"]}
    assert len(server.got) == len(answers) + 1


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        ((404, {}, "no_service"), 1),
        ((410, {}, "channel_is_archived"), 1),
        ((500, {}, "rollup_error"), 3),
        ((429, {"Retry-After": "1"}, "rate_limited"), 3),
    ],
)
def test_a_slack_that_refuses_fails_the_call_with_its_answer_and_the_channel(
    server: Slack, send: Callable[..., Any], answer: tuple[int, dict[str, str], str], tries: int
) -> None:
    server.answers = [answer] * 9
    with pytest.raises(slack.SlackError) as caught:
        send()
    assert len(server.got) == tries
    assert str(caught.value) == (
        f"Slack answered {answer[0]} '{answer[2]}' for the channel data-alerts. "
        "What to do: docs/runbook.md#function-errors"
    )


def test_a_slack_that_is_not_there_fails_the_call_and_nothing_says_the_webhook(
    server: Slack, send: Callable[..., Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    server.server.shutdown()
    server.server.server_close()
    with caplog.at_level(logging.DEBUG), pytest.raises(slack.SlackError) as caught:
        send()
    assert str(caught.value).startswith("the Slack channel data-alerts was not reached: URLError: ")
    said = f"{caught.value!r} {caplog.text} {capsys.readouterr()}"
    assert "hunter2" not in said
    assert caught.value.__cause__ is None


def test_the_text_of_an_error_that_names_the_webhook_is_left_out(send: Callable[..., Any]) -> None:
    name = "/data-pipeline/dev/slack/data-alerts"
    boto3.client("ssm").put_parameter(
        Name=name, Value="http://127.0.0.1/hunter2 x", Type="SecureString", Overwrite=True
    )
    with pytest.raises(slack.SlackError) as caught:
        send()
    assert str(caught.value) == "the Slack channel data-alerts was not reached: InvalidURL"


def test_slack_is_waited_for_no_longer_than_the_function_has(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[WebhookClient] = []

    class Client(WebhookClient):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(slack, "WebhookClient", Client)
    send()
    assert [client.timeout for client in made] == [10]


def test_no_log_at_any_level_has_the_webhook(
    server: Slack, send: Callable[..., Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [(500, {}, "")]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("slack_sdk").setLevel(logging.DEBUG)
        send()
    assert "hunter2" not in caplog.text + str(capsys.readouterr())


def test_a_channel_without_a_parameter_fails_the_call(send: Callable[..., Any]) -> None:
    with pytest.raises(parameters.exceptions.GetParameterError, match="ParameterNotFound"):
        send(channel="nowhere")


def test_a_webhook_that_was_changed_is_used_after_a_minute(
    server: Slack, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        """What Powertools takes for now."""

        passed = timedelta(0)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.min + cls.passed  # noqa: DTZ901  naive, as Powertools takes it

    monkeypatch.setattr("aws_lambda_powertools.utilities.parameters.base.datetime", Clock)
    send()
    boto3.client("ssm").put_parameter(
        Name="/data-pipeline/dev/slack/data-alerts", Value=f"{server.url}-new", Type="SecureString", Overwrite=True
    )
    for seconds in (59, 60, 61):
        Clock.passed = timedelta(seconds=seconds)
        send()
    assert [path.removeprefix(SECRET) for path, _ in server.got] == ["", "", "", "-new"]


def test_text_from_files_calls_nobody_and_links_nowhere() -> None:
    (post,) = posts({"Records": [record(text="<!channel> a & b <https://evil.example|here>")]})
    written = body(post)
    text = written.pop("text")
    assert written == {"mrkdwn": False}
    assert "<" not in text
    assert "&lt;!channel&gt; a &amp; b &lt;https://evil.example|here&gt;" in text


def test_an_event_that_is_for_no_channel_is_refused() -> None:
    wrong = record()
    del wrong["Sns"]["MessageAttributes"]["slack"]
    with pytest.raises(DocumentError, match="no 'slack'"):
        list(posts({"Records": [wrong]}))
    with pytest.raises(DocumentError, match=r"^the event of SNS has no 'Records'"):
        list(posts({}))
