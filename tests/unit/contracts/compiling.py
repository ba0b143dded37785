"""Contracts that tests write, change and compile."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.compiler.compile import CompiledContract, compile_contract
from contracts.compiler.read import ContractError

GOOD: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "version": "1.2.3",
    "status": "active",
    "schema": [
        {
            "name": "orders",
            "properties": [
                {"name": "id", "logicalType": "integer", "required": True, "primaryKey": True, "primaryKeyPosition": 1},
                {
                    "name": "day",
                    "logicalType": "date",
                    "required": True,
                    "primaryKey": True,
                    "primaryKeyPosition": 2,
                    "partitioned": True,
                },
                {"name": "price", "logicalType": "number", "physicalType": "decimal(10,2)"},
            ],
        }
    ],
}

EVERYTHING: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True, "primaryKey": True, "primaryKeyPosition": 2},
    {
        "name": "day",
        "logicalType": "date",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "partitioned": True,
        "partitionKeyPosition": 1,
    },
    {
        "name": "code",
        "logicalType": "string",
        "logicalTypeOptions": {"minLength": 0, "maxLength": 3, "pattern": "^[a-z]*$"},
        "enum": [{"value": "a"}, {"value": "b"}],
        "quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 10, "unit": "percent"}],
    },
    {
        "name": "price",
        "logicalType": "number",
        "physicalType": "decimal(10,2)",
        "logicalTypeOptions": {"minimum": 0, "maximum": 99.5},
    },
]


def write(tmp_path: Path, contract: Any, name: str = "orders") -> Path:
    path = tmp_path / f"{name}.odcs.yaml"
    path.write_text(contract if isinstance(contract, str) else yaml.safe_dump(contract))
    return path


def changed(change: Any) -> dict[str, Any]:
    contract = copy.deepcopy(GOOD)
    change(contract, contract["schema"][0], contract["schema"][0]["properties"])
    return contract


def compiled(tmp_path: Path, **more: Any) -> CompiledContract:
    def change(contract: Any, table: Any, columns: Any) -> None:
        contract.update(more.get("contract", {}))
        table.update(more.get("table", {}))
        columns[:] = more.get("columns", columns)

    return compile_contract(write(tmp_path, changed(change)))


def custom(**values: Any) -> dict[str, Any]:
    return {"customProperties": [{"property": name, "value": value} for name, value in values.items()]}


def refused(tmp_path: Path, **more: Any) -> str:
    with pytest.raises(ContractError) as caught:
        compiled(tmp_path, **more)
    return str(caught.value)
