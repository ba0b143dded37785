"""The stack configuration: what is refused, that all of it is said at once, and that the stacks are right."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

import config
from bootstrap.settings import BootstrapSettings
from config import ConfigError, PipelineConfig, Subscription, parse
from invariants import WORKFLOW_WAITS_SECONDS
from ops.stack_files import opened
from tests.unit.infrastructure.cloud import ROOT, STACKS, deploy, stack_config

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
        ({"functions": {"log_level": "ERROR"}}, "functions.log_level = 'ERROR': allowed is INFO or DEBUG"),
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
            "ingestion.max_receive_count = 1000: allowed is at most 945: a try takes up to 365 seconds",
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
        ({"tags": {f"tag-{number}": "" for number in range(48)}}, "tags = {'tag-0': ''"),
        ({"tags": {"Project": "other"}}, "tags.Project = 'other': allowed is the program sets this tag itself"),
    ],
)
def test_what_aws_would_refuse_later_is_refused_before_the_first_resource(change: dict[str, Any], said: str) -> None:
    lines = refusal({"environment": "dev", **change})
    assert [line for line in lines if said in line], lines


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


@pytest.mark.parametrize("claimed", ["local", "dev", "staging"])
def test_prod_cannot_claim_to_be_another_environment_and_so_be_rid_of_its_rules(claimed: str) -> None:
    relaxed = merged(PROD, {"environment": claimed, "storage": {"allow_destroy": True}})
    with pytest.raises(ConfigError) as caught:
        deploy(config.load, config={"data-pipeline:settings": relaxed}, stack="prod")
    text = str(caught.value)
    assert text.startswith("Pulumi.prod.yaml: 2 of data-pipeline:settings cannot be used:\n"), text
    assert f"\n  environment = '{claimed}': allowed is 'prod', as the stack is called" in text
    assert "\n  storage.allow_destroy = True: allowed is false in prod" in text, "what else is wrong is said at once"


def test_a_stack_that_is_called_otherwise_says_which_environment_it_is() -> None:
    deploy(config.load, config={"data-pipeline:settings": PROD}, stack="prod-eu")


@pytest.mark.parametrize("settings", [PROD, {}, None])
def test_what_stands_beside_the_settings_is_refused_together_with_what_is_wrong_in_them(settings: Any) -> None:
    given = {"data-pipeline:setings": {"environment": "prod"}, "data-pipeline:environment": "prod", "aws:region": "x"}
    with pytest.raises(ConfigError) as caught:
        deploy(
            config.load, config={**given, **({"data-pipeline:settings": settings} if settings else {})}, stack="prod"
        )
    for key in ("setings", "environment"):
        assert f"\n  data-pipeline:{key}: allowed is data-pipeline:settings only, under which" in str(caught.value)
    assert "aws:region" not in str(caught.value)
    assert "Pulumi.prod.yaml: " in str(caught.value)


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
        deploy(config.load, config={"data-pipeline:settings": {"environment": "prod"} | _without(PROD)}, stack="prod")


def _without(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "batches": {"schedule_enabled": False}}


SECRET = "https://example.com/hooks/hunter2"


def with_endpoint(**subscription: str) -> dict[str, Any]:
    return merged(PROD, {"monitoring": {"alarm_subscriptions": [{"protocol": "https", **subscription}]}})


@pytest.mark.parametrize(
    "raw",
    [
        with_endpoint(name="on-call", endpoint=SECRET.replace("https", "http")),
        with_endpoint(endpoint=SECRET),
        with_endpoint(name="on-call", endpoint=SECRET, to=SECRET),
        {**PROD, "environment": SECRET},
        SECRET,
    ],
)
def test_no_value_of_settings_that_hold_a_secret_is_printed(raw: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(raw, "Pulumi.test.yaml", secret=True)
    assert "hunter2" not in str(caught.value)
    assert "[secret]" in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None, "a traceback would show it"


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"ingestion": {"batch_size": 4321, "batching_window_seconds": 0}}, "4321"),
        ({"ingestion": {"max_concurrency": 321}, "functions": {"ingestion": {"reserved_concurrency": 5}}}, "321"),
        ({"functions": {"ingestion": {"timeout_seconds": 432}}, "ingestion": {"max_receive_count": 999}}, "2597"),
        ({"workflow": {"timeout_minutes": 60}, "glue": {"timeout_minutes": 432}}, "432"),
        ({"glue": {"max_concurrent_runs": 1}, "batches": {"max_concurrent_per_dataset": 7}}, "7"),
        ({"storage": {"raw_to_infrequent_access_after_days": 321, "raw_to_glacier_after_days": 322}}, "351"),
        ({"storage": {"raw_to_glacier_after_days": 321, "raw_expires_after_days": 320}}, "321"),
        (
            {
                "security": {
                    "account_id": "111122223333",
                    "permissions_boundary_arn": "arn:aws:iam::444455556666:policy/boundary",
                }
            },
            "111122223333",
        ),
    ],
)
def test_what_is_allowed_names_no_other_value_of_settings_that_hold_a_secret(
    change: dict[str, Any], other: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(merged(PROD, change), "", secret=False)
    assert other in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        parse(merged(PROD, change), "", secret=True)
    assert other not in str(caught.value)
    assert str(caught.value).endswith("Of these settings, only the endpoints of subscriptions may be secrets.")


def test_a_secret_endpoint_needs_a_name_since_the_resource_would_be_called_after_it() -> None:
    parse(with_endpoint(endpoint=SECRET), "", secret=False)
    with pytest.raises(ConfigError, match=r"alarm_subscriptions.0.name = \[secret\]: allowed is a name"):
        parse(with_endpoint(endpoint=SECRET), "", secret=True)


@pytest.mark.parametrize("protocol", get_args(Subscription.model_fields["protocol"].annotation))
def test_a_secret_endpoint_of_any_kind_has_a_stand_in_that_the_program_accepts(protocol: str) -> None:
    subscription = {"name": "on-call", "protocol": protocol, "endpoint": {"secure": "v1:abc:def"}}
    config = {"data-pipeline:settings": merged(PROD, {"monitoring": {"alarm_subscriptions": [subscription]}})}
    plain, secret_keys = opened(config)
    assert secret_keys == ["data-pipeline:settings"]
    settings = parse(plain["data-pipeline:settings"], "", secret=True)
    assert settings.holds_secrets
    assert "v1:abc:def" not in repr(settings)


def test_text_in_the_place_of_settings_is_refused_and_not_shown_if_it_is_secret() -> None:
    with pytest.raises(ConfigError, match="data-pipeline:settings = 'hunter2' is not a mapping"):
        deploy(config.load, config={"data-pipeline:settings": "hunter2"})
    with pytest.raises(ConfigError, match=r"data-pipeline:settings = \[secret\] is not a mapping"):
        deploy(config.load, config={"data-pipeline:settings": {"secure": "v1:a:b"}})


def test_the_workflow_waits_as_long_as_the_settings_think() -> None:
    text = (ROOT / "state_machines" / "batch_workflow.asl.json").read_text(encoding="utf-8")
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
