"""Which contracts a stack deploys."""

from collections.abc import Sequence

from components.contracts import CompiledContract
from config import ConfigError, PipelineConfig


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
