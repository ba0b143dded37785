"""The stack configuration: what is refused, that all of it is said at once, and that the stacks are right."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.workflow.definition import load_definition
from config.load import ConfigError, load, parse
from config.model import MOST_TAGS, PipelineConfig
from config.rules import WORKFLOW_WAITS_SECONDS
from tests.unit.infrastructure.cloud import ROOT, STACKS, deploy, main_program, stack_config

PROD: dict[str, Any] = {
    "environment": "prod",
    "storage": {"allow_destroy": False, "noncurrent_versions_expire_after_days": 90},
    "workflow": {"include_execution_data": False},
    "security": {"key_deletion_window_days": 30},
    "monitoring": {
        "log_retention_days": 90,
        "monthly_budget_dollars": 500,
        "alarm_subscriptions": [{"protocol": "email", "endpoint": "on-call@example.com"}],
    },
}


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {
        **base,
        **{
            key: merged(base.get(key, {}), value) if isinstance(value, dict) else value for key, value in change.items()
        },
    }


def refusal(raw: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(raw, "Pulumi.test.yaml")
    assert "Pulumi.test.yaml" in str(caught.value), "the message says which file to open"
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_is_accepted_and_says_its_own_environment(stack: str) -> None:
    settings = parse(stack_config(stack)["data-pipeline:settings"], f"Pulumi.{stack}.yaml")
    assert settings.environment == stack


def values(raw: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from values(value, (*path, key))
        else:
            yield (*path, key), value


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_shows_only_what_differs_from_the_defaults(stack: str) -> None:
    raw = stack_config(stack)["data-pipeline:settings"]
    defaults = PipelineConfig(environment="dev").model_dump()
    shown = [path for path, _ in values(raw) if path != ("environment",)]
    assert shown, "a stack that differs in nothing proves nothing"
    assert [".".join(path) for path in shown if looked_up(raw, path) == looked_up(defaults, path)] == []


def looked_up(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    return functools.reduce(lambda found, key: found[key], path, tree)


def test_the_least_that_prod_needs_is_accepted() -> None:
    assert parse(PROD, "Pulumi.prod.yaml").environment == "prod"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"storage": {"allow_destroy": True}}, "storage.allow_destroy = True: allowed is false in prod"),
        ({"monitoring": {"log_retention_days": 30}}, "monitoring.log_retention_days = 30: allowed is at least 90 days"),
        (
            {"storage": {"raw_expires_after_days": 89}},
            "storage.raw_expires_after_days = 89: allowed is at least 90 days",
        ),
        (
            {"storage": {"quarantine_expires_after_days": 7}},
            "quarantine_expires_after_days = 7: allowed is at least 90",
        ),
        (
            {"storage": {"noncurrent_versions_expire_after_days": 30}},
            "noncurrent_versions_expire_after_days = 30: allowed is at least 90",
        ),
        ({"monitoring": {"alarm_subscriptions": []}}, "monitoring.alarm_subscriptions = []: allowed is at least one"),
        ({"monitoring": {"monthly_budget_dollars": None}}, "monitoring.monthly_budget_dollars = None: allowed is an"),
        ({"batches": {"schedule_enabled": False}}, "batches.schedule_enabled = False: allowed is true in prod"),
        ({"workflow": {"log_level": "FATAL"}}, "workflow.log_level = 'FATAL': allowed is ERROR or ALL in prod"),
        ({"security": {"key_deletion_window_days": 29}}, "key_deletion_window_days = 29: allowed is 30 in prod"),
        ({"workflow": {"include_execution_data": True}}, "workflow.include_execution_data = True: allowed is false"),
    ],
)
def test_prod_keeps_its_data_its_logs_and_someone_to_call(change: dict[str, Any], said: str) -> None:
    (line,) = refusal(merged(PROD, change))
    assert said in line
    relaxed = {**merged(PROD, change), "environment": "dev"}
    assert parse(relaxed, "").environment == "dev", "a development environment may"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"environment": "production"}, "environment = 'production': allowed is 'local', 'dev', 'staging' or 'prod'"),
        ({"storgae": {}}, "storgae = {}: allowed is one of athena, batches"),
        ({"glue": {"workers": 3}}, "glue.workers = 3: allowed is one of crawl_daily_at_utc, max_concurrent_runs"),
        (
            {"monitoring": {"alarm_subscriptions": [{"protocol": "email", "endpoint": "a@b.example", "to": 1}]}},
            "alarm_subscriptions.0.to = 1: allowed is one of endpoint, name, protocol",
        ),
        ({"functions": {"query": {"timeout_seconds": 901}}}, "functions.query.timeout_seconds = 901: allowed is less"),
        ({"ingestion": {"max_concurrency": 1}}, "ingestion.max_concurrency = 1: allowed is greater than or equal to 2"),
        ({"monitoring": {"log_retention_days": 0}}, "monitoring.log_retention_days = 0: allowed is 1, 3, 5"),
        ({"glue": {"crawl_daily_at_utc": "25:00"}}, "glue.crawl_daily_at_utc = '25:00'"),
        ({"security": {"account_id": "12"}}, "security.account_id = '12'"),
        ({"security": {"permissions_boundary_arn": "admin"}}, "security.permissions_boundary_arn = 'admin'"),
        (
            {"ingestion": {"batch_size": 100, "batching_window_seconds": 0}},
            "ingestion.batching_window_seconds = 0: allowed is at least 1, since ingestion.batch_size is 100",
        ),
        (
            {"functions": {"ingestion": {"reserved_concurrency": 5}}},
            "functions.ingestion.reserved_concurrency = 5: allowed is at least ingestion.max_concurrency, which is 10",
        ),
        (
            {"functions": {"etl_trigger": {"reserved_concurrency": 5}}},
            "functions.etl_trigger.reserved_concurrency = 5: allowed is more than 5, which ticks of the queue may take",
        ),
        ({"batches": {"window_seconds": 601}}, "batches.window_seconds = 601"),
        ({"batches": {"window_seconds": -1}}, "batches.window_seconds = -1"),
        (
            {"workflow": {"timeout_minutes": 60}},
            "workflow.timeout_minutes = 60: allowed is more than glue.timeout_minutes",
        ),
        (
            {"glue": {"max_concurrent_runs": 1}, "batches": {"max_concurrent_per_dataset": 2}},
            "glue.max_concurrent_runs = 1: allowed is at least 2",
        ),
        (
            {"storage": {"raw_to_infrequent_access_after_days": 30, "raw_to_glacier_after_days": 31}},
            "storage.raw_to_glacier_after_days = 31: allowed is at least 60",
        ),
        (
            {"storage": {"raw_to_infrequent_access_after_days": 30, "raw_expires_after_days": 30}},
            "storage.raw_expires_after_days = 30: allowed is more than 30",
        ),
        (
            {"monitoring": {"alarm_subscriptions": [{"protocol": "https", "endpoint": "http://example.com"}]}},
            "monitoring.alarm_subscriptions.0.endpoint = 'http://example.com': allowed is an address that starts",
        ),
        (
            {"monitoring": {"alarm_subscriptions": [{"protocol": "email", "endpoint": "a@b.example\n"}]}},
            "monitoring.alarm_subscriptions.0.endpoint = 'a@b.example\\n': allowed is an e-mail address",
        ),
        (
            {"monitoring": {"alarm_subscriptions": [{"protocol": "email", "endpoint": "a@b.example"}] * 2}},
            "monitoring.alarm_subscriptions.1 = 'email-a@b.example': allowed is each subscription once",
        ),
        (
            {"monitoring": {"alarm_subscriptions": [{"name": "A b", "protocol": "email", "endpoint": "a@b.example"}]}},
            "monitoring.alarm_subscriptions.0.name = 'A b'",
        ),
        (
            {"ingestion": {"max_receive_count": 1_000}},
            "ingestion.max_receive_count = 1000: allowed is at most 956: a try takes up to 361 seconds",
        ),
        ({"functions": {"query": {"timeout_seconds": 305}}}, "query.timeout_seconds = 305: allowed is less than 305"),
        ({"functions": {"notification": {"timeout_seconds": 65}}}, "timeout_seconds = 65: allowed is less than 65"),
        (
            {
                "security": {
                    "account_id": "111122223333",
                    "permissions_boundary_arn": "arn:aws:iam::444455556666:policy/boundary",
                }
            },
            "allowed is a policy of AWS, or of security.account_id, which is 111122223333",
        ),
        ({"tags": {"AWS:owner": "me"}}, "tags.AWS:owner = 'me': allowed is another name"),
        (
            {"tags": {f"tag-{number}": "" for number in range(MOST_TAGS + 1)}},
            "tags': allowed is at most",
        ),
        ({"tags": {"Project": "other"}}, "tags.Project = 'other': allowed is the program sets this tag itself"),
        ({"tags": {"project": "other"}}, "tags.project = 'other': allowed is the program sets this tag itself"),
        ({"tags": {"Team": "a", "team": "b"}}, "tags.team = 'b': allowed is each tag once, whatever its letters' case"),
        ({"tags": {"team": "<data>"}}, "tags.team = '<data>': allowed is a text of up to 256 letters, digits"),
        ({"tags": {"team": 5}}, "tags.team = 5: allowed is a text of up to 256"),
        ({"glue": [1]}, "glue = [1]: allowed is keys with their values, each on a line of its own"),
        ({"tags": "team"}, "tags = 'team': allowed is keys with their values"),
        ({"monitoring": {"alarm_subscriptions": "me"}}, "alarm_subscriptions = 'me': allowed is a list, each value on"),
    ],
)
def test_what_aws_would_refuse_later_is_refused_before_the_first_resource(change: dict[str, Any], said: str) -> None:
    lines = refusal({"environment": "dev", **change})
    assert [line for line in lines if said in line], lines


@pytest.mark.parametrize(
    "change",
    [
        {"functions": {"etl_trigger": {"reserved_concurrency": 6}}},
        {"batches": {"window_seconds": 0}},
        {"batches": {"window_seconds": 600}},
    ],
)
def test_the_most_and_the_least_that_ticks_allow_are_taken(change: dict[str, Any]) -> None:
    assert parse({"environment": "dev", **change}, "Pulumi.test.yaml").environment == "dev"


@pytest.mark.parametrize("claimed", ["local", "dev", "staging"])
def test_prod_cannot_claim_to_be_another_environment_and_so_be_rid_of_its_rules(claimed: str) -> None:
    relaxed = merged(PROD, {"environment": claimed, "storage": {"allow_destroy": True}})
    with pytest.raises(ConfigError) as caught:
        deploy(load, config={"data-pipeline:settings": relaxed}, stack="prod")
    text = str(caught.value)
    assert text.startswith("Pulumi.prod.yaml: 2 of data-pipeline:settings cannot be used:\n"), text
    assert f"\n  environment = '{claimed}': allowed is 'prod', as the stack is called" in text
    assert "\n  storage.allow_destroy = True: allowed is false in prod" in text, "what else is wrong is said at once"


def test_a_stack_that_is_called_otherwise_says_which_environment_it_is() -> None:
    deploy(load, config={"data-pipeline:settings": PROD}, stack="prod-eu")


@pytest.mark.parametrize("settings", [PROD, {}, None])
def test_what_stands_beside_the_settings_is_refused_together_with_what_is_wrong_in_them(settings: Any) -> None:
    given = {"data-pipeline:setings": {"environment": "prod"}, "data-pipeline:environment": "prod", "aws:region": "x"}
    with pytest.raises(ConfigError) as caught:
        deploy(load, config={**given, **({"data-pipeline:settings": settings} if settings else {})}, stack="prod")
    for key in ("setings", "environment"):
        assert f"\n  data-pipeline:{key}: allowed is data-pipeline:settings only, under which" in str(caught.value)
    assert "aws:region" not in str(caught.value)
    assert "Pulumi.prod.yaml: " in str(caught.value)


def test_what_the_pulumi_cli_hands_over_is_looked_at_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"data-pipeline:settings": json.dumps(PROD), "data-pipeline:setings": "1", "aws:region": "eu-central-1"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(given))
    with pytest.raises(ConfigError, match=r"1 of .*:\n  data-pipeline:setings: allowed is"):
        deploy(load, stack="prod")


@pytest.mark.parametrize(
    "address",
    ["a,b@b..c", "a@b..c", "a@b", "a b@c.de", "a@b@c.de", ".a@b.de", "a..b@c.de", "a@-b.de", "a@b.de,c@d.de", "ä@b.de"],
)
def test_what_is_no_single_e_mail_address_is_refused(address: str) -> None:
    subscriptions = [{"protocol": "email", "endpoint": address}]
    (line,) = refusal(merged(PROD, {"monitoring": {"alarm_subscriptions": subscriptions}}))
    assert line.endswith("allowed is an e-mail address, since the protocol is email")


@pytest.mark.parametrize("address", ["on-call@example.com", "a.b+c@x.example.co", "o'neil_1@a-b.io"])
def test_an_e_mail_address_is_taken(address: str) -> None:
    parse(merged(PROD, {"monitoring": {"alarm_subscriptions": [{"protocol": "email", "endpoint": address}]}}), "")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"storage": {"allow_destroy": "no"}}, "storage.allow_destroy = 'no'"),
        ({"storage": {"allow_destroy": 0}}, "storage.allow_destroy = 0"),
        ({"batches": {"schedule_enabled": "true"}}, "batches.schedule_enabled = 'true'"),
        ({"batches": {"max_attempts": True}}, "batches.max_attempts = True"),
        ({"glue": {"max_workers": "20"}}, "glue.max_workers = '20'"),
        ({"monitoring": {"monthly_budget_dollars": 500.0}}, "monitoring.monthly_budget_dollars = 500.0"),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_taken_for_what_it_may_have_meant(
    change: dict[str, Any], key: str
) -> None:
    lines = refusal(merged(PROD, change))
    assert [line for line in lines if line.startswith(f"{key}: allowed is")], lines


def test_settings_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Pulumi.test.yaml: data-pipeline:settings = None is not a mapping"):
        parse(None, "Pulumi.test.yaml")


def test_a_missing_environment_is_said() -> None:
    (line,) = refusal({})
    assert "environment = None: allowed is a value" in line


def test_the_stack_file_is_named_and_nothing_is_declared() -> None:
    with pytest.raises(ConfigError, match=r"Pulumi.prod.yaml: 1 of data-pipeline:settings"):
        deploy(load, config={"data-pipeline:settings": {"environment": "prod"} | _without(PROD)}, stack="prod")


def _without(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "batches": {"schedule_enabled": False}}


def test_the_workflow_waits_as_long_as_the_settings_think() -> None:
    text = load_definition(ROOT / "state_machines" / "batch_workflow.asl.json")
    states = json.loads(re.sub(r"\$\{TimeoutSeconds\}", "1", text))["States"].values()
    waits = {
        state["Arguments"]["FunctionName"]: state["TimeoutSeconds"]
        for state in states
        if "FunctionName" in state.get("Arguments", {})
    }
    for name, seconds in WORKFLOW_WAITS_SECONDS.items():
        assert waits[f"${{{name.capitalize()}FunctionArn}}"] == seconds


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = parse({"environment": "dev"}, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.environment = "prod"  # type: ignore[misc]  # the wrong that is tested


@pytest.mark.parametrize(
    ("region", "version", "taken"),
    [
        ("eu-central-1", "5.1", True),
        ("us-gov-west-1", "5.1", True),
        ("eusc-de-east-1", "5.1", True),
        ("cn-north-1", "5.1", False),
        ("us-iso-east-1", "5.1", False),
        ("us-isob-east-1", "5.1", False),
        ("eu-isoe-west-1", "5.1", False),
        ("cn-north-1", "5.0", True),
        (None, "5.1", True),
    ],
)
def test_a_region_without_the_version_of_glue_is_refused_before_anything_is_declared(
    region: str | None, version: str, taken: bool
) -> None:
    raw = {"environment": "dev", "glue": {"version": version}}
    if taken:
        assert parse(raw, "", region=region).glue.version == version
        return
    with pytest.raises(
        ConfigError, match=rf"glue.version = '5.1': allowed is '5.0' in aws:region {region}: AWS has not"
    ):
        parse(raw, "", region=region)


@pytest.mark.parametrize("version", ["4.0", "5.2", "5", 5.1])
def test_a_version_of_glue_that_the_job_does_not_run_on_is_refused(version: Any) -> None:
    (line,) = refusal({"environment": "dev", "glue": {"version": version}})
    assert line == f"glue.version = {version!r}: allowed is '5.0' or '5.1'"


@pytest.mark.parametrize("version", ["5.0", "5.1"])
def test_the_job_runs_on_the_version_that_the_stack_names(version: str) -> None:
    given = stack_config("dev")
    given["data-pipeline:settings"]["glue"] = {"version": version}
    (job,) = deploy(main_program, config=given).of("glue.Job")
    assert job.inputs["glueVersion"] == version
