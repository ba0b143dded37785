"""Who is told what: the channels that a contract's support and team come to, and what is refused or only shown."""

from pathlib import Path
from typing import Any

import pytest
from pipeline_core.channels import SEVERITIES, Severity

from contracts.compiler.channels import SCOPES, Channel, Kind, slack_name
from lambdas.notification.message import NEXT
from tests.unit.contracts.compiling import compiled, refused

ADA = Channel(Kind.EMAIL, "ada@example.com")
ALERTS = Channel(Kind.SLACK, "data-alerts")
HOOK = Channel(Kind.HTTPS, "https://hear.example.com/sns")


def notify(value: Any, name: str = "notify", times: int = 1) -> dict[str, Any]:
    return {"customProperties": [{"property": name, "value": value} for _ in range(times)]}


def channels(tmp_path: Path, **contract: Any) -> dict[Channel, Severity]:
    return dict(compiled(tmp_path, contract=contract).channels)


@pytest.mark.parametrize(
    ("support", "channel"),
    [
        ({"channel": "owners", "tool": "email", "url": "mailto:Ada@Example.com"}, ADA),
        ({"channel": "owners", "tool": "email", "url": "mailto:ada%40example.com?subject=data"}, ADA),
        ({"channel": "owners", "tool": "email", "url": "ada@example.com"}, ADA),
        ({"channel": "ada@example.com", "tool": "email"}, ADA),
        ({"channel": "ada@example.com"}, ADA),
        ({"channel": "desk", "tool": "ticket", "url": "mailto:ada@example.com"}, ADA),
        ({"channel": "#data-alerts", "tool": "slack"}, ALERTS),
        ({"channel": "Data Alerts", "tool": "Slack", "url": "https://acme.slack.com/archives/C1"}, ALERTS),
        ({"channel": "on call", "tool": "other", "url": HOOK.address, **notify("warning")}, HOOK),
        ({"channel": "on call", "url": HOOK.address, **notify("warning")}, HOOK),
    ],
)
def test_a_channel_with_an_address_hears_of_warnings_and_worse(
    tmp_path: Path, support: dict[str, Any], channel: Channel
) -> None:
    assert channels(tmp_path, support=[support]) == {channel: Severity.WARNING}


@pytest.mark.parametrize(
    ("said", "least"),
    [
        ({"scope": "notifications"}, "information"),
        ({"scope": "Issues"}, "warning"),
        ({"scope": "of another program"}, "warning"),
        ({"scope": "interactive"}, None),
        ({"scope": "announcements"}, None),
        ({"scope": "announcements", **notify("critical")}, "critical"),
        ({"scope": "notifications", **notify("critical")}, "critical"),
        ({**notify("none")}, None),
    ],
)
def test_scope_says_how_severe_it_has_to_be_and_notify_wins(
    tmp_path: Path, said: dict[str, Any], least: str | None
) -> None:
    found = channels(tmp_path, support=[{"channel": "data-alerts", "tool": "slack", **said}])
    assert found == ({} if least is None else {ALERTS: Severity(least)})


def test_what_others_say_of_a_channel_is_none_of_ours(tmp_path: Path) -> None:
    others = [{"property": name, "value": name} for name in ("owner", "colour")]
    notified = {"customProperties": [*others, *notify("critical")["customProperties"]]}
    assert channels(tmp_path, support=[{"channel": "data-alerts", "tool": "slack", **notified}]) == {
        ALERTS: Severity.CRITICAL
    }


def test_every_scope_of_the_standard_means_something() -> None:
    assert set(SCOPES) == {"interactive", "announcements", "issues", "notifications"}


def test_a_member_is_told_only_where_the_contract_asks_for_it_and_while_in_the_team(tmp_path: Path) -> None:
    members = [
        {"username": "ada@example.com", **notify("critical")},
        {"username": "bob@example.com"},
        {"username": "cleo@example.com", "dateOut": "2026-01-01", **notify("critical")},
    ]
    assert channels(tmp_path, team=members) == {ADA: Severity.CRITICAL}
    assert channels(tmp_path, team={"name": "data", "members": members}) == {ADA: Severity.CRITICAL}


@pytest.mark.parametrize("order", [1, -1])
def test_who_is_named_twice_is_one_channel_that_hears_of_the_lesser_severity(tmp_path: Path, order: int) -> None:
    support = [
        {"channel": "ada@example.com", "tool": "email", **notify("critical")},
        {"channel": "owners", "url": "mailto:ADA@example.com", "scope": "notifications"},
    ][::order]
    assert channels(tmp_path, support=support) == {ADA: Severity.INFORMATION}


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        ({"support": [{"channel": "x", "tool": "slack", **notify("all")}]}, "support.0: notify: 'all'; allowed: infor"),
        ({"support": [{"channel": "x", "tool": "slack", **notify("none", "Notifi")}]}, "notify is meant?"),
        ({"support": [{"channel": "???", "tool": "slack", **notify("critical")}]}, "a letter a-z or a digit"),
        ({"support": [{"channel": "x", "tool": "email", **notify("critical")}]}, "support.0: no e-mail address"),
        ({"support": [{"channel": "x", "tool": "teams", **notify("critical")}]}, "tool teams: no message is sent"),
        (
            {"support": [{"channel": "x", "url": "http://a.example", **notify("critical")}]},
            "no address: url is 'http://a.example'",
        ),
        (
            {"support": [{"channel": "x", "tool": "slack", **notify("critical", times=2)}]},
            "support.0: notify: more than once; write it once",
        ),
        (
            {"support": [{"channel": "x", "tool": "email", "url": "ärger@example.com", **notify("critical")}]},
            "support.0: no e-mail address",
        ),
        ({"team": [{"username": "ada", **notify("critical")}]}, "team.0: username: 'ada' is no e-mail address"),
        ({"team": {"members": [{"username": "ada", **notify("critical")}]}}, "team.members.0: username: 'ada'"),
    ],
)
def test_what_is_asked_for_and_cannot_be_is_refused(tmp_path: Path, contract: dict[str, Any], told: str) -> None:
    assert told in refused(tmp_path, contract=contract)


@pytest.mark.parametrize("field", ["channel", "url", "invitationUrl"])
@pytest.mark.parametrize("tool", ["slack", "other", "https"])
def test_a_slack_webhook_in_a_contract_is_refused_and_not_repeated(tmp_path: Path, field: str, tool: str) -> None:
    support = {"channel": "x", "tool": tool, field: "https://hooks.slack.com/services/T0/B0/hunter2"}
    told = refused(tmp_path, contract={"support": [support]})
    assert "support.0: it has a Slack webhook" in told
    assert "monitoring.slack_webhooks" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("support", "said"),
    [
        (
            {"channel": "x", "tool": "teams", "url": "https://teams.example/x"},
            ("tool teams: no message is sent there",),
        ),
        ({"channel": "ada@example.com", "tool": "teams"}, ("tool teams: no message is sent there",)),
        ({"channel": "x", "tool": "email"}, ("no e-mail address",)),
        ({"channel": "x"}, ("no address",)),
        ({"channel": "x", "tool": "slack", "scope": "interactive"}, ("scope interactive is where people talk",)),
        # A page to look at, and a channel that is told of all it asks for.
        ({"channel": "issues", "url": "https://git.example/issues"}, ()),
        ({"channel": "x", "tool": "slack", **notify("none")}, ()),
        ({"channel": "x", "tool": "slack"}, ()),
    ],
)
def test_a_channel_that_hears_nothing_is_said_unless_nobody_would_expect_it(
    tmp_path: Path, support: dict[str, Any], said: tuple[str, ...]
) -> None:
    found = compiled(tmp_path, contract={"support": [support]})
    assert len(found.notices) == len(said)
    assert all(part in notice for part, notice in zip(said, found.notices, strict=True))
    assert bool(found.channels) is (support.get("tool") == "slack" and len(support) == 2)


def test_an_id_says_no_address_and_a_slack_channel_has_its_name() -> None:
    assert ALERTS.id == "slack:data-alerts"
    assert "ada" not in ADA.id
    assert len({ADA.id, HOOK.id, Channel(Kind.HTTPS, "https://hear.example.com/snS").id}) == 3


@pytest.mark.parametrize(("length", "kept"), [(79, 79), (80, 80), (81, 80)])
def test_a_slack_channels_name_has_eighty_characters_at_most(length: int, kept: int) -> None:
    assert slack_name("#" + "x" * length) == "x" * kept


def test_every_outcome_that_people_are_told_has_a_severity() -> None:
    assert set(SEVERITIES) == {*NEXT, "LATE", "PAUSED", "FRESH", "ROLLED_BACK"}


@pytest.mark.parametrize(
    ("severity", "reached"),
    [
        ("information", {"information"}),
        ("warning", {"information", "warning"}),
        ("critical", {"information", "warning", "critical"}),
    ],
)
def test_a_channel_hears_of_its_least_severity_and_of_worse(severity: str, reached: set[str]) -> None:
    assert {least for least in Severity if Severity(severity).reaches(least)} == reached
