"""A data team has many datasets, with long names: what is declared for them stays within AWS's limits."""

import functools
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.provider import aws_provider
from components.user_files import read
from config.load import load
from contracts.compiler.compile import load_contracts
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, stack_config

DATASETS = 30
CHARACTERS = 50
"""Of a dataset's name: as many as a contract may have."""

# Characters of a name at most (API references of the services, 2026-11).
LIMITS = {
    "athena.NamedQuery": 128,
    "cloudwatch.EventRule": 64,
    "cloudwatch.LogGroup": 512,
    "cloudwatch.MetricAlarm": 255,
    "glue.Crawler": 255,
    "iam.Role": 64,
    "iam.RolePolicy": 128,
    "lambda.Function": 64,
    "s3.Bucket": 63,
    "sqs.Queue": 80,
}


@functools.cache
def crowded() -> Cloud:
    airlines = (ROOT / "contracts" / "airlines.odcs.yaml").read_text(encoding="utf-8")

    def program() -> None:
        settings = load()
        with tempfile.TemporaryDirectory() as folder:
            for number in range(DATASETS):
                name = f"airlines_{number:03d}".ljust(CHARACTERS, "x")
                text = airlines.replace("- name: airlines\n", f"- name: {name}\n")
                assert name in text
                Path(folder, f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
            DataPipeline(
                "data-pipeline",
                DataPipelineArgs(settings=settings, files=replace(read(), contracts=load_contracts(Path(folder)))),
                pulumi.ResourceOptions(provider=aws_provider(settings)),
            )

    return deploy(program, config=stack_config("prod"), stack="prod")


@pytest.mark.parametrize("kind", LIMITS)
def test_every_name_fits(kind: str) -> None:
    names = [resource.outputs.get("name") or resource.outputs["bucket"] for resource in crowded().of(kind)]
    assert [name for name in names if len(name) > LIMITS[kind]] == []
    assert len(names) == len(set(names))


def test_every_role_has_a_policy_that_fits() -> None:
    sizes = {policy.name: len(re.sub(r"\s", "", policy.inputs["policy"])) for policy in crowded().of("iam.RolePolicy")}
    assert {name: size for name, size in sizes.items() if size > 10_240} == {}


def test_every_alarm_is_on_the_dashboard_a_hundred_a_widget() -> None:
    (dashboard,) = crowded().of("cloudwatch.Dashboard")
    widgets = dashboard.json("dashboardBody")["widgets"]
    shown = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    alarms = {alarm.outputs["arn"] for alarm in crowded().of("cloudwatch.MetricAlarm")}
    assert len(alarms) > 100
    assert {arn for arns in shown for arn in arns} == alarms
    assert max(map(len, shown)) <= 100
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(places) == len(set(places))
    assert max(len(widget["properties"].get("metrics", ())) for widget in widgets) <= 500, "metrics of a widget"
