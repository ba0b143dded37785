"""The JSON Schema that editors check stack files with: it takes what the program takes, and refuses what is wrong."""

import copy
from typing import Any

import jsonschema
import pytest
import yaml

from config.load import ConfigError, parse
from config.stack_file import opened
from ops.pages.schema import STACK_FILE, stack_schema
from tests.unit.infrastructure.cloud import ROOT, STACKS
from tests.unit.infrastructure.test_config import values

VALIDATOR = jsonschema.Draft7Validator(stack_schema())


def stack_file(stack: str) -> Any:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))


def changed(path: str, value: object) -> Any:
    """The file of prod, with another value at a path below its settings."""
    file = copy.deepcopy(stack_file("prod"))
    *parents, last = path.split("/")
    place = file["config"]["data-pipeline:settings"]
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    place[last] = value
    return file


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(stack_schema())


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_fits_the_schema_and_leads_editors_to_it(stack: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(stack_file(stack))] == []
    first = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={STACK_FILE}"


def test_editors_refuse_what_is_no_region() -> None:
    file = stack_file("prod")
    file["config"]["aws:region"] = "banana"
    assert [error.json_path for error in VALIDATOR.iter_errors(file)] == ["$.config['aws:region']"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment", "production"),
        ("storage/allow_destroy", "perhaps"),
        ("storage/allow_destroy", "no"),
        ("glue/max_workers", "20"),
        ("storage/allow_destory", False),
        ("storgae", {}),
        ("functions/query/timeout_seconds", 901),
        ("functions/query/memory", 512),
        ("glue/max_workers", 1),
        ("glue/max_workers", {"secure": "v1:a:b"}),
        ("glue/crawl_daily_at_utc", "25:00"),
        ("monitoring/log_retention_days", 91),
        ("monitoring/alarm_subscriptions", [{"protocol": "pigeon", "endpoint": "roof"}]),
        ("monitoring/alarm_subscriptions/0/to", "me"),
        ("security/account_id", "12"),
        ("tags", {"a": 1}),
    ],
)
def test_what_the_program_refuses_an_editor_marks(path: str, value: object) -> None:
    file = changed(path, value)
    assert list(VALIDATOR.iter_errors(file)) != []
    plain, _ = opened(file["config"])
    with pytest.raises(ConfigError):
        parse(plain["data-pipeline:settings"], "Pulumi.prod.yaml")


def test_a_setting_under_another_key_is_marked() -> None:
    for wrong in (
        {"config": {"aws:region": "eu-central-1"}},
        {"config": {**stack_file("dev")["config"], "data-pipeline:setings": {}}},
        {**stack_file("dev"), "settings": {}},
    ):
        assert list(VALIDATOR.iter_errors(wrong)) != []


def test_an_endpoint_may_be_a_pulumi_secret_and_the_file_say_how_it_is_encrypted() -> None:
    file = changed("monitoring/alarm_subscriptions/0/endpoint", {"secure": "v1:abc:def"})
    file["encryptionsalt"] = "v1:abc:def"
    assert [error.message for error in VALIDATOR.iter_errors(file)] == []


def test_every_setting_is_described_for_whoever_writes_it() -> None:
    schema = stack_schema()
    sections = {**schema["$defs"], "settings": schema["properties"]["config"]["properties"]["data-pipeline:settings"]}
    silent = [
        f"{section}.{name}"
        for section, described in sections.items()
        for name, setting in described["properties"].items()
        if "description" not in setting and "$ref" not in setting
    ]
    assert silent == []
    assert len(dict(values(sections))) > 100
