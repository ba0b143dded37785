"""The demonstration's datasets are in dev and local; what a real stack deploys is its own, and the canary."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.catalog.queries import Query
from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.datasets import answerable, tables_of
from components.provider import aws_provider
from components.user_files import UserFileError, read_with_settings
from config.load import ConfigError, parse
from config.model import DatasetsConfig
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, main_program, shipped_config, stack_config

DEMONSTRATION = {"airlines", "airports", "fleet", "flights", "planes", "weather"}
OWN_QUERIES = {"canary_run", "latest_quarantined_files", "quarantined_rows_by_reason", "recent_runs"}


def datasets(cloud: Cloud) -> set[str]:
    (index,) = [one for one in cloud.of("s3.BucketObjectv2") if one.inputs["key"] == "contracts/index.json"]
    return set(index.json("content")["datasets"])


@pytest.mark.parametrize(
    ("stack", "expected"),
    [("local", DEMONSTRATION), ("dev", DEMONSTRATION), ("staging", set()), ("prod", set())],
)
def test_a_stack_as_it_is_shipped_has_the_canary_and_the_demonstration_where_it_is_shown(
    stack: str, expected: set[str]
) -> None:
    cloud = deploy(main_program, config=shipped_config(stack), stack=stack)
    assert datasets(cloud) == {"canary"} | expected
    crawlers = {one.inputs["name"].partition("_")[2] for one in cloud.aws() if one.type.endswith(":Crawler")}
    assert crawlers == ({"planes"} if expected else set()), "those whose contracts ask for one"
    if not expected:
        text = str([one.inputs for one in cloud.aws()])
        assert [name for name in DEMONSTRATION if name in text] == [], "nothing is left of them, alarms and queries too"
        named = {one.inputs["name"] for one in cloud.of("athena.NamedQuery")}
        assert named == OWN_QUERIES


def test_the_shipped_list_is_every_contract_but_the_canarys() -> None:
    files = {path.name.split(".")[0] for path in (ROOT / "contracts").glob("*.odcs.yaml")}
    assert files - {"canary"} == set(DatasetsConfig().demonstration)


def test_an_empty_list_deploys_everything_everywhere() -> None:
    assert datasets(deploy(main_program, config=stack_config("prod"), stack="prod")) == {"canary"} | DEMONSTRATION


def test_a_list_of_ones_own_withholds_those_and_no_others() -> None:
    config = copy.deepcopy(shipped_config("prod"))
    config["data-pipeline:settings"]["datasets"] = {"demonstration": ["flights", "weather"]}
    cloud = deploy(main_program, config=config, stack="prod")
    assert datasets(cloud) == {"canary", "airlines", "airports", "fleet", "planes"}
    named = {one.inputs["name"] for one in cloud.of("athena.NamedQuery")}
    assert not {"busiest_routes", "delays_by_carrier", "delays_by_visibility"} & named


def test_a_name_without_a_contract_is_refused_where_the_stack_says_it() -> None:
    config = copy.deepcopy(shipped_config("prod"))
    config["data-pipeline:settings"]["datasets"] = {"demonstration": ["fligths"]}
    with pytest.raises(UserFileError, match=r"datasets.demonstration = fligths: allowed are datasets with a contract"):
        deploy(main_program, config=config, stack="prod")


def test_contracts_of_the_demonstration_may_be_deleted_without_a_word_in_the_stack_files(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    shutil.copy(ROOT / "contracts" / "canary.odcs.yaml", tmp_path / "contracts")
    shutil.copytree(ROOT / "state_machines", tmp_path / "state_machines")

    def program() -> None:
        settings, files = read_with_settings(tmp_path)
        DataPipeline(
            "data-pipeline",
            DataPipelineArgs(settings=settings, files=files),
            pulumi.ResourceOptions(provider=aws_provider(settings)),
        )

    for stack in ("dev", "prod"):
        assert datasets(deploy(program, config=shipped_config(stack), stack=stack)) == {"canary"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["canary"], "datasets.demonstration = 'canary': allowed is other datasets: the smoke test needs this one"),
        (["Flights!"], "datasets.demonstration.0 = 'Flights!': allowed is a dataset's name, as its contract says it"),
        ("flights", "datasets.demonstration = 'flights': allowed is a list, each value on a line"),
    ],
)
def test_what_can_be_no_dataset_of_the_demonstration_is_refused(names: Any, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse({"environment": "dev", "datasets": {"demonstration": names}}, "")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1", set()),
        ("SELECT count(*) AS weather FROM canary", {"canary"}),
        ('select * from "flights" f left join Airlines a on a.x = f.x', {"flights", "airlines"}),
        ("SELECT * FROM a, b AS c, lake.d WHERE a.x = b.x", {"a", "b", "d"}),
        ('SELECT * FROM (SELECT * FROM inner_one) x JOIN lake."other" USING (k)', {"inner_one", "other"}),
        ("WITH w AS (SELECT 1 FROM deep)\nSELECT * FROM w UNION ALL SELECT * FROM more", {"deep", "w", "more"}),
        ("SELECT 'x FROM text', y -- FROM comment\nFROM real /* JOIN block */ LIMIT 1", {"real"}),
        ("SELECT from_unixtime(x) FROM t CROSS JOIN UNNEST(reasons) AS r (reason)", {"t"}),
    ],
)
def test_the_tables_that_a_query_reads_are_found(sql: str, tables: set[str]) -> None:
    assert tables_of(sql) == tables


def test_a_query_that_reads_what_is_not_deployed_is_not_deployed_either() -> None:
    queries = {
        "both": Query(description="Two.", sql="SELECT * FROM own JOIN flights USING (k)"),
        "alias": Query(description="One of them as a column.", sql="SELECT count(*) AS flights FROM own"),
    }
    assert answerable(queries, {"flights"}).keys() == {"alias"}
    assert answerable(queries, ()).keys() == {"both", "alias"}


def test_a_name_without_a_contract_is_said_beside_what_else_is_wrong(tmp_path: Path) -> None:
    for folder in ("contracts", "queries", "state_machines"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("compiler", "__pycache__"))
    (tmp_path / "queries" / "wrong.sql").write_text("SELECT 1", encoding="utf-8")
    config = copy.deepcopy(shipped_config("prod"))
    config["data-pipeline:settings"]["datasets"] = {"demonstration": ["fligths"]}
    with pytest.raises(UserFileError, match=r"(?s)datasets\.demonstration = fligths.*wrong\.sql"):
        deploy(lambda: read_with_settings(tmp_path), config=config, stack="prod")


def test_what_a_stack_withholds_is_said_where_it_is_deployed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", said.append)
    for stack in ("dev", "prod"):
        deploy(lambda: read_with_settings(), config=shipped_config(stack), stack=stack)
    names = "airlines, airports, fleet, flights, planes, weather"
    assert said == [f"not deployed to prod, as datasets.demonstration says: {names}"]
