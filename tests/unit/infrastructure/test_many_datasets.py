"""A data team has many datasets, with long names: what is declared for them stays within AWS's limits."""

import functools
import json
import shutil
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
from tests.unit.infrastructure import quotas
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, stack_config
from tests.unit.infrastructure.quotas import QUOTAS, exceeded

DATASETS = 200
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
def program_of(datasets: int, crawler: bool = True) -> Cloud:
    """The program of prod with so many datasets, beside one that is there in any case."""
    airlines = (ROOT / "contracts" / "airlines.odcs.yaml").read_text(encoding="utf-8")
    asking = "  - property: crawler\n    value: true\n" if crawler else ""

    def program() -> None:
        settings = load()
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "contracts" / "canary.odcs.yaml", folder)
            for number in range(datasets):
                name = f"airlines_{number:03d}".ljust(CHARACTERS, "x")
                text = airlines.replace("- name: airlines\n", f"- name: {name}\n").replace("/airlines/", f"/{name}/")
                assert name in text
                Path(folder, f"{name}.odcs.yaml").write_text(text + asking, encoding="utf-8")
            DataPipeline(
                "data-pipeline",
                DataPipelineArgs(settings=settings, files=replace(read(), contracts=load_contracts(Path(folder)))),
                pulumi.ResourceOptions(provider=aws_provider(settings)),
            )

    return deploy(program, config=stack_config("prod"), stack="prod")


def crowded() -> Cloud:
    return program_of(DATASETS)


@pytest.mark.parametrize("kind", LIMITS)
def test_every_name_fits(kind: str) -> None:
    names = [resource.outputs.get("name") or resource.outputs["bucket"] for resource in crowded().of(kind)]
    assert [name for name in names if len(name) > LIMITS[kind]] == []
    assert len(names) == len(set(names))


def test_what_aws_takes_at_most_holds_at_two_hundred_datasets_that_all_have_a_crawler() -> None:
    assert exceeded(crowded().resources) == []


@pytest.mark.parametrize("title", QUOTAS)
def test_every_quota_has_something_to_look_at_and_tells_when_it_is_exceeded(title: str) -> None:
    quota = QUOTAS[title]
    used = quota.used(crowded().resources)
    assert used, "a quota of nothing proves nothing"
    assert max(used.values()) > 0
    with_less = {**QUOTAS, title: replace(quota, most=max(used.values()) - 1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotas, "QUOTAS", with_less)
        assert [line for line in exceeded(crowded().resources) if line.startswith(f"{title}: ")]


def test_a_policy_that_lists_every_crawler_is_noticed() -> None:
    arns = [crawler.outputs["arn"] for crawler in crowded().of("glue.Crawler")]
    (policy,) = [one for one in crowded().of("iam.RolePolicy") if one.name == "data-pipeline-batch-role-policy"]
    statement = {"Effect": "Allow", "Action": ["glue:StartCrawler", "glue:GetCrawler"], "Resource": arns}
    document = policy.json("policy")
    document["Statement"].append(statement)
    listing = replace(policy, inputs={**policy.inputs, "policy": json.dumps(document)})
    others = [one for one in crowded().resources if one is not policy]
    (line,) = exceeded([*others, listing])
    assert line.startswith("inline policies of a role: data-pipeline-batch-role")


@pytest.mark.parametrize(("crawler", "most"), [(True, 4), (False, 2)])
def test_a_dataset_adds_at_most_two_resources_and_with_a_crawler_four(crawler: bool, most: int) -> None:
    few, many = (len(program_of(datasets, crawler).resources) for datasets in (2, 4))
    assert 0 < (many - few) / 2 <= most
    if crawler:
        # The first one brings the role, too.
        assert len(program_of(0, crawler).resources) + 4 <= few


def test_every_alarm_is_on_the_dashboard_a_hundred_a_widget() -> None:
    (dashboard,) = crowded().of("cloudwatch.Dashboard")
    widgets = dashboard.json("dashboardBody")["widgets"]
    shown = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    alarms = {alarm.outputs["arn"] for alarm in crowded().of("cloudwatch.MetricAlarm")}
    assert alarms
    assert {arn for arns in shown for arn in arns} == alarms
    assert max(map(len, shown)) <= 100
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(places) == len(set(places))
    assert max(len(widget["properties"].get("metrics", ())) for widget in widgets) <= 500, "metrics of a widget"
