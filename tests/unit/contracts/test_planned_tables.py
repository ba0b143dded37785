"""What the columns of a table come to together: types by the server, the order of keys, and names that meet."""

from pathlib import Path

import pytest
from pipeline_core.contract import Contract

from tests.unit.contracts.compiling import EVERYTHING, compiled, refused


def test_the_server_says_what_a_physical_type_means(tmp_path: Path) -> None:
    columns = [
        *EVERYTHING[:2],
        {"name": "size", "physicalType": "ENUM('s','m')"},
        {"name": "sum", "physicalType": "DECIMAL"},
    ]
    server = {"server": "shop", "type": "mysql", "host": "h", "port": 3306, "database": "d"}
    contract = Contract.from_document(compiled(tmp_path, columns=columns, contract={"servers": [server]}).document)
    assert contract.column("size").enum == ("s", "m")
    assert contract.column("sum").type == "decimal(10,0)"
    said = [*columns[:2], {**columns[2], "enum": [{"value": "s"}]}]
    narrower = compiled(tmp_path, columns=said, contract={"servers": [server]})
    assert Contract.from_document(narrower.document).column("size").enum == ("s",), "what the contract says itself wins"


@pytest.mark.parametrize(
    ("column", "option", "taken"),
    [
        ({"physicalType": "decimal(5,2)"}, "multipleOf", True),
        ({"physicalType": "int"}, "multipleOf", True),
        ({"physicalType": "double", "logicalType": "number"}, "multipleOf", True),
        ({"physicalType": "decimal(5,2)"}, "uniqueItems", False),
        ({"physicalType": "int", "logicalType": "integer"}, "timezone", False),
        ({"physicalType": "varchar(5)"}, "multipleOf", False),
    ],
)
def test_an_option_of_the_standard_for_such_a_column_is_said_not_to_be_checked_and_another_is_refused(
    tmp_path: Path, column: dict[str, str], option: str, taken: bool
) -> None:
    columns = [*EVERYTHING[:2], {"name": "value", **column, "logicalTypeOptions": {option: 5}}]
    if taken:
        said = compiled(tmp_path, columns=columns).notices
        assert any(f"logicalTypeOptions.{option}: no value of a" in notice and "(value)" in notice for notice in said)
    else:
        assert f"(value): logicalTypeOptions.{option}: not checked for" in refused(tmp_path, columns=columns)


def test_columns_of_a_key_without_a_position_come_behind_those_with_one(tmp_path: Path) -> None:
    columns = [
        {"name": "b", "primaryKey": True},
        {"name": "z", "primaryKey": True, "primaryKeyPosition": 9},
        {"name": "a", "primaryKey": True},
        {"name": "value"},
    ]
    assert compiled(tmp_path, columns=columns).document["primary_key"] == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("size", "size"), "schema.0.properties: column 'size' is there twice\n"),
        (
            ("Size", "size "),
            "column 'size' is there twice ('Size', 'size ' are one name in the table: give them others, ",
        ),
    ],
)
def test_columns_that_are_one_in_the_table_are_named_as_they_are_written(
    tmp_path: Path, names: tuple[str, str], said: str
) -> None:
    columns = [*EVERYTHING[:2], *({"name": name, "physicalName": f"of {name}"} for name in names)]
    assert said in refused(tmp_path, columns=columns) + "\n"
