"""Reads data contracts (ODCS v3 YAML) and compiles them to the JSON that the functions and the job read.

The contract file is the single source of a dataset's schema, keys, partitions and quality rules. What a
contract asks for and the pipeline cannot do is refused here, before anything is deployed.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import DataQuality, OpenDataContractStandard, SchemaObject, SchemaProperty

from contracts.compiler import dialect
from contracts.compiler.checks import (
    FORMATS,
    FREQUENCY,
    HOUR,
    LATENCY,
    MAX_FILE_BYTES,
    OPERATORS,
    SUFFIX,
    Promise,
    contract_problems,
    quality_rules,
)
from contracts.compiler.column_values import BOUNDS, as_written, type_of
from contracts.compiler.read import ContractError, read_contract


@dataclass(frozen=True)
class CompiledContract:
    """A dataset's contract, ready for deployment.

    `document` is the JSON that `pipeline_core.contract.Contract` reads.
    """

    name: str
    document: dict[str, Any]


def load_contracts(directory: Path) -> list[CompiledContract]:
    """Compile every `*.odcs.yaml` of a directory, sorted by dataset.

    Raises:
        ContractError: names every problem of every file, or says that there is no contract at all.
    """
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    if not paths:
        raise ContractError(f"{directory}: no contract found; add a <dataset>{SUFFIX} file")
    contracts, problems = [], []
    for path in paths:
        try:
            contracts.append(compile_contract(path))
        except ContractError as error:
            problems.append(str(error))
    if problems:
        raise ContractError("\n".join(problems))
    return contracts


def compile_contract(path: Path) -> CompiledContract:
    """Compile one contract file.

    Raises:
        ContractError: lists every problem as `file: field: what is wrong and what is allowed`.
    """
    contract = read_contract(path)
    problems = list(contract_problems(path, contract))
    if problems:
        raise ContractError("\n".join(f"{path.name}: {problem}" for problem in problems))
    assert contract.schema_
    table = contract.schema_[0]
    document = _document(contract, table)
    return CompiledContract(document["dataset"], document)


def _document(contract: OpenDataContractStandard, table: SchemaObject) -> dict[str, Any]:
    columns = table.properties or []
    custom = {item.property: item.value for item in contract.customProperties or []}
    return {
        "dataset": table.name,
        "version": contract.version,
        "columns": [_column(column) for column in columns],
        "primary_key": _in_order(columns, "primaryKey", "primaryKeyPosition"),
        "partition_by": _in_order(columns, "partitioned", "partitionKeyPosition"),
        "quality": [_rule(rule, column) for _, rule, column in quality_rules(table)],
        "formats": custom.get("formats", list(FORMATS)),
        "null_tokens": custom.get("nullTokens", [""]),
        "time_zone": custom.get("timeZone", "UTC"),
        "max_file_bytes": custom.get("maxFileBytes", MAX_FILE_BYTES),
        "crawler": custom.get("crawler", False),
        "frequency_hours": None if (seconds := _promised(contract, FREQUENCY)) is None else seconds / HOUR,
        "latency_seconds": None if (seconds := _promised(contract, LATENCY)) is None else math.floor(seconds),
        **dialect.compiled(custom),
    }


def _promised(contract: OpenDataContractStandard, promise: Promise) -> float | None:
    """The seconds that a contract promises; None: it does not."""
    found = next((sla for sla in contract.slaProperties or [] if sla.property == promise.name), None)
    return None if found is None else float(found.value or 0) * promise.units[found.unit or ""]


def _column(column: SchemaProperty) -> dict[str, Any]:
    options, kind = column.logicalTypeOptions or {}, type_of(column) or ""
    compiled: dict[str, Any] = {
        "name": column.name,
        "type": kind,
        "required": bool(column.required),
    }
    names = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
    compiled |= {bound: as_written(options[bound], kind) for bound in BOUNDS if bound in options}
    compiled |= {name: options[option] for option, name in names.items() if option in options}
    if column.enum:
        compiled["enum"] = [as_written(item.value, kind) for item in column.enum]
    return compiled | dialect.column_fields(column)


def _in_order(columns: list[SchemaProperty], flag: str, position: str) -> list[str]:
    chosen = [column for column in columns if getattr(column, flag)]
    return [column.name or "" for column in sorted(chosen, key=lambda column: getattr(column, position) or 1)]


def _rule(rule: DataQuality, column: str | None) -> dict[str, Any]:
    operator = next(name for name in OPERATORS if getattr(rule, name) is not None)
    value = getattr(rule, operator)
    return {
        "name": rule.name or rule.metric,
        "metric": rule.metric,
        "column": column,
        "operator": operator,
        "value": value,
        "unit": rule.unit or "rows",
    }
