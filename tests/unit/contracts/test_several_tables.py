"""One contract describes several datasets, with keys, partitions and names as people write them."""

import json
from pathlib import Path
from typing import Any

import open_data_contract_standard
import pytest
import yaml
from jsonschema import Draft201909Validator
from open_data_contract_standard import model
from pipeline_core.contract import Contract

from contracts.compiler import policy
from contracts.compiler.compile import compile_contract, compile_contracts, load_contracts
from contracts.compiler.read import ContractError
from tests.unit.contracts.test_contracts import changed, write

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


def schema_fields() -> set[tuple[str, str]]:
    """Every field of the published JSON schema, with the name that its object has in the standard's model."""
    schema = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_text())
    names = {
        **{name: name for name in policy.POLICIES},
        "SchemaElement": "SchemaProperty",
        "SchemaBaseProperty": "SchemaProperty",
        "SupportItem": "Support",
        "SchemaItemProperty": "SchemaProperty",
        "AuthoritativeDefinitions": "AuthoritativeDefinition",
        **{name: "DataQuality" for name in schema["$defs"] if name.startswith("DataQuality")},
        **{name: "Relationship" for name in schema["$defs"] if name.startswith("Relationship")},
        "ServerSource": "Server",
    }
    found = {("OpenDataContractStandard", name) for name in schema["properties"]}
    inner = {"logicalTypeOptions", "verifiedStatements", "constraints", "map", "description"}

    def walk(part: Any, owner: str) -> None:
        if isinstance(part, list):
            for item in part:
                walk(item, owner)
        elif isinstance(part, dict):
            fields = part.get("properties")
            if isinstance(fields, dict) and "items" not in part:
                found.update((owner, name) for name in fields if isinstance(fields[name], dict))
            for name, value in part.items():
                if name == "properties" and isinstance(value, dict):
                    for field, below in value.items():
                        if field not in inner:
                            walk(below, owner)
                else:
                    walk(value, owner)

    for name, part in schema["$defs"].items():
        if name in names:
            walk(part, names[name])
    return {(owner, name) for owner, name in found if owner in policy.POLICIES}


def test_every_field_of_the_published_schema_has_a_policy() -> None:
    fields = schema_fields()
    assert {("SchemaProperty", "unique"), ("Server", "warehouse"), ("DataQuality", "query")} <= fields
    # `properties`, `items` and the like describe lists in the schema itself.
    words = {"type", "description", "items"}
    missing = {(owner, name) for owner, name in fields if name not in policy.POLICIES[owner] and name not in words}
    assert missing == set()


def test_every_field_of_the_model_has_a_policy_and_no_policy_is_of_nothing() -> None:
    models = {name: getattr(model, name) for name in policy.POLICIES}
    for name, kind in models.items():
        fields = {field.alias or attribute for attribute, field in kind.model_fields.items()}
        assert fields == set(policy.POLICIES[name]), name


def test_what_is_not_enforced_is_said_once_with_its_reason(tmp_path: Path) -> None:
    def ask(contract: Any, table: Any, columns: Any) -> None:
        for column in columns:
            column["classification"] = "secret"
        table["quality"] = [{"type": "sql", "query": "SELECT 1", "mustBe": 1}, {"type": "text", "description": "nice"}]

    [quality, classification] = compile_contract(write(tmp_path, changed(ask))).notices
    assert quality.startswith("quality: a query is written for the server")
    assert classification.startswith("classification: who may read or write")
    assert classification.count("schema.0") == 3


def test_the_page_has_the_policies() -> None:
    assert policy.table() in (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "contracts").glob("*.odcs.yaml")), ids=lambda path: path.name)
def test_the_shipped_contracts_are_valid_by_the_published_schema_and_say_where_files_come_from(path: Path) -> None:
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert wrong_by_the_schema(contract) == []
    assert contract["servers"][0]["location"].endswith(f"/{contract['schema'][0]['name']}/")


def test_the_published_schema_does_refuse_something() -> None:
    assert wrong_by_the_schema({"apiVersion": "v3.1.0", "kind": "Banana"})


def wrong_by_the_schema(contract: Any) -> list[str]:
    schema = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_text())
    return [error.message for error in Draft201909Validator(schema).iter_errors(contract)]
