"""Folders of Parquet files become an Iceberg table: the same files, the same rows."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from pipeline_core.contract import Column
from table_formats import IcebergTable, TablePlace
from table_formats.adopt import AdoptError, adopt, check_can_be_adopted
from table_formats.history import HistoryError
from table_formats.maintenance import maintain

from tests.unit.table_formats.conftest import BUCKET, Lake, contract

FIRST, SECOND = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
FOLDER = "tables/orders/"


def row(number: int, day: dt.date = FIRST) -> dict[str, Any]:
    return {"id": number, "amount": Decimal("1.00"), "day": day, "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}


def put(lake: Lake, name: str, rows: Sequence[dict[str, Any]], *leave_out: str) -> None:
    """A published file of a Hive-style table: without the columns that its folders say."""
    lake.write(f"{FOLDER}{name}", contract(), rows, "old", leave_out=["day", *leave_out])


def test_a_published_table_is_adopted_as_it_lies(lake: Lake) -> None:
    lake.glue.create_table(DatabaseName="lake", TableInput={"Name": "orders", "Parameters": {}})
    put(lake, "day=2026-01-01/a.parquet", [row(1), row(2)])
    put(lake, "day=2026-01-02/b.parquet", [row(3)])
    done = adopt(lake.table, contract())
    assert (done.files, done.rows) == (2, 3)
    one = Decimal("1.00")
    assert lake.rows() == [(FIRST, 1, one), (FIRST, 2, one), (SECOND, 3, one)]
    live = [(file.name, file.partition, file.rows) for file in lake.live().files]
    assert live == [
        ("day=2026-01-01/a.parquet", "day=2026-01-01/", 2),
        ("day=2026-01-02/b.parquet", "day=2026-01-02/", 1),
    ]
    assert [table["Name"] for table in lake.glue.get_tables(DatabaseName="lake")["TableList"]] == ["orders"]


def test_what_was_adopted_is_published_to_merged_and_replaced(lake: Lake) -> None:
    for number in range(5):
        put(lake, f"day=2026-01-01/{number}.parquet", [row(number)])
    adopt(lake.table, contract())
    lake.publish("b-1", contract(), {"2026-01-02": [row(9, SECOND)]}, replaced={"day=2026-01-01/0.parquet": []})
    assert maintain(lake.table, contract(), dt.datetime.now(dt.UTC)).merged_files == 0
    put(lake, "day=2026-01-01/lost.parquet", [row(77)])
    lake.publish("b-2", contract(), {"2026-01-01": [row(5)]})
    assert maintain(lake.table, contract(), dt.datetime.now(dt.UTC)).merged_files == 5
    assert [found[0] for found in lake.rows("id")] == [1, 2, 3, 4, 5, 9]


def test_files_from_before_the_pipeline_have_no_source_and_no_batch(lake: Lake) -> None:
    put(lake, "day=2026-01-01/a.parquet", [row(1)], "_source_file", "_batch_id", "amount")
    adopt(lake.table, contract())
    assert lake.rows("id", "amount", "_source_file", "_batch_id") == [(1, None, None, None)]


def test_an_adoption_that_was_interrupted_goes_on(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, "day=2026-01-01/a.parquet", [row(1)])
    lake.glue.create_table(DatabaseName="lake", TableInput={"Name": "orders", "Parameters": {}})
    catalog = lake.table.catalog

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "register_table", killed)
        with pytest.raises(KeyboardInterrupt):
            adopt(lake.table, contract())
    adopt(lake.table, contract())
    assert lake.rows("id") == [(1,)]


@pytest.mark.parametrize(
    ("name", "leave_out", "says"),
    [
        ("day=2026-01-01/a.parquet", ["id"], "has no column id"),
        ("a.parquet", [], "its folders are not day"),
        ("month=1/a.parquet", [], "its folders are not day"),
    ],
)
def test_files_that_are_not_of_the_contract_are_refused(lake: Lake, name: str, leave_out: list[str], says: str) -> None:
    put(lake, name, [row(1)], *leave_out)
    with pytest.raises(AdoptError, match=says):
        adopt(lake.table, contract())


def test_columns_that_the_contract_has_not_are_refused(lake: Lake) -> None:
    put(lake, "day=2026-01-01/a.parquet", [row(1)])
    fewer = contract(columns=tuple(column for column in contract().columns if column.name != "amount"))
    with pytest.raises(AdoptError, match="has columns that the contract has not: amount"):
        adopt(lake.table, fewer)


def test_a_file_whose_values_would_be_read_otherwise_is_not_adopted(lake: Lake) -> None:
    """A narrower type in the contract."""
    put(lake, "day=2026-01-01/a.parquet", [{**row(1), "amount": Decimal("1234567.89")}])
    columns = [Column(name="amount", type="decimal(5,2)") if c.name == "amount" else c for c in contract().columns]
    with pytest.raises(Exception, match=r"amount|decimal|rescal|precision"):
        adopt(lake.table, contract(columns=tuple(columns)))


def test_nothing_is_adopted_twice_or_from_an_empty_folder(lake: Lake) -> None:
    with pytest.raises(AdoptError, match="has no Parquet file"):
        adopt(lake.table, contract())
    put(lake, "day=2026-01-01/a.parquet", [row(1)])
    check_can_be_adopted(lake.table, contract())
    adopt(lake.table, contract())
    with pytest.raises(HistoryError, match="already"):
        check_can_be_adopted(lake.table, contract())
    other = IcebergTable(TablePlace(database="lake", bucket=BUCKET, dataset="other"))
    by_bucket = contract(dataset="other", partition_by=("bucket[4](id)",))
    with pytest.raises(HistoryError, match="folders do not hold bucket"):
        check_can_be_adopted(other, by_bucket)
