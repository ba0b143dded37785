"""Which contracts a stack deploys, and which named queries."""

from collections.abc import Collection, Mapping, Sequence

import sqlglot
from sqlglot import exp

from components.catalog.queries import Query
from config.load import ConfigError
from config.model import PipelineConfig
from contracts.compiler.compile import CompiledContract


def deployed(contracts: Sequence[CompiledContract], settings: PipelineConfig) -> list[CompiledContract]:
    """Leave out the contracts that the stack does not deploy.

    Raises:
        ConfigError: names datasets that the stack file says and no contract describes.
    """
    names = {contract.name for contract in contracts}
    said = settings.datasets.demonstration if settings.datasets.model_fields_set else ()
    if unknown := sorted(set(said) - names):
        raise ConfigError(
            f"Pulumi.{settings.stack}.yaml: data-pipeline:settings: datasets.demonstration = {', '.join(unknown)}: "
            f"allowed are datasets with a contract: {', '.join(sorted(names))}"
        )
    return [contract for contract in contracts if contract.name not in settings.withheld_datasets]


def answerable(queries: Mapping[str, Query], withheld: Collection[str]) -> dict[str, Query]:
    """Leave out the queries that read `withheld` datasets."""
    return {name: query for name, query in queries.items() if not tables_of(query.sql) & set(withheld)}


def tables_of(sql: str) -> set[str]:
    """Find the tables that a query reads, in small letters, without their databases; views of WITH are among them."""
    return {table.name.lower() for table in sqlglot.parse_one(sql, read="athena").find_all(exp.Table)}
