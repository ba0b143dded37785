"""Reads what users write: settings, contracts, named queries, the workflow. Refuses all that is wrong at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components import channels, checked_queries
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
    """Read all contracts, queries and the workflow's definition of a project.

    Raises:
        UserFileError: lists every problem of every file.
    """
    files, problems = _read(root / "contracts", root / "queries", root, None)
    if problems:
        raise UserFileError("\n".join(problems))
    return files


def read_with_settings(root: Path = ROOT) -> tuple[PipelineConfig, UserFiles]:
    """Read the current stack's settings, and what the stack deploys of a project's files.

    Raises:
        UserFileError: lists every problem of the stack file and of every other file.
    """
    settings, wrong = None, []
    try:
        settings = load()
    except ConfigError as error:
        wrong.append(str(error))
    files, problems = _read(root / "contracts", root / "queries", root, settings)
    if settings is None or problems:
        raise UserFileError("\n".join([*wrong, *problems]))
    if withheld := sorted(settings.withheld_datasets):
        pulumi.log.info(f"not deployed to {settings.stack}, as datasets.demonstration says: {', '.join(withheld)}")
    _warn(files, settings)
    return settings, files


def read_folders(contracts: Path, queries: Path, settings: PipelineConfig) -> UserFiles:
    """Read contracts and queries from where another program has them; the workflow is the project's own.

    Raises:
        UserFileError: lists every problem of every file.
    """
    files, problems = _read(contracts, queries, ROOT, settings)
    if problems:
        raise UserFileError("\n".join(problems))
    _warn(files, settings)
    return files


def _warn(files: UserFiles, settings: PipelineConfig) -> None:
    """Have the engine say what is asked for and cannot be done, though the rest can."""
    for line in channels.unreached(files.contracts, settings.monitoring.slack_webhooks, settings.stack):
        pulumi.log.warn(line)


def _read(
    contract_folder: Path, query_folder: Path, root: Path, settings: PipelineConfig | None
) -> tuple[UserFiles, list[str]]:
    """Read the files, without what a stack with these settings does not deploy, and say what is wrong with them."""
    contracts: Sequence[CompiledContract] = ()
    queries: Mapping[str, Query] = {}
    definition, problems = "", []
    try:
        contracts = load_contracts(contract_folder)
        if settings is not None:
            contracts = deployed(contracts, settings)
    except (ContractError, ConfigError) as error:
        problems.append(str(error))
    try:
        queries = load_queries(query_folder)
    except QueryError as error:
        problems.append(str(error))
    try:
        definition = load_definition(root / "state_machines" / "batch_workflow.asl.json")
    except DefinitionError as error:
        problems.append(str(error))
    withheld = frozenset() if settings is None else settings.withheld_datasets
    queries = answerable(queries, withheld)
    if contracts:
        problems += checked_queries.problems(queries, contracts)
        problems += channels.problems(contracts)
    return UserFiles(contracts=contracts, queries=queries, definition=definition), problems
