"""How long rows are kept: durations, and which column of which table of a contract says a row's age."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.compiler.compile import CompiledContract, compile_contracts
from contracts.compiler.read import ContractError
from contracts.compiler.retention import MAX_DAYS

TABLES: dict[str, list[dict[str, Any]]] = {
    "orders": [
        {"name": "id", "logicalType": "integer"},
        {"name": "Ordered At", "logicalType": "timestamp"},
        {"name": "day", "logicalType": "date"},
    ],
    "order items": [
        {"name": "id", "logicalType": "integer"},
        {"name": "packed", "logicalType": "timestamp"},
        {"name": "day", "logicalType": "date"},
    ],
}


def compiled(folder: Path, *slas: dict[str, Any], table_format: str = "iceberg") -> dict[str, CompiledContract]:
    """The datasets of a contract of two tables that says how long rows are kept."""
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "shop",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            {"name": name, "physicalName": f"lake.shop.{name.replace(' ', '_')}_v1", "properties": columns}
            for name, columns in TABLES.items()
        ],
        "customProperties": [{"property": "tableFormat", "value": table_format}],
        "slaProperties": [{"property": "retention", "value": 5, "unit": "d", **sla} for sla in slas],
    }
    path = folder / "shop.odcs.yaml"
    path.write_text(yaml.safe_dump(document))
    return {made.name: made for made in compile_contracts(path)}


def kept(folder: Path, *slas: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """By dataset that deletes rows: the days, and the column that says a row's age."""
    documents = [made.document for made in compiled(folder, *slas).values()]
    return {
        document["dataset"]: (document["retention_days"], document["retention_column"])
        for document in documents
        if "retention_days" in document
    }


@pytest.mark.parametrize(
    ("value", "unit", "days"),
    [
        (30, "d", 30),
        (1, "day", 1),
        (1.5, "days", 1),
        (1, "y", 365),
        (0.5, "y", 182),
        (2, "years", 730),
        (100, "years", MAX_DAYS),
        (3, "weeks", 21),
        (3, "months", 90),
        ("P1Y", None, 365),
        ("P90D", None, 90),
        ("P2Y6M", None, 910),
        ("P2W", None, 14),
        ("P1Y2M3W4D", None, 365 + 60 + 21 + 4),
    ],
)
def test_rows_are_kept_as_long_as_the_contract_says(tmp_path: Path, value: Any, unit: str | None, days: int) -> None:
    assert kept(tmp_path, {"value": value, "unit": unit, "element": "orders.day"}) == {"orders": (days, "day")}


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        *((0, "d"), (-1, "d"), (0.5, "d"), (True, "d"), (5, "h"), (5, "m"), (5, None), ("5", "d"), (None, "d")),
        *((float("nan"), "d"), (float("inf"), "d"), (MAX_DAYS + 1, "d"), (101, "y")),
        *(("P", None), ("P0D", None), ("PT5H", None), ("P1YT1H", None), ("P1D2W", None), ("1Y", None), ("P101Y", None)),
        ("P1Y", "y"),
    ],
)
def test_a_duration_that_is_none_is_refused(tmp_path: Path, value: Any, unit: str | None) -> None:
    with pytest.raises(ContractError, match=r"slaProperties\.0: .*1 day to 100 years are allowed.*P90D"):
        compiled(tmp_path, {"value": value, "unit": unit, "element": "orders.day"})


@pytest.mark.parametrize(
    ("element", "columns"),
    [
        ("orders.day", {"orders": "day"}),
        ("orders.Ordered At", {"orders": "ordered_at"}),
        ("lake.shop.orders_v1.day", {"orders": "day"}),
        ("orders_v1.day", {"orders": "day"}),
        ("order items.packed", {"order_items": "packed"}),
        ("packed", {"order_items": "packed"}),
        ("day", {"orders": "day", "order_items": "day"}),
        ("orders.ordered_at, order items.packed", {"orders": "ordered_at", "order_items": "packed"}),
    ],
)
def test_an_element_names_columns_of_its_table(tmp_path: Path, element: str, columns: dict[str, str]) -> None:
    assert kept(tmp_path, {"element": element}) == {name: (5, column) for name, column in columns.items()}


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ("orders.id", "'orders.id' is no date or timestamp column"),
        ("orders.packed", "'orders.packed' is no date or timestamp column"),
        ("when", "'when' is no date or timestamp column"),
        ("customers.day", "'customers.day': no table is 'customers'; there are order_items, orders"),
    ],
)
def test_an_element_that_says_no_age_is_refused(tmp_path: Path, element: str, problem: str) -> None:
    with pytest.raises(ContractError) as refused:
        compiled(tmp_path, {"element": element})
    assert f"slaProperties.0: element: {problem}" in str(refused.value)


def test_a_table_has_one_retention(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"slaProperties\.1: a second retention of orders; a table has one"):
        compiled(tmp_path, {"element": "orders.day"}, {"element": "orders.ordered_at"})


@pytest.mark.parametrize(
    ("element", "table_format", "said"),
    [
        ("orders.day", "iceberg", {}),
        ("packed", "iceberg", {}),
        ("order items.day", "parquet", {"order_items": "tableFormat parquet are not deleted"}),
        (None, "iceberg", dict.fromkeys(("orders", "order_items"), "name the column by which a row is old as element")),
        ("orders", "iceberg", {"orders": "element names the table; name the column"}),
        ("lake.shop.orders_v1", "iceberg", {"orders": "element names the table; name the column"}),
        ("orders.day", "parquet", {"orders": "tableFormat parquet are not deleted"}),
    ],
)
def test_a_retention_that_deletes_nothing_is_said(
    tmp_path: Path, element: str | None, table_format: str, said: dict[str, str]
) -> None:
    found = compiled(tmp_path, {"element": element}, table_format=table_format)
    for name, made in found.items():
        notices = [notice for notice in made.notices if "retention" in notice]
        assert len(notices) == (name in said)
        assert all(notice.endswith("(slaProperties.0 (retention))") and said[name] in notice for notice in notices)
    if said:
        assert not any("retention_days" in made.document for made in found.values())
