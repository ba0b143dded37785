"""The contracts in the artifacts bucket, where functions and job read them, and the index that ingestion looks into."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pipeline_core.layout import CONTRACTS, contract_key
from pulumi import Input, Resource, ResourceOptions

from components.storage.zone import Zone
from contracts.compiler.compile import CompiledContract, places_of
from contracts.compiler.evolution import (
    Contract,
    _version,
    breaking_changes,
    refusals,
)


@dataclass(frozen=True, kw_only=True)
class ContractObjectsArgs:
    """The contracts, where they are written, and what has to exist before."""

    contracts: Sequence[CompiledContract]
    heard: Mapping[str, Mapping[str, str]]
    """Who hears of which dataset: the least severity by the channel's id, by dataset."""
    artifacts: Zone
    kms_key_arn: Input[str]
    readers: Sequence[Resource]
    """Code that reads contracts: a contract is written after the code that can read it."""
    served_by: Sequence[Resource]
    """What a dataset needs (crawlers, grants, alarms): ingestion takes the files of a dataset that has a contract, so
    all of it is there first."""


class ContractObjects(pulumi.ComponentResource):
    """One object for each contract, and an index of them, which is written last.

    All contracts wait for one object, and that one for all that they need: each of 200 contracts with 200 dependencies
    of its own is most of the stack's state, which the engine writes again after every step.

    Example:
        ContractObjects(
            "contract",
            ContractObjectsArgs(
                contracts=load_contracts(Path("contracts")),
                heard={"orders": {"slack:data-alerts": "warning"}},
                artifacts=storage.artifacts,
                kms_key_arn=key.arn,
                readers=[function.function],
                served_by=[crawler],
            ),
        )
    """

    index: aws.s3.BucketObjectv2

    def __init__(self, name: str, args: ContractObjectsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:storage:ContractObjects", name, None, opts)
        self._name, self._args = name, args
        # No dataset can be called so.
        key, before = f"{CONTRACTS}_ready.json", [args.artifacts.encryption, *args.readers, *args.served_by]
        ready = self._put(f"{name}s-ready", key, "{}", before)
        first = [args.artifacts.encryption, ready]
        contracts = [self._write(contract.name, contract.document, first) for contract in args.contracts]
        datasets = sorted(contract.name for contract in args.contracts)
        # With the promises in it, whoever watches them reads one object, not one for each dataset.
        promises = [
            {"dataset": contract.name, "hours": contract.document["frequency_hours"]}
            for contract in args.contracts
            if contract.document["frequency_hours"] is not None
        ]
        # For people: no function reads it, and so it is no part of what they compile rows by.
        about = [{"dataset": contract.name, **contract.about} for contract in args.contracts if contract.about]
        channels = [{"dataset": dataset, "channels": dict(heard)} for dataset, heard in sorted(args.heard.items())]
        index = {
            "datasets": datasets,
            "promises": promises,
            "places": dict(places_of(args.contracts)),
            "channels": channels,
            "about": about,
        }
        self.index = self._write("index", index, [*first, *contracts])
        self.register_outputs({})

    def _write(self, title: str, document: Mapping[str, Any], after: Sequence[Resource]) -> aws.s3.BucketObjectv2:
        content = json.dumps(document, indent=1, sort_keys=True)
        return self._put(f"{self._name}-{title}", contract_key(title), content, after)

    def _put(self, name: str, key: str, content: str, after: Sequence[Resource]) -> aws.s3.BucketObjectv2:
        return aws.s3.BucketObjectv2(
            name,
            bucket=self._args.artifacts.bucket.bucket,
            key=key,
            content=content,
            content_type="application/json",
            kms_key_id=self._args.kms_key_arn,
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )


class EvolutionError(Exception):
    """A change of a contract that would break published rows or their readers; the message lists every reason."""


def check(deployed: Contract, wanted: Contract) -> None:
    """Refuse a breaking change; warn of one that a higher MAJOR version allows.

    Raises:
        EvolutionError: naming every reason.
    """
    step = f"the contract of {wanted['dataset']} from {deployed['version']} to {wanted['version']}"
    broken = breaking_changes(deployed, wanted)
    if found := refusals(deployed, wanted):
        lines = [f"{step} is refused:", *(f"  {line}" for line in found)]
        if broken:
            lines.append(
                "Change it so that published rows stay valid (docs/semantics.md, section 8), "
                f"or raise the version to {_version(deployed)[0] + 1}.0.0."
            )
        raise EvolutionError("\n".join(lines))
    if broken:
        lines = [f"{step} breaks what was promised:", *(f"  {line}" for line in broken)]
        lines.append(
            "Published rows keep the old form until their files are backfilled with --again. Tell the readers."
        )
        pulumi.log.warn("\n".join(lines))


def compare(args: pulumi.ResourceHookArgs) -> None:
    """Check the contracts of the component before it is updated: what the stack's state has, and what is wanted.

    The state has what the last deployment set out for, also if it did not finish: it may have written a contract, and
    rows may have been published under it.

    Raises:
        EvolutionError: a change is refused; lists all of all contracts.
    """
    deployed, wanted = (_contracts(inputs) for inputs in (args.old_inputs, args.new_inputs))
    refused = []
    for dataset in sorted(deployed.keys() & wanted.keys()):
        try:
            check(deployed[dataset], wanted[dataset])
        except EvolutionError as error:
            refused.append(str(error))
    if refused:
        raise EvolutionError("\n".join(refused))


def hook(name: str) -> pulumi.ResourceHook:
    """Make the hook that compares contracts, in previews too."""
    return pulumi.ResourceHook(name, compare, pulumi.ResourceHookOptions(on_dry_run=True))


def _contracts(inputs: Mapping[str, Any] | None) -> Mapping[str, Contract]:
    """Find the forms by dataset; a dataset that is new or gone is compared with nothing."""
    found: Mapping[str, Contract] = (inputs or {}).get("contracts") or {}
    return found
