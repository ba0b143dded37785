"""The catalog after what was published: tables made, changed and repeated, by one batch and by two at once."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from pipeline_core.catalog import Catalog
from pipeline_core.contract import Contract

from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, DATABASE, Cloud, contracts
from tests.unit.lambdas.test_batches import Call, decide, one_batch

Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def publish(cloud: Cloud, call: Call) -> Publish:
    """Publish a batch of flights, and return processing's answer."""

    def run(partition: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        number = len(cloud.keys(ARTIFACTS, "batches/"))
        batch_id, manifest = one_batch(cloud, call, f"flights/{number}.csv")
        if changes:
            key = f"batches/flights/{batch_id}/contract.json"
            document = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read()) | changes
            cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(document).encode())
        cloud.stage(manifest, partition=partition)
        return decide(call, batch_id, cloud.batches.state("flights").published)

    return run


def flights_document() -> dict[str, Any]:
    return next(contract.document for contract in contracts() if contract.name == "flights")


def with_columns(**types: str) -> list[dict[str, Any]]:
    """The columns of the contract of flights, some with another type, or new."""
    known = [{**column, "type": types.pop(column["name"], column["type"])} for column in flights_document()["columns"]]
    return [*known, *({"name": name, "type": kind} for name, kind in types.items())]


def table_of(cloud: Cloud) -> Any:
    return cloud.glue.get_table(DatabaseName=DATABASE, Name="flights")["Table"]


def types_of(described: Any) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in described}


def partitions_of(cloud: Cloud) -> dict[tuple[str, ...], Any]:
    found = cloud.glue.get_partitions(DatabaseName=DATABASE, TableName="flights")["Partitions"]
    return {tuple(each["Values"]): each["StorageDescriptor"] for each in found}


def test_the_first_batch_makes_the_table_with_the_contracts_types_and_its_partition(
    cloud: Cloud, publish: Publish
) -> None:
    assert publish()["crawl"] is False, "the contract asks for no crawler"
    table = table_of(cloud)
    wanted = {column["name"]: column["type"] for column in flights_document()["columns"]}
    assert (
        types_of(table["PartitionKeys"])
        == {"year": "int", "month": "int"}
        == {name: wanted.pop(name) for name in ("year", "month")}
    )
    assert list(types_of(table["StorageDescriptor"]["Columns"]).items()) == [
        *wanted.items(),
        ("_source_file", "string"),
        ("_batch_id", "string"),
    ]
    assert table["StorageDescriptor"]["Location"] == f"s3://{CURATED}/tables/flights/"
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert (table["TableType"], table["Parameters"]["classification"]) == ("EXTERNAL_TABLE", "parquet")
    ((values, storage),) = partitions_of(cloud).items()
    assert values == ("2013", "1")
    assert storage["Location"] == f"s3://{CURATED}/tables/flights/year=2013/month=1/"
    assert storage["Columns"] == table["StorageDescriptor"]["Columns"]


def test_a_table_that_is_there_gets_partitions_and_stays_as_it_is(cloud: Cloud, publish: Publish) -> None:
    publish()
    before = table_of(cloud)
    publish()
    publish(partition={"year": "2013", "month": "2"})
    assert partitions_of(cloud).keys() == {("2013", "1"), ("2013", "2")}
    assert table_of(cloud) == before


def test_a_table_that_lost_a_column_of_its_own_contracts_version_gets_it_back(cloud: Cloud, publish: Publish) -> None:
    publish()
    table = table_of(cloud)
    (lost, *columns) = table["StorageDescriptor"]["Columns"]
    changed: Any = {name: table[name] for name in ("Name", "PartitionKeys", "TableType", "Parameters")}
    changed["StorageDescriptor"] = {**table["StorageDescriptor"], "Columns": columns}
    changed["Parameters"] = {**table["Parameters"], "owner_of_the_table": "a person"}
    cloud.glue.update_table(DatabaseName=DATABASE, TableInput=changed)
    publish()
    mended = table_of(cloud)
    assert lost in mended["StorageDescriptor"]["Columns"]
    assert mended["Parameters"].pop("changed_by_batch").startswith("flights-")
    assert mended["Parameters"] == changed["Parameters"], "what others have said of the table stays"


def test_partitions_that_have_the_tables_columns_are_not_written_again(
    cloud: Cloud, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    asked: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs hide it

    def counted(client: Any, operation: str, arguments: Any) -> Any:
        asked.append(operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    publish()
    assert "BatchGetPartition" in asked
    assert "BatchUpdatePartition" not in asked


def test_a_table_that_an_earlier_release_had_crawled_keeps_its_text_partitions(cloud: Cloud, publish: Publish) -> None:
    columns: Any = [
        {"Name": column["name"], "Type": column["type"]}
        for column in flights_document()["columns"]
        if column["name"] not in ("year", "month")
    ]
    keys: Any = [{"Name": "year", "Type": "string"}, {"Name": "month", "Type": "string"}]
    table: Any = {"Name": "flights", "PartitionKeys": keys, "StorageDescriptor": {"Columns": columns, "Location": "x"}}
    cloud.glue.create_table(DatabaseName=DATABASE, TableInput=table)
    publish()
    assert table_of(cloud)["PartitionKeys"] == keys, "whoever asks for month = '7' today would get an error tomorrow"
    assert partitions_of(cloud).keys() == {("2013", "1")}


def test_a_new_column_and_a_widened_type_reach_the_table_and_the_partitions_that_get_rows(
    cloud: Cloud, publish: Publish
) -> None:
    publish()
    publish(partition={"year": "2013", "month": "2"})
    old = types_of(table_of(cloud)["StorageDescriptor"]["Columns"])
    publish(version="1.1.0", columns=with_columns(flight="bigint", gate="string"))
    new = {**old, "flight": "bigint", "gate": "string"}
    assert old["flight"] == "int"
    assert list(types_of(table_of(cloud)["StorageDescriptor"]["Columns"]).items()) == list(new.items())
    found = {values: types_of(storage["Columns"]) for values, storage in partitions_of(cloud).items()}
    assert found == {("2013", "1"): new, ("2013", "2"): old}, "what got no new rows is read as it was written"


def test_a_late_batch_of_an_older_contract_takes_nothing_back(cloud: Cloud, publish: Publish) -> None:
    publish(version="1.10.0", columns=with_columns(flight="bigint", gate="string"))
    before = table_of(cloud)
    publish(version="1.9.0", partition={"year": "2013", "month": "2"})
    assert table_of(cloud) == before, "Athena would no longer read what is in its files as bigint"
    assert partitions_of(cloud)["2013", "2"]["Columns"] == before["StorageDescriptor"]["Columns"]


def test_a_table_that_was_dropped_comes_back_with_all_partitions_that_have_files(
    cloud: Cloud, publish: Publish
) -> None:
    publish()
    publish(partition={"year": "2013", "month": "2"})
    cloud.glue.delete_table(DatabaseName=DATABASE, Name="flights")
    publish(partition={"year": "2014", "month": "1"})
    assert partitions_of(cloud).keys() == {("2013", "1"), ("2013", "2"), ("2014", "1")}


def test_a_call_that_died_after_it_made_the_table_registers_all_partitions_when_it_is_repeated(
    cloud: Cloud, call: Call, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    cloud.glue.delete_table(DatabaseName=DATABASE, Name="flights")
    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "_register", Mock(side_effect=RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            publish(partition={"year": "2014", "month": "1"})
    (batch_id,) = cloud.batches.state("flights").running
    assert partitions_of(cloud) == {}
    decide(call, batch_id)
    assert partitions_of(cloud).keys() == {("2013", "1"), ("2014", "1")}


def test_a_table_that_is_made_gets_all_partitions_that_have_files_a_hundred_a_call(
    cloud: Cloud, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {(str(year), str(month)) for year in range(1990, 2008) for month in range(1, 13)}
    for year, month in there:
        cloud.s3.put_object(Bucket=CURATED, Key=f"tables/flights/year={year}/month={month}/a.parquet", Body=b"")
    for other in ("tables/flights_of_old/year=1980/month=1/a.parquet", "staging/year=1981/month=1/a.parquet"):
        cloud.s3.put_object(Bucket=CURATED, Key=other, Body=b"")
    sizes: list[int] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs hide it

    def counted(client: Any, operation: str, arguments: Any) -> Any:
        if operation == "BatchCreatePartition":
            sizes.append(len(arguments["PartitionInputList"]))
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    publish()
    assert partitions_of(cloud).keys() == {*there, ("2013", "1")}
    assert sizes == [100, 100, 17]


@pytest.mark.parametrize("code", ["AlreadyExistsException", "ResourceNumberLimitExceededException"])
def test_partitions_that_glue_refuses_fail_the_call_and_one_that_is_there_does_not(
    publish: Publish, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    publish()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs hide it

    def refused(client: Any, operation: str, arguments: Any) -> Any:
        if operation != "BatchCreatePartition":
            return call(client, operation, arguments)
        return {"Errors": [{"PartitionValues": ["2013", "1"], "ErrorDetail": {"ErrorCode": code}}]}

    monkeypatch.setattr(BaseClient, "_make_api_call", refused)
    if code == "AlreadyExistsException":
        assert publish()["verdict"] == "PUBLISHED"
    else:
        with pytest.raises(RuntimeError, match=rf"^flights: partitions were not registered: .*{code}"):
            publish()


def test_a_crawl_follows_only_where_the_contract_asks_and_the_batch_changed_the_table(
    cloud: Cloud, call: Call, publish: Publish
) -> None:
    first = publish(crawler=True)
    assert first["crawl"] is True
    assert decide(call, first["batch_id"])["crawl"] is True, "repeated, it answers what it answered"
    assert publish(crawler=True)["crawl"] is False
    assert publish(crawler=True, version="1.1.0", columns=with_columns(gate="string"))["crawl"] is True
    assert publish(version="1.2.0", columns=with_columns(gate="string", pier="string"))["crawl"] is False


def test_a_contract_of_an_earlier_release_asks_for_no_crawler(cloud: Cloud, call: Call) -> None:
    document = {name: value for name, value in flights_document().items() if name != "crawler"}
    assert Contract.from_document(document).crawler is False


@pytest.mark.parametrize("code", ["AlreadyExistsException", "ConcurrentModificationException"])
def test_of_two_batches_that_keep_a_table_at_once_neither_loses_what_the_other_did(
    cloud: Cloud, publish: Publish, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    makes = code == "AlreadyExistsException"
    if not makes:
        publish()
    operation = "create_table" if makes else "update_table"
    real, done = getattr(cloud.glue, operation), list[Any]()

    def slower(**arguments: Any) -> Any:
        # Somebody else was faster, with a column that this batch does not know.
        if not done:
            done.append(arguments)
            other = json.loads(json.dumps(arguments["TableInput"], default=str))
            other["StorageDescriptor"]["Columns"].append({"Name": "other", "Type": "string"})
            real(DatabaseName=DATABASE, TableInput=other)
            raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)
        return real(**arguments)

    monkeypatch.setattr(cloud.glue, operation, slower)
    publish(version="1.1.0", columns=with_columns(gate="string"))
    found = types_of(table_of(cloud)["StorageDescriptor"]["Columns"])
    assert done
    assert {"gate", "other"} <= found.keys()
    assert types_of(partitions_of(cloud)["2013", "1"]["Columns"]) == found


def test_a_change_of_a_table_names_the_version_that_was_read(
    cloud: Cloud, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    read, asked = table_of(cloud)["VersionId"], list[Any]()
    real: Any = cloud.glue.update_table

    def update(**arguments: Any) -> Any:
        asked.append(arguments)
        return real(**arguments)

    monkeypatch.setattr(cloud.glue, "update_table", update)
    publish(version="1.1.0", columns=with_columns(gate="string"))
    assert [arguments["VersionId"] for arguments in asked] == [read], "or the last of two writers wins"


def test_a_table_with_other_partitions_than_the_contracts_is_an_error_that_says_what_to_do(
    cloud: Cloud, publish: Publish
) -> None:
    publish()
    table = table_of(cloud)
    changed: Any = {"Name": "flights", "StorageDescriptor": table["StorageDescriptor"], "PartitionKeys": []}
    cloud.glue.delete_table(DatabaseName=DATABASE, Name="flights")
    cloud.glue.create_table(DatabaseName=DATABASE, TableInput=changed)
    with pytest.raises(RuntimeError, match=r"partitioned by \[\], its contract says \['year', 'month'\]; delete"):
        publish()
