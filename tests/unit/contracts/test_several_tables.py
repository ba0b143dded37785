"""One contract describes several datasets, with keys, partitions and names as people write them."""

from pathlib import Path
from typing import Any

import pytest
from pipeline_core.contract import Contract

from contracts.compiler.compile import compile_contract, compile_contracts, load_contracts
from contracts.compiler.read import ContractError
from tests.unit.contracts.compiling import changed, write

ROOT = Path(__file__).parents[3]


def made(tmp_path: Path, columns: list[dict[str, Any]], **custom: Any) -> Any:
    settings = [{"property": name, "value": value} for name, value in custom.items()]
    contract = changed(lambda c, t, p: (c.update(customProperties=settings), t.update(properties=columns)))
    return compile_contract(write(tmp_path, contract)).document


def test_every_object_of_the_schema_is_a_dataset_with_a_name_of_its_own(tmp_path: Path) -> None:
    tables = [{"name": name, "properties": [{"name": "a"}]} for name in ("Order Lines", "2024_sales", "café")]
    compiled = compile_contracts(write(tmp_path, changed(lambda c, t, p: c.update(schema=tables))))
    assert [contract.name for contract in compiled] == ["order_lines", "t_2024_sales", "cafe"]


def test_two_tables_of_one_name_are_refused_in_a_file_and_among_files(tmp_path: Path) -> None:
    tables = [{"name": name, "properties": [{"name": "a"}]} for name in ("Order", "order")]
    path = write(tmp_path, changed(lambda c, t, p: c.update(schema=tables)), "one")
    with pytest.raises(ContractError, match="dataset 'order' is there 2 times"):
        compile_contracts(path)
    for name in ("one", "two"):
        write(tmp_path, changed(lambda c, t, p: c.update(schema=tables[:1])), name)
    with pytest.raises(ContractError, match=r"two\.odcs\.yaml: schema: dataset 'order' is that of one\.odcs\.yaml"):
        load_contracts(tmp_path)


def test_a_key_needs_no_position_and_no_required(tmp_path: Path) -> None:
    document = made(tmp_path, [{"name": "b", "primaryKey": True}, {"name": "a", "primaryKey": True}, {"name": "c"}])
    assert (document["primary_key"], document["write_mode"]) == (["b", "a"], "first")
    assert [column["required"] for column in document["columns"]] == [True, True, False]


def test_without_a_key_every_row_is_kept_and_partitions_stand_alone(tmp_path: Path) -> None:
    day = {"name": "day", "logicalType": "date", "partitioned": True}
    document = made(tmp_path, [{"name": "a"}, day])
    assert (document["primary_key"], document["partition_by"], document["write_mode"]) == ([], ["day"], "append")
    assert document["columns"][1]["required"] is True
    keyed = [{"name": "a", "primaryKey": True}, day]
    assert made(tmp_path, keyed, writeMode="append")["partition_by"] == ["day"]
    with pytest.raises(ContractError, match="with writeMode first a partition column belongs to the key"):
        made(tmp_path, keyed)
    with pytest.raises(ContractError, match="no primaryKey, but writeMode is first"):
        made(tmp_path, [{"name": "a"}], writeMode="first")


def test_a_column_has_the_files_name_by_its_physical_name(tmp_path: Path) -> None:
    document = made(tmp_path, [{"name": "id", "physicalName": "Order ID"}, {"name": "année"}, {"name": "plain"}])
    columns = Contract.from_document(document).columns
    assert [(column.name, column.source) for column in columns] == [
        ("id", "Order ID"),
        ("annee", "année"),
        ("plain", None),
    ]
    with pytest.raises(ContractError, match="physicalName 'x' is that of a, b"):
        made(tmp_path, [{"name": "a", "physicalName": "X"}, {"name": "b", "physicalName": "x"}])


def test_properties_of_other_programs_are_taken_and_said(tmp_path: Path) -> None:
    foreign = [{"property": "dbt_version", "value": "1.8"}]
    path = write(tmp_path, changed(lambda c, t, p: c.update(customProperties=foreign, team=[{"username": "ann"}])))
    assert compile_contract(path).notices == ("customProperties: not the pipeline's (customProperties (dbt_version))",)


@pytest.mark.parametrize(("times", "more"), [(4, ""), (5, ""), (6, " and 1 more"), (8, " and 3 more")])
def test_of_what_is_said_often_five_places_are_named(tmp_path: Path, times: int, more: str) -> None:
    foreign = [{"property": f"dbt_{number}", "value": "x"} for number in range(times)]
    path = write(tmp_path, changed(lambda c, t, p: c.update(customProperties=foreign)))
    named = ", ".join(f"customProperties (dbt_{number})" for number in range(min(times, 5)))
    assert compile_contract(path).notices == (f"customProperties: not the pipeline's ({named}{more})",)


def test_what_is_not_enforced_is_said_with_its_place_whatever_stands_before_it(tmp_path: Path) -> None:
    promises = [
        {"property": "retention", "value": 5, "unit": "d"},
        {"property": "availability", "value": 99},
        {"property": "latency", "value": 5, "unit": "ms"},
        {"property": "frequency", "value": 1, "unit": "d", "element": "orders.day"},
    ]
    rules = [{"type": "sql", "query": "SELECT 1", "mustBe": 1}]
    path = write(tmp_path, changed(lambda c, t, p: (c.update(slaProperties=promises), t.update(quality=rules))))
    assert sorted(compile_contract(path).notices) == [
        "element: an alarm watches a dataset as a whole (slaProperties.3 (frequency))",
        "quality: a query is written for the server that it names, and is not run on a batch (schema.0.quality.0)",
        "slaProperties: no file is published within a second: a shorter latency is not watched "
        "(slaProperties.2 (latency))",
        "slaProperties: no row is deleted: name the column by which a row is old as element "
        "(slaProperties.0 (retention))",
        "slaProperties: watched are frequency and latency (slaProperties.1 (availability))",
    ]
