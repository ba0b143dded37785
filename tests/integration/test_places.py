"""A dataset whose files lie elsewhere than in a folder of its name, on its whole way, and when they are read again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import user_files
from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.provider import aws_provider
from contracts.compiler.compile import compile_contract
from local.deployer import deploy
from local.driver import Pipeline
from local.emulator import Emulator
from tests.integration.conftest import REPOSITORY
from tests.integration.ticks import one_batch

SECONDS = 240
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: stores
name: stores
version: 1.0.0
status: active
servers:
  - {server: production, type: s3, location: "s3://some-lake/sales/eu/stores/*.csv"}
  - {server: old, type: s3, location: "s3://some-lake/airlines/stores"}
schema:
  - name: stores
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: year, logicalType: integer, primaryKey: true, partitioned: true}
      - {name: city, logicalType: string, required: true}
"""
FILES = {
    "sales/eu/stores/year=2024/a.csv": b"id,city\n1,Rome\n2,\n",
    "airlines/stores/b.csv": b"id,city,year\n3,Oslo,2023\n",
    # A place is a folder: what only begins with the same letters is not in it.
    "sales/eu/stores.csv": b"id,city,year\n4,Bonn,2023\n",
    "stores/c.csv": b"id,city,year\n5,Kiel,2023\n",
}


@pytest.fixture(scope="module")
def pipeline(emulator: Emulator, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    path: Path = tmp_path_factory.mktemp("contracts") / "stores.odcs.yaml"
    path.write_text(CONTRACT, encoding="utf-8")

    def program() -> None:
        settings, files = user_files.read_with_settings()
        files = replace(files, contracts=[*files.contracts, compile_contract(path)])
        made = DataPipeline(
            "data-pipeline",
            DataPipelineArgs(settings=settings, files=files),
            pulumi.ResourceOptions(provider=aws_provider(settings)),
        )
        for name, value in made.outputs.items():
            pulumi.export(name, value)

    return Pipeline(emulator, deploy(emulator.endpoint, "local", REPOSITORY, program=program, config=config))


def test_files_of_any_place_are_published_and_found_again(
    emulator: Emulator, pipeline: Pipeline, operator: Callable[..., str]
) -> None:
    table = "SELECT id, city, year FROM stores ORDER BY id"
    with one_batch(emulator, pipeline):
        pipeline.land(FILES.items())
    progress = pipeline.wait(lambda state: state.done, SECONDS)
    found = {file.key: file for file in progress.files}
    assert {key: (file.status, file.rows.get("rows_curated")) for key, file in found.items()} == {
        "sales/eu/stores/year=2024/a.csv": ("PUBLISHED", 1),
        "airlines/stores/b.csv": ("PUBLISHED", 1),
        "sales/eu/stores.csv": ("REJECTED", None),
        "stores/c.csv": ("REJECTED", None),
    }
    rows = [["1", "Rome", "2024"], ["3", "Oslo", "2023"]]
    assert pipeline.invoke("query", {"sql": table})["rows"] == rows

    assert "Dry run" in operator("replay", "stores", "--prefix", "year=2024/", "--dry-run")
    assert "Nothing to do" in operator("replay", "stores", "--prefix", "b.csv", "--dry-run")
    before = len(progress.stages)
    operator("backfill", "stores", "--prefix", "year=2024/", "--again", "--yes")
    pipeline.wait(lambda state: state.done and len(state.stages) > before, SECONDS)
    assert pipeline.invoke("query", {"sql": table})["rows"] == rows
    assert "Nothing to do" in operator("replay", "airlines", "--dry-run")
