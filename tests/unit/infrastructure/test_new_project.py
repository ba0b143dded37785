"""What `pulumi new` and Pulumi ESC write into a stack file, and a project of another name."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from config.load import ConfigError, load
from config.stack_file import ALARM_ADDRESS, StackFileError, environments, read
from ops.pages.schema import stack_schema
from ops.preview import command
from recording.program import record
from tests.unit.infrastructure.cloud import ROOT

SETTINGS: Any = {"environment": "dev"}
ON_CALL = {"protocol": "email", "endpoint": "on-call@example.com"}


def endpoints(config: dict[str, Any], project: str = "data-pipeline") -> list[str]:
    """Whom the program would call."""
    found: list[str] = []

    def program() -> None:
        found.extend(one.endpoint for one in load().monitoring.alarm_subscriptions)

    record(program, config={"aws:region": "eu-central-1", **config}, stack="dev", project=project)
    return found


def stack_file(folder: Path, config: dict[str, Any], **beside: Any) -> Path:
    content = {"config": {"aws:region": "eu-central-1", **config}, **beside}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))
    jsonschema.Draft7Validator(stack_schema()).validate(content)
    return folder


@pytest.mark.parametrize(
    ("settings", "called"),
    [
        (SETTINGS, ["new@example.com"]),
        ({**SETTINGS, "monitoring": {"dashboard": True}}, ["new@example.com"]),
        ({**SETTINGS, "monitoring": {"alarm_subscriptions": [ON_CALL]}}, ["on-call@example.com", "new@example.com"]),
    ],
)
def test_the_alarm_address_is_one_more_of_those_that_are_called(
    settings: Any, called: list[str], tmp_path: Path
) -> None:
    config = {"data-pipeline:settings": settings, ALARM_ADDRESS: "new@example.com"}
    assert endpoints(config) == called
    # The offline preview and the deploy command read the file, where the Pulumi CLI hands over both keys.
    assert endpoints(read("dev", stack_file(tmp_path, config))) == called


@pytest.mark.parametrize("settings", [None, "text", {**SETTINGS, "monitoring": "x"}])
def test_an_alarm_address_does_not_hide_what_is_wrong_in_the_settings(settings: Any) -> None:
    with pytest.raises(ConfigError, match=r"data-pipeline:settings|monitoring = 'x'"):
        endpoints({"data-pipeline:settings": settings, ALARM_ADDRESS: "new@example.com"})


def test_an_alarm_address_is_checked_and_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allowed is an e-mail address"):
        endpoints({"data-pipeline:settings": SETTINGS, ALARM_ADDRESS: "nobody"})
    file = tmp_path / "Pulumi.dev.yaml"
    config = {"aws:region": "eu-central-1", "data-pipeline:settings": SETTINGS, ALARM_ADDRESS: {"secure": "x"}}
    file.write_text(json.dumps({"config": config}))
    with pytest.raises(StackFileError, match=r"data-pipeline:alarm_address = .*allowed is a plain value"):
        read("dev", tmp_path)


def test_a_project_of_another_name_reads_the_same_settings_and_refuses_what_nobody_reads() -> None:
    given = {"data-pipeline:settings": {**SETTINGS, "monitoring": {"alarm_subscriptions": [ON_CALL]}}}
    assert endpoints(given, "lake") == ["on-call@example.com"]
    with pytest.raises(ConfigError, match="lake:settings: allowed is data-pipeline:settings only"):
        endpoints({**given, "lake:settings": "x"}, "lake")
    assert endpoints({**given, "aws:profile": "x"}, "aws") == ["on-call@example.com"]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (["aws/prod", "team/alarms"], ["aws/prod", "team/alarms"]),
        ([{"aws/prod": {"merge": False}}], ["aws/prod"]),
        ({"imports": ["aws/prod"], "values": {}}, ["aws/prod"]),
        ({"values": {"a": 1}}, ["(written in the stack file)"]),
        ([], []),
    ],
)
def test_environments_of_esc_are_named(written: Any, named: list[str], tmp_path: Path) -> None:
    folder = stack_file(tmp_path, {"data-pipeline:settings": SETTINGS}, environment=written)
    assert environments("dev", folder) == named
    assert read("dev", folder)["data-pipeline:settings"] == SETTINGS


def test_the_template_asks_for_what_the_program_reads_and_its_default_fits() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    asked = project["template"]["config"]
    properties = stack_schema()["properties"]["config"]["properties"]
    assert asked.keys() <= properties.keys()
    for key, said in asked.items():
        assert said["description"]
        if "default" in said:
            jsonschema.Draft7Validator(properties[key]).validate(said["default"])
    plugin = yaml.safe_load((ROOT / "plugin" / "PulumiPlugin.yaml").read_text())
    assert plugin["requiredPulumiVersion"] == project["requiredPulumiVersion"]


def test_a_preview_without_the_pulumi_cli_says_that_it_does_not_read_esc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [said for said in command.make("dev", None).notices if "ESC" in said]
    monkeypatch.setattr(command, "environments", lambda stack, root: ["aws/dev"])
    (said,) = [said for said in command.make("dev", None).notices if "ESC" in said]
    assert said == "Pulumi.dev.yaml: environment: ['aws/dev'] of Pulumi ESC is not read here"
