"""With Trino as its engine, the emulator's Athena answers, refuses and fails in Athena's form."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.athena.trino import server
from local.emulator import Emulator
from tests.athena.world import BUCKET, DATABASE, World

pytestmark = pytest.mark.athena


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    server.check(server.TRINO)
    with Emulator(tmp_path_factory.mktemp("emulator"), athena="trino") as emulator:
        yield World(emulator)


def start(world: World, sql: str, *parameters: str) -> str:
    given: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
    place = {"OutputLocation": f"s3://{BUCKET}/results/"}
    context = {"Database": DATABASE}
    answer = world.athena.start_query_execution(
        QueryString=sql, QueryExecutionContext=context, ResultConfiguration=place, **given
    )
    return str(answer["QueryExecutionId"])


def ended(world: World, query: str, seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: dict[str, Any] = world.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"the query is {found['Status']} after {seconds} s")


def rows(world: World, sql: str, *parameters: str) -> list[list[str | None]]:
    query = start(world, sql, *parameters)
    status = ended(world, query)["Status"]
    assert status["State"] == "SUCCEEDED", status
    result = world.athena.get_query_results(QueryExecutionId=query)["ResultSet"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in result["Rows"]]


def test_rows_types_and_scanned_bytes_are_athenas(world: World) -> None:
    query = start(world, "SELECT id, price, at, list FROM kinds WHERE id = ?", "1")
    execution = ended(world, query)
    assert execution["Statistics"]["DataScannedInBytes"] > 0
    result = world.athena.get_query_results(QueryExecutionId=query)["ResultSet"]
    info = result["ResultSetMetadata"]["ColumnInfo"]
    assert [(c["Type"], c["Precision"], c["Scale"]) for c in info[:2]] == [("integer", 10, 0), ("decimal", 10, 2)]
    assert [c["Type"] for c in info[2:]] == ["timestamp", "array"]
    assert [cell["VarCharValue"] for cell in result["Rows"][1]["Data"]] == [
        "1",
        "12.50",
        "2013-03-10 06:30:15.123",
        "[a, null, b]",
    ]


def test_an_error_has_trinos_class_and_athenas_form(world: World) -> None:
    status = ended(world, start(world, "SELECT id FROM kinds WHERE text = 7"))["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("TYPE_MISMATCH: line 1:33: Cannot apply operator: varchar = integer")
    assert status["AthenaError"]["ErrorCategory"] == 2
    with pytest.raises(world.athena.exceptions.InvalidRequestException, match="line 1:8: mismatched input 'FROM'"):
        start(world, "SELECT FROM kinds")


def test_athenas_own_statements_and_prepared_ones_work(world: World) -> None:
    assert rows(world, "SHOW PARTITIONS flights") == [
        ["year=2013/month=1"],
        ["year=2013/month=2"],
        ["year=2013/month=7"],
    ]
    ended(world, start(world, "PREPARE late FROM SELECT count(*) FROM flights WHERE month = ?"))
    assert rows(world, "EXECUTE late USING '13'")[1:] == [["0"]]
    assert rows(world, "SELECT count(*) FROM runs WHERE dataset = 'flights'")[1:] == [["1"]]
    assert ended(world, start(world, "MSCK REPAIR TABLE flights"))["Status"]["State"] == "SUCCEEDED"


def test_an_iceberg_table_is_in_the_same_catalog(world: World) -> None:
    place = f"s3://{BUCKET}/ice/"
    made = f"CREATE TABLE iceberg.{DATABASE}.ice WITH (location = '{place}') AS SELECT 1 AS id, 'x' AS name"
    status = ended(world, start(world, made))["Status"]
    assert status["State"] == "SUCCEEDED", status
    assert rows(world, "SELECT i.name, k.id FROM ice i JOIN kinds k ON k.id = i.id")[1:] == [["x", "1"]]


def test_a_query_is_stopped(world: World) -> None:
    long = "SELECT count(*) FROM flights a, flights b, flights c WHERE a.flight + b.flight > c.flight"
    query = start(world, long)
    time.sleep(1)
    world.athena.stop_query_execution(QueryExecutionId=query)
    assert ended(world, query)["Status"]["State"] == "CANCELLED"


def test_a_query_fails_when_trino_dies_and_the_next_one_starts_it_again(world: World) -> None:
    long = "SELECT count(*) FROM flights a, flights b, flights c WHERE a.flight * b.flight > c.flight"
    query = start(world, long)
    time.sleep(2)
    mine = subprocess.run(
        ["pgrep", "-f", f"TrinoServer {world.athena.meta.endpoint_url} "], capture_output=True, text=True, check=True
    )
    (pid,) = mine.stdout.split()
    os.kill(int(pid), signal.SIGKILL)
    status = ended(world, query)["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("GENERIC_INTERNAL_ERROR: Trino ended or no longer answers")
    assert rows(world, "SELECT 1 AS one") == [["one"], ["1"]]
