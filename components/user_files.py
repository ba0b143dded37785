"""Reads what users write: settings, contracts, named queries, the workflow. Refuses all that is wrong at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi

from components.catalog.queries import Query, QueryError, load_queries
from components.compute.packaging import ROOT
from components.datasets import answerable, deployed
from components.workflow.definition import DefinitionError, load_definition
from config.load import ConfigError, load
from config.model import PipelineConfig
from contracts.compiler.compile import CompiledContract, load_contracts
from contracts.compiler.read import ContractError


class UserFileError(pulumi.RunError):
    """Files that users write cannot be used; the message lists every problem of every file, each once.

    Pulumi shows a RunError without a traceback.
    """


@dataclass(frozen=True, kw_only=True)
class UserFiles:
    """What the project's files say, read and checked before the first resource is declared."""

    contracts: Sequence[CompiledContract]
    queries: Mapping[str, Query]
    definition: str
    """The workflow in Amazon States Language, its placeholders not filled in."""


def read(root: Path = ROOT) -> UserFiles:
    """Read contracts, queries and the workflow's definition of a project.

    Raises:
        UserFileError: lists every problem of every file.
    """
    files, problems = _read(root)
    if files is None:
        raise UserFileError("\n".join(problems))
    return files


def read_with_settings(root: Path = ROOT) -> tuple[PipelineConfig, UserFiles]:
    """Read the current stack's settings and the files of a project.

    Raises:
        UserFileError: lists every problem of the stack file and of every other file.
    """
    settings, wrong = None, []
    try:
        settings = load()
    except ConfigError as error:
        wrong.append(str(error))
    files, problems = _read(root)
    if settings is None or files is None:
        raise UserFileError("\n".join([*wrong, *problems]))
    return settings, selected(files, settings)


def selected(files: UserFiles, settings: PipelineConfig) -> UserFiles:
    """Leave out what the stack does not deploy of contracts and queries.

    Raises:
        ConfigError: names datasets that the stack file says and no contract describes.
    """
    contracts = deployed(files.contracts, settings)
    return replace(files, contracts=contracts, queries=answerable(files.queries, settings.withheld_datasets))


def _read(root: Path) -> tuple[UserFiles | None, list[str]]:
    contracts: Sequence[CompiledContract] = ()
    queries: Mapping[str, Query] = {}
    definition, problems = "", []
    try:
        contracts = load_contracts(root / "contracts")
    except ContractError as error:
        problems.append(str(error))
    try:
        # Of contracts that cannot be read, no query's name can be taken twice.
        queries = load_queries(root / "queries", contracts)
    except QueryError as error:
        problems.append(str(error))
    try:
        definition = load_definition(root / "state_machines" / "batch_workflow.asl.json")
    except DefinitionError as error:
        problems.append(str(error))
    if problems:
        return None, problems
    return UserFiles(contracts=contracts, queries=queries, definition=definition), []
