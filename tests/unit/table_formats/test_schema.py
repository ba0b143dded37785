"""A table follows its contract: columns keep what they have, by their ids."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from pipeline_core.contract import Column, Contract
from table_formats.iceberg_schema import SchemaChangeError

from tests.unit.table_formats.conftest import Lake, contract

FIRST = dt.date(2026, 1, 1)
ROW = {"id": 1, "amount": Decimal("1.50"), "day": FIRST, "at": None}


def changed(*columns: Column, version: str = "1.1.0") -> Contract:
    return contract(columns=columns, version=version)


ID = Column(name="id", type="int", required=True, description="Number of the order")
AMOUNT = Column(name="amount", type="decimal(9,2)")
DAY, AT = Column(name="day", type="date", required=True), Column(name="at", type="timestamp")


def columns(lake: Lake) -> list[tuple[str, str, bool]]:
    return [(field.name, str(field.field_type), field.required) for field in lake.iceberg().schema().fields]


def publish(lake: Lake, of: Contract, batch_id: str = "b-2", **row: Any) -> None:
    lake.publish(batch_id, of, {"2026-01-01": [{**ROW, **row}]})


def test_columns_are_added_widened_described_and_brought_into_order(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    wide = Column(name="id", type="bigint", required=False, description="Its number")
    note = Column(name="note", type="string")
    publish(lake, changed(AT, note, DAY, wide, Column(name="amount", type="decimal(12,2)")), id=2**40, note="n")
    assert columns(lake)[:5] == [
        ("at", "timestamptz", False),
        ("note", "string", False),
        ("day", "date", True),
        ("id", "long", False),
        ("amount", "decimal(12, 2)", False),
    ]
    assert lake.iceberg().schema().find_field("id").doc == "Its number"
    assert lake.rows("id", "note") == [(1, None), (2**40, "n")]
    assert len(lake.iceberg().snapshots()) == 2, "the change is in the commit of the batch"


def test_a_renamed_column_keeps_its_values(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    total = Column(name="total", type="decimal(9,2)", former_names=("price", "amount"))
    publish(lake, changed(ID, total, DAY, AT), total=Decimal("2.50"), id=2)
    assert lake.rows("id", "total") == [(1, Decimal("1.50")), (2, Decimal("2.50"))]
    again = Column(name="sum", type="decimal(9,2)", former_names=("total", "amount"))
    publish(lake, changed(ID, again, DAY, AT, version="1.2.0"), "b-3", sum=Decimal("3.50"), id=3)
    assert [str(found[1]) for found in lake.rows("id", "sum")] == ["1.50", "2.50", "3.50"]


def test_a_new_column_does_not_take_a_name_that_older_files_have_for_another(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    publish(lake, changed(ID, Column(name="x", type="decimal(9,2)", former_names=("amount",)), DAY, AT), x=None)
    new = Column(name="amount", type="string")
    renamed = Column(name="x", type="decimal(9,2)", former_names=("amount",))
    with pytest.raises(SchemaChangeError, match="amount is what older files call the column x"):
        publish(lake, changed(ID, renamed, new, DAY, AT, version="1.2.0"), "b-3", amount="text", x=None, id=3)


def test_a_column_that_is_gone_stays_with_what_it_has(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    publish(lake, changed(ID, DAY, AT, version="2.0.0"), id=2)
    assert lake.rows("id", "amount") == [(1, Decimal("1.50")), (2, None)]
    assert ("amount", "decimal(9, 2)", False) in columns(lake)


def test_a_batch_of_an_older_contract_takes_nothing_back(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    publish(lake, changed(ID, AMOUNT, DAY, AT, Column(name="note", type="string")), note="n", id=2)
    publish(lake, contract(), "b-3", id=3)
    assert lake.rows("id", "note") == [(1, None), (2, "n"), (3, None)]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("decimal(9,2)", "decimal(9,3)"),
        ("decimal(9,2)", "decimal(10,3)"),
        ("decimal(9,2)", "decimal(8,2)"),
        ("decimal(9,2)", "string"),
        ("bigint", "int"),
        ("int", "string"),
        ("date", "timestamp"),
    ],
)
def test_a_type_that_is_not_only_wider_is_refused(lake: Lake, was: str, becomes: str) -> None:
    """PyIceberg would let the scale of a decimal change."""
    before = changed(ID, Column(name="x", type=was), DAY, AT, version="1.0.0")
    publish(lake, before, "b-1")
    with pytest.raises(SchemaChangeError, match="may only be widened"):
        publish(lake, changed(ID, Column(name="x", type=becomes), DAY, AT))
    assert len(lake.iceberg().snapshots()) == 1


def test_partitions_do_not_change(lake: Lake) -> None:
    publish(lake, contract(), "b-1")
    other = contract(partition_by=(), version="2.0.0")
    with pytest.raises(SchemaChangeError, match="partitioned by"):
        lake.publish("b-2", other, {"": [ROW]})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("year(at)", "2026"),
        ("month(at)", "2026-03"),
        ("day(at)", "2026-03-05"),
        ("hour(at)", "2026-03-05-23"),
        ("bucket[8](id)", "5"),
        ("truncate[10](id)", "40"),
        ("truncate[0](amount)".replace("[0]", "[100]"), "1.00"),
    ],
)
def test_partitions_by_transforms_are_kept_and_replaced(lake: Lake, field: str, text: str) -> None:
    of = contract(partition_by=(field,))
    at = dt.datetime(2026, 3, 5, 23, 59, tzinfo=dt.UTC)
    lake.publish("b-1", of, {text: [{**ROW, "at": at, "id": 41}, {**ROW, "at": at, "id": 42}]})
    [file] = lake.live().files
    assert file.partition == f"{of.partition_fields[0].name}={text}/"
    lake.publish("b-2", of, {}, replaced={file.name: [{**ROW, "at": at, "id": 41}]})
    assert lake.rows("id") == [(41,)]
    assert [file.partition for file in lake.live().files] == [file.partition]
