"""Lineage is told of where a stack says so: what calls it, what it may do, and what settings are refused."""

import json
from typing import Any

import pytest

from components.compute.lineage_facet import SCHEMA
from recording.program import API_KEY_PARAMETER, with_lineage
from tests.unit.infrastructure.cloud import ACCOUNT, REGION, Cloud, deploy, main_program, pipeline, stack_config
from tests.unit.infrastructure.test_config import refusal


@pytest.fixture(scope="module")
def posting() -> Cloud:
    """The stack local, with all of lineage."""
    return deploy(main_program, config=with_lineage(stack_config("local")), stack="local")


def statements(cloud: Cloud) -> list[dict[str, Any]]:
    return list(cloud.one("iam.RolePolicy", "data-pipeline-lineage-role-policy").json("policy")["Statement"])


def test_a_manifest_and_the_record_of_a_run_call_it_and_no_other_object(dev: Cloud) -> None:
    rule = dev.one("cloudwatch.EventRule", "data-pipeline-lineage")
    artifacts = dev.one("s3.Bucket", "data-pipeline-artifacts").outputs["bucket"]
    pattern = rule.json("eventPattern")
    assert pattern["detail"]["bucket"] == {"name": [artifacts]}
    # Not its own events, which are in the same bucket: it would call itself for ever.
    assert pattern["detail"]["object"] == {"key": [{"wildcard": "batches/*/manifest.json"}, {"prefix": "runs/"}]}


def test_it_writes_events_and_nothing_else(dev: Cloud) -> None:
    artifacts = dev.one("s3.Bucket", "data-pipeline-artifacts").outputs["arn"]
    written = [one["Resource"] for one in statements(dev) if "s3:PutObject" in one["Action"]]
    assert written == [[f"{artifacts}/lineage/*"]]
    assert {action for one in statements(dev) for action in one["Action"] if action.startswith("dynamodb:")} == {
        "dynamodb:GetItem"
    }


def test_it_may_read_one_parameter_if_there_is_one(dev: Cloud, posting: Cloud) -> None:
    found = [one for one in statements(posting) if "ssm:GetParameter" in one["Action"]]
    assert [one["Resource"] for one in found] == [[f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{API_KEY_PARAMETER}"]]
    assert "ssm" in json.dumps([one.get("Condition") for one in statements(posting)])
    assert "ssm" not in json.dumps(statements(dev))


def test_the_key_is_nowhere_but_in_its_parameter(posting: Cloud) -> None:
    variables = posting.one("lambda.Function", "data-pipeline-lineage").inputs["environment"]["variables"]
    said = {name: value for name, value in variables.items() if name.startswith("LINEAGE_")}
    assert said == {
        "LINEAGE_URL": "https://lineage.example.com",
        "LINEAGE_ENDPOINT": "api/v1/lineage",
        "LINEAGE_PARAMETER": API_KEY_PARAMETER,
    }


def test_the_schema_of_the_own_facet_is_kept_with_the_events(dev: Cloud) -> None:
    stored = dev.one("s3.BucketObjectv2", "data-pipeline-lineage-facet")
    assert stored.inputs["key"] == "lineage/schemas/1-0-0/DataPipelineBatchRunFacet.json"
    assert json.loads(stored.inputs["content"]) == json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_without_it_there_is_nothing_of_it() -> None:
    assert [one.name for one in pipeline("local").resources if "lineage" in one.name] == []


@pytest.mark.parametrize(
    ("lineage", "said"),
    [
        ({"url": "http://marquez.example.com"}, "lineage.url"),
        ({"url": "https://user:word@marquez.example.com"}, "lineage.url"),
        ({"url": "http://127.0.0.1.example.com"}, "lineage.url"),
        ({"url": "http://127.0.0.1@example.com"}, "lineage.url"),
        ({"url": "https://marquez.example.com/?key=1"}, "lineage.url"),
        ({"url": ""}, "lineage.url"),
        ({"url": "https://marquez.example.com", "enabled": False}, "lineage.url"),
        ({"endpoint": "/api"}, "lineage.endpoint"),
        ({"api_key_parameter": "/a/b"}, "lineage.api_key_parameter"),
        ({"api_key_parameter": "no-path", "url": "https://marquez.example.com"}, "lineage.api_key_parameter"),
    ],
)
def test_settings_that_would_lose_events_or_show_the_key_are_refused(lineage: dict[str, Any], said: str) -> None:
    [line] = refusal({"environment": "dev", "lineage": lineage})
    assert line.startswith(said)


def test_a_network_without_a_way_out_is_no_place_to_post_from() -> None:
    network = {"vpc": {"availability_zones": ["eu-central-1a", "eu-central-1b"]}}
    [line] = refusal({"environment": "dev", "security": network, "lineage": {"url": "https://marquez.example.com"}})
    assert line.startswith("lineage.url")
    assert "security.vpc" in line


@pytest.mark.parametrize("url", ["https://marquez.example.com", "https://h:8443/datahub/", "http://127.0.0.1:5000"])
def test_addresses_that_are_taken(url: str) -> None:
    settings = stack_config("dev")
    settings["data-pipeline:settings"]["lineage"] = {"url": url}
    function = deploy(main_program, config=settings).one("lambda.Function", "data-pipeline-lineage")
    assert function.inputs["environment"]["variables"]["LINEAGE_URL"] == url
