"""An Iceberg table on its whole way: changes in any order, history, rollback, backfill, upkeep."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pyiceberg.catalog.glue import GlueCatalog

from local.driver import Pipeline
from local.emulator import ACCESS_KEY, REGION, Emulator

COLUMNS = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine,operation,changed_at"
Operator = Callable[..., str]


def change(tail: str, seats: int, operation: str, minute: int) -> str:
    return f"{tail},2004,Fixed wing,EMBRAER,EMB-145,2,{seats},NA,Turbo-fan,{operation},2026-01-01T00:{minute:02d}:00Z"


class Fleet:
    """The dataset in a pipeline, and a reader of its table that shares nothing with the pipeline."""

    def __init__(self, pipeline: Pipeline, emulator: Emulator) -> None:
        self.pipeline = pipeline
        self._landed = 0
        places = {"glue.endpoint": emulator.endpoint, "s3.endpoint": emulator.endpoint, "client.region": REGION}
        keys = {"client.access-key-id": ACCESS_KEY, "client.secret-access-key": ACCESS_KEY}
        self.catalog = GlueCatalog("reader", None, **places, **keys)

    def land(self, *changes: str) -> dict[str, int]:
        """Land a file of changes, and wait for it; returns what became of its rows."""
        self._landed += 1
        key = f"fleet/{self._landed}.csv"
        self.pipeline.land([(key, "\n".join([COLUMNS, *changes, ""]).encode())])
        progress = self.pipeline.wait(lambda progress: progress.done, 120)
        [file] = [file for file in progress.files if file.key == key]
        assert file.status == "PUBLISHED", file.reason
        assert progress.stages[str(file.batch_id)] == "done", "Athena answers the rows, and people are told"
        return {name.removeprefix("rows_"): rows for name, rows in file.rows.items() if rows}

    def seats(self) -> dict[str, int]:
        """Seats by tail number."""
        table = self.catalog.load_table((self.pipeline.outputs["database"], "fleet"))
        rows: Sequence[dict[str, Any]] = table.scan().to_arrow().to_pylist()
        return {row["tailnum"]: row["seats"] for row in rows}


@pytest.fixture(scope="module")
def fleet(pipeline: Pipeline, emulator: Emulator) -> Fleet:
    return Fleet(pipeline, emulator)


def states(operator: Operator) -> list[dict[str, Any]]:
    # The first line says which deployment it is about.
    found: list[dict[str, Any]] = json.loads(operator("history", "fleet", "--json").partition("\n")[2])
    return found


def test_changes_rollback_and_upkeep(fleet: Fleet, operator: Operator) -> None:
    first = fleet.land(change("N10156", 55, "I", 1), change("N102UW", 182, "I", 1), change("N103US", 182, "I", 1))
    assert first == {"read": 3, "curated": 3}
    second = fleet.land(change("N10156", 50, "U", 2), change("N104UW", 182, "I", 2))
    assert second == {"read": 2, "curated": 1, "updated": 1}
    assert fleet.land(change("N102UW", 182, "D", 2)) == {"read": 1, "deleted": 1}
    assert fleet.seats() == {"N10156": 50, "N103US": 182, "N104UW": 182}

    late = fleet.land(change("N102UW", 100, "U", 1), change("N10156", 1, "U", 1))
    assert late == {"read": 2, "superseded": 2}, "older than what the table has, or had"
    assert fleet.seats() == {"N10156": 50, "N103US": 182, "N104UW": 182}

    history = states(operator)
    assert [(state["what"], state["rows"]) for state in history] == [("publish", 3), ("publish", 4), ("publish", 3)]
    assert "is what it was after" in operator("rollback", "fleet", "--to", history[1]["batch"], "--yes")
    assert fleet.seats() == {"N10156": 50, "N102UW": 182, "N103US": 182, "N104UW": 182}
    assert fleet.pipeline.progress().files[2].status == "ROLLED_BACK"
    assert states(operator)[0]["what"] == "rollback"

    operator("backfill", "fleet", "--prefix", "3.csv", "--again", "--yes")
    fleet.pipeline.wait(lambda progress: progress.files[2].status == "PUBLISHED" and progress.done, 60)
    assert fleet.seats() == {"N10156": 50, "N103US": 182, "N104UW": 182}
    assert "Dry run" in operator("maintain", "fleet", "--dry-run")
    operator("maintain", "fleet")
    assert fleet.seats() == {"N10156": 50, "N103US": 182, "N104UW": 182}


def test_a_parquet_table_is_adopted_where_it_lies_and_goes_on_as_an_iceberg_table(
    pipeline: Pipeline, fleet: Fleet, operator: Operator
) -> None:
    """The contract says iceberg from now on; then the table is adopted, and later files are committed to it."""

    def land(name: str, *carriers: str) -> None:
        content = "\n".join(["carrier,name", *(f"{carrier},Name of {carrier}" for carrier in carriers), ""])
        pipeline.land([(f"airlines/{name}", content.encode())])
        progress = pipeline.wait(lambda progress: progress.done, 120)
        [file] = [file for file in progress.files if file.key == f"airlines/{name}"]
        assert file.status == "PUBLISHED", file.reason

    def objects() -> set[str]:
        listed = pipeline.s3.list_objects_v2(Bucket=pipeline.outputs["curated_bucket"], Prefix="tables/airlines/")
        return {item["Key"] for item in listed["Contents"] if item["Key"].endswith(".parquet")}

    land("a.csv", "A1", "A2")
    land("b.csv", "B1")
    before = objects()
    bucket, key = pipeline.outputs["artifacts_bucket"], "contracts/airlines.json"
    contract = json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    contract |= {"table_format": "iceberg", "version": "2.0.0"}
    pipeline.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(contract))
    said = operator("adopt", "airlines", "--yes")
    assert f"airlines is an Iceberg table of {len(before)} files and 3 rows; each was compared." in said
    assert objects() == before, "no file was written again"
    land("c.csv", "C1", "A1")
    table = fleet.catalog.load_table((pipeline.outputs["database"], "airlines"))
    assert sorted(row["carrier"] for row in table.scan().to_arrow().to_pylist()) == ["A1", "A2", "B1", "C1"]
    answer = pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})
    assert answer["rows"] == [["4"]]
