"""What tables and columns are called after the names of a contract, and of which server its types are."""

import pytest
from open_data_contract_standard.model import OpenDataContractStandard, Server

from contracts.compiler.names import column_name, dataset_name
from contracts.compiler.servers import server_type


@pytest.mark.parametrize(
    ("name", "dataset", "column"),
    [
        ("orders", "orders", "orders"),
        ("Order Lines", "order_lines", "order_lines"),
        (" order - lines. ", "order_lines", "order_lines"),
        ("Größe/Öl", "gro_e_ol", "gro_e_ol"),
        ("café", "cafe", "cafe"),
        ("2024 sales", "t_2024_sales", "c_2024_sales"),
        ("x2024", "x2024", "x2024"),
        ("a", "a", "a"),
        # Underscores that somebody wrote stay at the ends of a column's name, not of a table's.
        ("_id", "id", "_id"),
        ("id_", "id", "id_"),
        ("__id__", "id", "__id__"),
        ("_1", "t_1", "_1"),
        ("a_ b", "a__b", "a__b"),
        ("1_", "t_1", "c_1"),
        ("_", "t", "c"),
        ("", "t", "c"),
        ("日本", "t", "c"),
        ("日本 1", "t_1", "c_1"),
    ],
)
def test_a_name_has_small_letters_digits_and_underscores(name: str, dataset: str, column: str) -> None:
    assert (dataset_name(name), column_name(name)) == (dataset, column)


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ([], None),
        (["postgres"], "postgres"),
        (["PostgreSQL"], "postgres"),
        (["postgresql", "cloudsql", "postgres"], "postgres"),
        (["azuresql", "mssql"], "sqlserver"),
        (["s3", "snowflake", "local"], "snowflake"),
        (["s3"], None),
        (["", None, "mysql"], "mysql"),
        (["postgres", "mysql"], None),
        (["postgres", "mysql", "oracle"], None),
    ],
)
def test_types_are_of_the_one_server_that_has_types(types: list[str | None], found: str | None) -> None:
    contract = OpenDataContractStandard.model_construct(servers=[Server.model_construct(type=name) for name in types])
    assert server_type(contract) == found
    assert server_type(OpenDataContractStandard.model_construct(servers=None)) is None
