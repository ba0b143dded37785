"""Which deployment a command works on, and its resources: the outputs of a Pulumi stack."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Chosen = TypeVar("Chosen")


OUTPUTS_VARIABLE = "DATA_PIPELINE_OUTPUTS"
NOT_OUTPUTS = "not the JSON of `pulumi stack output --json`"


class TargetError(Exception):
    """The deployment was not found, or does not say what is needed."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The outputs of a stack that the commands need."""

    raw_bucket: str
    artifacts_bucket: str
    ledger_table: str
    arrivals_queue_url: str
    datasets: list[str]
    functions: dict[str, str]
    max_files_per_batch: int
    max_bytes_per_batch: int
    small_bytes_per_batch: int
    max_workers: int


def check_dataset(dataset: str, datasets: Sequence[str]) -> None:
    """Make sure that a contract is deployed for a dataset.

    Raises:
        TargetError: lists the datasets that there are.
    """
    if dataset not in datasets:
        raise TargetError(f"no contract is deployed for {dataset!r}; there are: {', '.join(datasets)}")


def load(outputs: Path | None, stack: str | None) -> Target:
    """Read the outputs from a file, or ask the Pulumi CLI for those of a stack.

    Raises:
        TargetError: neither was given, the file is missing or not JSON, the CLI failed, or an output lacks or is wrong.
    """
    found, source = read(outputs, stack)
    return choose(Target, found, source)


def read(outputs: Path | None, stack: str | None) -> tuple[dict[str, Any], str]:
    """Read all outputs from a file, or ask the Pulumi CLI for those of a stack; also says where they are from.

    An option wins over DATA_PIPELINE_OUTPUTS.

    Raises:
        TargetError: neither was given, both were and they disagree, the file is missing or no JSON object, or the CLI
            failed.
    """
    if outputs is None and stack is None and (named := os.environ.get(OUTPUTS_VARIABLE)):
        outputs = Path(named)
    by_stack = (_parsed(_ask_pulumi(stack), f"stack {stack}"), f"stack {stack}") if stack is not None else None
    by_file = (_parsed(_content(outputs), str(outputs)), str(outputs)) if outputs is not None else None
    if by_stack and by_file and by_stack[0] != by_file[0]:
        raise TargetError(f"--stack {stack} and --outputs {outputs} are two deployments: give one of them")
    found = by_stack or by_file
    if found is None:
        raise TargetError("say which deployment: --stack <name>, or --outputs <file with pulumi stack output --json>")
    return found


def _content(outputs: Path) -> bytes:
    try:
        return outputs.read_bytes()
    except OSError as error:
        raise TargetError(f"{outputs}: {error.strerror}; write it with: pulumi stack output --json") from error


def _parsed(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TargetError(f"{source}: {NOT_OUTPUTS}: {error}") from error
    except RecursionError:
        raise TargetError(f"{source}: {NOT_OUTPUTS}: nested too deeply") from None
    if not isinstance(found, dict):
        raise TargetError(f"{source}: {NOT_OUTPUTS}: an object with the outputs is expected, found {found!r:.20}")
    return found


def choose(kind: type[Chosen], found: Mapping[str, Any], source: str) -> Chosen:
    """Choose those outputs that a dataclass has fields for.

    Raises:
        TargetError: names the outputs that lack, or are of another type.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a dataclass, which no type can say
    missing = [name for name in names if name not in found]
    if missing:
        raise TargetError(f"{source} has no output {', '.join(missing)}; deploy it again with this version")
    try:
        return TypeAdapter(kind).validate_python({name: found[name] for name in names})
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, wrong['loc']))} = {wrong['input']!r}: "
            f"allowed is {wrong['msg'].removeprefix('Input should be ')}"
            for wrong in error.errors()
        ]
        raise TargetError(f"{source}: {'; '.join(lines)}; deploy it again with this version") from error


def _ask_pulumi(stack: str) -> str:
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise TargetError("the Pulumi CLI is not installed; use --outputs with a file of its outputs") from error
    except subprocess.CalledProcessError as error:
        raise TargetError(f"{' '.join(command)}: {error.stderr.strip()}") from error
