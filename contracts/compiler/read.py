"""Reads a contract file as the Open Data Contract Standard says it is written, and refuses what it does not know."""

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from config import plain_yaml

MAX_BYTES = 1_000_000
"""A contract of a thousand columns has a fifth of that."""

MAX_SHOWN = 200
"""Characters of a wrong value that a message quotes."""


class ContractError(ValueError):
    """A contract file that cannot be used; the message lists every problem with its file and field."""


def read_contract(path: Path) -> OpenDataContractStandard:
    """Read one contract file; what it asks for is not looked at yet.

    Raises:
        ContractError: it is not plain YAML, or not of the standard's form; lists every problem.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ContractError(f"{path.name}: {size} bytes; a contract has at most {MAX_BYTES}")
    try:
        # An alias has no use in a contract.
        raw = plain_yaml.load(path.read_text(encoding="utf-8"), aliases=False)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path.name}: not readable as plain YAML in UTF-8: {error}") from error
    if not isinstance(raw, dict):
        raise ContractError(f"{path.name}: a mapping is expected at the top, found {type(raw).__name__}")
    try:
        contract = OpenDataContractStandard.model_validate(raw)
    except ValidationError as error:
        found = [(".".join(map(str, item["loc"])), item["msg"], _shown(item["input"])) for item in error.errors()]
        lines = [f"{path.name}: {where}: {wrong} (given: {given})" for where, wrong, given in found]
        raise ContractError("\n".join(lines)) from error
    # The published model ignores what it does not know below the top level, where a typo would be lost, and takes
    # true for 1.
    unseen = list(_unseen(raw, OpenDataContractStandard, ""))
    if unseen:
        raise ContractError("\n".join(f"{path.name}: {line}" for line in unseen))
    return contract


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _unseen(raw: dict[str, Any], model: type[BaseModel], where: str) -> Iterator[str]:
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in raw.items():
        if key not in fields:
            yield f"{where}{key}: not a field of ODCS {model.__name__}; allowed: {', '.join(sorted(fields))}"
            continue
        kinds = list(_kinds_in(fields[key]))
        items = value if isinstance(value, list) else [value]
        if (int in kinds or float in kinds) and bool not in kinds and any(isinstance(item, bool) for item in items):
            yield f"{where}{key}: {value!r}; true and false are no numbers"
        child = _model_of(fields[key], is_list=isinstance(value, list))
        if child is None:
            continue
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield from _unseen(item, child, f"{where}{key}.{index}.")


def _model_of(annotation: Any, *, is_list: bool) -> type[BaseModel] | None:
    """The class of a field's objects; a field may have one for an object, and another for those of a list."""
    if get_origin(annotation) in (Union, UnionType):
        found = (_model_of(part, is_list=is_list) for part in get_args(annotation))
        return next((model for model in found if model is not None), None)
    if is_list:
        [annotation] = get_args(annotation) if get_origin(annotation) is list else [None]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _kinds_in(annotation: Any) -> Iterator[type[Any]]:
    """The classes of a field's value, or of the values of its list."""
    if get_origin(annotation) in (Union, UnionType, list):
        for part in get_args(annotation):
            yield from _kinds_in(part)
    elif isinstance(annotation, type):
        yield annotation
