"""What is wrong with a stack's settings is said at once, once, where it is in the file, and in words."""

from collections.abc import Iterator
from typing import Any

import pytest

from bootstrap.settings import BootstrapSettings
from config.load import ConfigError, parse
from config.model import PipelineConfig
from tests.unit.infrastructure.test_config import PROD, merged, refusal


def test_every_violation_is_said_at_once_those_of_fields_and_those_between_them() -> None:
    lines = refusal(
        {
            "environment": "prod",
            "storage": {"allow_destroy": True, "colour": "blue"},
            "ingestion": {"batch_size": 0},
            "monitoring": {"alarm_subscriptions": [{"protocol": "pigeon", "endpoint": "roof"}]},
        }
    )
    for key in (
        "storage.colour",
        "ingestion.batch_size",
        "monitoring.alarm_subscriptions.0.protocol",
        "storage.allow_destroy",
        "monitoring.log_retention_days",
        "workflow.include_execution_data",
    ):
        assert [line for line in lines if line.startswith(key)], (key, lines)


GOOD = {"protocol": "email", "endpoint": "a@b.example"}


def test_an_unknown_key_hides_nothing_of_what_begins_like_it() -> None:
    lines = refusal(merged(PROD, {"storag": 1, "storage": {"allow_destroy": True}}))
    assert [line.split(" ")[0] for line in lines] == ["storag", "storage.allow_destroy"]


def test_a_wrong_element_hides_nothing_of_another_whose_number_begins_like_its_own() -> None:
    subscriptions = [{"protocol": "email", "endpoint": f"a{place}@b.example"} for place in range(11)]
    subscriptions[1]["protocol"], subscriptions[10]["endpoint"] = "pigeon", "roof"
    lines = refusal(merged(PROD, {"monitoring": {"alarm_subscriptions": subscriptions}}))
    assert [line.split(" ")[0] for line in lines] == [
        "monitoring.alarm_subscriptions.1.protocol",
        "monitoring.alarm_subscriptions.10.endpoint",
    ]


def test_an_element_is_named_by_its_place_in_the_file_even_after_a_wrong_one() -> None:
    subscriptions = [{**GOOD, "protocol": "pigeon"}, GOOD, {"protocol": "email", "endpoint": "roof"}]
    lines = refusal(merged(PROD, {"monitoring": {"alarm_subscriptions": subscriptions}}))
    assert [line.split(" ")[0] for line in lines] == [
        "monitoring.alarm_subscriptions.0.protocol",
        "monitoring.alarm_subscriptions.2.endpoint",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": {"a!": "x"}},
        {"security": {"vpc": {}}},
        {"security": {"vpc": {"availability_zones": ["nowhere"]}}},
        {"monitoring": {"alarm_subscriptions": [{"protocol": "email"}, GOOD]}},
    ],
)
def test_what_is_wrong_by_itself_does_not_hide_what_rules_refuse(wrong: dict[str, Any]) -> None:
    first, second = refusal(merged(merged(PROD, {"batches": {"schedule_enabled": False}}), wrong))
    assert second.startswith("batches.schedule_enabled = False"), first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"glue": {"crawl_daily_at_utc": "25:00"}},
            "glue.crawl_daily_at_utc = '25:00': allowed is a time of day as 'HH:MM', UTC, in quotes",
        ),
        (
            {"glue": {"crawl_daily_at_utc": 750}},
            "glue.crawl_daily_at_utc = 750: allowed is a time of day as 'HH:MM', UTC, in quotes",
        ),
        (
            {"security": {"account_id": 111122223333}},
            "security.account_id = 111122223333: allowed is an account's twelve digits, in quotes",
        ),
        (
            {"security": {"permissions_boundary_arn": "admin"}},
            "security.permissions_boundary_arn = 'admin': allowed is the ARN of an IAM policy, like arn:aws:iam::1111",
        ),
        (
            {"security": {"vpc": {"availability_zones": ["nowhere"]}}},
            "security.vpc.availability_zones.0 = 'nowhere': allowed is an availability zone, like eu-central-1a",
        ),
        (
            {"security": {"vpc": {"cidr": "10.0.0.1/20", "availability_zones": ["eu-central-1a"]}}},
            "security.vpc.cidr = '10.0.0.1/20': allowed is a range of private addresses, /16 to /24, like 10.64.0.0/20",
        ),
        ({"tags": {"a!": "x"}}, "tags.a! = 'a!': allowed is a tag's name: up to 128 letters, digits, spaces and any"),
        (
            {"monitoring": {"alarm_subscriptions": [{**GOOD, "name": "A b"}]}},
            "monitoring.alarm_subscriptions.0.name = 'A b': allowed is a letter and up to 62 more letters, digits",
        ),
        ({"storage": {"allow_destroy": "no"}}, "storage.allow_destroy = 'no': allowed is true or false, without"),
    ],
)
def test_what_is_allowed_is_said_in_words_and_not_as_a_pattern(change: dict[str, Any], said: str) -> None:
    (line,) = refusal(merged(PROD, change))
    assert line.startswith(said)


def test_every_pattern_is_put_into_words() -> None:
    def constrained(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if schema.get("pattern") and schema.get("type") == "str":
                yield schema["pattern"]
            for key, inner in schema.items():
                if schema.get("type") != "custom-error" or key != "schema":
                    yield from constrained(inner)
        elif isinstance(schema, list | tuple):
            for inner in schema:
                yield from constrained(inner)

    for model in (PipelineConfig, BootstrapSettings):
        assert "custom-error" in str(model.__pydantic_core_schema__)
        assert list(constrained(model.__pydantic_core_schema__)) == []


def test_what_a_terminal_would_obey_is_shown_escaped() -> None:
    wrong = {"glue\x1b[2J\x9b\u202e": "\x1b]0;x\x07", "tags": {"a\nb": "c"}}
    with pytest.raises(ConfigError) as caught:
        parse({**PROD, **wrong}, "Pulumi.test.yaml", beside=["data-pipeline:\x1b[31m"])
    assert [one for one in str(caught.value) if not one.isprintable() and one != "\n"] == []
    assert r"glue\x1b[2J\x9b\u202e = '\x1b]0;x\x07'" in str(caught.value)
    assert r"tags.a\nb" in str(caught.value)
    assert r"data-pipeline:\x1b[31m" in str(caught.value)


def test_a_field_that_is_wrong_already_is_not_accused_twice() -> None:
    lines = refusal(merged(PROD, {"monitoring": {"log_retention_days": "long"}}))
    assert len(lines) == 1, lines
