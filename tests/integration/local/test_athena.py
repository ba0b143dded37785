"""Athena answers with the caller's permissions, reads what the catalog lists, and counts what it reads."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.emulator import Emulator
from tests.integration.local.conftest import eventually

PARQUET = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
COLUMNS = [{"Name": "id", "Type": "int"}, {"Name": "at", "Type": "timestamp"}, {"Name": "new", "Type": "double"}]


def rows(first: int, count: int = 1000) -> bytes:
    sink = io.BytesIO()
    ids = pa.array(range(first, first + count), pa.int32())
    times = pa.array([1_357_016_400_123_456] * count, pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"id": ids, "at": times}), sink)
    return sink.getvalue()


class World:
    """A database with one partitioned table of two months, and a workgroup."""

    def __init__(self, emulator: Emulator, bucket: str) -> None:
        self.emulator, self.bucket, self.database = emulator, bucket, bucket.replace("-", "_")
        self.athena, self.glue, self.s3 = map(emulator.client, ("athena", "glue", "s3"))
        self.glue.create_database(DatabaseInput={"Name": self.database})
        storage = {"Columns": COLUMNS, "SerdeInfo": PARQUET, "Location": f"s3://{bucket}/t/"}
        keys = [{"Name": "month", "Type": "string"}]
        table = {"Name": "t", "StorageDescriptor": storage, "PartitionKeys": keys}
        self.glue.create_table(DatabaseName=self.database, TableInput=table)
        for month in ("01", "02"):
            self.s3.put_object(Bucket=bucket, Key=f"t/month={month}/a.parquet", Body=rows(int(month)))
            self.partition(month)
        self.workgroup()

    def partition(self, month: str) -> None:
        storage = {"Columns": COLUMNS, "SerdeInfo": PARQUET, "Location": f"s3://{self.bucket}/t/month={month}/"}
        partition = {"Values": [month], "StorageDescriptor": storage}
        self.glue.create_partition(DatabaseName=self.database, TableName="t", PartitionInput=partition)

    def workgroup(self, **settings: Any) -> None:
        location = {"OutputLocation": f"s3://{self.bucket}/results/"}
        configuration = {"ResultConfiguration": location, "EnforceWorkGroupConfiguration": True, **settings}
        name = f"{self.bucket}{len(settings)}"
        self.athena.create_work_group(Name=name, Configuration=configuration)
        self.name = name

    def ask(self, sql: str, *parameters: str, athena: Any = None, **request: Any) -> dict[str, Any]:
        athena = athena or self.athena
        if parameters:
            request["ExecutionParameters"] = list(parameters)
        context = {"Database": self.database}
        query = athena.start_query_execution(
            QueryString=sql, WorkGroup=self.name, QueryExecutionContext=context, **request
        )["QueryExecutionId"]

        def done() -> Any:
            found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            return found if found["Status"]["State"] not in {"QUEUED", "RUNNING"} else None

        execution: dict[str, Any] = eventually(done)
        return execution

    def rows(self, sql: str, *parameters: str) -> list[list[str | None]]:
        execution = self.ask(sql, *parameters)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]["StateChangeReason"]
        answer = self.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]

    def scanned(self, sql: str) -> int:
        return int(self.ask(sql)["Statistics"]["DataScannedInBytes"])


@pytest.fixture
def world(emulator: Emulator, bucket: str) -> World:
    return World(emulator, bucket)


def test_partitions_are_strings_and_times_and_nulls_print_as_in_athena(world: World) -> None:
    assert world.rows("SELECT month, id, at, new FROM t WHERE id = ? AND month = ?", "7", "'01'") == [
        ["month", "id", "at", "new"],
        ["01", "7", "2013-01-01 05:00:00.123", None],
    ]


def test_an_unlisted_partition_is_not_there(world: World) -> None:
    world.s3.put_object(Bucket=world.bucket, Key="t/month=03/a.parquet", Body=rows(5000))
    assert world.rows("SELECT count(*) FROM t")[1] == ["2000"]
    world.partition("03")
    assert world.rows("SELECT count(*) FROM t")[1] == ["3000"]


def test_only_the_partitions_and_columns_that_a_query_needs_are_scanned(world: World) -> None:
    everything = world.scanned("SELECT id, at FROM t")
    assert everything > 0
    assert world.scanned("SELECT id, at FROM t WHERE month = '02'") == everything // 2
    assert 0 < world.scanned("SELECT id FROM t") < everything
    assert world.scanned("SELECT count(*) FROM t") == 0


def test_tables_join_and_with_names_are_not_tables(world: World) -> None:
    sql = "WITH a AS (SELECT id FROM t WHERE month = '01') SELECT count(*) AS n FROM a JOIN t b ON a.id = b.id"
    assert world.rows(sql) == [["n"], ["1999"]]


def test_a_query_over_the_workgroups_limit_is_cancelled(world: World) -> None:
    world.workgroup(BytesScannedCutoffPerQuery=10_000_000)
    assert world.ask("SELECT * FROM t")["Status"]["State"] == "SUCCEEDED"
    world.athena.update_work_group(
        WorkGroup=world.name, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )
    big = io.BytesIO()
    noise = pa.array(range(3_000_000), pa.int32())
    pq.write_table(pa.table({"id": noise}), big, compression="none", use_dictionary=False)
    world.s3.put_object(Bucket=world.bucket, Key="t/month=01/big.parquet", Body=big.getvalue())
    status = world.ask("SELECT id FROM t")["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")


def test_results_go_where_the_workgroup_says_whatever_the_caller_says(world: World) -> None:
    elsewhere = {"OutputLocation": f"s3://{world.bucket}/elsewhere/"}
    execution = world.ask("SELECT 'a' AS a, NULL AS b, '' AS c", ResultConfiguration=elsewhere)
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{world.bucket}/results/{execution['QueryExecutionId']}.csv"
    body = world.s3.get_object(Bucket=world.bucket, Key=location.split("/", 3)[3])["Body"].read()
    assert body == b'"a","b","c"\n"a",,""\n'


def test_a_token_starts_a_query_once(world: World) -> None:
    token = "t" * 32
    first = world.ask("SELECT 1", ClientRequestToken=token)
    assert world.ask("SELECT 1", ClientRequestToken=token)["QueryExecutionId"] == first["QueryExecutionId"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nowhere", "TABLE_NOT_FOUND"),
        ("SELECT nothing FROM t", "nothing"),
        ("SELECT ?", "INVALID_PARAMETER_USAGE"),
        ("SELECT no_such_function(1)", "FUNCTION_NOT_FOUND"),
        ("SELECT approx_distinct(id) FROM t", "not emulated here: ATHENA=trino"),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO"),
    ],
)
def test_a_query_that_cannot_run_fails_and_says_why(world: World, sql: str, reason: str) -> None:
    status = world.ask(sql)["Status"]
    assert status["State"] == "FAILED"
    assert reason in status["StateChangeReason"]


@pytest.mark.parametrize("sql", ["SELECT FROM WHERE", "SELECT 1; SELECT 2"])
def test_a_query_that_does_not_parse_is_refused_at_once(world: World, sql: str) -> None:
    with pytest.raises(world.athena.exceptions.InvalidRequestException):
        world.ask(sql)


def test_an_unknown_workgroup_is_refused(world: World) -> None:
    world.name = "nobody"
    with pytest.raises(world.athena.exceptions.InvalidRequestException, match="WorkGroup nobody is not found"):
        world.ask("SELECT 1")


def test_a_file_that_contradicts_the_catalog_fails_the_query(world: World) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": ["text"]}), sink)
    world.s3.put_object(Bucket=world.bucket, Key="t/month=01/b.parquet", Body=sink.getvalue())
    reason = world.ask("SELECT id FROM t")["Status"]["StateChangeReason"]
    assert reason.startswith("HIVE_BAD_DATA: Field id's type string")


READ = ["glue:GetTable", "glue:GetPartitions", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "athena:*"]


def test_a_caller_with_all_permissions_is_answered(world: World, caller: Callable[..., Any]) -> None:
    athena = caller(*READ)
    execution = world.ask("SELECT count(*) FROM t", athena=athena)
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["Rows"]


@pytest.mark.parametrize("missing", READ[:-1])
def test_a_caller_that_may_not_read_or_write_is_refused(world: World, caller: Callable[..., Any], missing: str) -> None:
    athena = caller(*[action for action in READ if action != missing])
    status = world.ask("SELECT id FROM t", athena=athena)["Status"]
    assert status["State"] == "FAILED"
    assert f"not authorized to perform: {missing} on resource" in status["StateChangeReason"]
