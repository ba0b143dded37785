"""Contracts whose documents tests look at."""

from pathlib import Path
from typing import Any

import pytest

from contracts.compiler.compile import CompiledContract, compile_contract
from contracts.compiler.read import ContractError
from tests.unit.contracts.test_contracts import changed, write

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
