"""Which contracts a stack deploys, and which named queries."""

import re
from collections.abc import Collection, Mapping, Sequence

from components.contracts import CompiledContract
from components.queries import Query
from config import ConfigError, PipelineConfig

# Comments and texts in quotes.
_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_READS = re.compile(
    r"\b(?:FROM|JOIN)\b(.*?)(?=\b(?:FROM|JOIN|ON|USING|WHERE|GROUP|HAVING|ORDER|LIMIT|UNION|EXCEPT|INTERSECT)\b|[;()]|$)",
    re.IGNORECASE | re.DOTALL,
)
# The last part of a name: what stands before a point is its database.
_NAME = re.compile(r'(?:"?\w+"?\s*\.\s*)*"?(\w+)"?')


def deployed(contracts: Sequence[CompiledContract], settings: PipelineConfig) -> list[CompiledContract]:
    """Leave out the contracts that the stack does not deploy.

    Raises:
        ConfigError: names datasets that the stack file says and no contract describes.
    """
    names = {contract.name for contract in contracts}
    said = settings.datasets.demonstration if settings.datasets.model_fields_set else ()
    if unknown := sorted(set(said) - names):
        raise ConfigError(
            f"data-pipeline:settings: datasets.demonstration = {', '.join(unknown)}: allowed are datasets with a "
            f"contract: {', '.join(sorted(names))}"
        )
    return [contract for contract in contracts if contract.name not in settings.withheld_datasets]


def answerable(queries: Mapping[str, Query], withheld: Collection[str]) -> dict[str, Query]:
    """Leave out the queries that read `withheld` datasets."""
    return {name: query for name, query in queries.items() if not tables_of(query.sql) & set(withheld)}


def tables_of(sql: str) -> set[str]:
    """Find what stands behind FROM and JOIN, in small letters: tables, views of WITH, and functions."""
    code = _NO_CODE.sub(" ", sql)
    lists = [found[1] for found in _READS.finditer(code)]
    names = (_NAME.match(item.strip()) for one in lists for item in one.split(","))
    return {found[1].lower() for found in names if found}
