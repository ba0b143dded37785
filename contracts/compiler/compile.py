"""Reads data contracts (ODCS v3 YAML) and compiles them to the JSON that the functions and the job read.

The contract file is the single source of a dataset's schema, keys, partitions and quality rules. What a
contract asks for and the pipeline cannot do is refused here, before anything is deployed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import DataQuality, OpenDataContractStandard
from pipeline_core.channels import Severity
from pipeline_core.contract import FIRST, ICEBERG, own_columns

from contracts.compiler import channels, dialect, people, retention, table_settings
from contracts.compiler.channels import Channel
from contracts.compiler.checks import (
    FORMATS,
    FREQUENCY,
    HOUR,
    LATENCY,
    MAX_FILE_BYTES,
    contract_problems,
    custom_problems,
    full_version,
    promised,
    settings_of,
)
from contracts.compiler.column_values import BOUNDS, as_written
from contracts.compiler.names import column_name
from contracts.compiler.places import place_problems, places, server_problems, server_settings
from contracts.compiler.policy import notices
from contracts.compiler.read import ContractError, read_contract
from contracts.compiler.rules import OPERATORS, is_enforced, metric_of, quality_rules, rule_problems
from contracts.compiler.servers import server_type
from contracts.compiler.tables import ColumnPlan, TablePlan, plan

SUFFIX = ".odcs.yaml"


@dataclass(frozen=True)
class CompiledContract:
    """A dataset's contract, ready for deployment.

    `document` is the JSON that `pipeline_core.contract.Contract` reads. `notices` say, a line each, what of the
    contract is not enforced, and why. `about` is what people want to know of a dataset: what it is
    for, and whose it is. `channels` are told what becomes of its batches, each from its least severity on.
    """

    name: str
    document: dict[str, Any]
    notices: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    channels: Mapping[Channel, Severity] = field(default_factory=dict)

    @property
    def is_iceberg(self) -> bool:
        """Whether the table is an Iceberg table; releases that did not say it had none."""
        return bool(self.document.get("table_format") == ICEBERG)

    @property
    def table_columns(self) -> dict[str, str]:
        """The columns of the table with their Hive types: the contract's, and those that the pipeline adds."""
        columns = {column["name"]: column["type"] for column in self.document["columns"]}
        return columns | own_columns(self.document.get("write_mode", FIRST))


def load_contracts(directory: Path) -> list[CompiledContract]:
    """Compile every `*.odcs.yaml` of a directory, sorted by dataset.

    Raises:
        ContractError: names every problem of every file, or says that there is no contract at all.
    """
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    if not paths:
        raise ContractError(f"{directory}: no contract found; add a <dataset>{SUFFIX} file")
    contracts: list[CompiledContract] = []
    problems: list[str] = []
    files: dict[str, str] = {}
    for path in paths:
        try:
            compiled = compile_contracts(path)
        except ContractError as error:
            problems.append(str(error))
            continue
        for contract in compiled:
            if contract.name in files:
                problems.append(
                    f"{path.name}: schema: dataset {contract.name!r} is that of {files[contract.name]}, too; "
                    "give one of them another name"
                )
            files[contract.name] = path.name
        contracts += compiled
    taken: dict[str, str] = {}
    for prefix, dataset in places_of(contracts):
        if (other := taken.setdefault(prefix, dataset)) != dataset:
            problems.append(
                f"{files[dataset]}: servers: location: {prefix} is the place of {other}, too; whose would a file be? "
                "Give each dataset its own"
            )
    if problems:
        raise ContractError("\n".join(problems))
    return sorted(contracts, key=lambda contract: contract.name)


def compile_contract(path: Path) -> CompiledContract:
    """Compile a contract file that describes one dataset.

    Raises:
        ContractError: lists every problem as `file: field: what is wrong and what is allowed`.
    """
    compiled = compile_contracts(path)
    if len(compiled) != 1:
        raise ContractError(f"{path.name}: schema: {len(compiled)} tables; one is asked for")
    return compiled[0]


def compile_contracts(path: Path) -> list[CompiledContract]:
    """Compile one contract file: each object of its schema is a dataset.

    Raises:
        ContractError: lists every problem as `file: field: what is wrong and what is allowed`.
    """
    contract = read_contract(path)
    told = channels.told(contract)
    problems = [*contract_problems(contract), *server_problems(contract), *told.problems]
    plans = []
    for index, table in enumerate(contract.schema_ or []):
        own = table.customProperties or []
        problems += custom_problems(f"schema.{index}.customProperties", own)
        settings = server_settings(contract) | settings_of([*(contract.customProperties or []), *own])
        problems += dialect.problems(settings)
        made = plan(index, table, server_type(contract), settings)
        problems += made.problems
        problems += retention.problems(contract, made)
        problems += place_problems(places(contract, table, made.dataset))
        for where, rule, column in quality_rules(index, table):
            problems += (f"{where}: {problem}" for problem in rule_problems(rule, column))
        plans.append((index, made, settings))
    names = [made.dataset for _, made, _ in plans]
    problems += (
        f"schema: dataset {name!r} is there {names.count(name)} times; give each table a name of its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    if problems:
        raise ContractError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return [
        CompiledContract(
            made.dataset,
            _document(contract, index, made, settings),
            tuple(notices(contract, index, made)),
            people.about(contract, made.said),
            told.channels,
        )
        for index, made, settings in plans
    ]


def _document(
    contract: OpenDataContractStandard, index: int, made: TablePlan, settings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "dataset": made.dataset,
        "version": full_version(contract.version or ""),
        "columns": [_column(column, settings) for column in made.columns],
        "primary_key": made.primary_key,
        "partition_by": made.partition_by,
        "write_mode": made.write_mode,
        "quality": [
            _rule(rule, column) for _, rule, column in quality_rules(index, made.said) if is_enforced(rule, column)
        ],
        "formats": settings.get("formats", list(FORMATS)),
        "null_tokens": settings.get("nullTokens", [""]),
        "time_zone": settings.get("timeZone", "UTC"),
        "max_file_bytes": settings.get("maxFileBytes", MAX_FILE_BYTES),
        "crawler": settings.get("crawler", False),
        "unexpected_columns": settings.get("unexpectedColumns", "refuse"),
        "ignored_columns": settings.get("ignoredColumns", []),
        "frequency_hours": None if (seconds := promised(contract, FREQUENCY)) is None else seconds / HOUR,
        "latency_seconds": math.floor(promised(contract, LATENCY) or 0) or None,
        **table_settings.compiled(settings, made.write_mode),
        **retention.compiled(contract, made),
        **_locations(contract, made),
        **dialect.compiled(settings),
    }


def _locations(contract: OpenDataContractStandard, made: TablePlan) -> dict[str, list[str]]:
    """Where the files of a dataset lie, if not in its own folder."""
    found = places(contract, made.said, made.dataset)
    return {} if found == [f"{made.dataset}/"] else {"locations": found}


def places_of(contracts: Iterable[CompiledContract]) -> Iterator[tuple[str, str]]:
    """The prefixes of files in the raw bucket, each with its dataset."""
    for contract in contracts:
        for prefix in contract.document.get("locations", [f"{contract.name}/"]):
            yield prefix, contract.name


def _column(column: ColumnPlan, settings: dict[str, Any]) -> dict[str, Any]:
    options, kind = column.options, column.type.kind
    compiled: dict[str, Any] = {
        "name": column.name,
        "type": kind,
        # What identifies a row, or says where it lies, is never null.
        "required": bool(column.said.required or column.said.primaryKey or column.said.partitioned),
    }
    if column.source is not None:
        compiled["source"] = column.source
    if kind != "string":
        compiled |= {bound: as_written(options[bound], kind) for bound in BOUNDS if bound in options}
    else:
        names = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
        compiled |= {name: options[option] for option, name in names.items() if option in options}
    if column.enum:
        compiled["enum"] = [as_written(item.value, kind) for item in column.enum]
    return compiled | dialect.column_fields(column.said, kind, settings) | table_settings.column_fields(column.said)


def _rule(rule: DataQuality, column: str | None) -> dict[str, Any]:
    operator = next(name for name in OPERATORS if getattr(rule, name) is not None)
    return {
        "name": rule.name or metric_of(rule),
        "metric": metric_of(rule),
        "column": None if column is None else column_name(column),
        "operator": operator,
        "value": getattr(rule, operator),
        "unit": rule.unit or "rows",
    }
