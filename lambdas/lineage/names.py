"""What jobs, runs and datasets are called, by OpenLineage's convention ("Naming", read 2026-11)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from openlineage.client.naming.dataset import S3, AWSGlue, DatasetNaming
from openlineage.client.uuid import generate_static_uuid
from pipeline_core import layout
from pipeline_core.contract import Contract


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names in one stack; the fields are those of the function's environment."""

    raw_bucket: str
    curated_bucket: str
    quarantine_bucket: str
    database: str
    state_machine_arn: str

    @property
    def job_namespace(self) -> str:
        """What starts the jobs: Step Functions, in this region and account."""
        return self.state_machine_arn.partition(":stateMachine:")[0]

    def job(self, dataset: str) -> str:
        """The job that brings a dataset's files into its table: each of its batches is a run of it."""
        return f"{self.state_machine_arn.rpartition(':')[2]}.{dataset}"

    def execution_arn(self, batch_id: str) -> str:
        """The execution of a batch."""
        return layout.execution_arn(self.state_machine_arn, batch_id)

    def run_id(self, batch_id: str, created_at: str) -> str:
        """The id of a batch's run: the same whenever it is asked for, and of no other batch of any stack.

        A UUID of version 7, as the client makes them from a time and a name: those of later batches are larger.
        """
        created = datetime.fromisoformat(created_at)
        return str(generate_static_uuid(created, self.execution_arn(batch_id).encode()))

    def place(self, prefix: str) -> S3:
        """Files below a prefix of the raw bucket, as one dataset: a batch may have thousands of them."""
        return S3(bucket_name=self.raw_bucket, object_key=prefix.rstrip("/"))

    def table(self, name: str) -> AWSGlue:
        """A table of the stack's database."""
        _, _, _, region, account, *_ = self.state_machine_arn.split(":")
        return AWSGlue(region_name=region, account_id=account, database_name=self.database, table_name=name)

    def table_location(self, dataset: str) -> S3:
        """Where a dataset's table has its files."""
        return S3(bucket_name=self.curated_bucket, object_key=layout.table_prefix(dataset).rstrip("/"))

    def quarantine_location(self, prefix: str) -> S3:
        """Where one of the tables of what was refused has its files."""
        return S3(bucket_name=self.quarantine_bucket, object_key=prefix.rstrip("/"))


def place_of(key: str, contract: Contract) -> str:
    """Say below which of the contract's prefixes a file is: the longest; the dataset's own folder if none fits now."""
    under = [place for place in contract.places if key.startswith(place)]
    return max(under, key=len, default=f"{contract.dataset}/")


def places_of(keys: Iterable[str], contract: Contract) -> list[str]:
    """The prefixes that files are below, each once, sorted."""
    return sorted({place_of(key, contract) for key in keys})


def is_at(dataset: DatasetNaming) -> tuple[str, str]:
    """Namespace and name of a dataset."""
    return dataset.get_namespace(), dataset.get_name()
