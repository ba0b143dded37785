"""What a contract says of its table, of how rows are written to it, and of how long they are kept."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_core.contract import Contract

from contracts.compiler.checks import CUSTOM_PROPERTIES
from contracts.compiler.compile import CompiledContract, compile_contract
from contracts.compiler.dialect import VALUE_SETTINGS
from contracts.compiler.evolution import breaking_changes
from contracts.compiler.read import ContractError
from contracts.compiler.table_settings import COLUMN_SETTINGS

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "primaryKey": True},
    {"name": "at", "logicalType": "timestamp", "description": "When it was\n  ordered"},
    {"name": "amount", "logicalType": "number", "physicalType": "decimal(9,2)"},
    {"name": "op", "logicalType": "string"},
    {"name": "paid", "logicalType": "boolean"},
]


def compiled(folder: Path, column: dict[str, Any] | None = None, **said: Any) -> CompiledContract:
    """A contract of orders with settings; `column` changes the column of its name."""
    slas = said.pop("slas", [])
    columns = [{**each, **column} if column and column["name"] == each["name"] else each for each in COLUMNS]
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "orders",
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": "orders", "properties": columns}],
        "customProperties": [{"property": name, "value": value} for name, value in said.items()],
        "slaProperties": slas,
    }
    path = folder / "orders.odcs.yaml"
    path.write_text(yaml.safe_dump(document))
    return compile_contract(path)


def custom(name: str, **said: Any) -> dict[str, Any]:
    properties = [{"property": key, "value": value} for key, value in said.items() if key != "partitioned"]
    return {"name": name, "customProperties": properties, "partitioned": said.get("partitioned", False)}


def test_what_is_said_of_the_table_arrives(tmp_path: Path) -> None:
    said = {"writeMode": "latest", "sequence": "At", "operation": "Op", "deleteCodes": ["D", "X"], "sortedBy": ["At"]}
    column = custom("amount", formerNames=["Total Price", "price"])
    made = compiled(tmp_path, column, **said, tombstoneDays=5, historyDays=9)
    contract = Contract.from_document(made.document)
    assert (contract.table_format, contract.write_mode) == ("iceberg", "latest")
    assert (contract.sequence, contract.operation, contract.delete_codes) == ("at", "op", ("D", "X"))
    assert (contract.sorted_by, contract.tombstone_days, contract.history_days) == (("at",), 5, 9)
    assert contract.column("amount").former_names == ("total_price", "price")
    assert contract.column("at").description == "When it was ordered"


@pytest.mark.parametrize("days", [1, 3_650])
def test_a_history_is_of_one_day_to_ten_years(tmp_path: Path, days: int) -> None:
    assert compiled(tmp_path, historyDays=days).document["history_days"] == days


def test_an_operation_deletes_by_d_where_nothing_else_is_said(tmp_path: Path) -> None:
    assert compiled(tmp_path, writeMode="latest", operation="op").document["delete_codes"] == ["D"]
    assert "delete_codes" not in compiled(tmp_path, writeMode="latest").document


@pytest.mark.parametrize(
    ("name", "transform", "written"),
    [
        ("at", "year", "year(at)"),
        ("at", "month", "month(at)"),
        ("at", "day", "day(at)"),
        ("at", "hour", "hour(at)"),
        ("id", "bucket(16)", "bucket[16](id)"),
        ("amount", "truncate(100)", "truncate[100](amount)"),
    ],
)
def test_a_table_is_partitioned_by_a_transform(tmp_path: Path, name: str, transform: str, written: str) -> None:
    column = custom(name, partitionTransform=transform, partitioned=True)
    made = compiled(tmp_path, column, writeMode="append")
    assert made.document["partition_by"] == [written]
    [field] = Contract.from_document(made.document).partition_fields
    assert (str(field), field.column) == (written, name)


@pytest.mark.parametrize(
    ("column", "said", "problem"),
    [
        (None, {"tableFormat": "delta"}, "allowed: iceberg, parquet"),
        (None, {"writeMode": "merge"}, "allowed: first, append, latest, snapshot"),
        (None, {"writeMode": "latest", "tableFormat": "parquet"}, "use tableFormat iceberg"),
        (None, {"writeMode": "snapshot", "tableFormat": "parquet"}, "use tableFormat iceberg"),
        ({"name": "id", "primaryKey": False}, {"writeMode": "latest"}, "no primaryKey, but writeMode is latest"),
        ({"name": "id", "primaryKey": False}, {"writeMode": "snapshot"}, "no primaryKey, but writeMode is snapshot"),
        (None, {"sequence": "at"}, "it is for latest"),
        (None, {"writeMode": "snapshot", "operation": "op"}, "it is for latest"),
        (None, {"tombstoneDays": 3}, "it is for latest"),
        (None, {"writeMode": "latest", "tombstoneDays": 0}, "allowed: 1 to 3650"),
        (None, {"historyDays": 0}, "allowed: 1 to 3650"),
        (None, {"historyDays": 3_651}, "allowed: 1 to 3650"),
        (None, {"historyDays": True}, "allowed: 1 to 3650"),
        (None, {"historyDays": 7, "tableFormat": "parquet"}, "it is for iceberg"),
        (None, {"writeMode": "latest", "deleteCodes": ["D"]}, "without operation"),
        (None, {"writeMode": "latest", "sequence": "when"}, "there is no column 'when'; there are id, at"),
        (None, {"sortedBy": ["when"]}, "there is no column 'when'"),
        (None, {"sortedBy": []}, "a list of names"),
        (None, {"sortedBy": [5]}, "a list of names"),
        (None, {"sortedBy": [" "]}, "a list of names"),
        (None, {"writeMode": "latest", "operation": "paid"}, "is no string column"),
        (None, {"writeMode": "latest", "sequence": "paid"}, "has no order"),
        (None, {"writeMode": "latest", "operation": "id"}, "is no string column"),
        (custom("at", partitionTransform="week", partitioned=True), {"writeMode": "append"}, "allowed: year, month"),
        (custom("at", partitionTransform="bucket", partitioned=True), {"writeMode": "append"}, "allowed: year, month"),
        (custom("at", partitionTransform="day"), {}, "without partitioned: true"),
        (
            custom("op", partitionTransform="day", partitioned=True),
            {"writeMode": "append"},
            "it is for timestamp, date",
        ),
        (custom("paid", partitionTransform="bucket(4)", partitioned=True), {"writeMode": "append"}, "it is for int"),
        (custom("op", partitionTransform="truncate(65)", partitioned=True), {"writeMode": "append"}, "1 to 64 char"),
        (custom("amount", formerNames="price"), {}, "a list of names"),
        (custom("amount", formerNames=["Paid"]), {}, "'paid' of amount is the name of a column"),
        (custom("amount", formerNames=["price"]), {"tableFormat": "parquet"}, "know columns by their names only"),
        (
            custom("at", partitionTransform="day", partitioned=True),
            {"tableFormat": "parquet", "writeMode": "append"},
            "has folders of whole values",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(
    tmp_path: Path, column: dict[str, Any] | None, said: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ContractError) as refused:
        compiled(tmp_path, column, **said)
    assert problem in str(refused.value)


MORE: list[dict[str, Any]] = [{}, {"writeMode": "latest"}, {"tableFormat": "parquet"}]
ODD: list[Any] = [
    5,
    -1,
    0,
    1.5,
    True,
    None,
    "",
    " ",
    [],
    [5],
    [None],
    ["id", 5],
    [[]],
    {},
    {"a": 1},
    [{"a": 1}],
    float("nan"),
]


@pytest.mark.parametrize("name", sorted(CUSTOM_PROPERTIES))
def test_a_property_of_any_form_is_taken_or_refused_in_words(tmp_path: Path, name: str) -> None:
    for value in ODD:
        for more in MORE:
            with contextlib.suppress(ContractError):
                compiled(tmp_path, **{**more, name: value})


@pytest.mark.parametrize("name", sorted({*COLUMN_SETTINGS, *VALUE_SETTINGS}))
def test_a_property_of_a_column_of_any_form_is_taken_or_refused_in_words(tmp_path: Path, name: str) -> None:
    for value in ODD:
        for column in COLUMNS:
            said = {**column, "customProperties": [{"property": name, "value": value}], "partitioned": True}
            with contextlib.suppress(ContractError):
                compiled(tmp_path, said, writeMode="append")


def test_a_column_may_be_renamed_and_a_format_may_not_be_changed(tmp_path: Path) -> None:
    before = compiled(tmp_path).document
    columns = [
        {**column, "former_names": ["amount"], "name": "total"} if column["name"] == "amount" else column
        for column in before["columns"]
    ]
    assert breaking_changes(before, {**before, "columns": columns}) == []
    [breaks] = breaking_changes({**before, "table_format": "parquet"}, before)
    assert "data-pipeline adopt" in breaks
    [breaks] = breaking_changes(before, {**before, "table_format": "parquet"})
    assert "adopt" not in breaks
    del before["table_format"]
    assert breaking_changes(before, {**before, "table_format": "parquet"}) == []
