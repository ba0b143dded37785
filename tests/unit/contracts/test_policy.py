"""Every field of the published schemas of ODCS has a policy, and what is not enforced is said."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from datacontract.data_contract import DataContract
from jsonschema import Draft201909Validator
from open_data_contract_standard import model

from contracts.compiler import policy
from contracts.compiler.checks import CUSTOM_PROPERTIES
from contracts.compiler.compile import compile_contract
from contracts.compiler.policy import POLICIES
from contracts.compiler.table_settings import COLUMN_SETTINGS
from tests.unit.contracts.compiling import changed, write

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.0.2", "3.1.0", "3.2.0")

OBJECTS = {
    r"": ("OpenDataContractStandard",),
    r"description": ("Description",),
    r"Context.*verifiedStatements.*": ("VerifiedStatement",),
    r"Context.*constraints.*": ("Constraint",),
    r"Context.*": ("Context",),
    r"Server|ServerSource/\w+": ("Server",),
    r"SchemaElement": ("SchemaObject", "SchemaProperty"),
    r"SchemaObject": ("SchemaObject",),
    r".*/logicalTypeOptions": (policy.OPTIONS,),
    r"Schema(Base|Item)Property.*/map": ("MapDefinition",),
    r"Schema(Base|Item)Property.*": ("SchemaProperty",),
    r"DataQuality\w*(/.*)?": ("DataQuality",),
    r"AuthoritativeDefinitions.*": ("AuthoritativeDefinition",),
    r"Support(Item|/items)": ("Support",),
    r"Relationship.*": ("Relationship",),
    r"\w+(/items)?": (),
}
"""Which objects of the policy an object of a schema is, by its path; the first that fits. A plain name is its own."""

SINGULAR = {"CustomProperties/items": "CustomProperty", "Synonyms/items": "Synonym"}


def schema(version: str) -> dict[str, Any]:
    text = files("datacontract").joinpath(f"schemas/odcs-{version}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def objects(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Every object that a schema describes: its path, and the names of its fields."""
    if isinstance(node, list):
        for item in node:
            yield from objects(item, path)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                yield "/".join(path), set(value)
                for name, field in value.items():
                    yield from objects(field, (*path, name))
            elif key == "$defs":
                for name, definition in value.items():
                    yield from objects(definition, (name,))
            elif key in ("allOf", "anyOf", "oneOf", "if", "then", "else"):
                yield from objects(value, path)
            elif isinstance(value, dict | list) and key not in ("examples", "enum", "required", "default"):
                yield from objects(value, (*path, key))


def policies_of(path: str) -> tuple[str, ...]:
    found = next((names for pattern, names in OBJECTS.items() if re.fullmatch(pattern, path)), None)
    assert found is not None, f"{path}: an object of the schema that has no policy"
    return found or (SINGULAR.get(path, path),)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_the_published_schema_has_a_policy(version: str) -> None:
    known: dict[str, set[str]] = {}
    for path, fields in objects(schema(version)):
        for found in policies_of(path):
            # Version 3.0 has the members of a team alone.
            name = "TeamMember" if (found, version) == ("Team", "3.0.2") else found
            known.setdefault(name, set()).update(fields)
    missing = {name: fields - set(POLICIES[name]) for name, fields in known.items()}
    assert {name: fields for name, fields in missing.items() if fields} == {}
    assert len(known) >= 14, "the walk goes through all of it"


def test_every_field_of_the_model_has_a_policy_and_no_policy_is_of_nothing() -> None:
    models = {name: getattr(model, name) for name in POLICIES if name != policy.OPTIONS}
    for name, kind in models.items():
        fields = {field.alias or attribute for attribute, field in kind.model_fields.items()}
        assert fields == set(POLICIES[name]), name


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


def test_the_page_has_every_setting_of_the_pipeline() -> None:
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    section = page.partition("## Settings of the pipeline")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall("`([A-Za-z]+)`", "".join(rows))) == {*CUSTOM_PROPERTIES, *COLUMN_SETTINGS}


SHIPPED = sorted((ROOT / "contracts").glob("*.odcs.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_contracts_are_valid_by_their_schema_and_say_where_files_come_from(path: Path) -> None:
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert wrong_by_the_schema(contract) == []
    assert contract["servers"][0]["location"].endswith(f"/{contract['schema'][0]['name']}/")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_contracts_are_valid_by_the_tool_of_the_standard(path: Path) -> None:
    checks = DataContract(data_contract_file=str(path)).lint().checks or []
    assert [check.name for check in checks if check.result not in ("passed", "warning")] == []
    assert any(check.result == "passed" and "ODCS" in (check.name or "") for check in checks)


def test_the_published_schema_does_refuse_something() -> None:
    assert wrong_by_the_schema({"apiVersion": "v3.1.0", "kind": "Banana"})


def wrong_by_the_schema(contract: Any) -> list[str]:
    """What the schema of a contract's own version says against it."""
    published = schema(contract["apiVersion"].removeprefix("v"))
    return [error.message for error in Draft201909Validator(published).iter_errors(contract)]
