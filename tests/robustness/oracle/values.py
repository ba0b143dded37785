"""2.7, 3, 4: values and checks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline_core.contract import Column, Contract

from tests.robustness.oracle.casts import cast_to
from tests.robustness.oracle.headers import column_of, name_of
from tests.robustness.oracle.records import Record
from tests.robustness.oracle.written import value_of


def path_texts(key: str, contract: Contract) -> dict[str, str | None]:
    """2.7: the columns of the contract that stand in the folders of a key."""
    found: dict[str, str | None] = {}
    for folder in key.split("/")[:-1]:
        name, equals, written = folder.partition("=")
        column = column_of(name_of(_unquoted(name)), contract)
        if equals and column in {each.name for each in contract.columns}:
            value = written if "\0" in _unquoted(written) else _unquoted(written)
            found[column] = None if value == "__HIVE_DEFAULT_PARTITION__" else value
    return found


def _unquoted(text: str) -> str:
    raw = re.sub(b"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
    return raw.decode("utf-8", "replace")


def less_required(contract: Contract, in_path: Mapping[str, str | None]) -> Contract:

    columns = [replace(each, required=False) if each.name in in_path else each for each in contract.columns]
    return replace(contract, columns=tuple(columns))


def check_record(record: Record, contract: Contract, in_path: Mapping[str, str | None]) -> None:
    own = Record(0, None, texts={**in_path})
    if in_path:
        check_record(own, contract, {})
    for column in contract.columns:
        _check_column(record, column, contract)
        if column.name in in_path:
            _with_path(record, own, column)


def _with_path(record: Record, own: Record, column: Column) -> None:
    """2.7: the value of a column that the path has, too."""
    name = column.name
    mine, path = record.values[name], own.values[name]
    lacks = f"required:{name}"
    by_path = {reason for reason in own.reasons if reason.partition(":")[2] == name}
    others = {reason for reason in record.reasons if reason.partition(":")[2] == name and reason != lacks}
    record.reasons.discard(lacks)
    if by_path - {lacks} or (by_path and mine is None and not others):
        record.reasons |= by_path
    if mine is not None and path is not None and mine != path:
        record.reasons.add(f"path_value:{name}")
    record.values[name] = path if mine is None else mine


def _check_column(record: Record, column: Column, contract: Contract) -> None:
    text = record.texts.get(column.name)
    if text is not None and (contract.dialect.trim or column.type != "string"):
        text = text.strip(" \t")
    if text in (contract.null_tokens if column.null_tokens is None else column.null_tokens):
        text = None
    value = None if text is None else value_of(record, text, column, contract.time_zone)
    record.values[column.name] = value
    record.reasons |= {f"{code}:{column.name}" for code in _broken(column, text, value, contract)}


def _broken(column: Column, text: str | None, value: Any, contract: Contract) -> Iterator[str]:
    if text is None:
        if column.required:
            yield "required"
        return
    if value is None:
        yield "type"
        return

    def given(written: str) -> Any:
        return cast_to(written, column.type, contract.time_zone)

    if column.minimum is not None and value < given(column.minimum):
        yield "minimum"
    if column.maximum is not None and value > given(column.maximum):
        yield "maximum"
    if column.enum is not None and value not in map(given, column.enum):
        yield "enum"
    if column.min_length is not None and len(text) < column.min_length:
        yield "min_length"
    if column.max_length is not None and len(text) > column.max_length:
        yield "max_length"
    if column.pattern is not None and not re.search(column.pattern, text, re.ASCII):
        yield "pattern"
    is_partition = column.name in contract.partition_by and column.type == "string"
    if is_partition and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        yield "partition_value"
