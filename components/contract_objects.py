"""The contracts in the artifacts bucket, where functions and job read them, and the index that etl_trigger reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Resource, ResourceOptions

from components.contracts import CompiledContract
from components.storage import Zone


@dataclass(frozen=True, kw_only=True)
class ContractObjectsArgs:
    """The contracts, where they are written, and what has to exist before."""

    contracts: Sequence[CompiledContract]
    artifacts: Zone
    kms_key_arn: Input[str]
    readers: Sequence[Resource]
    """Code that reads contracts: a contract is written after the code that can read it."""
    served_by: Sequence[Resource]
    """What a dataset needs (crawlers, grants, alarms): ingestion takes the files of a dataset that has a contract, so
    all of it is there first."""


class ContractObjects(pulumi.ComponentResource):
    """One object for each contract, and an index of them, which is written last."""

    index: aws.s3.BucketObjectv2

    def __init__(self, name: str, args: ContractObjectsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:storage:ContractObjects", name, None, opts)
        self._name, self._args = name, args
        contracts = [
            self._write(contract.name, contract.document, [args.artifacts.encryption, *args.readers, *args.served_by])
            for contract in args.contracts
        ]
        datasets = sorted(contract.name for contract in args.contracts)
        self.index = self._write("index", {"datasets": datasets}, contracts)
        self.register_outputs({})

    def _write(self, title: str, document: Mapping[str, Any], after: Sequence[Resource]) -> aws.s3.BucketObjectv2:
        return aws.s3.BucketObjectv2(
            f"{self._name}-{title}",
            bucket=self._args.artifacts.bucket.bucket,
            key=f"contracts/{title}.json",
            content=json.dumps(document, indent=1, sort_keys=True),
            content_type="application/json",
            kms_key_id=self._args.kms_key_arn,
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )
