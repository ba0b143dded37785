"""With Trino as its engine, the emulator's Athena answers, refuses and fails in Athena's form."""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.athena.catalog import view_text
from local.athena.trino import server
from local.emulator import REGION, Emulator, client
from tests.athena.world import BUCKET, DATABASE, World

pytestmark = pytest.mark.athena


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    server.check(server.TRINO)
    with Emulator(tmp_path_factory.mktemp("emulator"), athena="trino") as emulator:
        yield World(emulator)


def start(world: World, sql: str, *parameters: str, athena: Any = None) -> str:
    given: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
    place = {"OutputLocation": f"s3://{BUCKET}/results/"}
    context = {"Database": DATABASE}
    answer = (athena or world.athena).start_query_execution(
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


def test_a_view_is_found_by_the_queries_after_it(world: World) -> None:
    for made in (
        "CREATE VIEW early AS SELECT id, 1 AS one FROM kinds",
        "CREATE OR REPLACE VIEW early AS SELECT id, 2 AS one FROM kinds",
    ):
        status = ended(world, start(world, made))["Status"]
        assert status["State"] == "SUCCEEDED", status
    assert rows(world, "SELECT id, one FROM early WHERE id = 1")[1:] == [["1", "2"]]
    assert rows(world, "SELECT table_type FROM information_schema.tables WHERE table_name = 'early'")[1:] == [["VIEW"]]
    assert ended(world, start(world, "DROP VIEW early"))["Status"]["State"] == "SUCCEEDED"
    assert ended(world, start(world, "SELECT id FROM early"))["Status"]["StateChangeReason"].startswith(
        "TABLE_NOT_FOUND"
    )


def test_a_view_of_the_quick_engine_is_one_of_trinos(world: World) -> None:
    view_of_the_quick_engine(world, "quick", "SELECT id AS Number FROM kinds", "Number")
    assert rows(world, "SELECT * FROM quick WHERE number = 1") == [["Number"], ["1"]]


GLUE = ["glue:GetTable", "glue:GetPartitions"]


@pytest.mark.parametrize(
    ("sql", "missing"),
    [
        ("SELECT id FROM kinds", "s3:GetObject"),
        ("EXPLAIN ANALYZE SELECT id FROM kinds", "s3:GetObject"),
        ("SELECT id FROM behind", "s3:GetObject"),
        ("SELECT 1 FROM (SELECT id FROM kinds)", "s3:GetObject"),
        ("INSERT INTO kinds SELECT * FROM kinds", "s3:GetObject"),
        ("CREATE VIEW mine AS SELECT 1 AS one", "glue:CreateTable"),
        ("CREATE TABLE mine AS SELECT 1 AS one", "glue:CreateTable"),
        ("DROP VIEW behind", "glue:DeleteTable"),
        ("ALTER VIEW behind RENAME TO before", "who may run such a statement"),
        ("CALL system.flush_metadata_cache()", "who may run such a statement"),
    ],
)
def test_what_the_caller_may_not_do_trino_does_not_do_for_it(world: World, sql: str, missing: str) -> None:
    with contextlib.suppress(world.glue.exceptions.AlreadyExistsException):
        view_of_the_quick_engine(world, "behind", "SELECT id FROM kinds", "id")
    query = start(world, sql, athena=client_of(world, "athena:*", *GLUE))
    status = ended(world, query)["Status"]
    assert status["State"] == "FAILED", status
    assert missing in status["StateChangeReason"]


def test_what_the_caller_may_do_is_done(world: World) -> None:
    reader = client_of(world, "athena:*", *GLUE, "s3:GetObject", "s3:PutObject", "s3:ListBucket", "glue:CreateTable")
    for sql in (
        "SELECT id FROM kinds",
        "CREATE OR REPLACE VIEW allowed AS SELECT id FROM kinds",
        "SELECT id FROM allowed",
    ):
        status = ended(world, start(world, sql, athena=reader))["Status"]
        assert status["State"] == "SUCCEEDED", status


def view_of_the_quick_engine(world: World, name: str, sql: str, column: str) -> None:
    view = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": view_text(sql, DATABASE, [(column, "integer")]),
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": [{"Name": "dummy", "Type": "string"}], "Location": "", "SerdeInfo": {}},
    }
    world.glue.create_table(DatabaseName=DATABASE, TableInput=view)


def client_of(world: World, *actions: str) -> Any:
    """An Athena client of a user with these permissions."""
    endpoint = world.athena.meta.endpoint_url
    iam = client(endpoint, "iam")
    name = f"user-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "athena",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


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
